"""Subscriptions and cancel-on-disconnect: what is wanted, what is in force, and what the caller was left with."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from qfex import (
    Channel,
    ConnectionState,
    OrderStatus,
    OutcomeUnknown,
    ReconnectPolicy,
    RequestTimeout,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, Scripted
from tests.support.helpers import AAPL, QUICK, Connect, Received, eventually, outcome, wait_for_reconnects

# --- subscriptions -----------------------------------------------------------------------------------------------


def error(request: Message, code: str) -> Message:
    return {"err": {"error_code": code, "message": "", "incoming_message": request}}


def first_connection(peer: Peer) -> None:
    """Confirm everything until the script drops the connection."""
    peer.accept()
    while True:
        request = peer.receive()
        peer.answer(request)
        if request["type"] == "subscribe" and "balances" in request["params"]["channels"]:
            peer.drop()


def second_connection(*answers: Any) -> Any:
    """A script that gives the subscriptions of balances these answers, and confirms them after that."""
    left = list(answers)

    def script(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            is_meant = request["type"] == "subscribe" and "balances" in request["params"]["channels"]
            if not (is_meant and left):
                peer.answer(request)
            elif code := left.pop(0):
                peer.send(error(request, code))

    return script


@pytest.mark.parametrize(
    "answer", ["PermissionDenied", "ServerError", ""], ids=["refused", "error", "silent"]
)
def test_r55_a_channel_that_is_not_restored_keeps_nobody_from_trading(
    scripted: Scripted, answer: str
) -> None:
    exchange, client = scripted(first_connection, second_connection(*[answer] * 100))
    errors, states = Received(client, Channel.ERRORS), Received(client, Channel.CONNECTION)
    client.subscribe(Channel.BALANCES)
    wait_for_reconnects(states)
    assert client.place_order(AAPL, "BUY", 1, 200).status is OrderStatus.ACK
    (problem,) = errors.count(1)
    assert "balances" in problem.message
    assert len(exchange.peers) == 2 and client.state is ConnectionState.READY


def test_r55_a_channel_is_restored_after_errors_that_pass(scripted: Scripted) -> None:
    exchange, client = scripted(first_connection, second_connection("ServerError", "ServerError"))
    balances, states = Received(client, Channel.BALANCES), Received(client, Channel.CONNECTION)
    errors = Received(client, Channel.ERRORS)
    wait_for_reconnects(states)
    asked = exchange.peers[1].commands
    eventually(
        lambda: [c["params"].get("channels") for c in asked].count(["balances"]) == 3, "it is asked again"
    )
    exchange.peers[1].send({"balance_response": {"deposit": 7.0}})
    assert balances.count(1)[0].deposit == 7
    assert len(errors.events) == 1


# --- cancel-on-disconnect ----------------------------------------------------------------------------------------


def is_armed(sim: Simulator) -> list[bool]:
    return [one.cancel_on_disconnect for one in sim.connections]


@pytest.mark.parametrize("before", [True, False])
def test_r56_a_change_that_was_not_sent_leaves_the_setting_on_every_connection(
    sim: Simulator, connect: Connect, before: bool
) -> None:
    """The call's time is up while the new connection finds out what was missed."""
    client = connect(sim, cancel_on_disconnect=before, reconnect=QUICK)
    states = Received(client, Channel.CONNECTION)
    held = sim.faults.hold_reply("get_user_orders")
    sim.faults.drop_now()
    states.wait(lambda events: any(event.state is not ConnectionState.READY for event in events))
    change = outcome(lambda: client.set_cancel_on_disconnect(not before, timeout=0.3))
    held.release()
    assert isinstance(change, RequestTimeout) and not change.sent
    wait_for_reconnects(states)
    assert is_armed(sim) == [before]
    sim.faults.drop_now()
    wait_for_reconnects(states, times=2)
    assert is_armed(sim) == [before]


@pytest.mark.parametrize("before", [True, False])
def test_r56_a_change_with_an_unknown_outcome_is_in_force_on_the_next_connection(
    sim: Simulator, connect: Connect, before: bool
) -> None:
    client = connect(
        sim, cancel_on_disconnect=before, reconnect=ReconnectPolicy(initial_delay=0.01, max_delay=0.02)
    )
    states = Received(client, Channel.CONNECTION)
    sim.faults.drop_before_reply("cancel_on_disconnect")
    with pytest.raises(OutcomeUnknown):
        client.set_cancel_on_disconnect(not before)
    wait_for_reconnects(states)
    assert is_armed(sim) == [not before]


# --- client order ids that were used before ----------------------------------------------------------------------


def test_r51_an_order_is_not_answered_by_an_older_one_with_its_client_order_id(
    sim: Simulator, connect: Connect, counterparty: TradeClient
) -> None:
    connect(sim).place_order(AAPL, "SELL", "0.7", 336, client_order_id="bot-1")
    today = connect(sim)
    held = sim.faults.hold_reply("add_order", when=lambda m: m["params"].get("client_order_id") == "bot-1")
    pending = today.submit_order(AAPL, "BUY", "0.2", 330, client_order_id="bot-1")
    reads = threading.Event()
    today.on(Channel.ORDERS, lambda order: reads.set() if order.side == "SELL" else None)
    counterparty.place_order(AAPL, "BUY", "0.7", 336, wait=True)  # the older one is filled just now
    assert reads.wait(5) and not pending.done
    held.release()
    answer = pending.result(5)
    assert (answer.side, str(answer.quantity), answer.price) == ("BUY", "0.2", 330)


def test_r51_resolve_does_not_find_an_older_order_instead_of_the_one_that_never_arrived(
    sim: Simulator, connect: Connect
) -> None:
    client = connect(sim)
    client.cancel_order(client.place_order(AAPL, "BUY", "0.2", 329, client_order_id="bot-1"))
    sim.faults.swallow_command("add_order")
    unknown = outcome(
        lambda: client.place_order(AAPL, "BUY", "0.2", 330, client_order_id="bot-1", timeout=0.3)
    )
    assert isinstance(unknown, OutcomeUnknown)
    assert client.resolve("bot-1", AAPL) is None

"""Cancel-on-disconnect: armed before any order, on every connection (R30)."""

from __future__ import annotations

import threading

import pytest

from qfex import (
    ApiError,
    Channel,
    ConnectionState,
    NotConnected,
    OrderStatus,
    OutcomeUnknown,
    QfexConnectionError,
    ReconnectPolicy,
    RequestTimeout,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.exchange import Peer, Scripted, answers_everything, answers_nothing
from tests.support.helpers import (
    AAPL,
    Connect,
    catch_up,
    eventually,
    next_event,
    outcome,
    sent,
)


def open_orders(sim: Simulator) -> int:
    account = sim.account_id(sim.credentials)
    return sim.exchange_call(lambda exchange: len(exchange.open_orders(account)))


def leave(sim: Simulator, client: TradeClient) -> None:
    client.close()
    while sim.connections:  # the exchange sees the end a moment later
        pass


def test_orders_stay_open_when_a_client_closes(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    client.place_order(AAPL, "BUY", 1, 330)
    leave(sim, client)
    assert open_orders(sim) == 1 and sent(sim, "cancel_on_disconnect") == []


def test_an_armed_clients_orders_are_cancelled_when_it_closes(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, cancel_on_disconnect=True)
    commands = [entry.command for entry in sim.ledger.received]
    assert commands == ["auth", "cancel_on_disconnect", "subscribe"]  # before an order can be sent
    client.place_order(AAPL, "BUY", 1, 330)
    leave(sim, client)
    assert open_orders(sim) == 0


def test_cancel_on_disconnect_can_be_switched_on_and_off(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    client.place_order(AAPL, "BUY", 1, 330)
    assert client.set_cancel_on_disconnect(True) is None  # type: ignore[func-returns-value]
    assert [one.cancel_on_disconnect for one in sim.connections] == [True]
    client.set_cancel_on_disconnect(False)
    assert sent(sim, "cancel_on_disconnect") == [
        {"cancel_on_disconnect": True},
        {"cancel_on_disconnect": False},
    ]
    leave(sim, client)
    assert open_orders(sim) == 1


def test_the_end_of_an_armed_session_cancels_the_orders_of_the_whole_account(
    sim: Simulator, connect: Connect
) -> None:
    other, client = connect(sim), connect(sim, cancel_on_disconnect=True)
    order = other.place_order(AAPL, "BUY", 1, 330)
    client.close()
    done = other.wait_until_done(order)
    assert done.status is OrderStatus.CANCELLED and other.open_orders == {}


def test_cancel_on_disconnect_is_armed_on_every_new_connection(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=ReconnectPolicy(initial_delay=0.01, max_delay=0.02))
    client.set_cancel_on_disconnect(True)
    with client.stream(Channel.CONNECTION) as states:
        sim.faults.drop_now()
        next_event(states, lambda event: event.state is ConnectionState.READY)
    assert sent(sim, "cancel_on_disconnect") == [{"cancel_on_disconnect": True}] * 2
    assert [one.cancel_on_disconnect for one in sim.connections] == [True]


def test_a_refused_switch_raises_and_changes_nothing(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=ReconnectPolicy(initial_delay=0.01, max_delay=0.02))
    sim.faults.error_reply("cancel_on_disconnect", "ServerError", "not now")
    with pytest.raises(ApiError, match="not now"):
        client.set_cancel_on_disconnect(True)
    with client.stream(Channel.CONNECTION) as states:
        sim.faults.drop_now()
        next_event(states, lambda event: event.state is ConnectionState.READY)
    catch_up(client)
    assert [one.cancel_on_disconnect for one in sim.connections] == [False]


def test_arming_that_may_have_reached_the_exchange_has_an_unknown_outcome(scripted: Scripted) -> None:
    """The subscribe that proves the arming cannot be sent: it waits for the overdue confirmation of another."""

    def confirms_no_more(peer: Peer) -> None:
        peer.accept()
        peer.receive("cancel_on_disconnect")
        peer.send({"ack": {"incoming_message": peer.commands[-1]}})
        peer.read_until_closed()

    exchange, client = scripted(confirms_no_more)
    client.set_cancel_on_disconnect(True)
    second = outcome(lambda: client.set_cancel_on_disconnect(False, timeout=0.3))
    sent = [each for each in exchange.peers[0].commands if each["type"] == "cancel_on_disconnect"]
    assert len(sent) == 2
    assert isinstance(second, OutcomeUnknown)


def test_arming_that_was_never_sent_is_not_repeated_later(scripted: Scripted) -> None:
    exchange, client = scripted(answers_nothing, Peer.discard_input)
    exchange.peers[0].drop()
    eventually(lambda: len(exchange.peers) == 2, "the attempt to connect that hangs")
    arming = outcome(lambda: client.set_cancel_on_disconnect(True, timeout=0.05))
    assert isinstance(arming, RequestTimeout) and not arming.sent
    assert client._session.endpoint.account.cancel_on_disconnect is False


def test_r30_no_order_is_sent_on_a_new_connection_before_it_is_armed(scripted: Scripted) -> None:
    """The reply to the subscribe that follows it proves that the exchange has applied the setting."""
    armed = threading.Event()

    def slow_to_confirm(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.send({"authenticated": True})
        peer.receive("subscribe")
        armed.wait(5)
        peer.answer(peer.commands[-1])
        while True:
            peer.answer(peer.receive())

    exchange, client = scripted(answers_everything, slow_to_confirm, cancel_on_disconnect=True)
    exchange.peers[0].drop()
    eventually(lambda: len(exchange.peers) == 2 and len(exchange.peers[1].commands) == 3, "the arming")
    early = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.3))
    assert isinstance(early, RequestTimeout) and early.sent is False
    commands = [command["type"] for command in exchange.peers[1].commands]
    assert commands == ["auth", "cancel_on_disconnect", "subscribe"]
    armed.set()
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


def test_r30_where_arming_is_refused_no_order_can_be_placed(scripted: Scripted) -> None:
    def refuses(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.send({"authenticated": True})
        request = peer.receive("cancel_on_disconnect")
        peer.send({"err": {"error_code": "ServerError", "message": "not now", "incoming_message": request}})
        peer.confirm_subscribe()
        peer.read_until_closed()

    exchange, client = scripted(refuses, connected=False, cancel_on_disconnect=True, reconnect=None)
    assert isinstance(outcome(client.connect), QfexConnectionError)
    assert isinstance(outcome(lambda: client.place_order(AAPL, "BUY", 1, 200)), NotConnected)
    assert all(command["type"] != "add_order" for peer in exchange.peers for command in peer.commands)


def test_r30_nothing_is_armed_unless_it_was_asked_for(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything)
    client.get_user_orders()
    assert [command["type"] for command in exchange.peers[0].commands] == [
        "auth",
        "subscribe",
        "get_user_orders",
    ]

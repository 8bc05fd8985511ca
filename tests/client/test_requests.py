"""Orders and requests: nothing twice, nothing to the wrong caller, nothing invented (R22 to R25, R27, R29)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from qfex import (
    ApiError,
    Channel,
    InvalidParameter,
    Order,
    OrderRejected,
    OutcomeUnknown,
    RequestTimeout,
    TradeClient,
)
from qfex.sim import Simulator
from tests.client.conftest import Stage
from tests.support.exchange import Peer, acknowledged, obliging, order
from tests.support.helpers import AAPL, QUICK, Heard, background, eventually, outcome

LIVE = pytest.mark.parametrize("dialect", ["live"], indirect=True)
Connect = Callable[..., TradeClient]


def test_r22_sixteen_threads_send_a_thousand_messages_each_and_all_arrive_whole(stage: Stage) -> None:
    """Sent by `submit_order`, so that the writers are never far apart; the exchange parses every frame."""
    exchange, client = stage(obliging, rate_limit=None)

    def send(name: int) -> None:
        for number in range(1000):
            client.submit_order(
                AAPL, "BUY", 1, 200, client_order_id=f"{name}-{number}-{'x' * (number % 200)}"
            )

    threads = [threading.Thread(target=send, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    eventually(lambda: client.stats().pending == 0, "all answers", patience=30)
    ids = Counter(
        command["params"]["client_order_id"]
        for command in exchange.peers[0].commands
        if command["type"] == "add_order"
    )
    assert len(ids) == 16_000 and set(ids.values()) == {1}


def test_r23_a_lost_reply_is_an_unknown_outcome_and_resolve_tells_the_truth(
    market: Simulator, connect: Connect
) -> None:
    client = connect(market)
    for price, done in ((None, True), (150, False)):
        market.faults.swallow_reply("add_order")
        with pytest.raises(OutcomeUnknown) as caught:
            client.place_order(AAPL, "BUY", 1, price, timeout=0.2)
        assert not isinstance(caught.value, OrderRejected) and caught.value.sent
        found = client.resolve(caught.value.client_order_id or "", AAPL)
        (row,) = market.ledger.orders(caught.value.client_order_id).values()
        assert found is not None and (found.order_id, found.is_done) == (row.order_id, done)


def test_r23_resolve_says_none_only_of_what_the_exchange_never_had(
    sim: Simulator, client: TradeClient
) -> None:
    sim.faults.swallow_command("add_order")
    with pytest.raises(OutcomeUnknown) as caught:
        client.place_order(AAPL, "BUY", 1, 190, timeout=0.2)
    assert client.resolve(caught.value.client_order_id or "", AAPL) is None


@pytest.mark.parametrize("deaf", ["get_user_orders", "get_order"])
def test_r23_resolve_does_not_say_none_where_it_could_not_ask(
    sim: Simulator, connect: Connect, deaf: str
) -> None:
    client = connect(sim, reconnect=QUICK)
    sim.faults.swallow_command("add_order")
    with pytest.raises(OutcomeUnknown) as caught:
        client.place_order(AAPL, "BUY", 1, 190, timeout=0.1)
    sim.faults.error_reply(deaf, "ServerError", times=None)
    with pytest.raises(OutcomeUnknown):
        client.resolve(caught.value.client_order_id or "", AAPL, timeout=1.5)


@LIVE
def test_r23_resolve_does_not_say_none_without_the_history(sim: Simulator) -> None:
    from qfex import Environment

    nowhere = Environment(sim.environment.trade_url, sim.environment.market_data_url, "http://127.0.0.1:9")
    with TradeClient(nowhere, sim.credentials) as client, pytest.raises(OutcomeUnknown):
        client.resolve("never-placed", AAPL, timeout=1.5)


def test_r24_what_was_not_written_before_the_loss_is_not_sent_afterwards(stage: Stage) -> None:
    """Orders are not queued for the next line: a call waits for it in its own thread, or says that nothing left."""

    def comes_back_later(peer: Peer) -> None:
        assert gone.wait(5)
        obliging(peer)

    gone = threading.Event()
    exchange, client = stage(obliging, comes_back_later)
    exchange.peers[0].vanish()
    eventually(lambda: len(exchange.peers) == 2, "the next line")
    failed = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.1))
    assert isinstance(failed, RequestTimeout) and not failed.sent
    with background(lambda: client.place_order(AAPL, "BUY", 1, 200, client_order_id="patient")) as placed:
        gone.set()
        assert placed().client_order_id == "patient"
    orders = [each for each in exchange.peers[1].commands if each["type"] == "add_order"]
    assert [each["params"]["client_order_id"] for each in orders] == ["patient"]


def test_r25_silence_is_never_told_as_a_rejection(stage: Stage) -> None:
    """No message, no news: neither a timeout nor a lost line changes what is known of an order."""

    def forgetful(peer: Peer) -> None:
        peer.greet()
        peer.oblige(peer.receive("add_order"))
        peer.until_gone()

    def says_nothing_of_orders(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            if request["type"] == "get_order":
                peer.send({"err": {"error_code": "ServerError", "incoming_message": request}})
            else:
                peer.oblige(request)

    exchange, client = stage(forgetful, says_nothing_of_orders)
    heard, changes = Heard(client, Channel.ORDERS), Heard(client, Channel.CONNECTION)
    placed = client.place_order(AAPL, "BUY", 1, 200)
    for call in (
        lambda: client.cancel_order(placed, timeout=0.1),
        lambda: client.modify_order(placed, price=201, timeout=0.1),
    ):
        assert isinstance(outcome(call), OutcomeUnknown)
    exchange.peers[0].vanish()
    changes.wait(lambda events: any(event.gap_end for event in events))
    assert client.open_orders == {placed.order_id: placed}
    assert [order.status.value for order in heard.events] == ["ACK"]


@pytest.mark.parametrize("first", ["fill", "ack"])
def test_r27_an_answer_in_one_piece_with_what_follows_is_not_lost(stage: Stage, first: str) -> None:
    """The whole life of an order in one segment, in either order, before anybody could wait for it."""

    def quick(peer: Peer) -> None:
        peer.greet()
        while True:
            command = peer.receive("add_order")
            client_id = command["params"]["client_order_id"]
            filled = order(client_id, "FILLED", quantity_remaining=0.0, trade_id="t1")
            pieces = [acknowledged(command), filled]
            peer.send(*(pieces if first == "ack" else reversed(pieces)))

    _, client = stage(quick)
    for _ in range(50):
        done = client.place_order(AAPL, "BUY", 1, 200, wait=True)
        assert done.status.value == "FILLED" and done.is_done
    assert client.open_orders == {}


def test_r29_an_error_fails_the_call_that_it_names_and_no_other(sim: Simulator, client: TradeClient) -> None:
    """Whatever the form of the echo: an object, its text, or none at all."""
    errors = Heard(client, Channel.ERRORS)
    for echo in ("object", "text"):
        sim.faults.error_reply(
            "add_order", "InvalidParameter", "no", echo=echo, when=lambda each: "bad" in str(each)
        )
        good = [client.submit_order(AAPL, "BUY", 1, 190, client_order_id=f"good-{n}") for n in range(5)]
        bad = client.submit_order(AAPL, "BUY", 1, 190, client_order_id="bad")
        good += [client.submit_order(AAPL, "BUY", 1, 190, client_order_id=f"more-{n}") for n in range(5)]
        assert all(isinstance(each.result(), Order) for each in good)
        with pytest.raises(InvalidParameter) as caught:
            bad.result()
        assert "bad" in str(caught.value.incoming_message)
    assert errors.events == []


def test_r29_an_error_that_names_nobody_fails_nobody(sim: Simulator, client: TradeClient) -> None:
    errors = Heard(client, Channel.ERRORS)
    held = sim.faults.hold_reply("add_order")
    pending = client.submit_order(AAPL, "BUY", 1, 190)
    eventually(lambda: held.count, "the reply")
    sim.faults.inject(
        {"err": {"error_code": "ServerError", "message": "something", "incoming_message": None}}
    )
    (event,) = errors.count(1)
    assert isinstance(event.error, ApiError) and event.kind == "exchange"
    held.release()
    assert pending.result().is_live


def test_r29_what_other_sessions_of_the_account_do_answers_nobody(
    sim: Simulator, client: TradeClient, connect: Connect
) -> None:
    other = connect(sim)
    held = sim.faults.hold_reply("add_order", when=lambda each: "mine" in str(each))
    pending = client.submit_order(AAPL, "BUY", 1, 190, client_order_id="mine")
    for number in range(5):
        theirs = other.place_order(AAPL, "BUY", 1, 190, client_order_id=f"theirs-{number}")
        other.cancel_order(other.modify_order(theirs, price=191))
    assert not pending.done
    held.release()
    assert pending.result().client_order_id == "mine"


def test_the_exchange_is_told_nothing_twice_however_often_the_answer_is_asked_for(
    stage: Stage, monkeypatch: Any
) -> None:
    exchange, client = stage(obliging)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    assert len({pending.result().order_id for _ in range(10)}) == 1
    assert [each["type"] for each in exchange.peers[0].commands].count("add_order") == 1

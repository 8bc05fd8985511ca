"""Each reply goes to the call that it answers, and to no other (R27, R29)."""

from __future__ import annotations

import threading

import pytest

from qfex import (
    ApiError,
    Channel,
    InvalidParameter,
    Order,
    OrderRejected,
    OrderStatus,
    OutcomeUnknown,
    RequestTimeout,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, Scripted, acknowledgement, order_response
from tests.support.helpers import (
    AAPL,
    PATIENCE,
    Connect,
    Received,
    background,
    eventually,
    outcome,
)


def test_a_lost_reply_does_not_take_the_next_reply_about_the_same_order(
    market: Simulator, connect: Connect
) -> None:
    client = connect(market)
    market.faults.swallow_reply("add_order")
    with pytest.raises(OutcomeUnknown):
        client.place_order(AAPL, "BUY", 1, client_order_id="mine", timeout=0.2)
    found = client.get_order(AAPL, "mine", timeout=2)
    assert found.client_order_id == "mine" and found.is_done


@pytest.mark.parametrize(
    ("command", "refusal"),
    [("modify_order", "FAILED_MARGIN_CHECK"), ("cancel_order", "REJECTED_MARKET_CLOSED")],
)
def test_a_refusal_does_not_answer_a_query_about_the_order(
    scripted: Scripted, command: str, refusal: str
) -> None:
    """The query was sent first, but the refusal of the other command arrives first."""
    asked = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        peer.receive("get_order")
        asked.set()
        peer.receive(command)
        peer.send(order_response("mine", refusal))
        peer.send(order_response("mine", "ACK"))

    _, client = scripted(script)
    placed = client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    with background(lambda: client.get_order(AAPL, placed.order_id)) as question:
        assert asked.wait(5)
        with pytest.raises(OrderRejected) as caught:
            client.cancel_order(placed) if command == "cancel_order" else client.modify_order(
                placed, price=201
            )
        assert caught.value.status is OrderStatus(refusal)
        assert question().status is OrderStatus.ACK


def test_an_acknowledgement_answers_the_order_and_a_query_about_it(scripted: Scripted) -> None:
    """The acknowledgement of an order also answers a query about it, so that the query does not wait for ever."""

    def script(peer: Peer) -> None:
        peer.accept()
        command = peer.receive("add_order")
        peer.receive("get_order")
        peer.send(acknowledgement(command))

    _, client = scripted(script)
    pending = client.submit_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    assert client.get_order(AAPL, "mine", timeout=2).client_order_id == "mine"
    assert pending.result().client_order_id == "mine"


READS = {
    "trades": (lambda client, timeout: client.get_user_trades(timeout=timeout), "get_user_trades"),
    "orders": (lambda client, timeout: client.get_user_orders(timeout=timeout), "get_user_orders"),
    "leverage": (lambda client, timeout: client.get_leverage(timeout=timeout), "get_user_leverage"),
    "levels": (
        lambda client, timeout: client.get_available_leverage(timeout=timeout),
        "get_available_leverage_levels",
    ),
}


def _page(kind: str, number: int) -> Message:
    """A reply of one row, which contains a number."""
    price = float(number)
    if kind == "trades":
        row = {"trade_id": str(number), "symbol": AAPL, "price": price, "quantity": 1.0}
        return {"user_trades_response": [row]}
    if kind == "orders":
        return {
            "all_orders_response": {"orders": [order_response(str(number))["order_response"]], "twaps": []}
        }
    key = "user_leverage_response" if kind == "leverage" else "available_leverage_levels_response"
    return {key: [{"symbol": str(number), "leverage": "20"}]}


def _number(kind: str, answer) -> int:
    if kind == "orders":
        return int(answer.orders[0].client_order_id)
    return int(answer[0].trade_id if kind == "trades" else answer[0].symbol)


@pytest.mark.parametrize("kind", READS)
def test_a_late_reply_never_answers_the_next_call(scripted: Scripted, kind: str) -> None:
    ask, command = READS[kind]

    def script(peer: Peer) -> None:
        peer.accept()
        peer.receive(command)
        peer.receive("add_order")  # sent when the first caller has given up
        peer.send(_page(kind, 1))
        peer.receive(command)
        peer.send(_page(kind, 2))

    exchange, client = scripted(script)
    with pytest.raises(RequestTimeout) as caught:
        ask(client, 0.05)
    assert caught.value.sent
    client.submit_order(AAPL, "BUY", 1, 200)
    assert _number(kind, ask(client, 4)) == 2
    assert len(exchange.peers) == 1, "the late reply came in time to keep the connection"


@pytest.mark.parametrize("kind", READS)
def test_a_reply_that_never_comes_costs_the_connection_but_answers_no_other_call(
    scripted: Scripted, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qfex.session.connection.LATE_REPLY_GRACE", 0.3)
    ask, command = READS[kind]

    def never_answers(peer: Peer) -> None:
        peer.accept()
        peer.read_until_closed()
        peer.send(_page(kind, 1))

    def second(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            if request["type"] == command and request["params"].get("limit") != 1000:
                peer.send(_page(kind, 2))
            else:
                peer.send({"all_orders_response": {"orders": [], "twaps": []}})

    exchange, client = scripted(never_answers, second)
    outcome(lambda: ask(client, 0.05))
    assert _number(kind, ask(client, 5)) == 2
    assert len(exchange.peers) == 2
    assert [each["type"] for each in exchange.peers[0].commands].count(command) == 1


def test_a_repeated_refusal_does_not_answer_a_query(scripted: Scripted) -> None:
    """The client asks once more before it believes that an order it knows does not exist."""

    def doubles(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        refusal = order_response("mine", "NO_SUCH_ORDER", order_id="")
        peer.receive("cancel_order")
        peer.send(refusal)
        peer.receive("get_order")
        peer.send(refusal)
        peer.receive("get_order")
        peer.send(order_response("mine"))
        while True:
            peer.answer(peer.receive())

    _, client = scripted(doubles)
    client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    with pytest.raises(OrderRejected):
        client.cancel_order("mine", symbol=AAPL, id_type="client_order_id")
    assert client.get_order(AAPL, "mine").is_live
    with pytest.raises(OrderRejected):
        client.get_order(AAPL, "never-seen")


# --- several requests at once -------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["fill", "ack"])
def test_r27_a_reply_that_arrives_together_with_its_fill_is_not_lost(scripted: Scripted, first: str) -> None:
    """Acknowledgement and fill arrive in one segment, in either order, before the caller waits for them."""

    def quick(peer: Peer) -> None:
        peer.accept()
        while True:
            command = peer.receive("add_order")
            client_id = command["params"]["client_order_id"]
            filled = order_response(client_id, "FILLED", quantity_remaining=0.0, trade_id="t1")
            pieces = [acknowledgement(command), filled]
            peer.send(*(pieces if first == "ack" else reversed(pieces)))

    _, client = scripted(quick)
    for _ in range(50):
        done = client.place_order(AAPL, "BUY", 1, 200, wait=True)
        assert done.status.value == "FILLED" and done.is_done
    assert client.open_orders == {}


def test_r29_an_error_fails_the_call_that_it_names_and_no_other(sim: Simulator, client: TradeClient) -> None:
    """Whether the echo is an object or its text."""
    errors = Received(client, Channel.ERRORS)
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


def test_r29_an_error_that_names_no_call_fails_none(sim: Simulator, client: TradeClient) -> None:
    errors = Received(client, Channel.ERRORS)
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


def test_r29_orders_of_other_sessions_answer_no_call(
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


def test_a_listed_order_with_the_same_client_order_id_answers_no_pending_order(scripted: Scripted) -> None:
    """Client order ids need not be unique: an older order in a list is no reply to the new one."""
    listed = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        peer.receive("add_order")
        older = order_response("mine", order_id="older")
        peer.send(older)
        peer.receive("add_order")
        peer.receive("get_user_orders")
        peer.send({"all_orders_response": {"orders": [older["order_response"]], "twaps": []}})
        listed.wait(5)
        peer.send(order_response("mine", order_id="newer"))

    _, client = scripted(script)
    client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    pending = client.submit_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    client.get_user_orders()
    listed.set()
    assert pending.result().order_id == "newer"


def test_a_reply_to_an_order_of_a_lost_connection_answers_no_later_order(scripted: Scripted) -> None:
    """The same client order id on two connections: a late reply to the first order does not answer the second."""
    answer = threading.Event()

    def dies(peer: Peer) -> None:
        peer.accept()
        peer.receive("add_order")
        peer.drop()

    def second(peer: Peer) -> None:
        peer.accept()
        while (request := peer.receive())["type"] != "add_order":
            peer.answer(request)
        peer.send(
            {
                "err": {
                    "error_code": "InvalidOrder",
                    "incoming_message": {**request, "params": {**request["params"], "quantity": 7}},
                }
            }
        )
        answer.wait(PATIENCE)
        peer.send(acknowledgement(request))
        peer.read_until_closed()

    _, client = scripted(dies, second)
    first = outcome(lambda: client.place_order(AAPL, "BUY", 7, 200, client_order_id="mine"))
    assert isinstance(first, OutcomeUnknown) and first.reason == "connection lost"
    client.wait_until_ready()
    later = client.submit_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    errors = outcome(lambda: later.result(timeout=0.2))
    assert isinstance(errors, OutcomeUnknown), "the error was about the order of seven"
    answer.set()
    assert later.result(timeout=PATIENCE).quantity == 1

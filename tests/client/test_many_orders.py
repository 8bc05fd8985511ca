"""Many orders in one write: each has its own outcome, wherever the connection is cut (R23, R24)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from qfex import (
    ApiError,
    Channel,
    Order,
    OrderRejected,
    OrderRequest,
    OutcomeUnknown,
    QfexError,
    RateLimitPolicy,
    RequestTimeout,
    TradeClient,
)
from qfex.sim import Simulator
from qfex.workflows import resolve as resolving
from tests.support.exchange import Peer, Scripted, answers_everything
from tests.support.helpers import (
    AAPL,
    GOLD,
    PATIENCE,
    QUICK,
    background,
    catch_up,
    eventually,
    next_event,
)

ORDERS = 3
STRIDE = 11  # bytes between two cuts


def batch(name: str, orders: int = ORDERS) -> list[OrderRequest]:
    return [OrderRequest(AAPL, "BUY", 1, 150, client_order_id=f"{name}-{n}") for n in range(orders)]


@pytest.mark.parametrize(
    ("dialect", "direction"), [("live", "in"), ("live", "out"), ("documented", "out")], indirect=["dialect"]
)
def test_r24_wherever_a_batch_is_cut_each_order_has_its_true_outcome(
    quiet: Simulator, direction: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "NOT_FOUND_GRACE", 0.02)  # no order is on its way for long on loopback
    cable, outcomes = quiet.cable(), set()
    credentials = quiet.create_account(10_000_000)
    with TradeClient(cable.environment, credentials, reconnect=QUICK, rate_limit=None) as client:
        for after in range(1, 1200, STRIDE):
            connection = client._session.current
            cable.cut_after_bytes(after, direction)
            requests = batch(f"cut-{after:06}")
            ends = client.place_orders(requests)
            for request, end in zip(requests, ends, strict=True):
                outcomes.add(type(end))
                require_truth(quiet, client, request, end)
            if client._session.current is connection and direction == "in":
                break  # the whole batch was shorter than that
            cable.flow()
            client.wait_until_ready()
            client.cancel_all_orders()
    assert outcomes == {Order, OutcomeUnknown}


def require_truth(sim: Simulator, client: TradeClient, request: OrderRequest, end: Order | QfexError) -> None:
    name = str(request.client_order_id)
    assert sim.ledger.count("add_order", name) <= 1, f"{name} was sent twice"
    if isinstance(end, OutcomeUnknown):
        resolved = client.resolve(name, AAPL)
        assert (resolved is not None) == bool(sim.ledger.orders(name)), name
    else:
        assert isinstance(end, Order) and end.order_id in sim.ledger.orders(name), end


def test_r23_orders_that_never_left_are_distinguished_from_those_that_may_have(scripted: Scripted) -> None:
    exchange, client = scripted(lambda peer: (peer.accept(), peer.stop_reading()), reconnect=None)
    requests = batch("x" * 10_000, 2000)  # more than the buffers of a socket hold
    ends = client.place_orders(requests, timeout=1.0)
    unknown = [isinstance(end, OutcomeUnknown) for end in ends]
    assert all(isinstance(end, OutcomeUnknown) or getattr(end, "sent", False) is False for end in ends)
    assert unknown == sorted(unknown, reverse=True) and 0 < sum(unknown) < len(ends)
    peer = exchange.peers[0]
    with background(peer.read_until_closed):
        client.close()
    arrived = sum(each["type"] == "add_order" for each in peer.commands)
    assert arrived <= sum(unknown), "an order arrived that was reported as never sent"


def test_an_acknowledged_order_of_a_broken_batch_is_returned(scripted: Scripted) -> None:
    """The reply counts, though the connection was lost before the rest of the batch was acknowledged."""

    def answers_one(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        eventually(lambda: outcomes, "the first answer")
        peer.drop(reset=True)

    outcomes: list[Order] = []
    _, client = scripted(answers_one, reconnect=None)
    client.on("order_responses", outcomes.append)
    ends = client.place_orders(batch("b", 5))
    assert isinstance(ends[0], Order)
    assert all(isinstance(end, OutcomeUnknown) for end in ends[1:])


def test_a_batch_keeps_the_message_budget_and_its_order(scripted: Scripted) -> None:
    policy = RateLimitPolicy(units_per_second=1.0, burst=5.0)
    exchange, client = scripted(answers_everything, rate_limit=policy)
    ends = client.place_orders(batch("b", 7), timeout=0.5)
    assert [type(end) for end in ends] == [Order] * 5 + [RequestTimeout] * 2
    sent = [
        each["params"]["client_order_id"]
        for each in exchange.peers[0].commands
        if each["type"] == "add_order"
    ]
    assert sent == [f"b-{number}" for number in range(5)]


def test_stops_in_a_batch_are_sent_in_their_turn(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything)
    stops = [OrderRequest(AAPL, "SELL", 1, 100, "STOP_LOSS", client_order_id=f"stop-{n}") for n in range(2)]
    first, second, third = batch("b")
    ends = client.place_orders([first, stops[0], second, stops[1], third])
    assert all(isinstance(end, Order) for end in ends)
    sent = [
        each["params"]["client_order_id"]
        for each in exchange.peers[0].commands
        if each["type"] == "add_order"
    ]
    assert sent == ["b-0", "stop-0", "b-1", "stop-1", "b-2"]


# --- on the simulator ---------------------------------------------------------------------------------------


def test_the_outcomes_of_a_batch_keep_the_places_of_its_orders(sim: Simulator, client: TradeClient) -> None:
    requests = [
        OrderRequest(AAPL, "BUY", 1, 330, client_order_id="a"),
        OrderRequest(AAPL, "BUY", -1, 330),  # refused by the client
        OrderRequest(GOLD, "BUY", 1, "4200.1", client_order_id="b"),
        OrderRequest(AAPL, "BUY", 1, 400),  # refused by the exchange
        OrderRequest(AAPL, "BUY", 2, 331, time_in_force="IOC", client_order_id="c"),
    ]
    results = client.place_orders(requests)
    assert [type(result).__name__ for result in results[:3]] == ["Order", "ValidationError", "Order"]
    assert isinstance(results[3], (OrderRejected, ApiError))
    assert [result.client_order_id for result in results if isinstance(result, Order)] == ["a", "b", "c"]
    assert sim.ledger.count("add_order") == 4


def test_a_batch_is_sent_without_waiting_for_replies(sim: Simulator, client: TradeClient) -> None:
    held = sim.faults.hold_reply("add_order", times=None)
    requests = (OrderRequest(AAPL, "BUY", 1, 330, client_order_id=f"n{number}") for number in range(20))
    with client.stream(Channel.ORDERS) as orders, ThreadPoolExecutor() as pool:
        placing = pool.submit(client.place_orders, requests)
        while sim.ledger.count("add_order") < 20 and not placing.done():
            catch_up(client)
        assert not placing.done()  # all have arrived, and none has been acknowledged
        held.release()
        sim.faults.clear()
        placed = [order.client_order_id for order in placing.result(PATIENCE) if isinstance(order, Order)]
        assert (
            placed
            == [next_event(orders).client_order_id for _ in range(20)]
            == [f"n{number}" for number in range(20)]
        )


def test_an_empty_batch_sends_nothing(client: TradeClient) -> None:
    assert client.place_orders([]) == []

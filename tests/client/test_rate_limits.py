"""The message budget is kept, shared and obeyed, and cancels never wait for orders (R46b)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import Any

import pytest

from qfex import (
    Channel,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RateLimitPolicy,
    RequestTimeout,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, Scripted, answers_nothing, order_response
from tests.support.helpers import (
    AAPL,
    PATIENCE,
    Connect,
    Received,
    background,
    eventually,
    live_only,
    outcome,
)

HINT = "rate limit exceeded, retry after 60 seconds"


# --- many threads -------------------------------------------------------------------------------------------


LIMIT = 150.0  # units in the exchange's minute, which lasts two seconds here
POLICY = RateLimitPolicy(units_per_second=40.0, burst=20.0)  # 100 in those two seconds
STORM = 4.0  # seconds: 180 units


@pytest.fixture
def hurried(dialect: Any) -> Iterator[Simulator]:
    """An exchange whose clock runs so fast that a minute lasts two seconds."""
    with Simulator(symbols=[AAPL], dialect=dialect, liquidity=False, speed=30.0) as simulator:
        simulator._runtime.gateway._handler._limiter.limit = LIMIT
        yield simulator
        assert simulator.ledger.errors == []


def place_and_cancel(client: TradeClient, until: float, ends: list[Any]) -> None:
    """Place and cancel orders as fast as the budget allows."""
    while monotonic() < until:
        placed = outcome(lambda: client.place_order(AAPL, "BUY", 1, 190))
        ends.append(placed)
        if not isinstance(placed, Exception):
            ends.append(outcome(partial(client.cancel_order, placed)))


@live_only
def test_r46b_several_threads_and_clients_together_stay_within_the_exchanges_budget(
    hurried: Simulator, connect: Connect
) -> None:
    clients = [connect(hurried, rate_limit=POLICY, request_timeout=10) for _ in range(2)]
    ends, until = list[Any](), monotonic() + STORM
    threads = [
        threading.Thread(target=place_and_cancel, args=(client, until, ends)) for client in clients * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [end for end in ends if isinstance(end, Exception)] == []
    for command in ("add_order", "cancel_order"):
        assert hurried.ledger.count(command) > LIMIT, f"too few of {command} for a test"


@live_only
def test_r46b_cancels_are_sent_while_orders_wait_and_waiting_orders_are_not_sent_after_a_close(
    sim: Simulator, connect: Connect
) -> None:
    client = connect(sim, rate_limit=RateLimitPolicy(units_per_second=0.01, burst=20))
    orders = []
    while not isinstance(placed := outcome(lambda: client.place_order(AAPL, "BUY", 1, 190)), Exception):
        orders.append(placed)
    assert isinstance(placed, RequestTimeout) and placed.sent is False
    assert len(orders) >= 15
    general = client._session.limiter._buckets["general"]  # type: ignore[union-attr]
    patient = partial(client.place_order, AAPL, "BUY", 1, 190, timeout=1e4)
    with background(lambda: outcome(patient)) as end:
        eventually(lambda: general.level < -0.5, "the wait")
        for placed in orders[:15]:
            assert client.cancel_order(placed).is_done
        client.close()  # closing does not release the waiting order
        assert isinstance(end(), NotConnected)
    assert sim.ledger.count("add_order") == len(orders)


# --- rate limits of the exchange ----------------------------------------------------------------------------


def _error(echo: bool) -> Callable[[Message], Message]:
    def error(request: Message) -> Message:
        return {
            "err": {
                "error_code": "RateLimited",
                "message": HINT,
                "incoming_message": request if echo else None,
            }
        }

    return error


def _rejection(request: Message) -> Message:
    return order_response(request["params"]["client_order_id"], "RATE_LIMITED", order_id="")


REPLIES = {"an error": _error(True), "an error that names nobody": _error(False), "an order": _rejection}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_r46b_a_rate_limit_of_the_exchange_pauses_orders_and_not_cancels(
    scripted: Scripted, reply: Callable[[Message], Message]
) -> None:
    def limits(peer: Peer) -> None:
        peer.accept()
        peer.send(reply(peer.receive("add_order")))
        request = peer.receive()
        assert request["type"] == "cancel_order", "the rate limit was not obeyed"
        peer.send(order_response("mine", "CANCELLED"))
        peer.read_until_closed()

    _, client = scripted(limits, rate_limit=RateLimitPolicy(retry_after=60.0))
    errors = Received(client, Channel.ERRORS)
    refusal = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.5))
    if isinstance(refusal, OutcomeUnknown):
        assert isinstance(errors.count(1)[0].error, RateLimited), "it fails no call"
    else:
        assert isinstance(refusal, (RateLimited, OrderRejected)) and errors.events == []
    later = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=1))
    assert isinstance(later, RequestTimeout) and later.sent is False
    assert client.cancel_order("id-of-mine", symbol=AAPL).is_done


def test_r46b_a_rate_limit_of_the_exchange_is_obeyed_before_any_caller_reads_it(scripted: Scripted) -> None:
    """The rate limit counts although nobody has read the result of the submitted order yet."""

    def limits(peer: Peer) -> None:
        peer.accept()
        peer.send(_error(True)(peer.receive("add_order")))
        peer.read_until_closed()

    _, client = scripted(limits)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    eventually(lambda: pending.done, "the answer")
    later = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=1))
    assert isinstance(later, RequestTimeout) and later.sent is False
    with pytest.raises(RateLimited) as limited:
        pending.result()
    assert limited.value.retry_after == 60.0


def test_r46b_a_rate_limit_that_arrives_late_is_obeyed(scripted: Scripted) -> None:
    late = threading.Event()

    def limits(peer: Peer) -> None:
        peer.accept()
        request = peer.receive("add_order")
        late.wait(PATIENCE)
        peer.send(_error(True)(request))
        peer.read_until_closed()

    _, client = scripted(limits)
    errors = Received(client, Channel.ERRORS)
    assert isinstance(outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.05)), OutcomeUnknown)
    late.set()
    errors.count(1)
    later = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=1))
    assert isinstance(later, RequestTimeout) and later.sent is False


def test_r46b_waiting_for_the_budget_counts_towards_the_timeout(scripted: Scripted) -> None:
    _, client = scripted(answers_nothing, rate_limit=RateLimitPolicy(units_per_second=0.5, burst=5))
    for _ in range(5):
        client.submit_order(AAPL, "BUY", 1, 200)
    begun = monotonic()
    last = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=2.5))  # two seconds for the budget
    assert isinstance(last, OutcomeUnknown)
    assert monotonic() - begun < 4.0


# --- what the caller sees -----------------------------------------------------------------------------------


@live_only
def test_a_rate_limit_says_how_long_to_wait_and_is_obeyed(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, rate_limit=RateLimitPolicy(retry_after=0.05))
    sim.faults.rate_limit("add_order", retry_after=30.0)
    with pytest.raises(RateLimited) as limited:
        client.place_order(AAPL, "BUY", 1, 330)
    assert limited.value.retry_after == 30.0
    with pytest.raises(RequestTimeout) as waiting:
        client.place_order(AAPL, "BUY", 1, 330, timeout=1.0)
    assert waiting.value.sent is False and not isinstance(waiting.value, OutcomeUnknown)
    assert sim.ledger.count("add_order") == 0
    with pytest.raises(OrderRejected):
        client.cancel_order("o1", symbol=AAPL)  # cancels have their own budget


@live_only
def test_a_rate_limit_without_a_hint_pauses_as_the_policy_says(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, rate_limit=RateLimitPolicy(retry_after=0.02))
    sim.faults.rate_limit("add_order", retry_after=None)
    with pytest.raises(RateLimited) as limited:
        client.place_order(AAPL, "BUY", 1, 330)
    assert limited.value.retry_after is None
    assert client.place_order(AAPL, "BUY", 1, 330).is_live


@live_only
def test_without_a_rate_limit_policy_nothing_is_held_back(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, rate_limit=None)
    sim.faults.rate_limit("add_order", retry_after=30.0)
    with pytest.raises(RateLimited):
        client.place_order(AAPL, "BUY", 1, 330)
    assert client.place_order(AAPL, "BUY", 1, 330).is_live

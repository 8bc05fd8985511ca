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

from .conftest import Stage
from .exchange import Message, Peer, order
from .helpers import AAPL, PATIENCE, Heard, background, eventually, outcome

Connect = Callable[..., TradeClient]

HINT = "rate limit exceeded, retry after 60 seconds"

# --- a storm ----------------------------------------------------------------------------------------------------

LIMIT = 150.0  # units in the exchange's minute, which lasts two seconds here
POLICY = RateLimitPolicy(units_per_second=40.0, burst=20.0)  # 100 in those two seconds
STORM = 4.0  # seconds: 180 units


@pytest.fixture
def hurried(dialect: Any) -> Iterator[Simulator]:
    """An exchange whose minute lasts two seconds."""
    with Simulator(symbols=[AAPL], dialect=dialect, liquidity=False, speed=30.0) as simulator:
        simulator._runtime.gateway._handler._limiter.limit = LIMIT
        yield simulator
        assert simulator.ledger.errors == []


def place_and_cancel(client: TradeClient, until: float, ends: list[Any]) -> None:
    """Orders and cancels, as fast as the budget lets them go."""
    while monotonic() < until:
        placed = outcome(lambda: client.place_order(AAPL, "BUY", 1, 190))
        ends.append(placed)
        if not isinstance(placed, Exception):
            ends.append(outcome(partial(client.cancel_order, placed)))


@pytest.mark.parametrize("dialect", ["live"], indirect=True)
def test_r46b_a_storm_of_several_threads_and_clients_stays_within_the_exchanges_budget(
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
        assert hurried.ledger.count(command) > LIMIT, f"{command}: no storm"


@pytest.mark.parametrize("dialect", ["live"], indirect=True)
def test_r46b_cancels_go_while_orders_have_to_wait_and_these_never_go_after_the_end(
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
        client.close()  # what waits is not let go by it
        assert isinstance(end(), NotConnected)
    assert sim.ledger.count("add_order") == len(orders)


# --- the exchange's word ----------------------------------------------------------------------------------------


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
    return order(request["params"]["client_order_id"], "RATE_LIMITED", order_id="")


WORDS = {"an error": _error(True), "an error that names nobody": _error(False), "an order": _rejection}


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_r46b_the_exchanges_word_is_obeyed_by_orders_and_not_by_cancels(
    stage: Stage, word: Callable[[Message], Message]
) -> None:
    def limits(peer: Peer) -> None:
        peer.greet()
        peer.send(word(peer.receive("add_order")))
        request = peer.receive()
        assert request["type"] == "cancel_order", "the exchange's word was not obeyed"
        peer.send(order("mine", "CANCELLED"))
        peer.until_gone()

    _, client = stage(limits, rate_limit=RateLimitPolicy(retry_after=60.0))
    errors = Heard(client, Channel.ERRORS)
    refusal = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.5))
    if isinstance(refusal, OutcomeUnknown):
        assert isinstance(errors.count(1)[0].error, RateLimited), "it fails nobody"
    else:
        assert isinstance(refusal, (RateLimited, OrderRejected)) and errors.events == []
    later = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=1))
    assert isinstance(later, RequestTimeout) and later.sent is False
    assert client.cancel_order("id-of-mine", symbol=AAPL).is_done


def test_r46b_the_exchanges_word_is_obeyed_before_anybody_looks_at_it(stage: Stage) -> None:
    """The answers of orders that were submitted without waiting, and that of a call that was given up."""

    def limits(peer: Peer) -> None:
        peer.greet()
        peer.send(_error(True)(peer.receive("add_order")))
        peer.until_gone()

    _, client = stage(limits)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    eventually(lambda: pending.done, "the answer")
    later = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=1))
    assert isinstance(later, RequestTimeout) and later.sent is False
    with pytest.raises(RateLimited) as limited:
        pending.result()
    assert limited.value.retry_after == 60.0


def test_r46b_a_late_word_is_obeyed_too(stage: Stage) -> None:
    late = threading.Event()

    def limits(peer: Peer) -> None:
        peer.greet()
        request = peer.receive("add_order")
        late.wait(PATIENCE)
        peer.send(_error(True)(request))
        peer.until_gone()

    _, client = stage(limits)
    errors = Heard(client, Channel.ERRORS)
    assert isinstance(outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.05)), OutcomeUnknown)
    late.set()
    errors.count(1)
    later = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=1))
    assert isinstance(later, RequestTimeout) and later.sent is False


def test_r46b_the_wait_for_the_budget_is_part_of_the_callers_time(stage: Stage) -> None:
    def says_nothing(peer: Peer) -> None:
        peer.greet()
        peer.until_gone()

    _, client = stage(says_nothing, rate_limit=RateLimitPolicy(units_per_second=0.5, burst=5))
    for _ in range(5):
        client.submit_order(AAPL, "BUY", 1, 200)
    begun = monotonic()
    last = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=2.5))  # two seconds for the budget
    assert isinstance(last, OutcomeUnknown)
    assert monotonic() - begun < 4.0

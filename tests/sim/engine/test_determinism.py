"""The same seed and the same commands give the same session, to the last fill."""

from __future__ import annotations

import re
from decimal import Decimal as D

from qfex.sim.engine import Event, TwapEntry

from .helpers import AAPL, EngineHarness

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def session(seed: int, query: bool = False) -> tuple[list[Event], EngineHarness]:
    """Trade on a moving market; if `query`, also run every query on the way."""
    harness = EngineHarness(AAPL, "CL-USD", seed=seed, liquidity=True, price_path="gapping")
    harness.buy(harness.alice, 3, "199.5", stop_loss=190)
    harness.exchange.add_twap(harness.bob, TwapEntry(AAPL, "BUY", D(1), 4, 30))
    for _ in range(20):
        harness.market(harness.alice, "BUY", 1)
        harness.exchange.advance(7)
        if query:
            harness.exchange.positions(harness.bob)
            harness.exchange.balance(harness.bob)
            harness.exchange.available_leverage(harness.bob)
            harness.exchange.book(AAPL)
            harness.exchange.candles(AAPL, "1MIN", harness.exchange.now, harness.exchange.now)
    return harness.events, harness


def test_the_same_seed_gives_the_same_session() -> None:
    assert session(7)[0] == session(7)[0]


def test_another_seed_gives_another_session() -> None:
    assert session(7)[0] != session(8)[0]


def test_queries_change_nothing() -> None:
    assert session(7)[0] == session(7, query=True)[0]


def test_the_size_of_time_steps_does_not_matter() -> None:
    events = []
    for pieces in ([60.0], [0.5] * 120, [13.0, 47.0]):
        harness = EngineHarness(seed=3, liquidity=True, price_path="trending")
        harness.exchange.add_twap(harness.alice, TwapEntry(AAPL, "BUY", D(1), 2, 30))
        for seconds in pieces:
            harness.exchange.advance(seconds)
        events.append(harness.events)
    assert events[0] == events[1] == events[2]


def test_ids_look_random_and_are_unique() -> None:
    _, harness = session(1)
    ids = [fill.order_id for fill in harness.fills(harness.alice)] + [
        fill.trade_id for fill in harness.fills(harness.alice)
    ]
    ids += [harness.alice, harness.bob, harness.exchange.balance(harness.alice).id]
    assert all(UUID4.fullmatch(text) for text in ids)
    assert len(set(ids)) == len(ids)

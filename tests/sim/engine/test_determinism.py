"""Same seed and same commands: the same to the last fill."""

from __future__ import annotations

import re
from decimal import Decimal as D

from qfex.sim.engine import Event, TwapEntry

from .helpers import AAPL, Arena

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def session(seed: int, curious: bool = False) -> tuple[list[Event], Arena]:
    """Trade a while on a moving market, looking at everything on the way if `curious`."""
    arena = Arena(AAPL, "CL-USD", seed=seed, liquidity=True, price_path="gapping")
    arena.buy(arena.alice, 3, "199.5", stop_loss=190)
    arena.exchange.add_twap(arena.bob, TwapEntry(AAPL, "BUY", D(1), 4, 30))
    for _ in range(20):
        arena.market(arena.alice, "BUY", 1)
        arena.exchange.advance(7)
        if curious:
            arena.exchange.positions(arena.bob)
            arena.exchange.balance(arena.bob)
            arena.exchange.available_leverage(arena.bob)
            arena.exchange.book(AAPL)
            arena.exchange.candles(AAPL, "1MIN", arena.exchange.now, arena.exchange.now)
    return arena.events, arena


def test_the_same_seed_gives_the_same_session() -> None:
    assert session(7)[0] == session(7)[0]


def test_another_seed_gives_another() -> None:
    assert session(7)[0] != session(8)[0]


def test_looking_changes_nothing() -> None:
    assert session(7)[0] == session(7, curious=True)[0]


def test_time_may_pass_in_any_pieces() -> None:
    events = []
    for pieces in ([60.0], [0.5] * 120, [13.0, 47.0]):
        arena = Arena(seed=3, liquidity=True, price_path="trending")
        arena.exchange.add_twap(arena.alice, TwapEntry(AAPL, "BUY", D(1), 2, 30))
        for seconds in pieces:
            arena.exchange.advance(seconds)
        events.append(arena.events)
    assert events[0] == events[1] == events[2]


def test_ids_look_random_and_are_unique() -> None:
    _, arena = session(1)
    ids = [fill.order_id for fill in arena.fills(arena.alice)] + [
        fill.trade_id for fill in arena.fills(arena.alice)
    ]
    ids += [arena.alice, arena.bob, arena.exchange.balance(arena.alice).id]
    assert all(UUID4.fullmatch(text) for text in ids)
    assert len(set(ids)) == len(ids)

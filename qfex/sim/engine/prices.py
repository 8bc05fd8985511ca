"""Mark and index prices: set by hand, or walking a seeded path.

The exchange's mark price is a median of its index, the smoothed book and the last trade. Here the index alone
decides, on the tick grid, so that whoever sets or replays a price knows what the mark price is.

Paths are walked in whole millionths, so that no binary fraction comes near a price.
"""

from __future__ import annotations

import random
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, get_args

from .desk import Desk
from .events import MarkChanged
from .instruments import INDEX_STEP
from .market import Market
from .types import OrderEntry, Side
from .venue import Venue

PricePath = Literal["still", "calm", "trending", "gapping"]
STEP_SECONDS = 1.0
MILLIONTH = Decimal("0.000001")
# The path turns back where the index has halved or doubled.
BOUNDS = Decimal("0.5"), Decimal(2)
# Parts of a second's index in millionths: the noise of every path, the drift of a trend, the span of a gap.
NOISE, DRIFT, GAP = 40, 15, (3_000, 15_000)
TREND_SECONDS = (60, 600)
GAP_CHANCE = 240
TRADE_CHANCE = 6


class Prices:
    """Sets prices and walks the price path of every market."""

    def __init__(self, venue: Venue, desk: Desk, path: PricePath) -> None:
        if path not in get_args(PricePath):
            raise ValueError(f"price_path must be one of {', '.join(get_args(PricePath))}, not {path!r}")
        self._venue = venue
        self._walks = [Walk(venue.seed, market, path) for market in venue.markets.values()]
        self._visitor = Visitor(venue, desk)
        if path != "still":
            self._plan()

    def set(self, market: Market, index: Decimal, mark: Decimal) -> None:
        """Move a market to new prices; what follows from it is drawn at the end of the command.

        Raises
        ------
        ValueError
            If a price is not positive.
        """
        if not (index > 0 and mark > 0):
            raise ValueError(f"a price must be positive, not {mark}")
        market.index, market.mark = index, mark
        self._venue.touched.marks[market] = None
        self._venue.emit(MarkChanged(self._venue.now, market.symbol, mark))

    def _plan(self) -> None:
        self._venue.timers.at(self._venue.now + STEP_SECONDS, self._step)

    def _step(self) -> None:
        """Move every market by one second."""
        for walk in self._walks:
            if walk.market.is_trading:
                index = walk.step()
                self.set(walk.market, index, walk.market.instrument.round_price(index))
                self._visitor.visit(walk.market)
        self._plan()


class Walk:
    """The price path of one market."""

    def __init__(self, seed: int, market: Market, path: PricePath) -> None:
        self.market = market
        self._path = path
        self._start = market.index
        self._random = random.Random(f"{seed}:{market.symbol}:price")
        self._drift = 0
        self._trend_left = 0

    def step(self) -> Decimal:
        """Return the index one second later."""
        millionths = sum(self._random.randint(-NOISE, NOISE) for _ in range(3)) // 3 + self._pull()
        index = (self.market.index * (1 + millionths * MILLIONTH)).quantize(INDEX_STEP, ROUND_HALF_EVEN)
        return min(max(index, self._start * BOUNDS[0]), self._start * BOUNDS[1])

    def _pull(self) -> int:
        """Return what the kind of path adds to the noise."""
        if self._path == "trending":
            return self._trend()
        if self._path == "gapping" and self._random.randrange(GAP_CHANCE) == 0:
            return self._random.choice((-1, 1)) * self._random.randint(*GAP)
        away = (self.market.index / self._start - 1) / MILLIONTH
        return -int(away / 200)

    def _trend(self) -> int:
        """Return the drift of the trend, which turns after a while."""
        if not self._trend_left:
            self._trend_left = self._random.randint(*TREND_SECONDS)
            self._drift = self._random.choice((-DRIFT, DRIFT))
        self._trend_left -= 1
        return self._drift


class Visitor:
    """An account of the house that trades a little now and then, so that a moving market prints trades."""

    def __init__(self, venue: Venue, desk: Desk) -> None:
        self._venue = venue
        self._desk = desk
        self._account = venue.open_account(house=True)
        self._random = random.Random(f"{venue.seed}:visitor")

    def visit(self, market: Market) -> None:
        """Buy or sell at the market, or more often do nothing."""
        if self._random.randrange(TRADE_CHANCE):
            return
        side: Side = self._random.choice(("BUY", "SELL"))
        lots = market.instrument.min_quantity * self._random.randint(1, 50)
        entry = OrderEntry(market.symbol, side, "MARKET", "IOC", lots)
        self._desk.submit(self._desk.draft(self._account, market, entry))

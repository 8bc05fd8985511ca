"""Mark and index prices: set by a command, or following a seeded random path.

The exchange's mark price is a median of its index, the smoothed book and the last trade. Here it is the index, rounded
to the tick grid, so that a caller who sets a price knows the mark price.

Paths move in whole millionths, so that prices never depend on binary fractions.
"""

from __future__ import annotations

import random
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, get_args

from .events import MarkChanged
from .instruments import INDEX_STEP
from .market import Market
from .order_manager import OrderManager
from .types import OrderEntry, Side
from .venue import Venue

PricePath = Literal["still", "calm", "trending", "gapping"]
STEP_SECONDS = 1.0
MILLIONTH = Decimal("0.000001")
# The index stays between half and double its initial value.
BOUNDS = Decimal("0.5"), Decimal(2)
# Movement in one second, in millionths of the index: the noise of every path, the drift of a trend, the size of a gap.
NOISE, DRIFT, GAP = 40, 15, (3_000, 15_000)
TREND_SECONDS = (60, 600)
GAP_CHANCE = 240
TRADE_CHANCE = 6


class Prices:
    """Sets prices and follows the price path of every market."""

    def __init__(self, venue: Venue, orders: OrderManager, path: PricePath) -> None:
        if path not in get_args(PricePath):
            raise ValueError(f"price_path must be one of {', '.join(get_args(PricePath))}, not {path!r}")
        self._venue = venue
        self._paths = [RandomPath(venue.seed, market, path) for market in venue.markets.values()]
        self._noise_trader = NoiseTrader(venue, orders)
        if path != "still":
            self._schedule()

    def set(self, market: Market, index: Decimal, mark: Decimal) -> None:
        """Set the prices of a market; the consequences are applied at the end of the command.

        Raises
        ------
        ValueError
            If a price is not positive.
        """
        if not (index > 0 and mark > 0):
            raise ValueError(f"a price must be positive, not {mark}")
        market.index, market.mark = index, mark
        self._venue.changes.marks[market] = None
        self._venue.emit(MarkChanged(self._venue.now, market.symbol, mark))

    def _schedule(self) -> None:
        self._venue.timers.at(self._venue.now + STEP_SECONDS, self._step)

    def _step(self) -> None:
        """Move every market by one second."""
        for path in self._paths:
            market = path.market
            if market.is_trading:
                index = path.step()
                self.set(market, index, market.instrument.round_price(index))
                self._noise_trader.trade(market)
        self._schedule()


class RandomPath:
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
        """Return what the kind of path adds to the noise, in millionths."""
        if self._path == "trending":
            return self._trend()
        if self._path == "gapping" and self._random.randrange(GAP_CHANCE) == 0:
            return self._random.choice((-1, 1)) * self._random.randint(*GAP)
        away = (self.market.index / self._start - 1) / MILLIONTH
        return -int(away / 200)

    def _trend(self) -> int:
        """Return the drift of the current trend; a new trend starts after a random time."""
        if not self._trend_left:
            self._trend_left = self._random.randint(*TREND_SECONDS)
            self._drift = self._random.choice((-DRIFT, DRIFT))
        self._trend_left -= 1
        return self._drift


class NoiseTrader:
    """A house account that trades a little now and then, so that moving markets have trades."""

    def __init__(self, venue: Venue, orders: OrderManager) -> None:
        self._venue = venue
        self._orders = orders
        self._account = venue.open_account(house=True)
        # The text is part of the seed: another one would change the simulated trades.
        self._random = random.Random(f"{venue.seed}:visitor")

    def trade(self, market: Market) -> None:
        """Send a small market order, or (mostly) nothing."""
        if self._random.randrange(TRADE_CHANCE):
            return
        side: Side = self._random.choice(("BUY", "SELL"))
        lots = market.instrument.min_quantity * self._random.randint(1, 50)
        entry = OrderEntry(market.symbol, side, "MARKET", "IOC", lots)
        self._orders.submit(self._orders.draft(self._account, market, entry))

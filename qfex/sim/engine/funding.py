"""Hourly funding: when a perpetual trades above its index, long positions pay short ones, and vice versa."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from .book import BookSide
from .events import FundingPaid
from .market import Market
from .types import ZERO
from .venue import Venue

HOUR = 3600
SAMPLE_SECONDS = 300
DEFAULT_IMPACT = Decimal(10_000)
# The exchange publishes five decimals, but its annualised rate shows that it keeps more.
RATE_STEP = Decimal("0.0000000001")


class Funding:
    """Samples premiums every five minutes and pays funding every hour."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._fixed: dict[str, Decimal] = {}
        self._sample_at = next_multiple(venue.now, SAMPLE_SECONDS)
        venue.timers.at(self._sample_at, self._tick)

    def fix(self, symbol: str, rate: Decimal | None) -> None:
        """Fix the rate of a symbol; with None it is derived from the book again."""
        if rate is None:
            self._fixed.pop(symbol, None)
        else:
            self._fixed[symbol] = rate
            self._venue.markets[symbol].funding_rate = rate

    def _tick(self) -> None:
        """Sample every market and, on the hour, pay funding."""
        for market in self._venue.markets.values():
            market.premiums.append(premium(market, self._impact_notional(market)))
            market.funding_rate = self._rate(market)
        if self._sample_at % HOUR == 0:
            for market in self._venue.markets.values():
                self._pay(market)
        self._sample_at += SAMPLE_SECONDS
        self._venue.timers.at(self._sample_at, self._tick)

    def _impact_notional(self, market: Market) -> Decimal:
        return self._venue.rules.impact_notional.get(market.instrument.category, DEFAULT_IMPACT)

    def _rate(self, market: Market) -> Decimal:
        """Return the rate of the current hour: the mean premium, clamped and scaled; zero while the market is closed."""
        fixed = self._fixed.get(market.symbol)
        if fixed is not None:
            return fixed
        if market.instrument.session(self._venue.now) in ("weekend", "close"):
            return ZERO
        clamp = self._venue.rules.funding_clamp
        mean = sum(market.premiums, ZERO) / len(market.premiums)
        rate = max(-clamp, min(clamp, mean)) * self._venue.rules.funding_scale
        return rate.quantize(RATE_STEP, ROUND_HALF_EVEN).normalize()

    def _pay(self, market: Market) -> None:
        """Pay this hour's funding. What one side pays equals what the other receives, to the last digit."""
        market.premiums.clear()
        if not market.funding_rate:
            return
        per_unit = market.mark * market.funding_rate
        for account in list(market.holders.values()):
            position = account.position(market)
            amount = -position.quantity * per_unit
            position.funding += amount
            if not account.house:
                self._venue.emit(FundingPaid(self._venue.now, account.account_id, market.symbol, amount))
                self._venue.changes.traded[account, market] = None
                self._venue.account_changed(account, market)


def premium(market: Market, notional: Decimal) -> Decimal:
    """Return how far the book lies above the index (negative: below), measured with an order of `notional` USD."""
    size = notional / market.index
    bid, ask = impact_price(market.book.bids, size), impact_price(market.book.asks, size)
    above = max(ZERO, bid - market.index) if bid is not None else ZERO
    below = max(ZERO, market.index - ask) if ask is not None else ZERO
    return (above - below) / market.index


def impact_price(side: BookSide, size: Decimal) -> Decimal | None:
    """Return the average price at which `size` would trade with one side; None if the side is too small."""
    left, cost = size, ZERO
    for level in side.levels():
        taken = min(left, level.quantity)
        cost += taken * level.price
        left -= taken
        if not left:
            return cost / size
    return None


def next_multiple(moment: float, step: int) -> float:
    """Return the first multiple of `step` after a time."""
    return (moment // step + 1) * step

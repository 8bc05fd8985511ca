"""Book levels, aggregated to larger price steps or expanded to a ladder of every tick."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import groupby

from ..engine import Levels, Side


def aggregate(levels: Levels, side: Side, tick: Decimal, sig_figs: int) -> Levels:
    """Merge levels into steps of ``tick * 10 ** sig_figs``: bids rounded down, asks up.

    Zero leaves the levels as they are. The exchange does not publish what larger values mean; this simulator drops that
    many digits of the price.
    """
    if not sig_figs:
        return levels
    step = tick.scaleb(sig_figs)
    rounding = ROUND_FLOOR if side == "BUY" else ROUND_CEILING

    def rounded(level: tuple[Decimal, Decimal]) -> Decimal:
        return (level[0] / step).to_integral_value(rounding) * step

    return [(price, _sum(group)) for price, group in groupby(levels, key=rounded)]


def ladder(levels: Levels, step: Decimal, length: int) -> Levels:
    """Return a level for every price from the best one on, a signed ``step`` apart, with quantity zero if need be."""
    if not levels:
        return []
    quantities = dict(levels)
    best, last = levels[0][0], levels[-1][0]
    count = min(length, int((last - best) / step) + 1)
    prices = (best + step * index for index in range(count))
    return [(price, quantities.get(price, Decimal(0))) for price in prices]


def _sum(group: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    return sum((quantity for _, quantity in group), Decimal(0))

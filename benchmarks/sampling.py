"""Medians of repeated measurements, and the interval that a median is known to lie in."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

#: How sure the interval around a median is.
CONFIDENCE = 0.99


def interval_rank(count: int) -> int:
    """Return the `k` for which the k-th lowest and the k-th highest of `count` values enclose their true median.

    This is the confidence interval of a median that assumes nothing about how the values are distributed: each value
    falls below the true median with probability one half. The result is 0 if `count` values are too few for
    `CONFIDENCE`; at least 8 are needed.
    """
    outside = 0
    for rank in range(count):
        outside += math.comb(count, rank)
        if 2 * outside > (1 - CONFIDENCE) * 2**count:
            return rank
    return 0


@dataclass(frozen=True)
class Spread:
    """A median with its interval.

    Attributes
    ----------
    median
        The median of the values.
    low, high
        The bounds of the median's confidence interval; the lowest and the highest value if there are too few values.
    conclusive
        Whether there were enough values for an interval.
    """

    median: float
    low: float
    high: float
    conclusive: bool = True

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise one value or more."""
        ordered = sorted(values)
        rank = interval_rank(len(ordered))
        skipped = max(rank, 1) - 1
        low, high = ordered[skipped], ordered[-1 - skipped]
        return cls(statistics.median(ordered), low, high, conclusive=rank > 0)

    def inverse(self, numerator: float = 1.0) -> Spread:
        """Return the spread of `numerator` divided by each value, which turns a cost into a rate."""
        return Spread(numerator / self.median, numerator / self.high, numerator / self.low, self.conclusive)

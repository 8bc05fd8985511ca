"""What repeated measurements say: medians, their spread, and ratios taken round by round."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.timing import Sample


@dataclass(frozen=True)
class Spread:
    """The median of the measured rounds, the lowest and highest of them, and the bounds of their middle half."""

    median: float
    low: float
    high: float
    middle: tuple[float, float] = (math.nan, math.nan)

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise values; there must be one at least."""
        several = values if len(values) > 1 else [*values, *values]
        lower, _, upper = statistics.quantiles(several, n=4, method="inclusive")
        return cls(statistics.median(values), min(values), max(values), (lower, upper))


def spread(rounds: Sequence[Sample], metric: str) -> Spread:
    """Summarise one metric over rounds."""
    return Spread.of([sample[metric] for sample in rounds])


def ratios(subject: Sequence[Sample], rival: Sequence[Sample], metric: str) -> Spread:
    """Summarise the ratios of one metric, each taken within one round.

    What disturbs a machine disturbs both halves of a round, so a ratio taken within the round is steadier
    than the ratio of two medians.
    """
    return Spread.of([mine[metric] / theirs[metric] for mine, theirs in zip(subject, rival, strict=True)])

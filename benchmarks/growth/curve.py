"""A cost measured at several sizes of something else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.sampling import Spread
from benchmarks.timing import Sample


@dataclass
class Curve:
    """Measurements at each size.

    Attributes
    ----------
    title
        What is measured.
    size
        What grows, in words.
    metrics
        The measured numbers and what each of them means.
    linear
        Whether the sizes grow by steps rather than by factors.
    samples
        The measurements at each size.
    """

    title: str
    size: str
    metrics: dict[str, str]
    linear: bool = False
    samples: dict[int, list[Sample]] = field(default_factory=dict)

    def points(self, metric: str) -> list[tuple[int, Spread]]:
        """Return one metric's spread at each size, smallest size first."""
        return [
            (size, Spread.of([sample[metric] for sample in samples]))
            for size, samples in sorted(self.samples.items())
        ]


def measure(curve: Curve, sizes: Iterable[int], rounds: int, at_size: Callable[[int], Sample]) -> Curve:
    """Measure at every size in every round, after one round to warm up."""
    sizes = list(sizes)
    for number in range(rounds + 1):
        for size in sizes:
            sample = at_size(size)
            if number:
                curve.samples.setdefault(size, []).append(sample)
    return curve

"""Trials in which all contestants take turns within the same seconds.

A run has several trials. In each trial every contestant is a new process, since two processes of the same program
differ a little in speed for as long as they live. A trial has several rounds, and a round runs there and back
(A B C C B A), in short slices: a machine that becomes slower during a round then slows all contestants alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.sampling import Spread
from benchmarks.timing import Sample

#: Up to this share of the CPU, other programs do not change much.
MOST_FOREIGN_LOAD = 0.10

Measure = Callable[[], Sample]
Trial = dict[str, list[Sample]]


@dataclass
class Contest:
    """What the contestants measured.

    Attributes
    ----------
    trials
        The rounds of each contestant in each trial.
    absent
        The contestants that could not run, with the reasons.
    foreign_loads
        The share of the CPU that other programs used, in each trial.
    """

    trials: list[Trial] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    foreign_loads: list[float] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        """The contestants that ran."""
        return list(self.trials[0]) if self.trials else []

    @property
    def foreign_load(self) -> float:
        """The share of the CPU that other programs used in the median trial."""
        return statistics.median(self.foreign_loads or [0.0])

    @property
    def is_contended(self) -> bool:
        """Whether other programs used so much of the CPU that wall times of different clients cannot be compared.

        The system's scheduler prefers programs that often sleep to those that compute, so a client that sleeps more
        often than another then looks faster than it is.
        """
        return self.foreign_load > MOST_FOREIGN_LOAD

    def measures(self, label: str, metric: str) -> bool:
        """Whether the contestant reports the metric."""
        return metric in self.trials[0][label][0]

    def cost(self, label: str, metric: str) -> Spread:
        """Summarise a metric: the median of each trial's rounds, then the spread of the trials."""
        return Spread.of(
            [statistics.median(sample[metric] for sample in trial[label]) for trial in self.trials]
        )

    def ratio(self, subject: str, baseline: str, metric: str) -> Spread:
        """Summarise a metric of the subject divided by that of the baseline.

        The division is made within each round: what slowed the machine in that round slowed both.
        """
        return Spread.of([_median_ratio(trial[subject], trial[baseline], metric) for trial in self.trials])


def _median_ratio(subject: Sequence[Sample], baseline: Sequence[Sample], metric: str) -> float:
    pairs = zip(subject, baseline, strict=True)
    return statistics.median(mine[metric] / theirs[metric] for mine, theirs in pairs)


def turns(labels: Sequence[str], number: int) -> list[str]:
    """Return the order of a round: there and back, starting with another contestant in each round."""
    first = number % len(labels)
    there = [*labels[first:], *labels[:first]]
    return there + there[::-1]


def run_trial(measures: Mapping[str, Measure], rounds: int, first: int = 0) -> Trial:
    """Warm up all contestants, then run `rounds` rounds, the first of which has the number `first`."""
    for measure in measures.values():
        measure()
    trial: Trial = {label: [] for label in measures}
    for number in range(first, first + rounds):
        slices: Trial = {label: [] for label in measures}
        for label in turns(list(measures), number):
            slices[label].append(measures[label]())
        for label, both in slices.items():
            trial[label].append(_mean(both))
    return trial


def run_once(measures: Mapping[str, Measure], number: int) -> Trial:
    """Run every contestant once and without warming up, for what can be measured only in a new process."""
    order = turns(list(measures), number)[: len(measures)]
    samples = {label: [measures[label]()] for label in order}
    return {label: samples[label] for label in measures}


def _mean(samples: Sequence[Sample]) -> Sample:
    return {metric: statistics.fmean(sample[metric] for sample in samples) for metric in samples[0]}

"""Rounds in which every contestant has its turn, in rotating order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.processes import Unavailable
from benchmarks.timing import Sample

Entry = Callable[[], Sample]


@dataclass
class Contest:
    """What each contestant's measured rounds were, and why the others have none."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def hold(entries: Mapping[str, Entry], rounds: int) -> Contest:
    """Warm every contestant up, then measure `rounds` rounds.

    The order rotates from round to round, so that nobody always runs behind the same neighbour.
    A contestant that is not available here is absent; any other failure ends the run.
    """
    contest = Contest()
    for label, measure in entries.items():
        try:
            measure()
        except Unavailable as error:
            contest.absent[label] = str(error)
        else:
            contest.samples[label] = []
    present = list(contest.samples)
    for number in range(rounds):
        turn = number % len(present) if present else 0
        for label in present[turn:] + present[:turn]:
            contest.samples[label].append(entries[label]())
    return contest

"""Two checkouts of the library in one interleaved run: ``python -m benchmarks --against PATH``.

Each task of the library is run by a process of either checkout, in turn and within the same seconds. The benchmarks
themselves, server included, are those of this checkout.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import tables
from benchmarks.contest import Contest
from benchmarks.processes import Checkout
from benchmarks.rig import HERE, Entrant
from benchmarks.sampling import Spread
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.verdicts import Change, judge_change

HEADER = ("scenario", "cost", "before", "after", "after / before", "verdict")

_COSTS = {
    "mean_us": "time, us",
    "p50_us": "time (p50), us",
    "cpu_us": "client CPU, us",
    "bytes": "memory, bytes",
    "caller_calls": "calls, caller",
    "reader_calls": "calls, reader",
}
#: Costs that are judged beside a scenario's first one.
_STEADY = ("cpu_us", "reader_calls")


def find_checkout(root: Path, python: Path | None = None) -> Checkout:
    """Return the checkout in a folder, with the interpreter of its own environment unless another is given.

    Raises
    ------
    ValueError
        The folder has no `qfex`, or there is no such interpreter.
    """
    root = root.resolve()
    interpreter = python or root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (root / "qfex" / "__init__.py").exists():
        raise ValueError(f"{root} is not a checkout of the library")
    if not interpreter.exists():
        raise ValueError(
            f"{interpreter} does not exist; run `make .venv/.bench` there, or name an interpreter"
        )
    return Checkout(root, str(interpreter.absolute()))


def before(label: str) -> str:
    """Return the label of the other checkout's contestant."""
    return f"{label}, before"


def after(label: str) -> str:
    """Return the label of this checkout's contestant."""
    return f"{label}, after"


def compared(scenario: Scenario) -> list[str]:
    """Return the labels of the contestants that run the library's code."""
    return [contestant.label for contestant in scenario.contestants if contestant.of_library]


def entrants(scenario: Scenario, other: Checkout) -> dict[str, Entrant]:
    """Return each contestant of the library twice, once for each checkout."""
    both: dict[str, Entrant] = {}
    for contestant in scenario.contestants:
        if contestant.of_library:
            both[before(contestant.label)] = Entrant(contestant, other)
            both[after(contestant.label)] = Entrant(contestant, HERE)
    return both


@dataclass(frozen=True)
class Row:
    """A cost before and after, and the ratio of the two."""

    title: str
    cost: str
    before: Spread
    after: Spread
    ratio: Spread

    @property
    def verdict(self) -> Change:
        """The verdict."""
        return judge_change(self.ratio)

    def cells(self) -> list[str]:
        """Return the row's table cells."""
        measured = [tables.spread(value) for value in (self.before, self.after, self.ratio)]
        return [self.title, self.cost, *measured, self.verdict.value]


@dataclass(frozen=True)
class MissingRow:
    """A task of the library that could not be compared."""

    title: str
    reason: str
    verdict: Change | None = None

    def cells(self) -> list[str]:
        """Return the row's table cells."""
        return [self.title, "-", "-", "-", "not available", self.reason]


def rows(contests: Mapping[str, Contest]) -> list[Row | MissingRow]:
    """Return the rows of each task of the library: its main cost, and the steady ones that it reports."""
    found: list[Row | MissingRow] = []
    for name, contest in contests.items():
        scenario = SCENARIOS[name]
        costs = [scenario.metrics[0], *(metric for metric in scenario.metrics[1:] if metric in _STEADY)]
        for label in compared(scenario):
            title = f"{name}: {label}"
            if contest.absent:
                found.append(MissingRow(title, contest.absent[after(label)]))
            else:
                found += [_row(title, contest, label, cost) for cost in costs]
    return found


def _row(title: str, contest: Contest, label: str, metric: str) -> Row:
    old, new = before(label), after(label)
    spreads = contest.cost(old, metric), contest.cost(new, metric), contest.ratio(new, old, metric)
    return Row(title, _COSTS[metric], *spreads)


def summary(judged: Iterable[Row | MissingRow]) -> str:
    """Return the table of all rows."""
    return tables.table(HEADER, [row.cells() for row in judged])


def write(judged: Iterable[Row | MissingRow], folder: Path, command: str, facts: str) -> None:
    """Write ``COMPARISON.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    page = f"# Comparison of two checkouts\n\nWritten by `{command}`.\n\n{facts}\n\n{summary(judged)}\n"
    (folder / "COMPARISON.md").write_text(page)

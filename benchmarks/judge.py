"""Sets the measured ratios beside what they have to reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks import tables
from benchmarks.contest import Contest
from benchmarks.sampling import Spread, ratios
from benchmarks.targets import Target, Verdict


@dataclass(frozen=True)
class Row:
    """A target and what came of it; `ratio` is None where one of the two could not be measured."""

    target: Target
    ratio: Spread | None
    remark: str = ""

    @property
    def missed(self) -> bool:
        """Whether the must is missed by more than the noise of the run."""
        return self.ratio is not None and self.target.verdict(self.ratio) is Verdict.MISSED

    def cells(self) -> list[str]:
        """Return the row's table cells."""
        sign = ">=" if self.target.higher_is_better else "<="
        bounds = [f"{sign} {self.target.must:g}", f"{sign} {self.target.aim:g}"]
        if self.ratio is None:
            return [self.target.title, *bounds, "not available", self.remark]
        return [self.target.title, *bounds, tables.spread(self.ratio), self.target.verdict(self.ratio).value]


def judge(targets: Iterable[Target], contests: Mapping[str, Contest]) -> list[Row]:
    """Judge the targets of the scenarios that were run."""
    return [_row(target, contests[target.scenario]) for target in targets if target.scenario in contests]


def _row(target: Target, contest: Contest) -> Row:
    for label in (target.subject, target.rival):
        if label in contest.absent:
            return Row(target, None, contest.absent[label].strip().splitlines()[-1][:100])
    samples = contest.samples
    return Row(target, ratios(samples[target.subject], samples[target.rival], target.metric))


def summary(rows: Iterable[Row]) -> str:
    """Return the table of all rows."""
    header = ("scenario, ratio", "must", "aim", "measured, median [min..max]", "verdict")
    return tables.table(header, [row.cells() for row in rows])

"""Verdicts on measured ratios. There is none where the spread of the run does not allow one."""

from __future__ import annotations

from enum import Enum

from benchmarks.sampling import Spread

#: A comparison has to be precise enough to show a slowdown of this size.
TOLERANCE = 0.10


class Verdict(Enum):
    """How a ratio compares with its must and its aim."""

    AIM = "met, also the aim"
    MET = "met"
    MISSED = "MISSED"
    NOISY = "no verdict: spread exceeds the distance to the must"
    TOO_FEW = "no verdict: too few trials"
    CONTENDED = "no verdict: other programs used the CPU"


def judge(ratio: Spread, must: float, aim: float, *, higher_is_better: bool) -> Verdict:
    """Compare both ends of the spread with the must; only if they agree is there a verdict."""

    def reaches(value: float, bound: float) -> bool:
        return value >= bound if higher_is_better else value <= bound

    worst, best = (ratio.low, ratio.high) if higher_is_better else (ratio.high, ratio.low)
    if not ratio.conclusive:
        return Verdict.TOO_FEW
    if reaches(worst, aim):
        return Verdict.AIM
    if reaches(worst, must):
        return Verdict.MET
    return Verdict.NOISY if reaches(best, must) else Verdict.MISSED


class Change(Enum):
    """How a cost after a change compares with the cost before it."""

    BETTER = "better"
    NO_WORSE = "no worse beyond noise"
    WORSE = "WORSE"
    NOISY = f"no verdict: {TOLERANCE:.0%} slower would not show"
    TOO_FEW = "no verdict: too few trials"


def judge_change(ratio: Spread) -> Change:
    """Judge the ratio of a cost after a change to the cost before it.

    A noisy run must not pass for a good one: "no worse" also needs a spread that excludes a slowdown by `TOLERANCE`.
    """
    if not ratio.conclusive:
        return Change.TOO_FEW
    if ratio.low > 1:
        return Change.WORSE
    if ratio.high < 1:
        return Change.BETTER
    return Change.NO_WORSE if ratio.high < 1 + TOLERANCE else Change.NOISY

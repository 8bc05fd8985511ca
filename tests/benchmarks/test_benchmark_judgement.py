"""Rounds, ratios and verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import contest, judge, tables
from benchmarks.processes import Unavailable, WorkerFailed
from benchmarks.sampling import Spread, ratios
from benchmarks.scenarios import SCENARIOS
from benchmarks.targets import TARGETS, Target, Verdict
from benchmarks.timing import Sample, of_laps, percentiles, repeat

FASTER = Target("time", "round_trip", "mean_us", "raw", must=0.7, aim=0.5)
MORE = Target("rate", "round_trip", "rate", "raw", must=2.0, aim=3.0, higher_is_better=True)


def fail(error: Exception) -> contest.Entry:
    def measure() -> Sample:
        raise error

    return measure


def test_rounds_are_interleaved_rotated_and_warmed_up() -> None:
    turns: list[str] = []

    def entry(label: str) -> contest.Entry:
        def measure() -> Sample:
            turns.append(label)
            return {"turn": len(turns)}

        return measure

    held = contest.hold({label: entry(label) for label in "abc"}, 3)
    assert "".join(turns) == "abc" + "abc" + "bca" + "cab"
    assert [sample["turn"] for sample in held.samples["a"]] == [4, 9, 11]


def test_who_is_not_available_is_absent_and_the_others_run() -> None:
    held = contest.hold({"here": lambda: {"x": 1.0}, "away": fail(Unavailable("no index"))}, 2)
    assert (len(held.samples["here"]), held.absent) == (2, {"away": "no index"})


def test_who_fails_ends_the_run() -> None:
    with pytest.raises(WorkerFailed):
        contest.hold({"broken": fail(WorkerFailed("boom"))}, 2)


def test_ratios_are_taken_round_by_round() -> None:
    mine = [{"t": 1.0}, {"t": 20.0}, {"t": 3.0}]
    theirs = [{"t": 2.0}, {"t": 40.0}, {"t": 4.0}]
    assert ratios(mine, theirs, "t") == Spread(0.5, 0.5, 0.75, (0.5, 0.625))


@pytest.mark.parametrize(
    ("target", "ratio", "verdict"),
    [
        (FASTER, Spread(0.5, 0.4, 0.9), Verdict.AIM),
        (FASTER, Spread(0.7, 0.6, 0.9), Verdict.MUST),
        (FASTER, Spread(0.8, 0.6, 0.9, (0.7, 0.85)), Verdict.NOISE),
        (FASTER, Spread(0.8, 0.6, 0.9, (0.71, 0.85)), Verdict.MISSED),
        (MORE, Spread(3.0, 1.0, 4.0), Verdict.AIM),
        (MORE, Spread(2.5, 1.0, 2.9), Verdict.MUST),
        (MORE, Spread(1.9, 1.0, 2.9, (1.5, 2.0)), Verdict.NOISE),
        (MORE, Spread(1.9, 1.0, 2.9, (1.5, 1.99)), Verdict.MISSED),
    ],
)
def test_a_must_is_missed_only_beyond_the_noise(target: Target, ratio: Spread, verdict: Verdict) -> None:
    assert target.verdict(ratio) is verdict
    assert judge.Row(target, ratio).missed is (verdict is Verdict.MISSED)


def test_rows_are_judged_from_the_contests() -> None:
    samples = {"library": [{"mean_us": 30.0}] * 3, "raw": [{"mean_us": 100.0}] * 3}
    rows = judge.judge([FASTER, replace(FASTER, rival="sdk"), replace(FASTER, scenario="tls")], {
        "round_trip": contest.Contest(samples, {"sdk": "no index"})
    })  # fmt: skip
    assert [row.ratio for row in rows] == [Spread(0.3, 0.3, 0.3, (0.3, 0.3)), None]
    assert "no index" in judge.summary(rows)


def test_every_target_names_a_scenario_and_a_metric_it_lists() -> None:
    assert {target.scenario for target in TARGETS} == set(SCENARIOS)
    for target in TARGETS:
        assert target.metric in SCENARIOS[target.scenario].METRICS
        assert (target.aim > target.must) == target.higher_is_better


def test_summaries_add_up() -> None:
    laps = [1e-6] * 99 + [101e-6]
    assert of_laps(laps) == pytest.approx({"mean_us": 2, "p50_us": 1, "p99_us": 101})
    assert percentiles([1e-6]) == pytest.approx({"p50_us": 1, "p99_us": 1})
    sample = repeat(lambda: None, 5)
    assert sample["mean_us"] * sample["rate"] == pytest.approx(1e6)


def test_tables_line_up() -> None:
    lines = tables.table(["name", "value"], [["a", "1"], ["longer", "1 000"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[-1] == "| longer | 1 000 |"


@pytest.mark.parametrize(
    ("value", "text"), [(0.456, "0.46"), (45.67, "45.7"), (456.7, "457"), (1234567, "1 234 567")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert tables.number(value) == text

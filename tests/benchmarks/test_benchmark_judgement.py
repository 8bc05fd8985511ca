"""Trials, spreads and verdicts."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable

import pytest

from benchmarks import contest, sampling, tables, targets
from benchmarks.contest import Contest, Measure
from benchmarks.sampling import Spread, interval_rank
from benchmarks.scenarios import SCENARIOS
from benchmarks.targets import TARGETS, Target
from benchmarks.timing import Laps, Sample, Stopwatch, percentiles, repeat
from benchmarks.verdicts import Change, Verdict, judge, judge_change

TRIALS = 12
FASTER = Target("time", "round_trip", "mean_us", "raw", must=0.7, aim=0.5)
MORE = Target("rate", "round_trip", "rate", "raw", must=2.0, aim=3.0)


class Machine:
    """A machine with a clock, whose speed depends on the time and on chance."""

    def __init__(self, slowdown: Callable[[float], float] = lambda _time: 1.0) -> None:
        self.time = 0.0
        self.order: list[str] = []
        self._slowdown = slowdown

    def contestant(self, label: str, cost: float) -> Measure:
        def measure() -> Sample:
            self.order.append(label)
            self.time += 1
            return {"mean_us": cost * self._slowdown(self.time)}

        return measure


def contest_on(
    machine: Machine, library: float, raw: float, trials: int = TRIALS, rounds: int = 4
) -> Contest:
    measures = {"library": machine.contestant("library", library), "raw": machine.contestant("raw", raw)}
    return Contest([contest.run_trial(measures, rounds, number * rounds) for number in range(trials)])


# How contestants take turns


def test_a_round_runs_there_and_back_and_each_starts_with_another_contestant() -> None:
    assert ["".join(contest.turns("abc", number)) for number in range(4)] == [
        "abccba",
        "bcaacb",
        "cabbac",
        "abccba",
    ]


def test_a_trial_warms_up_and_then_takes_turns() -> None:
    machine = Machine()
    trial = contest.run_trial({label: machine.contestant(label, 1.0) for label in "ab"}, 2, first=1)
    assert "".join(machine.order) == "ab" + "baab" + "abba"
    assert {label: len(rounds) for label, rounds in trial.items()} == {"a": 2, "b": 2}


def test_the_two_slices_of_a_round_count_as_one_measurement() -> None:
    costs = iter([1000.0, 1.0, 3.0, 5.0, 9.0])
    trial = contest.run_trial({"a": lambda: {"mean_us": next(costs)}}, 2)
    assert trial == {"a": [{"mean_us": 2.0}, {"mean_us": 7.0}]}


def test_what_is_measured_once_runs_without_warming_up() -> None:
    machine = Machine()
    trial = contest.run_once({label: machine.contestant(label, 1.0) for label in "abc"}, number=1)
    assert "".join(machine.order) == "bca"
    assert list(trial) == ["a", "b", "c"]
    assert all(len(rounds) == 1 for rounds in trial.values())


def test_a_machine_that_becomes_slower_slows_all_contestants_alike() -> None:
    result = contest_on(Machine(lambda time: 1 + time / 10), library=30.0, raw=60.0)
    ratio = result.ratio("library", "raw", "mean_us")
    assert (ratio.low, ratio.median, ratio.high) == pytest.approx((0.5, 0.5, 0.5))


def test_a_slow_round_changes_the_costs_but_not_the_ratio() -> None:
    def slow_first_half(time: float) -> float:
        return 5.0 if time <= 108 else 1.0

    result = contest_on(Machine(slow_first_half), library=30.0, raw=60.0)
    assert result.cost("library", "mean_us").high == pytest.approx(150.0)
    assert result.ratio("library", "raw", "mean_us").high == pytest.approx(0.5)


def test_ratios_are_taken_within_each_round() -> None:
    trial = {
        "library": [{"t": 1.0}, {"t": 20.0}, {"t": 3.0}],
        "raw": [{"t": 2.0}, {"t": 40.0}, {"t": 4.0}],
    }
    assert Contest([trial]).ratio("library", "raw", "t").median == 0.5


# How sure a median is


@pytest.mark.parametrize("count", range(1, 15))
def test_the_interval_encloses_the_true_median_with_the_stated_confidence(count: int) -> None:
    # Each value lies above or below the true median with probability one half: try all 2**count cases.
    above = [sum(case) for case in itertools.product((0, 1), repeat=count)]

    def confidence(rank: int) -> float:
        return sum(rank <= number <= count - rank for number in above) / len(above)

    rank = interval_rank(count)
    assert rank == 0 or confidence(rank) >= sampling.CONFIDENCE
    assert confidence(rank + 1) < sampling.CONFIDENCE


@pytest.mark.parametrize(("count", "rank"), [(7, 0), (8, 1), (11, 1), (12, 2), (20, 4)])
def test_eight_trials_are_the_fewest_that_allow_a_verdict(count: int, rank: int) -> None:
    assert interval_rank(count) == rank


def test_a_spread_leaves_out_single_outliers_where_there_are_enough_values() -> None:
    values = [5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 99.0]
    assert Spread.of(values) == Spread(6.5, 2.0, 11.0, conclusive=True)
    assert Spread.of(values[:8]) == Spread(4.5, 1.0, 8.0, conclusive=True)
    assert Spread.of(values[:7]) == Spread(4.0, 1.0, 7.0, conclusive=False)
    assert Spread.of([2.0]) == Spread(2.0, 2.0, 2.0, conclusive=False)


def test_the_inverse_of_a_cost_is_a_rate() -> None:
    assert Spread(4.0, 2.0, 5.0, conclusive=False).inverse(100.0) == Spread(
        25.0, 20.0, 50.0, conclusive=False
    )


# Verdicts


@pytest.mark.parametrize(
    ("target", "ratio", "verdict"),
    [
        (FASTER, Spread(0.45, 0.40, 0.50), Verdict.AIM),
        (FASTER, Spread(0.45, 0.40, 0.51), Verdict.MET),
        (FASTER, Spread(0.60, 0.55, 0.70), Verdict.MET),
        (FASTER, Spread(0.60, 0.55, 0.71), Verdict.NOISY),
        (FASTER, Spread(0.47, 0.30, 0.73), Verdict.NOISY),
        (FASTER, Spread(0.80, 0.70, 0.90), Verdict.NOISY),
        (FASTER, Spread(0.80, 0.71, 0.90), Verdict.MISSED),
        (FASTER, Spread(0.45, 0.40, 0.50, conclusive=False), Verdict.TOO_FEW),
        (FASTER, Spread(0.80, 0.71, 0.90, conclusive=False), Verdict.TOO_FEW),
        (MORE, Spread(3.5, 3.0, 4.0), Verdict.AIM),
        (MORE, Spread(3.5, 2.9, 4.0), Verdict.MET),
        (MORE, Spread(2.5, 2.0, 2.9), Verdict.MET),
        (MORE, Spread(2.5, 1.9, 2.9), Verdict.NOISY),
        (MORE, Spread(1.8, 1.5, 2.0), Verdict.NOISY),
        (MORE, Spread(1.8, 1.5, 1.9), Verdict.MISSED),
    ],
)
def test_there_is_a_verdict_only_beyond_the_spread(target: Target, ratio: Spread, verdict: Verdict) -> None:
    assert target.verdict(ratio) is verdict
    assert judge(ratio, target.must, target.aim, higher_is_better=target is MORE) is verdict


@pytest.mark.parametrize(
    ("ratio", "change"),
    [
        (Spread(1.03, 1.01, 1.05), Change.WORSE),
        (Spread(1.30, 1.01, 1.60), Change.WORSE),
        (Spread(1.03, 1.00, 1.05), Change.NO_WORSE),
        (Spread(1.00, 0.95, 1.09), Change.NO_WORSE),
        (Spread(0.97, 0.95, 1.00), Change.NO_WORSE),
        (Spread(0.97, 0.95, 0.99), Change.BETTER),
        (Spread(1.00, 0.80, 1.10), Change.NOISY),
        (Spread(1.00, 0.50, 2.00), Change.NOISY),
        (Spread(1.00, 1.00, 1.00, conclusive=False), Change.TOO_FEW),
        (Spread(2.00, 1.90, 2.10, conclusive=False), Change.TOO_FEW),
    ],
)
def test_a_noisy_comparison_does_not_pass_for_no_worse(ratio: Spread, change: Change) -> None:
    assert judge_change(ratio) is change


def noisy(amount: float, seed: int = 1) -> Callable[[float], float]:
    chance = random.Random(seed)
    return lambda _time: chance.lognormvariate(0, amount)


@pytest.mark.parametrize(
    ("library", "noise", "verdict"),
    [
        (40.0, 0.05, Verdict.AIM),
        (60.0, 0.05, Verdict.MET),
        (90.0, 0.05, Verdict.MISSED),
        (69.0, 0.2, Verdict.NOISY),
        (71.0, 0.2, Verdict.NOISY),
        (60.0, 1.5, Verdict.NOISY),
    ],
)
def test_noise_takes_verdicts_away_and_never_turns_them(
    library: float, noise: float, verdict: Verdict
) -> None:
    for seed in range(20):
        result = contest_on(Machine(noisy(noise, seed)), library, raw=100.0)
        assert FASTER.verdict(FASTER.ratio(result)) is verdict


def test_the_same_code_is_rarely_called_worse() -> None:
    verdicts = [
        judge_change(contest_on(Machine(noisy(0.1, seed)), 50.0, 50.0).ratio("library", "raw", "mean_us"))
        for seed in range(200)
    ]
    assert verdicts.count(Change.WORSE) + verdicts.count(Change.BETTER) <= 6  # one percent is expected
    assert verdicts.count(Change.NO_WORSE) > 150


def test_a_slowdown_of_the_size_of_the_tolerance_shows() -> None:
    for seed in range(20):
        ratio = contest_on(Machine(noisy(0.05, seed)), 55.0, 50.0).ratio("library", "raw", "mean_us")
        assert judge_change(ratio) is Change.WORSE


# Rows


def contest_of(*, trials: int = TRIALS, absent: dict[str, str] | None = None, **costs: Sample) -> Contest:
    return Contest([{label: [sample] for label, sample in costs.items()}] * trials, absent or {})


def test_rows_are_judged_from_the_contests() -> None:
    library, raw = {"mean_us": 30.0, "cpu_us": 20.0}, {"mean_us": 100.0, "cpu_us": 50.0}
    result = contest_of(library=library, raw=raw, absent={"sdk": "no index"})
    away = Target("time", "round_trip", "mean_us", "sdk", must=0.7, aim=0.5)
    elsewhere = Target("time", "tls", "mean_us", "raw", must=0.7, aim=0.5)
    rows = targets.rows([FASTER, MORE, away, elsewhere], {"round_trip": result})
    ratios = [row.ratio and row.ratio.median for row in rows]
    assert ratios == [pytest.approx(0.3), pytest.approx(1 / 0.3), None]
    assert [row.cpu and row.cpu.median for row in rows] == [0.4, 0.4, None]
    assert [row.verdict for row in rows] == [Verdict.AIM, Verdict.AIM, None]
    assert "no index" in targets.summary(rows)


def test_a_target_without_a_baseline_bounds_the_cost_itself() -> None:
    target = Target("calls", "calls", "caller_calls", None, must=35, aim=25)
    (row,) = targets.rows([target], {"calls": contest_of(library={"caller_calls": 44.0})})
    assert (row.ratio, row.verdict, row.cpu) == (Spread(44.0, 44.0, 44.0), Verdict.MISSED, None)


def test_there_is_no_verdict_on_times_while_other_programs_use_the_cpu() -> None:
    costs = {"mean_us": 30.0, "cpu_us": 20.0}
    calls = Target("calls", "calls", "caller_calls", None, must=35, aim=25)
    for load, verdict in ((0.1, Verdict.MISSED), (0.11, Verdict.CONTENDED)):
        times = contest_of(library=costs, raw=costs)
        counts = contest_of(library={"caller_calls": 20.0})
        times.foreign_loads = counts.foreign_loads = [0.0] * 5 + [load] * 7
        rows = targets.rows([FASTER, MORE, calls], {"round_trip": times, "calls": counts})
        assert [row.verdict for row in rows] == [verdict, verdict, Verdict.AIM]
        assert verdict.value in rows[0].cells()[-1]
    few = contest_of(trials=2, library=costs, raw=costs)
    few.foreign_loads = [0.5, 0.5]
    (row,) = targets.rows([FASTER], {"round_trip": few})
    assert row.verdict is Verdict.TOO_FEW


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.title)
def test_every_target_names_contestants_and_a_metric_that_its_scenario_lists(target: Target) -> None:
    scenario = SCENARIOS[target.scenario]
    labels = {contestant.label for contestant in scenario.contestants}
    assert target.metric in scenario.metrics
    assert {target.subject, target.baseline} - {None} <= labels
    assert (target.aim > target.must) == target.higher_is_better


def test_every_scenario_has_a_target() -> None:
    assert {target.scenario for target in TARGETS} == set(SCENARIOS)


# Summaries and tables


def test_summaries_add_up() -> None:
    laps = [1e-6] * 99 + [101e-6]
    assert percentiles(laps) == pytest.approx({"p50_us": 1, "p99_us": 101})
    assert percentiles([1e-6]) == pytest.approx({"p50_us": 1, "p99_us": 1})


def busy_loop() -> int:
    return sum(range(200_000))


def test_a_task_reports_wall_time_and_cpu_time_per_operation() -> None:
    sample = repeat(busy_loop, 20)
    assert set(sample) == {"mean_us", "cpu_us", "p50_us", "p99_us"}
    assert 100 < sample["cpu_us"] <= sample["mean_us"] * 1.05


def test_waiting_takes_wall_time_but_no_cpu_time() -> None:
    sample = repeat(lambda: time.sleep(0.05), 2)
    assert sample["mean_us"] >= 50_000
    assert sample["cpu_us"] < 25_000


def test_cpu_time_is_that_of_all_threads() -> None:
    spent: list[float] = []

    def compute() -> None:
        while time.thread_time() < 0.05:
            busy_loop()
        spent.append(time.thread_time())

    watch = Stopwatch()
    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    assert watch.per_operation(1)["cpu_us"] > spent[0] * 1e6 * 0.9


def test_laps_leave_out_what_lies_between_them() -> None:
    laps = Laps()
    with laps:
        pass
    for _ in range(20):
        busy_loop()
    with laps:
        pass
    sample = laps.sample()
    assert set(sample) == {"mean_us", "cpu_us", "p50_us", "p99_us"}
    assert sample["mean_us"] < 1000 and sample["cpu_us"] < 1000


def test_tables_line_up() -> None:
    lines = tables.table(["name", "value"], [["a", "1"], ["longer", "1 000"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[-1] == "| longer | 1 000 |"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0756, "0.076"), (0.456, "0.46"), (45.67, "45.7"), (456.7, "457"), (1234567, "1 234 567")],
)
def test_numbers_have_two_or_three_digits(value: float, text: str) -> None:
    assert tables.number(value) == text

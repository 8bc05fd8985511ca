"""Clients in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import clients, comparison, machine, rig, sdk_environment
from benchmarks.clients.call_counts import Call, CallCounts
from benchmarks.contest import Contest
from benchmarks.processes import ROOT, Checkout, Server, Unavailable, WorkerFailed
from benchmarks.rig import Rig, Settings
from benchmarks.scenarios import IMPORT_PACKAGE, SCENARIOS, Scenario
from benchmarks.server import certificate
from benchmarks.verdicts import Change

TASKS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    clients.RAW: [("round_trips", {"count": 5}), ("first_orders", {"count": 2}), ("events", {"count": 50})],
    clients.RAW_UNCHECKED: [("round_trips", {"count": 5})],
    clients.DOCS_SAMPLE: [
        ("round_trips", {"count": 5}),
        ("first_orders", {"count": 2}),
        ("events", {"count": 50}),
        ("event_latency", {"count": 5}),
    ],
    clients.LIBRARY: [
        ("round_trips", {"count": 5, "callbacks": 2}),
        ("round_trips", {"count": 5, "resting": False}),
        ("threads", {"threads": 4, "count": 20}),
        ("window", {"in_flight": 4, "count": 20}),
        ("batches", {"size": 4, "count": 20}),
        ("first_orders", {"count": 2}),
        ("events", {"count": 50, "callbacks": 3}),
        ("event_latency", {"count": 5}),
        ("hold", {"count": 3}),
        ("release", {}),
        ("track", {"count": 20}),
    ],
    clients.DECODERS: [
        ("untyped", {"orders": 20, "count": 2}),
        ("typed", {"orders": 20, "count": 2}),
    ],
    clients.IMPORTS: [("package", {})],
    clients.CALL_COUNTS: [("order", {"count": 5})],
}


@pytest.mark.parametrize("client", TASKS)
def test_clients_do_their_tasks_in_any_order_one_after_the_other(client: str) -> None:
    with Rig() as bench:
        for task, arguments in TASKS[client] + TASKS[client][::-1]:
            sample = bench.worker(client).call(task, **arguments)
            assert all(value > 0 for value in sample.values()), task


def test_the_library_tracks_what_the_server_says_is_open() -> None:
    with Rig() as bench:
        worker = bench.worker(clients.LIBRARY)
        before = worker.call("track", count=0)["open_orders"]
        after = worker.call("track", count=30)["open_orders"]
    assert after - before >= 30


def test_the_sdk_runs_in_an_environment_of_its_own() -> None:
    if not sdk_environment.installed():
        pytest.skip("the SDK's environment has not been made; a full run makes it")
    with Rig() as bench:
        assert bench.worker(clients.SDK).call("gathered", tasks=4, count=20)["mean_us"] > 0


def test_a_worker_reports_what_fails_and_goes_on() -> None:
    with Rig() as bench:
        worker = bench.worker(clients.RAW)
        with pytest.raises(WorkerFailed, match="no_such_task"):
            worker.call("no_such_task")
        assert worker.call("round_trips", count=2)["mean_us"] > 0


def test_a_busy_thread_ends_with_its_task() -> None:
    with Rig() as bench:
        worker = bench.worker(clients.RAW)
        assert worker.call("round_trips", busy=True, count=2)["mean_us"] > 0
        assert worker.call("round_trips", count=2)["mean_us"] > 0


@pytest.mark.skipif(not certificate.available(), reason="needs trustme")
@pytest.mark.parametrize("client", [clients.RAW, clients.DOCS_SAMPLE, clients.LIBRARY])
def test_clients_trust_the_authority_of_the_run(client: str) -> None:
    with Rig(tls=True) as bench:
        assert bench.server.url.startswith("wss:")
        assert bench.worker(client).call("round_trips", count=2)["mean_us"] > 0


def test_a_server_ends_with_its_block() -> None:
    with Server(frozenset()) as server:
        pass
    assert server.ended


def test_imports_are_measured_in_a_new_interpreter() -> None:
    with Rig() as bench:
        package, dependencies = (
            bench.worker(clients.IMPORTS).call(task) for task in ("package", "dependencies")
        )
    assert 1 < package["modules"] < dependencies["modules"]
    assert package["cpu_us"] > 0


def test_an_environment_that_cannot_be_made_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk_environment, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(sdk_environment, "REQUIREMENT", "./no-such-package")
    with pytest.raises(Unavailable):
        sdk_environment.python()


def test_a_contestant_that_cannot_run_is_absent_and_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable() -> str:
        raise Unavailable("no index")

    monkeypatch.setattr(sdk_environment, "python", unavailable)
    scenario = SCENARIOS["threads"]
    result = rig.run_scenario(scenario, rig.entrants(scenario), Settings(trials=1, rounds=1, scale=0.02))
    assert result.absent == {"sdk": "no index"}
    assert result.labels == ["raw", "library"]


def test_nobody_runs_over_tls_without_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "available", lambda: False)
    result = rig.run_scenario(SCENARIOS["tls"], rig.entrants(SCENARIOS["tls"]), Settings(trials=1, rounds=1))
    assert set(result.absent) == {"raw", "docs-sample", "library"}
    assert result.trials == []


def test_a_client_that_fails_ends_the_run() -> None:
    scenario = SCENARIOS["snapshot"]
    broken = replace(scenario.contestants[0], task="no_such_task")
    with pytest.raises(WorkerFailed, match="no_such_task"):
        rig.run_scenario(scenario, {"broken": rig.Entrant(broken)}, Settings(trials=1))


def test_a_scenario_may_have_fewer_trials_and_rounds_than_the_run() -> None:
    scenario = replace(SCENARIOS["snapshot"], contestants=SCENARIOS["snapshot"].contestants[:1])

    def run(scenario: Scenario) -> list[int]:
        result = rig.run_scenario(scenario, rig.entrants(scenario), Settings(trials=3, rounds=2, scale=0.01))
        return [len(trial["json.loads, dicts"]) for trial in result.trials]

    assert run(scenario) == [2, 2, 2]
    assert run(replace(scenario, trials=2, rounds=1)) == [1, 1]
    assert run(replace(scenario, once=True)) == [1, 1, 1]


def test_the_load_of_other_programs_does_not_include_the_contestants() -> None:
    scenario = SCENARIOS["snapshot"]
    result = rig.run_scenario(scenario, rig.entrants(scenario), Settings(trials=2, rounds=1, scale=0.2))
    assert len(result.foreign_loads) == 2
    assert all(0 <= load <= 1.1 for load in result.foreign_loads)


@pytest.mark.skipif(machine.busy_seconds(frozenset()) is None, reason="needs /proc/stat")
def test_programs_that_run_beside_count_as_others_until_they_have_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = {"busy": 10.0, "own": 1.0, "now": 100.0}
    monkeypatch.setattr(machine, "busy_seconds", lambda _cpus: times["busy"])
    monkeypatch.setattr(machine, "own_seconds", lambda: times["own"])
    monkeypatch.setattr(machine, "clock", lambda: times["now"])
    watch = machine.LoadWatch(frozenset([1]))
    times.update(busy=13.0, own=2.0, now=104.0)
    assert watch.foreign_share() == pytest.approx(0.5)
    times.update(own=4.5)
    assert watch.foreign_share() == 0.0


@pytest.mark.skipif(machine.busy_seconds(frozenset()) is None, reason="needs /proc/stat")
def test_busy_seconds_are_those_of_the_cpus_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "cpu  300 0 0 900 90 0 0 0 0 0\ncpu0 100 10 1 300 30 5 2 3 0 0\ncpu1 200 0 0 600 60 0 0 0 0 0\nintr 5\n"
    monkeypatch.setattr(Path, "read_text", lambda _path: text)
    ticks = os.sysconf("SC_CLK_TCK")
    assert machine.busy_seconds(frozenset([0])) == pytest.approx(121 / ticks)
    assert machine.busy_seconds(frozenset([0, 1])) == pytest.approx(321 / ticks)
    assert machine.busy_seconds(frozenset()) == pytest.approx(300 / ticks)


def test_cpu_time_of_ended_child_processes_is_our_own() -> None:
    before = machine.own_seconds()
    subprocess.run([sys.executable, "-c", "sum(range(5_000_000))"], check=True)
    assert machine.own_seconds() - before >= 0.05


def test_the_server_may_wait_before_it_answers_an_order() -> None:
    with Rig(delay=0.02) as bench:
        assert bench.worker(clients.RAW).call("round_trips", count=3)["p50_us"] > 20_000


def test_scaled_counts_have_a_least() -> None:
    assert Settings(scale=0.001).count(2000) == 16
    assert Settings(scale=0.5).count(2000) == 1000
    library = SCENARIOS["threads"].contestants[-1]
    assert library.sized(0.001) == {"threads": 8, "count": 16}
    assert library.sized(1) == {"threads": 8, "count": 800}


@pytest.fixture
def counted() -> Iterator[CallCounts]:
    with Server(frozenset()) as server, closing(CallCounts(server.url)) as client:
        yield client


def test_calls_are_counted_in_the_threads_that_make_them(counted: CallCounts) -> None:
    for count in (3, 4):
        calls = counted.calls("round_trips", count=count)
        placed = [number for call, number in calls.items() if call.function.endswith(" place_order")]
        assert placed == [count]
    assert not any("benchmarks" in call.function for call in calls)
    calls = counted.calls("event_latency", count=3)
    threads = {call.thread for call in calls if call.is_python}
    assert threads == {"MainThread", "qfex-trade-reader", "qfex-trade-dispatcher"}


def test_calls_of_an_order_are_counted_apart_for_caller_and_reader(
    counted: CallCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {
        Call("MainThread", True, "place_order"): 10,
        Call("MainThread", True, "encode"): 20,
        Call("MainThread", False, "len"): 1000,
        Call("qfex-trade-reader", True, "decode"): 40,
    }
    monkeypatch.setattr(counted, "calls", lambda _task, **_arguments: Counter(calls))
    assert counted.order(count=10) == {"caller_calls": 3.0, "reader_calls": 4.0}


# Two checkouts


@pytest.fixture
def other(tmp_path: Path) -> Checkout:
    """A copy of the library whose import takes a noticeable time."""
    shutil.copytree(ROOT / "qfex", tmp_path / "qfex", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "qfex" / "__init__.py").open("a") as file:
        file.write("\nsum(range(3_000_000))\n")
    return comparison.find_checkout(tmp_path, Path(sys.executable))


def test_every_scenario_has_something_to_compare_in_both_checkouts(other: Checkout) -> None:
    for scenario in SCENARIOS.values():
        entered = comparison.entrants(scenario, other)
        labels = comparison.compared(scenario)
        assert labels
        assert len(entered) == 2 * len(labels)
        for label in labels:
            assert entered[comparison.before(label)].checkout == other
            assert entered[comparison.after(label)].checkout == rig.HERE


def test_what_cannot_be_compared_is_listed_with_the_reason() -> None:
    label = comparison.after("library")
    (row,) = comparison.rows({"tls": Contest(absent={label: "no certificate"})})
    assert row.verdict is None
    assert row.cells()[0] == "tls: library"
    assert row.cells()[-2:] == ["not available", "no certificate"]


def test_only_what_runs_the_library_is_compared() -> None:
    for scenario in SCENARIOS.values():
        for contestant in scenario.contestants:
            assert not contestant.of_library or contestant.client in clients.OF_LIBRARY


def test_the_other_checkout_runs_its_own_library(other: Checkout) -> None:
    with Rig() as bench:
        for client in clients.OF_LIBRARY:
            bench.worker(client, other)
        assert bench.worker(clients.LIBRARY, other).call("round_trips", count=5)["cpu_us"] > 0
        assert bench.worker(clients.DECODERS, other).call("typed", orders=5, count=2)["cpu_us"] > 0


def test_a_worker_with_another_library_than_the_one_under_test_is_refused(tmp_path: Path) -> None:
    # There is no qfex in the folder, so the interpreter finds the one that is installed.
    with Rig() as bench, pytest.raises(WorkerFailed, match="imported qfex from"):
        bench.worker(clients.LIBRARY, Checkout(tmp_path, sys.executable))


@pytest.mark.slow
def test_a_difference_between_two_checkouts_shows(other: Checkout) -> None:
    imports = SCENARIOS["imports"]
    package = [contestant for contestant in imports.contestants if contestant.label == IMPORT_PACKAGE]
    scenario = replace(imports, contestants=tuple(package))
    result = rig.run_scenario(scenario, comparison.entrants(scenario, other), Settings(trials=8, rounds=1))
    spread = result.ratio(comparison.after(IMPORT_PACKAGE), comparison.before(IMPORT_PACKAGE), "cpu_us")
    row = comparison.Row("import", "cpu_us", spread, spread, spread)
    assert row.verdict is Change.BETTER

"""Clients in processes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import calls, clients, sdk_environment
from benchmarks.lab import Lab, Settings
from benchmarks.processes import Server, Unavailable, WorkerFailed, importer
from benchmarks.server import certificate

TASKS = {
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
}


@pytest.mark.parametrize("client", TASKS)
def test_clients_do_their_tasks_in_any_order_one_after_the_other(client: str) -> None:
    with Lab("none") as lab:
        for task, arguments in TASKS[client] + TASKS[client][::-1]:
            sample = lab.worker(client).call(task, **arguments)
            assert all(value > 0 for value in sample.values()), task


def test_the_library_tracks_what_the_server_says_is_open() -> None:
    with Lab("none") as lab:
        worker = lab.worker(clients.LIBRARY)
        before = worker.call("track", count=0)["open_orders"]
        after = worker.call("track", count=30)["open_orders"]
    assert after - before >= 30


def test_the_sdk_runs_in_an_environment_of_its_own() -> None:
    if not sdk_environment.installed():
        pytest.skip("the SDK's environment has not been made; a full run makes it")
    with Lab("none") as lab:
        assert lab.worker(clients.SDK).call("gathered", tasks=4, count=20)["rate"] > 0


def test_a_worker_reports_what_fails_and_goes_on() -> None:
    with Lab("none") as lab:
        worker = lab.worker(clients.RAW)
        with pytest.raises(WorkerFailed, match="no_such_task"):
            worker.call("no_such_task")
        assert worker.call("round_trips", count=2)["rate"] > 0


def test_a_busy_thread_ends_with_its_task() -> None:
    with Lab("none") as lab:
        worker = lab.worker(clients.RAW)
        assert worker.call("round_trips", busy=True, count=2)["rate"] > 0
        assert worker.call("round_trips", count=2)["rate"] > 0


@pytest.mark.skipif(not certificate.available(), reason="needs trustme")
@pytest.mark.parametrize("client", [clients.RAW, clients.DOCS_SAMPLE, clients.LIBRARY])
def test_clients_trust_the_run_s_own_authority(client: str) -> None:
    with Lab("none", tls=True) as lab:
        assert lab.server.url.startswith("wss:")
        assert lab.worker(client).call("round_trips", count=2)["rate"] > 0


def test_a_server_ends_with_its_block() -> None:
    with Server(frozenset()) as server:
        pass
    assert server.ended


def test_imports_are_measured_in_a_new_interpreter() -> None:
    sample = importer("import decimal", frozenset())()
    assert sample["mean_us"] > 0
    assert sample["modules"] >= 1


def test_an_environment_that_cannot_be_made_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk_environment, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(sdk_environment, "REQUIREMENT", "./no-such-package")
    with pytest.raises(Unavailable):
        sdk_environment.python()


def test_scaled_counts_have_a_least() -> None:
    assert Settings(scale=0.001).count(2000) == 16
    assert Settings(scale=0.5).count(2000) == 1000


def test_calls_are_counted_in_the_threads_that_make_them() -> None:
    counter = calls.count(count=3)
    placed = {name: number for (_, _, name), number in counter.calls.items() if name.endswith(" place_order")}
    assert placed and all(number == 3 for number in placed.values())
    counter = calls.count("event_latency", count=3)
    threads = {thread for thread, is_python, _ in counter.calls if is_python}
    assert threads == {"MainThread", "qfex-trade-reader", "qfex-trade-dispatcher"}

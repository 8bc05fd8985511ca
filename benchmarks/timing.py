"""Clocks and summaries that every client uses, so that all are timed in the same way."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

#: What a task measured: costs by name, so that less is better.
Sample = dict[str, float]

BUSY_STEPS = 1000

clock = time.perf_counter
#: CPU time of the whole process, all its threads included.
cpu_clock = time.process_time


def repeat(action: Callable[[], object], count: int) -> Sample:
    """Time `count` calls, one after the other."""
    laps = []
    watch = Stopwatch()
    for _ in range(count):
        before = clock()
        action()
        laps.append(clock() - before)
    return {**watch.per_operation(count), **percentiles(laps)}


class Stopwatch:
    """Wall time and CPU time of this process since the stopwatch was made.

    CPU time hardly changes when other programs keep the machine busy.
    """

    def __init__(self) -> None:
        self._cpu = cpu_clock()
        self._wall = clock()

    def per_operation(self, count: int) -> Sample:
        """Return the time that each of `count` operations took."""
        wall, cpu = clock() - self._wall, cpu_clock() - self._cpu
        return {"mean_us": wall / count * 1e6, "cpu_us": cpu / count * 1e6}


class Laps:
    """Wall time and CPU time of the ``with laps:`` blocks only, without what lies between them."""

    def __init__(self) -> None:
        self._walls: list[float] = []
        self._cpu = 0.0

    def __enter__(self) -> None:
        self._cpu_start, self._start = cpu_clock(), clock()

    def __exit__(self, *_: object) -> None:
        self._walls.append(clock() - self._start)
        self._cpu += cpu_clock() - self._cpu_start

    def sample(self) -> Sample:
        """Return the time that each lap took."""
        mean, cpu = statistics.fmean(self._walls), self._cpu / len(self._walls)
        return {"mean_us": mean * 1e6, "cpu_us": cpu * 1e6, **percentiles(self._walls)}


def percentiles(laps: Sequence[float]) -> Sample:
    """Return percentiles of calls that took `laps` seconds each."""
    ordered = sorted(laps)
    nearly_last = min(len(ordered) - 1, int(len(ordered) * 0.99))
    return {"p50_us": statistics.median(ordered) * 1e6, "p99_us": ordered[nearly_last] * 1e6}


@contextmanager
def busy_thread() -> Iterator[None]:
    """Keep a second thread of this process computing, as a strategy that never sleeps would."""
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            total = 0
            for step in range(BUSY_STEPS):
                total += step

    thread = threading.Thread(target=compute, name="busy")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()

"""Clocks and summaries that every client uses, so that all are timed in the same way."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Sample = dict[str, float]

BUSY_STEPS = 1000


def repeat(action: Callable[[], object], count: int) -> Sample:
    """Time `count` calls, one after the other."""
    laps = []
    watch = Stopwatch()
    for _ in range(count):
        before = clock()
        action()
        laps.append(clock() - before)
    return {**watch.shares(count), **percentiles(laps)}


class Stopwatch:
    """Wall and processor time since it was made.

    Processor time is that of the whole process, its other threads included. It hardly changes when other programs
    keep the machine busy.
    """

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._wall = clock()

    def shares(self, count: int) -> Sample:
        """Describe what each of `count` things took of the time."""
        wall, cpu = clock() - self._wall, time.process_time() - self._cpu
        return {"mean_us": wall / count * 1e6, "rate": count / wall, "cpu_us": cpu / count * 1e6}


def percentiles(laps: Sequence[float]) -> Sample:
    """Describe calls that took `laps` seconds each."""
    ordered = sorted(laps)
    nearly_last = min(len(ordered) - 1, int(len(ordered) * 0.99))
    return {"p50_us": statistics.median(ordered) * 1e6, "p99_us": ordered[nearly_last] * 1e6}


def of_laps(laps: Sequence[float]) -> Sample:
    """Describe calls of which only `laps` seconds each were measured, and not what lay between them."""
    return {"mean_us": statistics.fmean(laps) * 1e6, **percentiles(laps)}


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


clock = time.perf_counter

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
    started = clock()
    for _ in range(count):
        before = clock()
        action()
        laps.append(clock() - before)
    return summarise(laps, clock() - started)


def summarise(laps: Sequence[float], seconds: float) -> Sample:
    """Describe calls that took `laps` seconds each and `seconds` together."""
    ordered = sorted(laps)
    return {
        "mean_us": seconds / len(ordered) * 1e6,
        "p50_us": statistics.median(ordered) * 1e6,
        "p99_us": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e6,
        "rate": len(ordered) / seconds,
    }


def throughput(count: int, seconds: float) -> Sample:
    """Describe `count` things done in `seconds`."""
    return {"mean_us": seconds / count * 1e6, "rate": count / seconds}


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

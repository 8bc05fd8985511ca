"""Eight threads share one connection of the library; the SDK has eight tasks on its event loop instead."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.clients import LIBRARY, RAW, SDK
from benchmarks.lab import Lab, Settings

TITLE = "Eight orders at a time: threads on one connection"
METRICS = ("rate", "p50_us", "p99_us", "cpu_us")


def run(settings: Settings) -> contest.Contest:
    """Measure eight threads, eight tasks, and the yardstick's single thread."""
    count = settings.count(2000)
    with Lab() as lab:
        entries = {
            RAW: lab.entry(RAW, "round_trips", count=settings.count(1000)),
            SDK: lab.entry(SDK, "gathered", tasks=8, count=count),
            LIBRARY: lab.entry(LIBRARY, "threads", threads=8, count=count),
        }
        return contest.hold(entries, settings.rounds)

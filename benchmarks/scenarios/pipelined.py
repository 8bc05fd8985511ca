"""One thread keeps eight orders under way."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.clients import LIBRARY, SDK
from benchmarks.lab import Lab, Settings

TITLE = "Eight orders at a time: pipelined from one thread"
METRICS = ("rate", "p50_us", "p99_us", "cpu_us")
BATCHES = "library, place_orders of 8"
LARGE_BATCHES = "library, place_orders of 64"


def run(settings: Settings) -> contest.Contest:
    """Measure a sliding window of eight, batches, and the SDK's eight tasks."""
    count = settings.count(2000, least=64)
    with Lab() as lab:
        entries = {
            SDK: lab.entry(SDK, "gathered", tasks=8, count=count),
            LIBRARY: lab.entry(LIBRARY, "window", in_flight=8, count=count),
            BATCHES: lab.entry(LIBRARY, "batches", size=8, count=count),
            LARGE_BATCHES: lab.entry(LIBRARY, "batches", size=64, count=count),
        }
        return contest.hold(entries, settings.rounds)

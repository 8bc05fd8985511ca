"""One thread places orders one after the other and waits for each answer."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.clients import DOCS_SAMPLE, LIBRARY, RAW, RAW_UNCHECKED, SDK
from benchmarks.lab import Lab, Settings

TITLE = "Sequential order round trip"
METRICS = ("mean_us", "p50_us", "p99_us", "rate", "cpu_us")


def run(settings: Settings) -> contest.Contest:
    """Measure every client."""
    count = settings.count(1000)
    with Lab() as lab:
        labels = (RAW, RAW_UNCHECKED, DOCS_SAMPLE, SDK, LIBRARY)
        entries = {label: lab.entry(label, "round_trips", count=count) for label in labels}
        return contest.hold(entries, settings.rounds)

"""A fill is pushed just before the answer to an order: how soon does the program hear of it?"""

from __future__ import annotations

from benchmarks import contest
from benchmarks.clients import DOCS_SAMPLE, LIBRARY
from benchmarks.lab import Lab, Settings

TITLE = "From sending an order to the callback with its fill"
METRICS = ("p50_us", "p99_us")


def run(settings: Settings) -> contest.Contest:
    """Measure the library's callback and the sample's queue."""
    count = settings.count(500)
    with Lab() as lab:
        labels = (DOCS_SAMPLE, LIBRARY)
        entries = {label: lab.entry(label, "event_latency", count=count) for label in labels}
        return contest.hold(entries, settings.rounds)

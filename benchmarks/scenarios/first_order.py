"""A warm process connects, authenticates, subscribes to order messages and places its first order."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.clients import DOCS_SAMPLE, LIBRARY, RAW
from benchmarks.lab import Lab, Settings

TITLE = "Connect, authenticate, subscribe, first order"
METRICS = ("mean_us", "p50_us", "p99_us")


def run(settings: Settings) -> contest.Contest:
    """Measure connections, each of which is closed again outside of the measured time."""
    count = settings.count(25, least=4)
    with Lab() as lab:
        labels = (RAW, DOCS_SAMPLE, LIBRARY)
        entries = {label: lab.entry(label, "first_orders", count=count) for label in labels}
        return contest.hold(entries, settings.rounds)

"""Another thread of the program computes without a pause, and the interpreter's lock has to be won back."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.clients import DOCS_SAMPLE, LIBRARY, RAW
from benchmarks.lab import Lab, Settings

TITLE = "Order round trip beside a thread that computes"
METRICS = ("p50_us", "p99_us")


def run(settings: Settings) -> contest.Contest:
    """Measure without pinning: on one CPU the busy thread would hold up the server, too."""
    count = settings.count(40, least=4)
    with Lab("none") as lab:
        labels = (RAW, DOCS_SAMPLE, LIBRARY)
        entries = {label: lab.entry(label, "round_trips", busy=True, count=count) for label in labels}
        return contest.hold(entries, settings.rounds)

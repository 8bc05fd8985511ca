"""The exchange pushes order messages as fast as the line takes them."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.clients import DOCS_SAMPLE, LIBRARY, RAW_UNCHECKED
from benchmarks.lab import Lab, Settings

TITLE = "A burst of pushed order messages, delivered to a callback (the sample: to the main thread)"
METRICS = ("rate", "mean_us", "cpu_us")


def run(settings: Settings) -> contest.Contest:
    """Measure bursts; the slow clients get shorter ones, so that a round's parts take similar times."""
    short, long = settings.count(2000), settings.count(40_000)
    with Lab() as lab:
        entries = {
            DOCS_SAMPLE: lab.entry(DOCS_SAMPLE, "events", count=short),
            RAW_UNCHECKED: lab.entry(RAW_UNCHECKED, "events", count=long),
            LIBRARY: lab.entry(LIBRARY, "events", count=long),
        }
        return contest.hold(entries, settings.rounds)

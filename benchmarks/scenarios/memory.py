"""A program is busy elsewhere while a hundred thousand order messages wait for it."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.clients import DOCS_SAMPLE, LIBRARY
from benchmarks.lab import Lab, Settings

TITLE = "Resident memory of 100 000 queued order messages"
METRICS = ("bytes",)


def run(settings: Settings) -> contest.Contest:
    """Measure in a new process each time, since freed memory seldom goes back to the system."""
    count = settings.count(100_000, least=2000)
    with Lab() as lab:
        labels = (DOCS_SAMPLE, LIBRARY)
        entries = {label: lab.fresh_entry(label, "queued_memory", count=count) for label in labels}
        return contest.hold(entries, settings.few_rounds)

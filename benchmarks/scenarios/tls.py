"""The sequential round trip over TLS."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.clients import DOCS_SAMPLE, LIBRARY, RAW
from benchmarks.lab import Lab, Settings
from benchmarks.server import certificate

TITLE = "Sequential order round trip over TLS"
METRICS = ("mean_us", "p50_us", "p99_us", "rate", "cpu_us")


def run(settings: Settings) -> contest.Contest:
    """Measure against a server whose certificate was made for this run."""
    labels = (RAW, DOCS_SAMPLE, LIBRARY)
    if not certificate.available():
        return contest.Contest(absent=dict.fromkeys(labels, "no certificate without the package trustme"))
    count = settings.count(1000)
    with Lab(tls=True) as lab:
        entries = {label: lab.entry(label, "round_trips", count=count) for label in labels}
        return contest.hold(entries, settings.rounds)

"""Round trip, event cost and memory over a long session on one connection."""

from __future__ import annotations

from benchmarks.clients import LIBRARY
from benchmarks.growth.curve import Curve
from benchmarks.lab import Lab, Settings

SLICES = 20


def run(settings: Settings) -> Curve:
    """Receive the session's events in slices, all of different orders, and measure behind each slice.

    No order stays open: those would take memory, rightly.

    There is one session, so every size has one sample and its spread says nothing.
    """
    curve = Curve(
        "Length of a session",
        "events received",
        {
            "p50_us": "order round trip, p50 us",
            "event_us": "us per pushed event",
            "resident_mb": "resident MB",
        },
        linear=True,
    )
    slice_size = max(100, settings.session_events // SLICES)
    with Lab() as lab:
        client = lab.worker(LIBRARY)
        client.call("round_trips", count=settings.count(1000), resting=False)
        for number in range(1, SLICES + 1):
            event_us = client.call("events", count=slice_size)["mean_us"]
            orders = client.call("round_trips", count=settings.count(1000), resting=False)
            resident_mb = client.call("resident")["bytes"] / 1e6
            sample = {"p50_us": orders["p50_us"], "event_us": event_us, "resident_mb": resident_mb}
            curve.samples[number * slice_size] = [sample]
    return curve

"""Round trip and event rate against the number of callbacks on one channel."""

from __future__ import annotations

from benchmarks.clients import LIBRARY
from benchmarks.growth.curve import Curve, measure
from benchmarks.lab import Lab, Settings
from benchmarks.timing import Sample

SIZES = (1, 3, 10, 30, 100)


def run(settings: Settings) -> Curve:
    """Deliver bursts to that many callbacks, and place orders whose messages all of them receive."""
    curve = Curve(
        "Callbacks on one channel",
        "callbacks",
        {
            "event_us": "us per pushed event",
            "call_us": "us per call of a callback",
            "p50_us": "order round trip, p50 us",
        },
    )
    with Lab() as lab:
        client = lab.worker(LIBRARY)

        def at_size(size: int) -> Sample:
            events = client.call("events", count=settings.count(20_000), callbacks=size)
            orders = client.call("round_trips", count=settings.count(500), callbacks=size)
            event_us = events["mean_us"]
            return {"event_us": event_us, "call_us": event_us / size, "p50_us": orders["p50_us"]}

        return measure(curve, SIZES, settings.few_rounds, at_size)

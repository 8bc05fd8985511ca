"""Round trip and event rate against the number of callbacks on one channel."""

from __future__ import annotations

from benchmarks.clients import LIBRARY
from benchmarks.growth.curve import Curve, measure
from benchmarks.rig import Rig, Settings
from benchmarks.timing import Sample

SIZES = (1, 3, 10, 30, 100)


def run(settings: Settings) -> Curve:
    """Measure bursts that all callbacks receive, and orders whose messages all of them receive."""
    curve = Curve(
        "Callbacks on one channel",
        "callbacks",
        {
            "event_us": "us per pushed event",
            "event_cpu_us": "client CPU us per pushed event",
            "call_us": "us per call of a callback",
            "p50_us": "order round trip, p50 us",
            "cpu_us": "client CPU us per order",
        },
    )
    with Rig() as rig:
        client = rig.worker(LIBRARY)

        def at_size(size: int) -> Sample:
            events = client.call("events", count=settings.count(20_000), callbacks=size)
            orders = client.call("round_trips", count=settings.count(500), callbacks=size)
            event_us = events["mean_us"]
            return {
                **orders,
                "event_us": event_us,
                "event_cpu_us": events["cpu_us"],
                "call_us": event_us / size,
            }

        return measure(curve, SIZES, settings.curve_rounds, at_size)

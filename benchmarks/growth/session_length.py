"""Round trip, event cost and memory over a long session on one connection."""

from __future__ import annotations

from benchmarks.clients import LIBRARY
from benchmarks.growth.curve import Curve
from benchmarks.rig import Rig, Settings

SLICES = 20


def run(settings: Settings) -> Curve:
    """Receive the session's events in slices, each event about another order, and measure after each slice.

    No order stays open, since open orders have to take memory. There is one session, so every size has one measurement
    and no spread.
    """
    curve = Curve(
        "Length of a session",
        "events received",
        {
            "p50_us": "order round trip, p50 us",
            "cpu_us": "client CPU us per order",
            "event_us": "us per pushed event",
            "event_cpu_us": "client CPU us per pushed event",
            "resident_mb": "resident MB",
        },
        linear=True,
    )
    slice_size = max(100, settings.session_events // SLICES)
    with Rig() as rig:
        client = rig.worker(LIBRARY)
        client.call("round_trips", count=settings.count(1000), resting=False)
        for number in range(1, SLICES + 1):
            events = client.call("events", count=slice_size)
            orders = client.call("round_trips", count=settings.count(1000), resting=False)
            memory = {"resident_mb": client.call("resident")["bytes"] / 1e6}
            costs = {**orders, "event_us": events["mean_us"], "event_cpu_us": events["cpu_us"]}
            curve.samples[number * slice_size] = [{**costs, **memory}]
    return curve

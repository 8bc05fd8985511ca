"""Round trip against the number of open orders that the client keeps track of."""

from __future__ import annotations

from benchmarks.clients import LIBRARY
from benchmarks.growth.curve import Curve, measure
from benchmarks.rig import Rig, Settings
from benchmarks.timing import Sample

SIZES = (0, 100, 1000, 10_000, 100_000)


def run(settings: Settings) -> Curve:
    """Measure orders and pushed events while the account has that many other orders open."""
    curve = Curve(
        "Open orders tracked",
        "open orders",
        {
            "p50_us": "round trip, p50 us",
            "p99_us": "round trip, p99 us",
            "cpu_us": "client CPU us per order",
            "event_us": "us per pushed event",
            "event_cpu_us": "client CPU us per pushed event",
        },
    )
    sizes = [size for size in SIZES if size <= settings.count(SIZES[-1])]

    def at_size(size: int) -> Sample:
        with Rig() as rig:
            client = rig.worker(LIBRARY)
            tracked = client.call("track", count=size)["open_orders"]
            if tracked < size:
                raise RuntimeError(f"the client knows of {tracked} open orders, not of {size}")
            orders = client.call("round_trips", count=settings.count(1000))
            events = client.call("events", count=settings.count(20_000))
            return {**orders, "event_us": events["mean_us"], "event_cpu_us": events["cpu_us"]}

    return measure(curve, sizes, settings.curve_rounds, at_size)

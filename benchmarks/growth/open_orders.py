"""Round trip against the number of open orders that the client keeps track of."""

from __future__ import annotations

from benchmarks.clients import LIBRARY
from benchmarks.growth.curve import Curve, measure
from benchmarks.lab import Lab, Settings
from benchmarks.timing import Sample

SIZES = (0, 100, 1000, 10_000, 100_000)


def run(settings: Settings) -> Curve:
    """Place orders while the account has that many others open."""
    curve = Curve(
        "Open orders tracked",
        "open orders",
        {"p50_us": "round trip, p50 us", "p99_us": "round trip, p99 us", "event_us": "us per pushed event"},
    )
    sizes = [size for size in SIZES if size <= settings.count(SIZES[-1])]

    def at_size(size: int) -> Sample:
        with Lab() as lab:
            client = lab.worker(LIBRARY)
            tracked = client.call("track", count=size)["open_orders"]
            if tracked < size:
                raise RuntimeError(f"the client knows of {tracked} open orders, not of {size}")
            sample = client.call("round_trips", count=settings.count(1000))
            return {**sample, "event_us": client.call("events", count=settings.count(20_000))["mean_us"]}

    return measure(curve, sizes, settings.few_rounds, at_size)

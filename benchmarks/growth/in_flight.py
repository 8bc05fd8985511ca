"""Round trip against the number of requests under way."""

from __future__ import annotations

from benchmarks.clients import LIBRARY
from benchmarks.growth.curve import Curve, measure
from benchmarks.rig import Rig, Settings
from benchmarks.timing import Sample

SIZES = (1, 10, 100, 1000)


def run(settings: Settings) -> Curve:
    """Measure single orders while that many others wait for an answer, and a window of that many orders."""
    curve = Curve(
        "Requests in flight",
        "requests under way",
        {
            "beside_us": "one order's round trip beside the others, p50 us",
            "beside_cpu_us": "client CPU us of that order",
            "window_us": "us per order, all in one window",
            "window_cpu_us": "client CPU us of each of these",
        },
    )
    with Rig() as rig:
        client = rig.worker(LIBRARY)

        def at_size(size: int) -> Sample:
            client.call("hold", count=size - 1)
            beside = client.call("round_trips", count=settings.count(500))
            client.call("release")
            window = client.call("window", in_flight=size, count=settings.count(4000))
            return {
                "beside_us": beside["p50_us"],
                "beside_cpu_us": beside["cpu_us"],
                "window_us": window["mean_us"],
                "window_cpu_us": window["cpu_us"],
            }

        return measure(curve, SIZES, settings.curve_rounds, at_size)

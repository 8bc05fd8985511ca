"""Round trip against the number of requests under way."""

from __future__ import annotations

from benchmarks.clients import LIBRARY
from benchmarks.growth.curve import Curve, measure
from benchmarks.lab import Lab, Settings
from benchmarks.timing import Sample

SIZES = (1, 10, 100, 1000)


def run(settings: Settings) -> Curve:
    """Place orders beside others that are unanswered, and in a window of that many."""
    curve = Curve(
        "Requests in flight",
        "requests under way",
        {
            "beside_us": "one order's round trip beside the others, p50 us",
            "window_us": "us per order, all in one window",
        },
    )
    with Lab() as lab:
        client = lab.worker(LIBRARY)

        def at_size(size: int) -> Sample:
            client.call("hold", count=size - 1)
            beside = client.call("round_trips", count=settings.count(500))
            client.call("release")
            window = client.call("window", in_flight=size, count=settings.count(4000))
            return {"beside_us": beside["p50_us"], "window_us": window["mean_us"]}

        return measure(curve, SIZES, settings.few_rounds, at_size)

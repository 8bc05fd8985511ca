"""The answer to ``get_user_orders`` of an account with a thousand open orders, from bytes to objects."""

from __future__ import annotations

from benchmarks import contest
from benchmarks.lab import Lab, Settings

TITLE = "Decoding a snapshot of 1000 open orders"
METRICS = ("mean_us", "p50_us")
TYPED = "library, models"
UNTYPED = "json.loads, dicts"


def run(settings: Settings) -> contest.Contest:
    """Decode the same bytes in the same process, without a network."""
    count = settings.count(20, least=4)
    with Lab() as lab:
        entries = {
            UNTYPED: lab.entry("decoders", "untyped", orders=1000, count=count),
            TYPED: lab.entry("decoders", "typed", orders=1000, count=count),
        }
        return contest.hold(entries, settings.rounds)

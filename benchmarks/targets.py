"""What the library has to reach (must) and what it tries to reach (aim), as ratios to its rivals."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from benchmarks.clients import DOCS_SAMPLE, LIBRARY, RAW, SDK
from benchmarks.sampling import Spread
from benchmarks.scenarios import imports, pipelined, snapshot


class Verdict(Enum):
    """How a measured ratio compares with its target."""

    AIM = "aim reached"
    MUST = "must reached"
    NOISE = "within noise"
    MISSED = "MISSED"


@dataclass(frozen=True)
class Target:
    """One row of the table: `metric` of `subject` divided by that of `rival`, in one scenario."""

    title: str
    scenario: str
    metric: str
    rival: str
    must: float
    aim: float
    subject: str = LIBRARY
    higher_is_better: bool = False

    def verdict(self, ratio: Spread) -> Verdict:
        """Judge a ratio by its median.

        A must whose median misses counts as missed only if three quarters of the rounds miss it: then one or two
        lucky rounds do not excuse it, and the noise of the run does not explain it.
        """
        if self._reaches(ratio.median, self.aim):
            return Verdict.AIM
        if self._reaches(ratio.median, self.must):
            return Verdict.MUST
        lower, upper = ratio.middle
        better = upper if self.higher_is_better else lower
        return Verdict.NOISE if self._reaches(better, self.must) else Verdict.MISSED

    def _reaches(self, ratio: float, bound: float) -> bool:
        return ratio >= bound if self.higher_is_better else ratio <= bound


_ORDER = "sequential typed, correlated, thread-safe order round trip, time"
_THREADS = "8 threads on one connection, orders/s"

TARGETS = (
    Target(f"{_ORDER} / raw websocket-client", "round_trip", "mean_us", RAW, 0.70, 0.45),
    Target(f"{_ORDER} / the exchange's SDK", "round_trip", "mean_us", SDK, 0.50, 0.35),
    Target(f"{_THREADS} / raw, single thread", "threads", "rate", RAW, 2.3, 3.5, higher_is_better=True),
    Target(f"{_THREADS} / SDK, 8 gathered tasks", "threads", "rate", SDK, 1.5, 2.2, higher_is_better=True),
    Target(
        "pipelined from one thread, 8 in flight (place_orders), orders/s / SDK, 8 gathered tasks",
        "pipelined", "rate", SDK, 2.0, 3.0, subject=pipelined.BATCHES, higher_is_better=True,
    ),
    Target(
        "typed events to a callback on the dispatcher thread, events/s / docs sample",
        "events", "rate", DOCS_SAMPLE, 13.0, 40.0, higher_is_better=True,
    ),
    Target("unsolicited event latency / docs sample", "event_latency", "p50_us", DOCS_SAMPLE, 0.55, 0.38),
    Target(
        "typed decode of a 1000-order snapshot, time / json.loads of the same bytes",
        "snapshot", "mean_us", snapshot.UNTYPED, 1.0, 0.4, subject=snapshot.TYPED,
    ),
    Target("memory of 100 000 queued events / docs sample's", "memory", "bytes", DOCS_SAMPLE, 0.50, 0.25),
    Target(
        "import time of qfex with its TradeClient / all four base dependencies",
        "imports", "mean_us", imports.DEPENDENCIES, 0.70, 0.60, subject=imports.LIBRARY,
    ),
    Target(
        "warm connect, authenticate, first order, time / docs sample",
        "first_order", "mean_us", DOCS_SAMPLE, 0.95, 0.80,
    ),
    Target(
        "round trip p50 beside a CPU-bound thread / docs sample",
        "busy_thread", "p50_us", DOCS_SAMPLE, 0.50, 0.35,
    ),
    Target("over TLS: sequential round trip, time / raw over TLS", "tls", "mean_us", RAW, 0.75, 0.60),
)  # fmt: skip

"""What the library has to reach (must) and what it tries to reach (aim), as ratios to its baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks import scenarios, tables
from benchmarks.clients import DOCS_SAMPLE, LIBRARY, RAW, SDK
from benchmarks.contest import Contest
from benchmarks.sampling import Spread
from benchmarks.verdicts import Verdict, judge

_TIMES = ("mean_us", "p50_us", "rate")


@dataclass(frozen=True)
class Target:
    """Bounds of the cost of `subject` divided by that of `baseline`, or of their rates if `metric` is ``"rate"``.

    Where `baseline` is None, the bounds are those of the cost itself.
    """

    title: str
    scenario: str
    metric: str
    baseline: str | None
    must: float
    aim: float
    subject: str = LIBRARY

    @property
    def higher_is_better(self) -> bool:
        """Whether the ratio is one of rates."""
        return self.metric == "rate"

    def ratio(self, contest: Contest) -> Spread:
        """Return the measured ratio."""
        if self.baseline is None:
            return contest.cost(self.subject, self.metric)
        if self.metric == "rate":
            return contest.ratio(self.subject, self.baseline, "mean_us").inverse()
        return contest.ratio(self.subject, self.baseline, self.metric)

    def verdict(self, ratio: Spread) -> Verdict:
        """Judge a measured ratio."""
        return judge(ratio, self.must, self.aim, higher_is_better=self.higher_is_better)


@dataclass(frozen=True)
class Row:
    """A target with the measured ratios.

    Attributes
    ----------
    ratio
        The measured ratio, None where a contestant could not run.
    cpu
        The ratio of the client's CPU time per operation, None where it is not measured. Less is better, also where the
        target is one of rates.
    is_contended
        Whether other programs used so much of the CPU that there can be no verdict on a time.
    remark
        Why a contestant could not run.
    """

    target: Target
    ratio: Spread | None
    cpu: Spread | None = None
    is_contended: bool = False
    remark: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, None where there is nothing to judge."""
        if self.ratio is None:
            return None
        verdict = self.target.verdict(self.ratio)
        if self.is_contended and self.target.metric in _TIMES and verdict is not Verdict.TOO_FEW:
            return Verdict.CONTENDED
        return verdict

    def cells(self) -> list[str]:
        """Return the row's table cells."""
        sign = ">=" if self.target.higher_is_better else "<="
        bounds = [f"{sign} {self.target.must:g}", f"{sign} {self.target.aim:g}"]
        if self.ratio is None or self.verdict is None:
            return [self.target.title, *bounds, "not available", "-", self.remark]
        cpu = "-" if self.cpu is None else tables.spread(self.cpu)
        return [self.target.title, *bounds, tables.spread(self.ratio), cpu, self.verdict.value]


HEADER = ("scenario, ratio", "must", "aim", "measured", "client CPU time", "verdict")


def rows(targets: Iterable[Target], contests: Mapping[str, Contest]) -> list[Row]:
    """Return the rows of the scenarios that were run."""
    return [_row(target, contests[target.scenario]) for target in targets if target.scenario in contests]


def _row(target: Target, contest: Contest) -> Row:
    for label in (target.subject, target.baseline):
        if label in contest.absent:
            return Row(target, None, remark=contest.absent[label].strip().splitlines()[-1][:100])
    cpu = None
    if target.baseline is not None and "cpu_us" in scenarios.SCENARIOS[target.scenario].metrics:
        cpu = contest.ratio(target.subject, target.baseline, "cpu_us")
    return Row(target, target.ratio(contest), cpu, contest.is_contended)


def summary(judged: Iterable[Row]) -> str:
    """Return the table of all rows."""
    return tables.table(HEADER, [row.cells() for row in judged])


_ORDER = "sequential typed, correlated, thread-safe order round trip, time"
_THREADS = "8 threads on one connection, orders/s"

TARGETS = (
    Target(f"{_ORDER} / raw websocket-client", "round_trip", "mean_us", RAW, 0.70, 0.45),
    Target(f"{_ORDER} / the exchange's SDK", "round_trip", "mean_us", SDK, 0.50, 0.35),
    Target("Python calls of one order in the caller's thread", "calls", "caller_calls", None, 35, 25),
    Target("Python calls of one order in the reader's thread", "calls", "reader_calls", None, 22, 15),
    Target(f"{_THREADS} / raw, single thread", "threads", "rate", RAW, 2.3, 3.5),
    Target(f"{_THREADS} / SDK, 8 gathered tasks", "threads", "rate", SDK, 1.5, 2.2),
    Target(
        "pipelined from one thread, 8 in flight (place_orders), orders/s / SDK, 8 gathered tasks",
        "pipelined", "rate", SDK, 2.0, 3.0, subject=scenarios.BATCHES,
    ),
    Target(
        "typed events to a callback on the dispatcher thread, events/s / docs sample",
        "events", "rate", DOCS_SAMPLE, 13.0, 40.0,
    ),
    Target("unsolicited event latency / docs sample", "event_latency", "p50_us", DOCS_SAMPLE, 0.55, 0.38),
    Target(
        "typed decode of a 1000-order snapshot, time / json.loads of the same bytes",
        "snapshot", "mean_us", scenarios.UNTYPED, 1.0, 0.4, subject=scenarios.TYPED,
    ),
    Target("memory of 100 000 queued events / docs sample's", "memory", "bytes", DOCS_SAMPLE, 0.50, 0.25),
    Target(
        "import time of qfex with its TradeClient / all four base dependencies",
        "imports", "mean_us", scenarios.DEPENDENCIES, 0.70, 0.60, subject=scenarios.IMPORT_CLIENT,
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

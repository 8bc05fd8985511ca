"""The scenarios: what each contestant does in one slice of some ten milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.clients import CALL_COUNTS, DECODERS, DOCS_SAMPLE, IMPORTS, LIBRARY, RAW, RAW_UNCHECKED, SDK

WINDOW = "library, submit_order"
BATCHES = "library, place_orders of 8"
LARGE_BATCHES = "library, place_orders of 64"
TYPED = "library, models"
UNTYPED = "json.loads, dicts"
DEPENDENCIES = "import websocket, attrs, cattrs, requests"
IMPORT_PACKAGE = "import qfex"
IMPORT_CLIENT = "from qfex import TradeClient"  # what a program needs, even if the package loads it on demand


@dataclass(frozen=True)
class Contestant:
    """A task of one of the clients.

    Attributes
    ----------
    label
        The contestant's name in the tables.
    client
        The client whose process does the task; contestants with the same client share a process.
    task, arguments
        The client's method and what it is called with.
    count
        How many operations a slice of a full run has; None where the task has no such argument.
    least
        The fewest operations that a scaled-down slice has.
    of_library
        Whether the task runs this library's code, so that it can be compared with another checkout.
    """

    label: str
    client: str
    task: str
    count: int | None = None
    least: int = 16
    arguments: Mapping[str, int] = field(default_factory=dict)
    of_library: bool = False

    def sized(self, scale: float) -> dict[str, int]:
        """Return the arguments of a slice, with its count scaled."""
        if self.count is None:
            return dict(self.arguments)
        return {**self.arguments, "count": max(self.least, int(self.count * scale))}


@dataclass(frozen=True)
class Scenario:
    """Something that all contestants do, each in its own way.

    Attributes
    ----------
    title
        What is done.
    metrics
        What the results page lists.
    rounds
        The rounds of a trial, at most; None if as many as the run asks for.
    trials
        The number of trials, at most; None if as many as the run asks for.
    once
        Whether each contestant measures once in a trial, in a process that has done nothing before.
    pinned
        Whether server and clients share one CPU.
    delay
        Seconds that the server waits before it answers an order.
    tls
        Whether connections use TLS.
    busy
        Whether another thread of the client's process computes without a pause.
    """

    title: str
    metrics: tuple[str, ...]
    contestants: tuple[Contestant, ...]
    rounds: int | None = None
    trials: int | None = None
    once: bool = False
    pinned: bool = True
    delay: float = 0.0
    tls: bool = False
    busy: bool = False


def _library(task: str, count: int, least: int = 16, *, label: str = LIBRARY, **arguments: int) -> Contestant:
    return Contestant(label, LIBRARY, task, count, least, arguments, of_library=True)


_ROUND_TRIP = ("mean_us", "cpu_us", "p50_us", "p99_us", "rate")

SCENARIOS: dict[str, Scenario] = {
    "round_trip": Scenario(
        "Sequential order round trip",
        _ROUND_TRIP,
        (
            Contestant(RAW, RAW, "round_trips", 200),
            Contestant(RAW_UNCHECKED, RAW_UNCHECKED, "round_trips", 400),
            Contestant(DOCS_SAMPLE, DOCS_SAMPLE, "round_trips", 150),
            Contestant(SDK, SDK, "gathered", 150, arguments={"tasks": 1}),
            _library("round_trips", 300),
        ),
    ),
    "calls": Scenario(
        "Calls of Python functions for one order",
        ("caller_calls", "reader_calls"),
        (Contestant(LIBRARY, CALL_COUNTS, "order", 100, of_library=True),),
        trials=8,  # they hardly differ
        once=True,
        delay=0.002,  # else the answer may be there before the caller waits for it, which saves calls
    ),
    "threads": Scenario(
        "Eight orders at a time: threads on one connection",
        _ROUND_TRIP,
        (
            Contestant(RAW, RAW, "round_trips", 200),
            Contestant(SDK, SDK, "gathered", 400, arguments={"tasks": 8}),
            _library("threads", 800, threads=8),
        ),
    ),
    "pipelined": Scenario(
        "Eight orders at a time: pipelined from one thread",
        _ROUND_TRIP,
        (
            Contestant(SDK, SDK, "gathered", 400, arguments={"tasks": 8}),
            _library("window", 800, label=WINDOW, in_flight=8),
            _library("batches", 800, label=BATCHES, size=8),
            _library("batches", 1280, 64, label=LARGE_BATCHES, size=64),
        ),
    ),
    "events": Scenario(
        "A burst of pushed order messages, delivered to a callback (the sample: to the main thread)",
        ("mean_us", "cpu_us", "rate"),
        (
            Contestant(DOCS_SAMPLE, DOCS_SAMPLE, "events", 400),
            Contestant(RAW_UNCHECKED, RAW_UNCHECKED, "events", 5000),
            _library("events", 5000),
        ),
    ),
    "event_latency": Scenario(
        "From sending an order to the callback with its fill",
        ("p50_us", "p99_us", "cpu_us"),
        (Contestant(DOCS_SAMPLE, DOCS_SAMPLE, "event_latency", 150), _library("event_latency", 200)),
    ),
    "snapshot": Scenario(
        "Decoding a snapshot of 1000 open orders",
        ("mean_us", "cpu_us", "p50_us"),
        (
            Contestant(UNTYPED, DECODERS, "untyped", 10, 4, {"orders": 1000}),
            Contestant(TYPED, DECODERS, "typed", 10, 4, {"orders": 1000}, of_library=True),
        ),
    ),
    "memory": Scenario(
        "Resident memory of 100 000 queued order messages",
        ("bytes",),
        (
            Contestant(DOCS_SAMPLE, DOCS_SAMPLE, "queued_memory", 100_000, 2000),
            _library("queued_memory", 100_000, 2000),
        ),
        trials=8,  # it hardly differs, and each trial takes long
        once=True,  # freed memory seldom goes back to the system
    ),
    "imports": Scenario(
        "Import time over a bare interpreter",
        ("mean_us", "cpu_us", "modules"),
        (
            Contestant(DEPENDENCIES, IMPORTS, "dependencies"),
            Contestant(IMPORT_PACKAGE, IMPORTS, "package", of_library=True),
            Contestant(IMPORT_CLIENT, IMPORTS, "trade_client", of_library=True),
        ),
        rounds=3,
    ),
    "first_order": Scenario(
        "Connect, authenticate, subscribe, first order",
        ("mean_us", "cpu_us", "p50_us", "p99_us"),
        (
            Contestant(RAW, RAW, "first_orders", 10, 2),
            Contestant(DOCS_SAMPLE, DOCS_SAMPLE, "first_orders", 10, 2),
            _library("first_orders", 10, 2),
        ),
    ),
    "busy_thread": Scenario(
        "Order round trip beside a thread that computes",
        ("p50_us", "p99_us"),  # nearly all CPU time is that of the computing thread
        (
            Contestant(RAW, RAW, "round_trips", 12, 4),
            Contestant(DOCS_SAMPLE, DOCS_SAMPLE, "round_trips", 6, 4),
            _library("round_trips", 12, 4),
        ),
        pinned=False,  # on one CPU the computing thread would delay the server, too
        delay=0.0003,  # else the answer may be there before the caller waits and lets the other thread compute
        busy=True,
    ),
    "tls": Scenario(
        "Sequential order round trip over TLS",
        _ROUND_TRIP,
        (
            Contestant(RAW, RAW, "round_trips", 200),
            Contestant(DOCS_SAMPLE, DOCS_SAMPLE, "round_trips", 150),
            _library("round_trips", 300),
        ),
        tls=True,
    ),
}

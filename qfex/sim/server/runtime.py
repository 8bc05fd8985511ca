"""The parts of a simulator, and what assembles them from the options."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..engine import Exchange, Rules, load_instruments
from ..feeds.faults import FeedPlan
from ..gateway.accounts import Accounts
from ..gateway.audit import AuditTrail
from ..gateway.clock import Clock
from ..gateway.dialects import Dialect, Documented, Live
from ..gateway.gateway import TradeGateway
from ..gateway.rate_limit import RateLimiter
from .clock_driver import ManualDriver

if TYPE_CHECKING:
    from ..record import ConnectionRecorder, Recorder, Socket
    from ..websocket import WebSocketWriter
    from .clock_driver import RealTimeDriver

HOST = "127.0.0.1"
DialectName = Literal["live", "documented"]
PricePath = Literal["still", "calm", "trending", "gapping"]
ClockName = Literal["real", "manual"]
_DIALECTS: dict[str, type[Live] | type[Documented]] = {"live": Live, "documented": Documented}


@dataclass(frozen=True)
class Options:
    """The keyword arguments of `Simulator`, which documents them."""

    symbols: tuple[str, ...] | None = None
    dialect: DialectName = "live"
    seed: int = 0
    liquidity: bool = True
    price_path: PricePath = "still"
    clock: ClockName = "real"
    speed: float = 1.0
    port: int = 0
    rate_limits: bool = True
    ping_interval: float = 20.0
    ledger_limit: int | None = None
    rules: Rules | None = field(default=None)
    record: str | Path | None = None

    def __post_init__(self) -> None:
        if self.dialect not in _DIALECTS:
            raise ValueError(f"dialect must be 'live' or 'documented', not {self.dialect!r}")
        if self.clock not in ("real", "manual"):
            raise ValueError(f"clock must be 'real' or 'manual', not {self.clock!r}")
        if not self.speed > 0:
            raise ValueError(f"speed must be positive, not {self.speed!r}")


def _no_flush() -> None:
    """Stand in for the flush of a server that does not run."""


@dataclass(eq=False)
class Runtime:
    """The parts of a simulator, shared by all of its sockets.

    Everything here belongs to the event loop's thread and must not be used from another one.

    Attributes
    ----------
    exchange : Exchange
        The engine. ``exchange.listen`` passes on every event, synchronously.
    clock : Clock
        The simulated clock, on which periodic publications run: ``now``, ``every``, ``after``.
    accounts : Accounts
        Keys and subaccounts; ``authenticate_headers`` checks a REST request.
    gateway : TradeGateway
        The trade gateway.
    dialect : str
        "live" or "documented".
    ping_interval : float
        Real seconds between WebSocket pings; a peer that does not answer within half of that is disconnected.
    sockets : set of WebSocketWriter
        The open WebSockets. Their ``send`` writes at once and never blocks, so the messages of an event have been written
        when the call that caused it returns. The handler of a socket adds and removes its writer; the server closes the
        remaining ones when it stops.
    clock_driver : RealTimeDriver or ManualDriver
        Advances the simulated clock.
    flush : callable
        Writes the messages that wait for trade connections.
    recorder : Recorder, optional
        Records the sessions.
    feed_plan : FeedPlan
        The armed faults of market data and REST.
    """

    exchange: Exchange
    clock: Clock
    accounts: Accounts
    gateway: TradeGateway
    dialect: str = "live"
    ping_interval: float = 20.0
    sockets: set[WebSocketWriter] = field(default_factory=set)
    clock_driver: RealTimeDriver | ManualDriver = field(default_factory=ManualDriver)
    flush: Callable[[], None] = _no_flush
    recorder: Recorder | None = None
    feed_plan: FeedPlan = field(default_factory=FeedPlan)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Bring the clock up to date before the block, and send what the block has caused after it."""
        self.clock_driver.catch_up()
        try:
            yield
        finally:
            self.flush()
            self.clock_driver.schedule()

    def connection_recorder(self, socket: Socket) -> ConnectionRecorder | None:
        """Return the recorder of a new connection, if sessions are recorded."""
        return None if self.recorder is None else self.recorder.connection(socket)


def assemble(options: Options) -> Runtime:
    """Return the parts of a simulator, not yet served.

    Raises
    ------
    ValueError
        A symbol is unknown, or the price path.
    """
    dialect: Dialect = _DIALECTS[options.dialect]()
    exchange = _exchange(options, dialect)
    clock = Clock(exchange)
    accounts = Accounts(exchange, seed=options.seed)
    limiter = RateLimiter() if options.rate_limits else RateLimiter(None)
    audit = AuditTrail(options.ledger_limit)
    gateway = TradeGateway(exchange, clock, accounts, dialect, limiter, audit)
    return Runtime(exchange, clock, accounts, gateway, options.dialect, options.ping_interval)


def _exchange(options: Options, dialect: Dialect) -> Exchange:
    rules = replace(options.rules or Rules(), modify_keeps_order_id=dialect.modify_keeps_order_id)
    try:
        instruments = load_instruments(options.symbols)
    except KeyError as error:
        raise ValueError(f"no such symbol in the reference data: {error}") from error
    return Exchange(
        instruments,
        start=time.time(),
        seed=options.seed,
        rules=rules,
        liquidity=options.liquidity,
        price_path=options.price_path,
    )

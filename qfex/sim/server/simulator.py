"""`Simulator`: engine, gateway and server behind one context manager."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext
from numbers import Real
from pathlib import Path
from typing import TypeVar

from qfex.credentials import HmacCredentials
from qfex.environment import Environment

from ..arithmetic import ARITHMETIC
from ..engine import Exchange, Rules
from ..feeds.faults import FeedFaults
from ..gateway.audit import AuditTrail
from .connection import ConnectionInfo
from .event_loop import LoopThread
from .faults import Faults
from .network_proxy import NetworkProxy
from .runtime import ClockName, DialectName, Options, PricePath, assemble
from .server import Server
from .snapshot import Snapshot, take

Result = TypeVar("Result")
Amount = Decimal | int | str


class Simulator:
    """A simulated QFEX on loopback sockets, which runs for the length of a ``with`` block.

    Parameters
    ----------
    symbols : iterable of str, optional
        The instruments to list; by default all of the captured reference data.
    dialect : {"live", "documented"}
        What to follow where the exchange's documentation and its observed behaviour differ.
    seed : int
        Ids, keys, quotes and price paths depend only on it.
    liquidity : bool
        Whether a market maker quotes both sides of every symbol around its mark price.
    price_path : {"still", "calm", "trending", "gapping"}
        How mark prices move without `set_mark_price`.
    clock : {"real", "manual"}
        Whether simulated time passes with real time or only in `advance`. It starts at the current time.
    speed : float
        Simulated seconds for each real one, with ``clock="real"``.
    port : int
        The port to listen on; 0 lets the system choose one.
    rate_limits : bool
        Whether to enforce the exchange's rate limit of 12,000 weight units a minute.
    ping_interval : float
        Real seconds between WebSocket pings.
    rules : Rules, optional
        The exchange's limits and rates.
    ledger_limit : int, optional
        How many entries of each kind `ledger` keeps; by default all.
    record : path, optional
        A file in which to record every frame of every socket, without secrets; `qfex.sim.replay` plays it back.

    Notes
    -----
    Every method may be called from any thread. It runs on the simulator's event loop, and returns when the messages that
    it causes have been written.
    """

    def __init__(
        self,
        *,
        symbols: Iterable[str] | None = None,
        dialect: DialectName = "live",
        seed: int = 0,
        liquidity: bool = True,
        price_path: PricePath = "still",
        clock: ClockName = "real",
        speed: float = 1.0,
        port: int = 0,
        rate_limits: bool = True,
        ping_interval: float = 20.0,
        rules: Rules | None = None,
        ledger_limit: int | None = None,
        record: str | Path | None = None,
    ) -> None:
        self._options = Options(
            symbols=None if symbols is None else tuple(symbols),
            dialect=dialect,
            seed=seed,
            liquidity=liquidity,
            price_path=price_path,
            clock=clock,
            speed=speed,
            port=port,
            rate_limits=rate_limits,
            ping_interval=ping_interval,
            ledger_limit=ledger_limit,
            rules=rules,
            record=record,
        )
        self._loop: LoopThread | None = None
        self._runtime = self._call(lambda: assemble(self._options))
        self._credentials = self._call(lambda: self._open_account(Decimal(100_000)))
        self._started = False
        self._server = self._call(lambda: Server(self._runtime))
        self._faults = Faults(self._call, self._server.trade, self._server.plan, self._runtime)
        self._feed_faults = FeedFaults(self._call, self._runtime.feed_plan)

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server.

        Raises
        ------
        RuntimeError
            It was started before; a simulator can be started only once.
        OSError
            The port is taken.
        """
        if self._started:
            raise RuntimeError("a simulator can be started only once; create another one")
        self._started = True
        self._loop = LoopThread()
        self._loop.start()
        try:
            self._loop.run(self._server.start(self._options))
        except BaseException:
            self._loop.stop()
            self._loop = None
            raise

    def stop(self) -> None:
        """Close every connection and stop the thread; does nothing if the simulator is not running."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.run(self._server.stop())
        finally:
            self._loop = None
            loop.stop()

    @property
    def environment(self) -> Environment:
        """The URLs of the simulator."""
        return self._server.environment()

    @property
    def credentials(self) -> HmacCredentials:
        """The keys of an account with 100,000 USDC."""
        return self._credentials

    def create_account(self, balance: Amount = 100_000, *, can_trade: bool = True) -> HmacCredentials:
        """Open another account.

        Parameters
        ----------
        balance : Decimal, int or str
            The deposit, USDC.
        can_trade : bool
            Whether the key may trade; otherwise its scope is "view".

        Returns
        -------
        HmacCredentials
            The keys of the account.
        """
        return self.exchange_call(lambda _: self._open_account(_decimal(balance), can_trade))

    def create_subaccount(self, credentials: HmacCredentials, balance: Amount = 0) -> str:
        """Open a subaccount of the key's owner with a deposit, and return its id."""

        def create(exchange: Exchange) -> str:
            account_id = self._runtime.accounts.create_subaccount(self._owner(credentials))
            exchange.deposit(account_id, _decimal(balance))
            return account_id

        return self.exchange_call(create)

    def account_id(self, credentials: HmacCredentials) -> str:
        """Return the account id of the key's owner."""
        return self._owner(credentials)

    def jwt(self, credentials: HmacCredentials, *, lifetime: float = 3600.0) -> str:
        """Return a JSON Web Token of the key's owner, valid for ``lifetime`` seconds."""
        owner = self._owner(credentials)
        return self.exchange_call(lambda _: self._runtime.accounts.issue_token(owner, lifetime=lifetime))

    def set_mark_price(self, symbol: str, price: Amount) -> None:
        """Set a mark price: stops trigger, and the quoted book follows."""
        self.exchange_call(lambda exchange: exchange.set_mark_price(symbol, _decimal(price)))

    def advance(self, seconds: float) -> None:
        """Advance the simulated time: TWAPs, funding, publications and deadlines that fall due run."""
        self.exchange_call(lambda _: self._runtime.clock.advance(seconds))

    @property
    def now(self) -> float:
        """The simulated time, unix seconds."""
        return self.exchange_call(lambda exchange: exchange.now)

    @property
    def faults(self) -> Faults:
        """Injects faults on the trade socket."""
        return self._faults

    @property
    def feed_faults(self) -> FeedFaults:
        """Injects faults on the market data socket and on REST."""
        return self._feed_faults

    def cable(self) -> NetworkProxy:
        """Open a network proxy: its environment's trade URL leads here through a network with injected faults."""
        if self._loop is None:
            raise RuntimeError("the simulator is not running")
        proxy = NetworkProxy(self._loop, self.environment)
        self._loop.run(self._server.add_proxy(proxy))
        return proxy

    @property
    def connections(self) -> list[ConnectionInfo]:
        """The open trade connections, oldest first."""
        return self._call(lambda: [one.info() for one in self._server.trade.connections.values()])

    @property
    def ledger(self) -> AuditTrail:
        """A snapshot of the audit trail: every command received, every order change and every fill until now."""
        return self.exchange_call(lambda _: self._runtime.gateway.audit.copy())

    def snapshot(self) -> Snapshot:
        """Return books, accounts and latest orders, as in the live view."""
        return self.exchange_call(lambda exchange: take(exchange, self._runtime.gateway))

    def exchange_call(self, function: Callable[[Exchange], Result]) -> Result:
        """Run ``function`` with the engine, on the engine's thread, and return its result."""

        def call() -> Result:
            with self._runtime.step():
                return function(self._runtime.exchange)

        return self._call(call)

    def _call(self, action: Callable[[], Result]) -> Result:
        """Run ``action`` on the loop, or in the calling thread while there is none."""
        if self._loop is not None:
            return self._loop.call(action)
        with localcontext(ARITHMETIC):
            return action()

    def _open_account(self, balance: Decimal, can_trade: bool = True) -> HmacCredentials:
        key = self._runtime.accounts.open(balance, can_trade=can_trade)
        return HmacCredentials(key.public_key, key.secret_key)

    def _owner(self, credentials: HmacCredentials) -> str:
        key = self._runtime.accounts.key(credentials.public_key)
        if key is None:
            raise ValueError("these credentials do not belong to this simulator")
        return key.user_id


def _decimal(value: Amount) -> Decimal:
    """An amount as a Decimal. Numbers of other libraries, such as numpy's, go through their text."""
    return Decimal(str(value)) if isinstance(value, Real) else Decimal(value)

"""The exchange in a box: engine, gateway and servers behind one context manager."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from qfex.credentials import HmacCredentials
from qfex.environment import Environment

from ..engine import Exchange, Rules
from ..feeds.faults import FeedFaults
from ..gateway.ledger import Ledger
from .assembly import assemble
from .cable import Cable
from .faults import Faults
from .listener import HOST
from .loop import LoopThread
from .options import ClockName, DialectName, Options, PricePath
from .service import Service
from .trade import ConnectionInfo
from .view.snapshot import Snapshot, take

Result = TypeVar("Result")
Amount = Decimal | int | str


class Simulator:
    """A QFEX of one's own, on loopback sockets, for as long as the ``with`` block lasts.

    Parameters
    ----------
    symbols : iterable of str, optional
        The instruments to list; default all of the captured reference data.
    dialect : {"live", "documented"}
        How to speak where the exchange's documentation and its observed behaviour differ.
    seed : int
        Ids, keys, quotes and price paths depend on it alone.
    liquidity : bool
        Whether a market maker quotes both sides of every symbol around its mark price.
    price_path : {"still", "calm", "trending", "gapping"}
        How mark prices move by themselves.
    clock : {"real", "manual"}
        Whether the simulated time passes by itself or only in `advance`. It starts at the time of day.
    speed : float
        Simulated seconds for each real one, with ``clock="real"``.
    port : int
        Port to listen on; 0 lets the system choose.
    rate_limits : bool
        Whether the exchange's message budget of 12,000 weight units a minute is enforced.
    ping_interval : float
        Real seconds between WebSocket pings.
    rules : Rules, optional
        The exchange's limits and rates.
    ledger_limit : int, optional
        Entries of each kind that `ledger` keeps; default all.
    record : path, optional
        File to record every frame of every socket in, without secrets; `qfex.sim.replay` plays it back.

    Notes
    -----
    Every method may be called from any thread. It runs on the simulator's own event loop and returns when the
    frames that follow from it have been written.
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
        options = Options(
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
        self._assemble(options)

    def _assemble(self, options: Options) -> None:
        self._options = options
        self._runtime = assemble(options)
        self._credentials = self._open_account(Decimal(100_000))
        self._loop: LoopThread | None = None
        self._started = False
        self._service = Service(self._runtime)
        self._faults = Faults(self._call, self._service.trade, self._service.plan, self._runtime)
        self._feed_faults = FeedFaults(self._call, self._runtime.feed_plan)

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start to serve.

        Raises
        ------
        RuntimeError
            It was started before: a simulator starts once.
        OSError
            The port is taken.
        """
        if self._started:
            raise RuntimeError("a simulator starts once: make another one")
        self._started = True
        self._loop = LoopThread()
        self._loop.start()
        try:
            self._loop.run(self._service.start(self._options))
        except BaseException:
            self._loop.stop()
            self._loop = None
            raise

    def stop(self) -> None:
        """End every connection and thread; afterwards, and when never started, nothing happens."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.run(self._service.stop())
        finally:
            self._loop = None
            loop.stop()

    @property
    def environment(self) -> Environment:
        """Where the simulator is."""
        return self._service.environment(HOST)

    @property
    def credentials(self) -> HmacCredentials:
        """The keys of a funded account (100,000 USDC)."""
        return self._credentials

    def create_account(self, balance: Amount = 100_000, *, can_trade: bool = True) -> HmacCredentials:
        """Open another account.

        Parameters
        ----------
        balance : Decimal, int or str
            Its deposit, USDC.
        can_trade : bool
            False makes a key of scope "view".

        Returns
        -------
        HmacCredentials
            The account's keys.
        """
        return self.exchange_call(lambda _: self._open_account(Decimal(balance), can_trade))

    def create_subaccount(self, credentials: HmacCredentials, balance: Amount = 0) -> str:
        """Open a subaccount of the key's owner with a deposit of its own, and return its id."""

        def create(exchange: Exchange) -> str:
            account_id = self._runtime.accounts.create_subaccount(self._owner(credentials))
            exchange.deposit(account_id, Decimal(balance))
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
        """Move a mark price: stops trigger, and the quoted book follows."""
        self.exchange_call(lambda exchange: exchange.set_mark_price(symbol, Decimal(price)))

    def advance(self, seconds: float) -> None:
        """Move the simulated time forward: TWAPs, funding, pulses and deadlines that fall due happen."""
        self.exchange_call(lambda _: self._runtime.clock.advance(seconds))

    @property
    def now(self) -> float:
        """The simulated time, unix seconds."""
        return self.exchange_call(lambda exchange: exchange.now)

    @property
    def faults(self) -> Faults:
        """What is to go wrong on the trade socket."""
        return self._faults

    @property
    def feed_faults(self) -> FeedFaults:
        """What is to go wrong with market data and REST."""
        return self._feed_faults

    def cable(self) -> Cable:
        """Lay a cable: its environment's trade URL leads here through a network that a test can spoil."""
        if self._loop is None:
            raise RuntimeError("the simulator is not running")
        cable = Cable(self._loop, self.environment)
        self._loop.run(self._service.lay(cable))
        return cable

    @property
    def connections(self) -> list[ConnectionInfo]:
        """The open trade connections, oldest first."""
        return self._call(lambda: [one.info() for one in self._service.trade.connections.values()])

    @property
    def ledger(self) -> Ledger:
        """What really happened until now: a snapshot."""
        return self.exchange_call(lambda _: self._runtime.gateway.ledger.copy())

    def snapshot(self) -> Snapshot:
        """Return books, accounts and latest orders, as the live view shows them."""
        return self.exchange_call(lambda exchange: take(exchange, self._runtime.gateway))

    def exchange_call(self, function: Callable[[Exchange], Result]) -> Result:
        """Run ``function`` with the engine, on the engine's thread, and return its result."""

        def step() -> Result:
            self._runtime.pace.catch_up()
            try:
                return function(self._runtime.exchange)
            finally:
                self._runtime.flush()
                self._runtime.pace.plan()

        return self._call(step)

    def _call(self, action: Callable[[], Result]) -> Result:
        """Run ``action`` on the loop, or here while there is none."""
        return action() if self._loop is None else self._loop.call(action)

    def _open_account(self, balance: Decimal, can_trade: bool = True) -> HmacCredentials:
        key = self._runtime.accounts.open(balance, can_trade=can_trade)
        return HmacCredentials(key.public_key, key.secret_key)

    def _owner(self, credentials: HmacCredentials) -> str:
        key = self._runtime.accounts.key(credentials.public_key)
        if key is None:
            raise ValueError("these are no credentials of this simulator")
        return key.user_id

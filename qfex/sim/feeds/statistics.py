"""Statistics of markets and accounts over time, as REST reports them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, TypeVar

from ..engine import BalanceChanged, Filled, MarkChanged, PositionChanged, Traded
from .text import utc

if TYPE_CHECKING:
    from ..engine import Event, Exchange, FillRow, PositionRow, PublicTrade
    from ..gateway.clock import Clock

ZERO = Decimal(0)
MINUTE = 60
HOUR = 3600
LIMIT = 100_000
Value = TypeVar("Value")


class Series(Generic[Value]):
    """A quantity over time, stored where it changes; beyond a limit, the older half is dropped."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._values: list[Value] = []

    @property
    def start(self) -> float | None:
        """The time of the first value, unix seconds."""
        return self._times[0] if self._times else None

    @property
    def first(self) -> Value | None:
        """The first value."""
        return self._values[0] if self._values else None

    def add(self, moment: float, value: Value) -> None:
        """Add the value at a time, which must not be before the last one."""
        if self._values and self._values[-1] == value:
            return
        self._times.append(moment)
        self._values.append(value)
        if len(self._times) > LIMIT:
            del self._times[: LIMIT // 2], self._values[: LIMIT // 2]

    def at(self, moment: float) -> Value | None:
        """Return the value at a time; None before the first one."""
        index = bisect_right(self._times, moment)
        return self._values[index - 1] if index else None

    def within(self, start: float, end: float) -> list[Value]:
        """Return the value at ``start`` and all later ones before ``end``."""
        first = max(bisect_right(self._times, start) - 1, 0)
        return self._values[first : bisect_left(self._times, end)]


def windows(start: float, end: float, step: float) -> list[float]:
    """Return the starts of the windows that overlap a range, aligned to ``step``.

    Parameters
    ----------
    start, end : float
        Unix seconds; a window that starts at ``end`` is not included.
    step : float
        The length of a window, seconds.
    """
    first = math.floor(start / step)
    return [index * step for index in range(first, math.ceil(end / step))]


@dataclass
class TakerVolume:
    """The volume that aggressors bought and sold, in base units and in quote currency."""

    buy_quantity: Decimal = ZERO
    sell_quantity: Decimal = ZERO
    buy_notional: Decimal = ZERO
    sell_notional: Decimal = ZERO

    def add(self, trade: PublicTrade) -> None:
        """Add a trade."""
        notional = trade.price * trade.quantity
        if trade.side == "BUY":
            self.buy_quantity += trade.quantity
            self.buy_notional += notional
        else:
            self.sell_quantity += trade.quantity
            self.sell_notional += notional

    def __add__(self, other: TakerVolume) -> TakerVolume:
        return TakerVolume(
            self.buy_quantity + other.buy_quantity,
            self.sell_quantity + other.sell_quantity,
            self.buy_notional + other.buy_notional,
            self.sell_notional + other.sell_notional,
        )


@dataclass
class SymbolStatistics:
    """The statistics of one symbol; `minutes` holds the taker volume by minute."""

    mark: Series[Decimal] = field(default_factory=Series)
    index: Series[Decimal] = field(default_factory=Series)
    funding: Series[Decimal] = field(default_factory=Series)
    open_interest: Series[Decimal] = field(default_factory=Series)
    holders: Series[tuple[int, int]] = field(default_factory=Series)
    minutes: dict[int, TakerVolume] = field(default_factory=lambda: defaultdict(TakerVolume))
    longs: set[str] = field(default_factory=set)
    shorts: set[str] = field(default_factory=set)

    def taker_volume(self, start: float, end: float) -> TakerVolume:
        """Return the taker volume of a range in whole minutes, excluding its end."""
        total = TakerVolume()
        wanted: Collection[int] = range(math.ceil(start / MINUTE), math.ceil(end / MINUTE))
        for minute in min(wanted, self.minutes, key=len):
            if minute in wanted and minute in self.minutes:
                total += self.minutes[minute]
        return total


class MarketObserver:
    """Collects the statistics of all symbols from the engine's events and from a sample every minute.

    Parameters
    ----------
    exchange : Exchange
        The engine.
    clock : Clock
        The simulated clock.
    """

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self._exchange = exchange
        self.started = exchange.now
        self.symbols = {symbol: SymbolStatistics() for symbol in exchange.instruments}
        # The positions that changed since the last sample. Evaluating every change would slow down every trade.
        self._changed: dict[tuple[str, str], None] = {}
        self.sample()
        exchange.listen(self._on_event)
        clock.every(MINUTE, self.sample)

    def __getitem__(self, symbol: str) -> SymbolStatistics:
        return self.symbols[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self.symbols)

    def sample(self) -> None:
        """Sample the current state of all symbols."""
        for account_id, symbol in self._changed:
            self._count_holder(account_id, symbol)
        self._changed.clear()
        exchange, now = self._exchange, self._exchange.now
        for symbol, statistics in self.symbols.items():
            statistics.mark.add(now, exchange.mark_price(symbol))
            statistics.index.add(now, exchange.index_price(symbol))
            statistics.funding.add(now, exchange.funding_rate(symbol))
            statistics.open_interest.add(now, exchange.open_interest(symbol))
            statistics.holders.add(now, (len(statistics.longs), len(statistics.shorts)))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Traded):
            self.symbols[event.symbol].minutes[int(event.time // MINUTE)].add(event.trade)
        elif isinstance(event, MarkChanged):
            statistics = self.symbols[event.symbol]
            statistics.mark.add(event.time, event.price)
            statistics.index.add(event.time, self._exchange.index_price(event.symbol))
        elif isinstance(event, PositionChanged):
            self._changed[event.account_id, event.symbol] = None

    def _count_holder(self, account_id: str, symbol: str) -> None:
        statistics = self.symbols[symbol]
        position = self._exchange.position(account_id, symbol).position
        for holders, holds in ((statistics.longs, position > 0), (statistics.shorts, position < 0)):
            (holders.add if holds else holders.discard)(account_id)


@dataclass(frozen=True)
class PnlHour:
    """The first sample of a position in an hour. Amounts are in USD."""

    hour: float
    row: PositionRow
    fees: Decimal


@dataclass
class Volume:
    """The notional (USD) that an account traded."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO


@dataclass
class AccountStatistics:
    """The statistics of one account.

    Attributes
    ----------
    funded : bool
        Whether it ever had money.
    equity : Series
        Equity, USD.
    pnl : dict of str to Series
        Profit after fees and funding by symbol, USD.
    fees : dict of str to Decimal
        Fees paid so far by symbol, USD.
    hours : list of PnlHour
        The hourly samples, oldest first.
    hour, sampled : float, set of str
        The hour of the last sample, and the symbols that have an entry in `hours` for it.
    volumes : dict
        Volume by day (UTC) and symbol.
    """

    funded: bool = False
    equity: Series[Decimal] = field(default_factory=Series)
    pnl: dict[str, Series[Decimal]] = field(default_factory=lambda: defaultdict(Series))
    fees: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    hours: list[PnlHour] = field(default_factory=list)
    hour: float = 0.0
    sampled: set[str] = field(default_factory=set)
    volumes: dict[tuple[date, str], Volume] = field(default_factory=lambda: defaultdict(Volume))

    def add_fill(self, fill: FillRow) -> None:
        """Add a fill."""
        notional = fill.price * fill.quantity
        volume = self.volumes[utc(fill.timestamp).date(), fill.symbol]
        if fill.side == fill.aggressor_side:
            volume.taker += notional
        else:
            volume.maker += notional
        self.fees[fill.symbol] += fill.fee


class AccountObserver:
    """Collects the statistics of all accounts from the engine's events and from a sample every minute.

    Parameters
    ----------
    exchange : Exchange
        The engine.
    clock : Clock
        The simulated clock.
    """

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self._exchange = exchange
        self._accounts: dict[str, AccountStatistics] = defaultdict(AccountStatistics)
        exchange.listen(self._on_event)
        clock.every(MINUTE, self._sample_all)

    def __getitem__(self, account_id: str) -> AccountStatistics:
        """Return an account's statistics up to the last sample."""
        return self._accounts[account_id]

    def sample_account(self, account_id: str) -> None:
        """Sample the current state of an account."""
        statistics, now = self._accounts[account_id], self._exchange.now
        balance = self._exchange.balance(account_id)
        equity = balance.available_balance + balance.order_margin + balance.position_margin
        statistics.funded = statistics.funded or balance.deposit > 0
        statistics.equity.add(now, equity)
        for row in self._exchange.positions(account_id):
            fees = statistics.fees[row.symbol]
            statistics.pnl[row.symbol].add(
                now, row.realised_pnl + row.unrealised_pnl + row.net_funding - fees
            )
        self._sample_hour(account_id, statistics, now // HOUR * HOUR)

    def _sample_all(self) -> None:
        for account_id in self._exchange.accounts():
            self.sample_account(account_id)

    def _sample_hour(self, account_id: str, statistics: AccountStatistics, hour: float) -> None:
        if hour != statistics.hour:
            statistics.hour = hour
            statistics.sampled.clear()
        for row in self._exchange.positions(account_id):
            if row.symbol not in statistics.sampled and (row.position or row.realised_pnl or row.net_funding):
                statistics.sampled.add(row.symbol)
                statistics.hours.append(PnlHour(hour, row, statistics.fees[row.symbol]))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Filled):
            self._accounts[event.account_id].add_fill(event.fill)
        elif isinstance(event, BalanceChanged) and not self._accounts[event.account_id].funded:
            self.sample_account(event.account_id)

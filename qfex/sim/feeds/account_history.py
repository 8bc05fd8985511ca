"""What the REST interface tells about the past of the accounts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from ..engine import BalanceChanged, Filled
from .series import Series
from .text import utc

if TYPE_CHECKING:
    from ..engine import Event, Exchange, FillRow, PositionRow
    from ..gateway.clock import Clock

ZERO = Decimal(0)
MINUTE = 60
HOUR = 3600


@dataclass(frozen=True)
class PnlHour:
    """The first look at a position in an hour. Amounts in USD, ``cost`` in quote currency."""

    hour: float
    row: PositionRow
    fees: Decimal


@dataclass
class Volume:
    """Notional in USD that an account traded."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO


@dataclass
class AccountHistory:
    """The past of one account.

    Attributes
    ----------
    funded : bool
        Whether it ever had money.
    equity, pnl : Series
        Equity, and by symbol the profit after fees and funding, USD.
    fees : dict of str to Decimal
        Fees paid so far by symbol, USD.
    hours : list of PnlHour
        Oldest first.
    hour, seen : float, set of str
        The hour of the last look, and the symbols that are in `hours` with it.
    volumes : dict
        By day (UTC) and symbol.
    """

    funded: bool = False
    equity: Series[Decimal] = field(default_factory=Series)
    pnl: dict[str, Series[Decimal]] = field(default_factory=lambda: defaultdict(Series))
    fees: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    hours: list[PnlHour] = field(default_factory=list)
    hour: float = 0.0
    seen: set[str] = field(default_factory=set)
    volumes: dict[tuple[date, str], Volume] = field(default_factory=lambda: defaultdict(Volume))

    def filled(self, fill: FillRow, usd_rate: Decimal) -> None:
        """Count one fill."""
        notional = fill.price * fill.quantity * usd_rate
        volume = self.volumes[utc(fill.timestamp).date(), fill.symbol]
        if fill.side == fill.aggressor_side:
            volume.taker += notional
        else:
            volume.maker += notional
        self.fees[fill.symbol] += fill.fee


class AccountHistories:
    """Listens to the engine, and looks at every account once a minute.

    Parameters
    ----------
    exchange : Exchange
        The engine.
    clock : Clock
        The simulated clock.
    """

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self._exchange = exchange
        self._accounts: dict[str, AccountHistory] = defaultdict(AccountHistory)
        exchange.listen(self._on_event)
        clock.every(MINUTE, self._look)

    def __getitem__(self, account_id: str) -> AccountHistory:
        """Return an account's history up to the last look."""
        return self._accounts[account_id]

    def look_at(self, account_id: str) -> None:
        """Note how an account stands."""
        history, now = self._accounts[account_id], self._exchange.now
        balance = self._exchange.balance(account_id)
        equity = balance.available_balance + balance.order_margin + balance.position_margin
        history.funded = history.funded or balance.deposit > 0
        history.equity.note(now, equity)
        for row in self._exchange.positions(account_id):
            fees = history.fees[row.symbol]
            history.pnl[row.symbol].note(now, row.realised_pnl + row.unrealised_pnl + row.net_funding - fees)
        self._look_at_hour(account_id, history, now // HOUR * HOUR)

    def _look(self) -> None:
        for account_id in self._exchange.accounts():
            self.look_at(account_id)

    def _look_at_hour(self, account_id: str, history: AccountHistory, hour: float) -> None:
        if hour != history.hour:
            history.hour = hour
            history.seen.clear()
        for row in self._exchange.positions(account_id):
            if row.symbol not in history.seen and (row.position or row.realised_pnl or row.net_funding):
                history.seen.add(row.symbol)
                history.hours.append(PnlHour(hour, row, history.fees[row.symbol]))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Filled):
            usd_rate = self._exchange.instruments[event.fill.symbol].usd_rate
            self._accounts[event.account_id].filled(event.fill, usd_rate)
        elif isinstance(event, BalanceChanged) and not self._accounts[event.account_id].funded:
            self.look_at(event.account_id)

"""A snapshot of the exchange: its books, accounts and latest orders."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ..arithmetic import ARITHMETIC

if TYPE_CHECKING:
    from ..engine import BalanceRow, Exchange, OrderRow, PositionRow, PublicTrade
    from ..gateway.gateway import TradeGateway

LATEST_ORDERS = 12


@dataclass(frozen=True)
class MarketSummary:
    """One symbol: best bid and ask as (price, quantity), mark price, last trade."""

    symbol: str
    bid: tuple[Decimal, Decimal] | None
    ask: tuple[Decimal, Decimal] | None
    mark: Decimal
    last: PublicTrade | None


@dataclass(frozen=True)
class AccountSummary:
    """One account: its balance, its open positions, and its number of open orders."""

    balance: BalanceRow
    positions: list[PositionRow]
    open_orders: int

    @property
    def equity(self) -> Decimal:
        """The value of the account."""
        row = self.balance
        return ARITHMETIC.add(ARITHMETIC.add(row.available_balance, row.order_margin), row.position_margin)


@dataclass(frozen=True)
class Snapshot:
    """The state that the live view shows."""

    now: float
    connections: int
    frames_in: int
    frames_out: int
    markets: list[MarketSummary]
    accounts: list[AccountSummary]
    orders: list[OrderRow]


def take(exchange: Exchange, gateway: TradeGateway) -> Snapshot:
    """Return the current state; must run on the engine's thread."""
    changes = gateway.audit.changes
    return Snapshot(
        now=exchange.now,
        connections=len(gateway.sessions),
        frames_in=gateway.audit.frames_in,
        frames_out=gateway.audit.frames_out,
        markets=[_market(exchange, symbol) for symbol in exchange.instruments],
        accounts=[_account(exchange, account_id) for account_id in exchange.accounts()],
        orders=[changes[-number] for number in range(1, min(LATEST_ORDERS, len(changes)) + 1)],
    )


def _market(exchange: Exchange, symbol: str) -> MarketSummary:
    bids, asks = exchange.book(symbol, 1)
    trades = exchange.last_trades(symbol, 1)
    return MarketSummary(
        symbol,
        bids[0] if bids else None,
        asks[0] if asks else None,
        exchange.mark_price(symbol),
        trades[0] if trades else None,
    )


def _account(exchange: Exchange, account_id: str) -> AccountSummary:
    positions = [row for row in exchange.positions(account_id) if row.position]
    return AccountSummary(exchange.balance(account_id), positions, len(exchange.open_orders(account_id)))

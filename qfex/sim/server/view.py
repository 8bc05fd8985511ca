"""The simulator on a terminal: a live view of its books, accounts and orders."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .snapshot import AccountSummary, MarketSummary, Snapshot

_PERIOD = 0.25
_CENT = Decimal("0.01")
_COLOURS = {"BUY": "green", "SELL": "red"}


def show(take: Callable[[], Snapshot], heading: str, ended: threading.Event, console: Console) -> None:
    """Show the snapshots that ``take`` returns, four times a second, until ``ended`` is set."""
    with Live(render(take(), heading), console=console, auto_refresh=False, screen=True) as screen:
        while not ended.wait(_PERIOD):
            screen.update(render(take(), heading), refresh=True)


def render(snapshot: Snapshot, heading: str) -> RenderableType:
    """Return the whole screen."""
    moment = datetime.fromtimestamp(snapshot.now, timezone.utc)
    traffic = (
        f"{moment:%Y-%m-%d %H:%M:%S} UTC, {snapshot.connections} connections, "
        f"{snapshot.frames_in} messages in, {snapshot.frames_out} out"
    )
    right = Group(_accounts(snapshot), _orders(snapshot))
    return Group(Text(heading), Text(traffic, style="bold"), Columns([_markets(snapshot), right]))


def _markets(snapshot: Snapshot) -> Table:
    table = Table(title="Books")
    table.add_column("symbol")
    for name in ("quantity", "bid", "ask", "quantity", "mark", "last"):
        table.add_column(name, justify="right")
    for market in snapshot.markets:
        table.add_row(*_market_cells(market))
    return table


def _market_cells(market: MarketSummary) -> list[str | Text]:
    bid, ask = market.bid or ("", ""), market.ask or ("", "")
    last = Text("")
    if market.last is not None:
        last = Text(str(market.last.price), style=_COLOURS[market.last.side])
    return [market.symbol, str(bid[1]), str(bid[0]), str(ask[0]), str(ask[1]), str(market.mark), last]


def _accounts(snapshot: Snapshot) -> Table:
    table = Table(title="Accounts")
    table.add_column("account")
    for name in ("equity", "available", "orders"):
        table.add_column(name, justify="right")
    table.add_column("positions")
    for account in snapshot.accounts:
        table.add_row(*_account_cells(account))
    return table


def _account_cells(account: AccountSummary) -> list[str]:
    positions = ", ".join(f"{row.position:+f} {row.symbol}" for row in account.positions)
    available = account.balance.available_balance
    return [
        account.balance.account_id[:8],
        f"{account.equity.quantize(_CENT):,}",
        f"{available.quantize(_CENT):,}",
        str(account.open_orders),
        positions,
    ]


def _orders(snapshot: Snapshot) -> Table:
    table = Table(title="Latest orders")
    for name in ("account", "symbol", "side", "type"):
        table.add_column(name)
    for name in ("rest", "of", "price"):
        table.add_column(name, justify="right")
    table.add_column("status")
    for row in snapshot.orders:
        side = Text(row.side, style=_COLOURS[row.side])
        sizes = f"{row.quantity_remaining:f}", f"{row.quantity:f}", f"{row.price:f}"
        table.add_row(row.account_id[:8], row.symbol, side, row.order_type, *sizes, row.status)
    return table

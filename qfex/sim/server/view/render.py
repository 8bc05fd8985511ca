"""A snapshot as tables."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .snapshot import AccountLine, MarketLine, Snapshot

_CENT = Decimal("0.01")
_COLOURS = {"BUY": "green", "SELL": "red"}


def render(snapshot: Snapshot, heading: str) -> RenderableType:
    """Return the whole screen under a heading."""
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
    for line in snapshot.markets:
        table.add_row(*_market_cells(line))
    return table


def _market_cells(line: MarketLine) -> list[str | Text]:
    bid, ask = line.bid or ("", ""), line.ask or ("", "")
    last = Text("")
    if line.last is not None:
        last = Text(str(line.last.price), style=_COLOURS[line.last.side])
    return [line.symbol, str(bid[1]), str(bid[0]), str(ask[0]), str(ask[1]), str(line.mark), last]


def _accounts(snapshot: Snapshot) -> Table:
    table = Table(title="Accounts")
    table.add_column("account")
    for name in ("equity", "available", "orders"):
        table.add_column(name, justify="right")
    table.add_column("positions")
    for line in snapshot.accounts:
        table.add_row(*_account_cells(line))
    return table


def _account_cells(line: AccountLine) -> list[str]:
    held = ", ".join(f"{row.position:+f} {row.symbol}" for row in line.positions)
    available = line.balance.available_balance
    return [
        line.balance.account_id[:8],
        f"{line.equity.quantize(_CENT):,}",
        f"{available.quantize(_CENT):,}",
        str(line.open_orders),
        held,
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

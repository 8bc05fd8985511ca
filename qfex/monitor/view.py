"""Drawing of a snapshot. Pure: the same snapshot always gives the same picture."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import zip_longest

from rich import box
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..enums import ConnectionState, Side
from ..models.market import Level, OrderBook
from ..models.orders import Order
from .board import Snapshot

_DEPTH = 12  # levels drawn on each side; the panel shows those that fit
_NARROW = 100  # on narrower terminals, order book and fills are below the other panels
_STATE_STYLES = {ConnectionState.READY: "bold green", ConnectionState.CLOSED: "bold red"}


def render(snapshot: Snapshot, width: int) -> Layout:
    """Draw a snapshot.

    Parameters
    ----------
    width : int
        Width of the terminal in columns. A narrow terminal shows all panels in one column.
    """
    layout = Layout()
    layout.split_column(
        Layout(_header(snapshot), size=3),
        Layout(name="body"),
        Layout(Panel(_connection(snapshot), title="connection", title_align="left"), size=8),
    )
    account = Layout()
    account.split_column(
        Layout(Panel(_positions(snapshot), title="positions", title_align="left")),
        Layout(Panel(_orders(snapshot), title="open orders", title_align="left")),
    )
    market = Layout()
    market.split_column(
        Layout(Panel(_book(snapshot), title=f"book {snapshot.symbol}", title_align="left")),
        Layout(Panel(_fills(snapshot), title="fills", title_align="left")),
    )
    if width < _NARROW:
        layout["body"].split_column(account, market)
    else:
        account.ratio, market.ratio = 3, 2
        layout["body"].split_row(account, market)
    return layout


def _header(snapshot: Snapshot) -> Panel:
    header = Text()
    header.append(f"{snapshot.title}  ", "bold")
    for name, state in (("trade", snapshot.trade_state), ("market data", snapshot.market_state)):
        header.append(f"{name} ")
        header.append(f"{state.lower()}  ", _STATE_STYLES.get(state, "bold yellow"))
    if snapshot.balance is not None:
        header.append(f"equity {_amount(snapshot.balance.equity)}  ", "bold")
        header.append(f"available {_amount(snapshot.balance.available_balance)}  ")
        header.append("unrealised ")
        header.append(
            f"{_amount(snapshot.balance.unrealised_pnl)}  ", _sign_style(snapshot.balance.unrealised_pnl)
        )
    header.append(_clock(snapshot.time), "dim")
    return Panel(header)


def _positions(snapshot: Snapshot) -> RenderableType:
    rows = sorted((row for row in snapshot.positions.values() if row.position), key=lambda row: row.symbol)
    if not rows:
        return Text("none", "dim")
    table = _table("symbol", "position>", "average price>", "unrealised>", "realised>", "lev>")
    for row in rows:
        table.add_row(
            row.symbol,
            Text(f"{row.position.normalize():f}", _side_style(Side.BUY if row.position > 0 else Side.SELL)),
            _price(row.average_price),
            Text(_amount(row.unrealised_pnl), _sign_style(row.unrealised_pnl)),
            _amount(row.realised_pnl),
            _price(row.leverage),
        )
    return table


def _orders(snapshot: Snapshot) -> RenderableType:
    if not snapshot.orders:
        return Text("none", "dim")
    table = _table("symbol", "side", "type", "remaining>", "price>", "status", "order id")
    for order in sorted(snapshot.orders.values(), key=_by_price_from_above):
        table.add_row(
            order.symbol,
            Text(order.side, _side_style(order.side)),
            str(order.order_type),
            f"{order.quantity_remaining.normalize():f} of {order.quantity.normalize():f}",
            _price(order.price),
            str(order.status),
            order.order_id[:8],
        )
    return table


def _book(snapshot: Snapshot) -> RenderableType:
    if snapshot.book is None:
        return Text("waiting for the first book", "dim")
    table = _table("quantity>", "bid>", "ask>", "quantity >")
    for bid, ask in zip_longest(snapshot.book.bids[:_DEPTH], snapshot.book.asks[:_DEPTH]):
        table.add_row(*_level(bid, "green"), *reversed(_level(ask, "red")))
    return Group(_mark(snapshot, snapshot.book), table)


def _mark(snapshot: Snapshot, book: OrderBook) -> Text:
    text = "mark -" if snapshot.mark is None else f"mark {_price(snapshot.mark.price)}"
    if book.bids and book.asks:
        text += f"   spread {_price(book.asks[0].price - book.bids[0].price)}"
    return Text(text, "bold")


def _level(level: Level | None, style: str) -> tuple[Text, Text]:
    if level is None:
        return Text(), Text()
    return Text(f"{level.quantity.normalize():f}"), Text(_price(level.price), style)


def _fills(snapshot: Snapshot) -> RenderableType:
    if not snapshot.fills:
        return Text("none yet", "dim")
    table = _table("time", "symbol", "side", "quantity>", "price>")
    for fill in snapshot.fills:
        time = "-" if fill.time is None else _clock(fill.time)
        side = Text(fill.side, _side_style(fill.side))
        table.add_row(time, fill.symbol, side, f"{fill.quantity.normalize():f}", _price(fill.price))
    return table


def _connection(snapshot: Snapshot) -> RenderableType:
    stats = snapshot.stats
    round_trip = "" if stats.round_trip_p50 is None else f"   round trip {stats.round_trip_p50 * 1e3:.1f} ms"
    counts = f"sent {stats.sent}   received {stats.received}   reconnects {stats.reconnects}{round_trip}"
    lines = [
        Text(f"{_clock(entry.time)} {entry.text}", "red" if entry.is_bad else "")
        for entry in snapshot.log[:5]
    ]
    return Group(Text(counts, "dim"), *lines)


def _table(*headings: str) -> Table:
    """Return an empty table. A heading that ends with ``>`` is that of a column of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, show_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(
            heading.rstrip(">"), justify="right" if heading.endswith(">") else "left", no_wrap=True
        )
    return table


def _clock(time: datetime) -> str:
    return time.astimezone().strftime("%H:%M:%S")


def _by_price_from_above(order: Order) -> tuple[str, Decimal]:
    return order.symbol, -(order.price or Decimal(0))


def _amount(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _price(value: Decimal | None) -> str:
    return "-" if value is None else f"{round(value, 6).normalize():f}"


def _sign_style(value: Decimal | None) -> str:
    return "" if not value else "green" if value > 0 else "red"


def _side_style(side: Side) -> str:
    return "green" if side is Side.BUY else "red"

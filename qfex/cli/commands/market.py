"""Market data, which needs no credentials."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice, zip_longest

import click
from rich import box
from rich.table import Table

from ...enums import CandleInterval
from ...models.market import Level, OrderBook
from .. import columns
from ..context import App
from ..framework import AppGroup, end_option, pass_app, start_option, symbol_argument, symbol_option
from ..output import shown

_CANDLES = 50  # shown if no start is given
_LENGTHS = {
    "1MIN": timedelta(minutes=1),
    "5MINS": timedelta(minutes=5),
    "15MINS": timedelta(minutes=15),
    "30MINS": timedelta(minutes=30),
    "1HOUR": timedelta(hours=1),
    "4HOURS": timedelta(hours=4),
    "1DAY": timedelta(days=1),
}


@click.group(cls=AppGroup)
def market() -> None:
    """Show market data. No credentials are needed."""


@market.command()
@symbol_argument
@pass_app
def bbo(app: App, symbol: str) -> None:
    """Show the best bid and offer."""
    best = app.market.bbo(symbol)
    if app.out.as_json:
        app.out.document(best)
    else:
        app.out.console.print(_ladder(OrderBook(symbol, _level(best.bid), _level(best.ask)), 1))


@market.command()
@symbol_argument
@click.option("--depth", type=click.IntRange(1), default=10, show_default=True, help="Levels on each side.")
@pass_app
def book(app: App, symbol: str, depth: int) -> None:
    """Show the order book."""
    levels = app.market.order_book(symbol)
    if app.out.as_json:
        app.out.document(levels)
    else:
        app.out.console.print(_ladder(levels, depth))


@market.command()
@symbol_argument
@click.option(
    "--interval", type=click.Choice(list(_LENGTHS), case_sensitive=False), default="1HOUR", show_default=True
)
@start_option
@end_option
@pass_app
def candles(app: App, symbol: str, interval: str, start: datetime | None, end: datetime | None) -> None:
    """Show candles, oldest first. Without --start these are the newest 50."""
    last = end or datetime.now(timezone.utc)
    first = start or last - _CANDLES * _LENGTHS[interval]
    rows = app.public_rest.candles(symbol, CandleInterval(interval), first, last)
    app.out.rows(rows, columns.CANDLE, "no candles")


@market.command()
@symbol_argument
@pass_app
def mark(app: App, symbol: str) -> None:
    """Show the mark price."""
    app.out.record(app.market.mark_price(symbol))


@market.command()
@symbol_argument
@click.option("--history", is_flag=True, help="Show past hours, from --start to --end.")
@start_option
@end_option
@pass_app
def funding(app: App, symbol: str, history: bool, start: datetime | None, end: datetime | None) -> None:
    """Show the funding rate of the current hour, or of past ones."""
    if not (history or start or end):
        app.out.record(app.market.funding_rate(symbol))
        return
    last = end or datetime.now(timezone.utc)
    rows = app.public_rest.funding_history(symbol, 60, start or last - timedelta(days=1), last)
    app.out.rows(rows, columns.FUNDING_POINT, "no funding rates")


@market.command()
@symbol_option
@pass_app
def instruments(app: App, symbol: str | None) -> None:
    """Show the instruments and their trading rules."""
    rows = [row for row in app.public_rest.instruments().values() if symbol in (None, row.symbol)]
    app.out.rows(rows, columns.INSTRUMENT, "no such instrument")


def _level(level: Level | None) -> list[Level]:
    return [] if level is None else [level]


def _ladder(levels: OrderBook, depth: int) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, title=levels.symbol, title_justify="left")
    for heading in ("bid quantity", "bid", "ask", "ask quantity"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    for bid, ask in islice(zip_longest(levels.bids, levels.asks), depth):
        below = (shown(bid.quantity), shown(bid.price)) if bid else ("", "")
        above = (shown(ask.price), shown(ask.quantity)) if ask else ("", "")
        drawn.add_row(*below, *above)
    return drawn

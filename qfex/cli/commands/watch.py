"""The monitor."""

from __future__ import annotations

from contextlib import suppress

import click

from ...deadline import Deadline
from ...enums import Channel
from ...errors import RequestTimeout
from ..context import App
from ..framework import AppCommand, pass_app
from ..output import plain

_CHANNELS = (
    Channel.ORDERS, Channel.FILLS, Channel.POSITIONS, Channel.BALANCES, Channel.STOP_ORDERS, Channel.CONNECTION,
    Channel.ERRORS,
)  # fmt: skip


@click.command(cls=AppCommand)
@click.option("--symbol", default="AAPL-USD", show_default=True, help="Whose book is shown.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End by itself after this time.")
@click.option("--once", is_flag=True, help="Print one picture and end.")
@pass_app
def watch(app: App, symbol: str, seconds: float | None, once: bool) -> None:
    """Watch the account on the whole terminal: positions, orders, fills, book, connection. Ctrl-C ends it.

    Lost lines are restored by themselves. With --json, every event is printed as a line of JSON instead,
    after a first line that says that from now on none is missed.
    """
    if app.out.as_json:
        _print_events(app, seconds)
        return
    from ...monitor import Board, Screen

    board = Board(app.trade, app.market, symbol, app.rest, f"QFEX {app.env_name}")
    board.start()
    screen = Screen(board, app.out.console, lambda: _is_over(app))
    if once:
        app.market.order_book(symbol)
        app.out.console.print(screen.picture())
        return
    with suppress(KeyboardInterrupt):
        screen.run(seconds)


def _is_over(app: App) -> bool:
    """Whether the client has ended; raises why, if it ended by itself."""
    if app.trade.is_alive:
        return False
    with suppress(RequestTimeout):
        app.trade.block_for_close(0.0)
    return True


def _print_events(app: App, seconds: float | None) -> None:
    deadline = Deadline(seconds)
    with app.trade.stream(*_CHANNELS) as events, suppress(KeyboardInterrupt):
        app.out.line({"event": "Watching", "environment": app.env_name})
        while not deadline.passed and not _is_over(app):
            with suppress(RequestTimeout):
                event = events.get(min(1.0, deadline.remaining() or 1.0))
                app.out.line({"event": type(event).__name__, **plain(event)})

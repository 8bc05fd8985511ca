"""The monitor of an account."""

from __future__ import annotations

from contextlib import suppress

import click

from ...enums import Channel
from ...errors import RequestTimeout
from ...plain import plain
from ...threads import Deadline
from ..context import App
from ..framework import AppCommand, pass_app
from ..signals import Terminated

_CHANNELS = (
    Channel.ORDERS, Channel.FILLS, Channel.POSITIONS, Channel.BALANCES, Channel.STOP_ORDERS, Channel.CONNECTION,
    Channel.ERRORS,
)  # fmt: skip


@click.command(cls=AppCommand)
@click.option("--symbol", default="AAPL-USD", show_default=True, help="The symbol whose order book is shown.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End after this time.")
@click.option("--once", is_flag=True, help="Print one picture and end.")
@pass_app
def watch(app: App, symbol: str, seconds: float | None, once: bool) -> None:
    """Show the account on the full terminal: positions, orders, fills, order book, connection. Ctrl-C ends it.

    Lost connections are restored automatically. With --json, every event is printed as one line of JSON instead. The
    first line says that the subscriptions are in force, so that no later event is missed.
    """
    if app.out.as_json:
        _print_events(app, seconds)
        return
    from ...monitor import Board, LiveView

    board = Board(app.trade, app.market, symbol, app.rest, f"QFEX {app.env_name}")
    board.start()
    view = LiveView(board, app.out.console, lambda: app.out.is_lost or _is_over(app))
    if once:
        app.market.order_book(symbol)
        app.out.console.print(view.picture())
        return
    try:
        view.run(seconds)
    except KeyboardInterrupt as error:
        _require_ctrl_c(error)


def _is_over(app: App) -> bool:
    """Return whether the client was closed. If it gave up its connection, raise the reason."""
    if app.trade.is_alive:
        return False
    with suppress(RequestTimeout):
        app.trade.block_for_close(0.0)
    return True


def _print_events(app: App, seconds: float | None) -> None:
    deadline = Deadline(seconds)
    try:
        _print_until(app, deadline)
    except KeyboardInterrupt as error:
        _require_ctrl_c(error)


def _require_ctrl_c(error: KeyboardInterrupt) -> None:
    """Ctrl-C is the usual end of this command; the exit code says which other signal ended it."""
    if isinstance(error, Terminated):
        raise error


def _print_until(app: App, deadline: Deadline) -> None:
    with app.trade.stream(*_CHANNELS) as events:
        app.out.json_line({"event": "Watching", "environment": app.env_name})
        while not deadline.passed and not _is_over(app) and not app.out.is_lost:
            with suppress(RequestTimeout):
                event = events.get(min(1.0, deadline.remaining() or 1.0))
                app.out.json_line({"event": type(event).__name__, **plain(event)})

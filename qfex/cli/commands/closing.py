"""Closing positions: one, or all at once."""

from __future__ import annotations

from typing import Any

import click

from ...errors import OrderRejected
from ...models.account import Position
from .. import columns
from ..context import App
from ..exit_codes import ExitCode
from ..framework import TradingCommand, pass_app, symbol_argument

_ROUNDS = 3  # a thin book may leave part of a position open


@click.command(cls=TradingCommand)
@symbol_argument
@pass_app
def close(app: App, symbol: str) -> None:
    """Close the position in a symbol near the mark price. A thin book may leave part of it open."""
    app.out.record(app.trade.close_position(symbol, wait=True))


@click.command(cls=TradingCommand)
@click.pass_context
def flatten(ctx: click.Context) -> None:
    """Cancel all TWAPs and orders of the account, and close all positions.

    Ends with code 11 if something is left.
    """
    app = ctx.ensure_object(App)
    twaps = app.trade.get_user_orders().twaps
    for twap in twaps:
        app.trade.cancel_twap(twap)
    cancelled = app.trade.cancel_all_orders()
    closing = [order for _ in range(_ROUNDS) for order in _close_all(app)]
    left = _open_positions(app)
    _report(app, {"twaps": twaps, "cancelled": cancelled, "closing": closing, "left": left})
    if left:
        ctx.exit(ExitCode.PARTIAL)


def _close_all(app: App) -> list[Any]:
    """Close all positions and return the orders that were placed for it."""
    orders = []
    for position in _open_positions(app):
        try:
            orders.append(app.trade.close_position(position.symbol, wait=True))
        except OrderRejected as error:
            app.out.say(f"{position.symbol}: {error}")
    return orders


def _open_positions(app: App) -> list[Position]:
    return [position for position in app.rest.positions().values() if position.position]


def _report(app: App, result: dict[str, Any]) -> None:
    if app.out.as_json:
        app.out.document(result)
        return
    app.out.say(f"cancelled {len(result['twaps'])} TWAPs and {len(result['cancelled'])} orders")
    app.out.rows(result["closing"], columns.ORDER, "there was no position to close")
    if result["left"]:
        app.out.say("still open:")
        app.out.rows(result["left"], columns.POSITION)

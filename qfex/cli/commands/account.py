"""What the account has: balance, positions, trades."""

from __future__ import annotations

from datetime import datetime

import click

from .. import columns
from ..context import App
from ..framework import AppCommand, pass_app
from ..parameters import end_option, limit_option, start_option, symbol_option


@click.command(cls=AppCommand)
@pass_app
def account(app: App) -> None:
    """Show the account's balance."""
    balance = app.rest.balance()
    if app.out.as_json:
        app.out.document({"equity": balance.equity, "balance": balance})
        return
    app.out.record(balance, f"account on {app.env_name}, equity {balance.equity:f}")


@click.command(cls=AppCommand)
@symbol_option
@pass_app
def positions(app: App, symbol: str | None) -> None:
    """Show the open positions."""
    rows = [row for row in app.rest.positions().values() if row.position and symbol in (None, row.symbol)]
    app.out.rows(rows, columns.POSITION, "no positions")


@click.command(cls=AppCommand)
@symbol_option
@click.option("--order-id", help="Of one order only.")
@start_option
@end_option
@limit_option
@pass_app
def trades(
    app: App,
    symbol: str | None,
    order_id: str | None,
    start: datetime | None,
    end: datetime | None,
    limit: int | None,
) -> None:
    """Show the account's trades, oldest first."""
    rows = app.rest.user_trades(order_id=order_id, symbol=symbol, start=start, end=end, limit=limit)
    app.out.rows(rows, columns.TRADE, "no trades")

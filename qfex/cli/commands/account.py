"""The account: balance, positions, trades and leverage."""

from __future__ import annotations

from datetime import datetime

import click

from .. import columns
from ..context import App
from ..framework import (
    AppCommand,
    AppGroup,
    TradingCommand,
    end_option,
    limit_option,
    pass_app,
    start_option,
    symbol_argument,
    symbol_option,
)


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
@click.option("--order-id", help="Only trades of this order.")
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


@click.group(cls=AppGroup)
def leverage() -> None:
    """Show and set the leverage of symbols."""


@leverage.command()
@symbol_option
@click.option("--available", is_flag=True, help="Show the levels that may be set.")
@pass_app
def show(app: App, symbol: str | None, available: bool) -> None:
    """Show the account's leverage settings."""
    rows = app.trade.get_available_leverage() if available else app.trade.get_leverage()
    app.out.rows([row for row in rows if symbol in (None, row.symbol)], columns.LEVERAGE, "no settings")


@leverage.command("set", cls=TradingCommand)
@symbol_argument
@click.argument("level")
@pass_app
def set_level(app: App, symbol: str, level: str) -> None:
    """Set the leverage of a symbol. It must have neither open orders nor a position."""
    app.trade.set_leverage(symbol, level)
    if app.out.as_json:
        app.out.document({"symbol": symbol, "leverage": level})
    else:
        app.out.say(f"leverage of {symbol} is {level}")

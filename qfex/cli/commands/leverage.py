"""Leverage."""

from __future__ import annotations

import click

from .. import columns
from ..context import App
from ..framework import AppGroup, TradingCommand, pass_app
from ..parameters import symbol_argument, symbol_option


@click.group(cls=AppGroup)
def leverage() -> None:
    """Show and set the leverage of symbols."""


@leverage.command()
@symbol_option
@click.option("--available", is_flag=True, help="The levels that may be set.")
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
    """Set the leverage of a symbol. The exchange refuses while it has open orders or a position."""
    app.trade.set_leverage(symbol, level)
    if app.out.as_json:
        app.out.document({"symbol": symbol, "leverage": level})
    else:
        app.out.say(f"leverage of {symbol} is {level}")

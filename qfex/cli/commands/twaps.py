"""TWAPs."""

from __future__ import annotations

import click

from ...errors import ValidationError
from ...models.orders import Order
from ...models.twaps import Twap
from .. import columns
from ..context import App
from ..framework import (
    AppGroup,
    TradingCommand,
    pass_app,
    reduce_only_option,
    side_argument,
    symbol_argument,
    symbol_option,
)


@click.group(cls=AppGroup)
def twap() -> None:
    """Start, follow and cancel TWAPs, which the exchange executes as evenly spaced market orders."""


@twap.command(cls=TradingCommand)
@symbol_argument
@side_argument
@click.argument("quantity")
@click.argument("orders", type=int)
@click.argument("interval", type=int)
@reduce_only_option
@click.option("--client-twap-id", metavar="ID", help="Your own id.  [default: generated]")
@click.option("--wait", is_flag=True, help="Follow the TWAP until it ends.")
@pass_app
def add(
    app: App,
    symbol: str,
    side: str,
    quantity: str,
    orders: int,
    interval: int,
    reduce_only: bool,
    client_twap_id: str | None,
    wait: bool,
) -> None:
    """Start a TWAP: QUANTITY split into ORDERS (at least 2), INTERVAL seconds apart (at least 30)."""
    started = app.trade.add_twap(
        symbol, side, quantity, orders, interval, reduce_only=reduce_only, client_twap_id=client_twap_id
    )
    app.out.record(_follow(app, started) if wait else started)


@twap.command("list")
@symbol_option
@pass_app
def list_active(app: App, symbol: str | None) -> None:
    """Show the active TWAPs."""
    app.out.rows(app.trade.get_user_orders(symbol=symbol).twaps, columns.TWAP, "no active TWAPs")


@twap.command()
@click.argument("twap_id")
@symbol_option
@pass_app
def watch(app: App, twap_id: str, symbol: str | None) -> None:
    """Follow a TWAP until it ends. TWAP_ID is its id or client id."""
    app.out.record(_follow(app, _find(app, twap_id, symbol)))


@twap.command()
@symbol_argument
@click.argument("twap_id")
@click.option("--client-id", is_flag=True, help="TWAP_ID is a client TWAP id.")
@pass_app
def cancel(app: App, symbol: str, twap_id: str, client_id: bool) -> None:
    """Cancel a TWAP. What it has executed so far stays executed."""
    wanted = twap_id if client_id else Twap(twap_id, symbol=symbol)
    cancelled: Twap | Order = app.trade.cancel_twap(wanted, symbol=symbol)
    app.out.record(cancelled)


def _find(app: App, twap_id: str, symbol: str | None) -> Twap:
    """Return an active or finished TWAP."""
    active = app.trade.get_user_orders(symbol=symbol).twaps
    for row in [*active, *app.rest.historic_twaps(symbol=symbol)]:
        if twap_id in (row.twap_id, row.client_twap_id):
            return row
    raise ValidationError("twap_id", twap_id, "is not a TWAP of this account")


def _follow(app: App, started: Twap) -> Twap:
    def show(state: Twap) -> None:
        app.out.say(
            f"{state.symbol} {state.side} {state.filled_quantity:f} of {state.total_quantity:f} {state.status}"
        )

    return app.trade.wait_until_twap_done(started, on_progress=show)

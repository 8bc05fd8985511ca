"""Stop orders."""

from __future__ import annotations

import click

from ...models.orders import Order
from ..context import App
from ..framework import AppGroup, TradingCommand, pass_app, side_argument, symbol_argument

_KINDS = {"take-profit": "TAKE_PROFIT", "stop-loss": "STOP_LOSS"}


@click.group(cls=AppGroup)
def stop() -> None:
    """Place, modify and cancel stops. A stop sends a market order when the mark price reaches its trigger."""


@stop.command(cls=TradingCommand)
@symbol_argument
@side_argument
@click.argument("kind", type=click.Choice(list(_KINDS)), metavar="take-profit|stop-loss")
@click.argument("quantity")
@click.argument("trigger")
@click.option("--client-order-id", metavar="ID", help="Your own id.  [default: generated]")
@pass_app
def place(
    app: App, symbol: str, side: str, kind: str, quantity: str, trigger: str, client_order_id: str | None
) -> None:
    """Place a stop. Its side is that of the market order that it sends: SELL to leave a long position."""
    placed = app.trade.place_stop_order(
        symbol, side, _KINDS[kind], quantity, trigger, client_order_id=client_order_id
    )
    app.out.record(placed)


@stop.command(cls=TradingCommand)
@symbol_argument
@click.argument("stop_id")
@click.option("--trigger", required=True, help="New trigger price.")
@click.option("--quantity", required=True, help="New quantity.")
@pass_app
def modify(app: App, symbol: str, stop_id: str, trigger: str, quantity: str) -> None:
    """Change trigger and quantity of an untriggered stop."""
    changed = app.trade.modify_stop_order(stop_id, symbol=symbol, trigger_price=trigger, quantity=quantity)
    _show(app, changed, f"stop {stop_id} modified")


@stop.command()
@click.argument("stop_id")
@pass_app
def cancel(app: App, stop_id: str) -> None:
    """Cancel an untriggered stop."""
    _show(app, app.trade.cancel_stop_order(stop_id), f"stop {stop_id} cancelled")


def _show(app: App, order: Order | None, text: str) -> None:
    """Show the stop, or a text if the exchange only acknowledged the request."""
    if order is not None:
        app.out.record(order)
    elif app.out.as_json:
        app.out.document({"acknowledged": True})
    else:
        app.out.say(text)

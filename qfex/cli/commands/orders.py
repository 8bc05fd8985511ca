"""Orders: list, place, modify, cancel, look up and resolve."""

from __future__ import annotations

import click

from ...enums import CancelIdType, OrderType, TimeInForce
from ...models.orders import Order
from .. import columns
from ..context import App
from ..framework import (
    AppCommand,
    AppGroup,
    TradingCommand,
    pass_app,
    reduce_only_option,
    side_argument,
    symbol_argument,
    symbol_option,
    wait_option,
)

_TYPES = [kind.value for kind in OrderType if not kind.is_stop]


@click.command(cls=AppCommand)
@symbol_option
@pass_app
def orders(app: App, symbol: str | None) -> None:
    """Show the open orders, including untriggered stops."""
    app.out.rows(list(app.trade.iter_user_orders(symbol=symbol)), columns.ORDER, "no open orders")


@click.group(cls=AppGroup)
def order() -> None:
    """Place, modify, cancel and look up orders."""


@order.command(cls=TradingCommand)
@symbol_argument
@side_argument
@click.argument("quantity")
@click.argument("price", required=False)
@click.option("--type", "order_type", type=click.Choice(_TYPES, case_sensitive=False), help="Order type.")
@click.option("--tif", type=click.Choice(list(TimeInForce), case_sensitive=False), help="Time in force.")
@reduce_only_option
@click.option("--take-profit", metavar="PRICE", help="Attach a take profit.")
@click.option("--stop-loss", metavar="PRICE", help="Attach a stop loss.")
@click.option("--client-order-id", metavar="ID", help="Your own id, for `resolve`.  [default: generated]")
@wait_option
@pass_app
def place(
    app: App,
    symbol: str,
    side: str,
    quantity: str,
    price: str | None,
    order_type: str | None,
    tif: str | None,
    reduce_only: bool,
    take_profit: str | None,
    stop_loss: str | None,
    client_order_id: str | None,
    wait: bool,
) -> None:
    """Place an order: a limit order (GTC) with a PRICE, a market order (IOC) without."""
    placed = app.trade.place_order(
        symbol,
        side,
        quantity,
        price,
        order_type=order_type,
        time_in_force=tif,
        reduce_only=reduce_only,
        take_profit=take_profit,
        stop_loss=stop_loss,
        client_order_id=client_order_id,
    )
    if wait:
        app.has_sent = True
        placed = _ended(app, placed)
    app.out.record(placed)


def _ended(app: App, placed: Order) -> Order:
    """Wait for the end of an order. If that fails, show the order as it was, since it was placed."""
    try:
        return app.trade.wait_until_done(placed)
    except BaseException:
        app.out.record(placed)
        raise


@order.command(cls=TradingCommand)
@symbol_argument
@click.argument("order_id")
@click.option("--price", help="New limit price.")
@click.option("--quantity", help="New quantity.")
@click.option("--take-profit", metavar="PRICE", help="New take profit.")
@click.option("--stop-loss", metavar="PRICE", help="New stop loss.")
@pass_app
def modify(
    app: App,
    symbol: str,
    order_id: str,
    price: str | None,
    quantity: str | None,
    take_profit: str | None,
    stop_loss: str | None,
) -> None:
    """Modify a resting order. It usually gets a new order id and loses its place in the queue."""
    before = app.trade.get_order(symbol, order_id)
    app.out.record(
        app.trade.modify_order(
            before, price=price, quantity=quantity, take_profit=take_profit, stop_loss=stop_loss
        )
    )


@order.command()
@symbol_argument
@click.argument("order_id")
@click.option("--client-id", is_flag=True, help="ORDER_ID is a client order id.")
@pass_app
def cancel(app: App, symbol: str, order_id: str, client_id: bool) -> None:
    """Cancel an order."""
    kind = CancelIdType.CLIENT_ORDER_ID if client_id else CancelIdType.ORDER_ID
    app.out.record(app.trade.cancel_order(order_id, symbol=symbol, id_type=kind))


@order.command("cancel-all")
@pass_app
def cancel_all(app: App) -> None:
    """Cancel all open orders of the account."""
    app.out.rows(app.trade.cancel_all_orders(), columns.ORDER, "there was nothing to cancel")


@order.command()
@symbol_argument
@click.argument("order_id")
@pass_app
def get(app: App, symbol: str, order_id: str) -> None:
    """Look up an order by its order id or client order id."""
    app.out.record(app.trade.get_order(symbol, order_id))


@click.command(cls=AppCommand)
@symbol_argument
@click.argument("client_order_id")
@pass_app
def resolve(app: App, symbol: str, client_order_id: str) -> None:
    """Find out what became of an order whose answer did not arrive.

    Ends with code 0 if this is known. The result is the order, or nothing (JSON: null) if the exchange never had it.
    Ends with code 4 if the outcome is still unknown.
    """
    found = app.trade.resolve(client_order_id, symbol)
    if found is not None:
        app.out.record(found)
    elif app.out.as_json:
        app.out.document(None)
    else:
        app.out.say(f"the exchange never had an order {client_order_id} in {symbol}")

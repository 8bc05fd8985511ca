"""Lesson 2: the life of an order.

An order with the status ACK rests. MODIFIED means that it was replaced, FILLED that it traded, perhaps only in part.
CANCELLED and all rejections mean that it has ended. `is_done` says for every status whether the order has ended.
"""

from decimal import Decimal

from exchange import open_exchange

from qfex import MarketDataClient, Order, OrderRejected, TradeClient

SYMBOL = "AAPL-USD"


def show(what: str, order: Order) -> None:
    print(f"{what:<22} {order.status:<14} remaining {order.quantity_remaining:<5} done: {order.is_done}")


with (
    open_exchange() as exchange,
    TradeClient(exchange.environment, exchange.credentials) as client,
    MarketDataClient(exchange.environment) as market,
):
    order = client.place_order(SYMBOL, "BUY", "0.5", exchange.price(SYMBOL, "0.97"))
    show("placed", order)
    modified = client.modify_order(order, price=exchange.price(SYMBOL, "0.98"), quantity="0.75")
    show("modified", modified)
    print(
        f"{'':<22} the exchange gave it {'a new' if modified.order_id != order.order_id else 'the same'} id"
    )
    show("cancelled", client.cancel_order(modified))

    # IOC and FOK orders never rest. ALO ("add liquidity only") orders never take liquidity.
    low, high = exchange.price(SYMBOL, "0.98"), exchange.price(SYMBOL, "1.01")
    show(
        "IOC without a match",
        client.place_order(SYMBOL, "BUY", "0.5", low, time_in_force="IOC", wait=True),
    )
    show(
        "FOK without a match",
        client.place_order(SYMBOL, "BUY", "0.5", low, time_in_force="FOK", wait=True),
    )
    try:
        client.place_limit_order(SYMBOL, "BUY", "0.5", high, post_only=True)
    except OrderRejected as refusal:
        print(f"{'ALO that would take':<22} {refusal.status}")

    # After a partial fill the status is FILLED, but the order is not done. The counterparty is a second account of the
    # simulator.
    if exchange.simulator:
        best = market.bbo(SYMBOL).bid
        assert best is not None
        order = client.place_order(SYMBOL, "BUY", "0.5", best.price + Decimal("0.01"))
        with TradeClient(exchange.environment, exchange.simulator.create_account()) as other:
            other.place_order(SYMBOL, "SELL", "0.2", wait=True)
            show("0.2 of 0.5 sold to us", client.wait_until_done(order, timeout=0.5))
            other.place_order(SYMBOL, "SELL", "0.3", wait=True)
            show("0.3 more", client.wait_until_done(order))
        client.close_position(SYMBOL, wait=True)

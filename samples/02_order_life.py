"""Lesson 2: the life of an order.

ACK says that it rests, MODIFIED that it was replaced, FILLED that it traded (perhaps only in part), CANCELLED and
the refusals that it is over. `is_done` puts it all into one question: can anything more happen to this order?
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

    # Time in force: IOC and FOK never rest. ALO ("add liquidity only") never takes.
    low, high = exchange.price(SYMBOL, "0.98"), exchange.price(SYMBOL, "1.01")
    show(
        "IOC that finds nothing",
        client.place_order(SYMBOL, "BUY", "0.5", low, time_in_force="IOC", wait=True),
    )
    show(
        "FOK that finds nothing",
        client.place_order(SYMBOL, "BUY", "0.5", low, time_in_force="FOK", wait=True),
    )
    try:
        client.place_limit_order(SYMBOL, "BUY", "0.5", high, post_only=True)
    except OrderRejected as refusal:
        print(f"{'ALO that would take':<22} {refusal.status}")

    # A partial fill: FILLED, and yet not done. Somebody must trade with us, so this needs the simulator.
    if exchange.simulator:
        best = market.bbo(SYMBOL).bid
        assert best is not None
        order = client.place_order(SYMBOL, "BUY", "0.5", best.price + Decimal("0.01"))
        with TradeClient(exchange.environment, exchange.simulator.create_account()) as somebody:
            somebody.place_order(SYMBOL, "SELL", "0.2", wait=True)
            show("0.2 of 0.5 sold to us", client.wait_until_done(order, timeout=0.5))
            somebody.place_order(SYMBOL, "SELL", "0.3", wait=True)
            show("0.3 more", client.wait_until_done(order))
        client.close_position(SYMBOL, wait=True)

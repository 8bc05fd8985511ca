"""Lesson 3: stops.

A stop waits at the exchange until the mark price reaches its trigger price. Then it sends a market order. A take profit
and a stop loss limit the profit and the loss of a position, even when this script is no longer running.
"""

from exchange import open_exchange

from qfex import Channel, OrderStatus, TradeClient

SYMBOL = "AAPL-USD"

with open_exchange() as exchange, TradeClient(exchange.environment, exchange.credentials) as client:
    client.place_order(SYMBOL, "BUY", "1", wait=True)

    # The side is that of the market order that the stop sends: SELL to leave a long position.
    profit = client.place_stop_order(SYMBOL, "SELL", "TAKE_PROFIT", "0.5", exchange.price(SYMBOL, "1.03"))
    loss = client.place_stop_order(SYMBOL, "SELL", "STOP_LOSS", "0.5", exchange.price(SYMBOL, "0.98"))
    for stop in (profit, loss):
        print(f"{stop.order_type:<12} {stop.status:<6} sells {stop.quantity} at a mark price of {stop.price}")

    # A stop can be modified while it waits.
    client.modify_stop_order(loss, trigger_price=exchange.price(SYMBOL, "0.985"), quantity="0.5")
    waiting = [order for order in client.get_user_orders(symbol=SYMBOL).orders if order.order_type.is_stop]
    for stop in waiting:
        print(f"waiting      {stop.order_type} at {stop.price}")

    if exchange.simulator:
        # The mark price can be set only on the simulator.
        crash = exchange.price(SYMBOL, "0.98")
        with client.stream(Channel.ORDERS) as orders:
            print(f"the mark price falls to {crash}")
            exchange.simulator.set_mark_price(SYMBOL, crash)
            fired = next(order for order in orders if order.status is OrderStatus.FILLED)
        print(f"triggered    {fired.side} {fired.quantity_filled}, {fired.status}")

    for order in client.cancel_all_orders():
        print(f"cancelled    {order.order_type} at {order.price}")
    client.close_position(SYMBOL, wait=True)

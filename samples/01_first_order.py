"""Lesson 1: a first order.

A limit order below the market rests in the book. A market order trades immediately. Each call returns after the
exchange has answered it.
"""

from exchange import open_exchange

from qfex import TradeClient

SYMBOL = "AAPL-USD"

with open_exchange() as exchange, TradeClient(exchange.environment, exchange.credentials) as client:
    # Nobody sells two percent below the mark price, so this order rests.
    price = exchange.price(SYMBOL, "0.98")
    order = client.place_order(SYMBOL, "BUY", "0.5", price)
    print(f"limit order    {order.status:<10} {order.quantity} at {order.price}")

    order = client.cancel_order(order)
    print(f"cancelled      {order.status:<10} {order.quantity_filled} of it was filled")

    # Without a price this is a market order. With wait=True the call returns when the order is done.
    order = client.place_order(SYMBOL, "BUY", "0.5", wait=True)
    print(f"market order   {order.status:<10} {order.quantity_filled} of {order.quantity} filled")

    # An order does not contain the prices at which it traded. Its trades do.
    for trade in client.get_user_trades(order_id=order.order_id):
        print(f"trade          {trade.quantity} at {trade.price}, fee {trade.fee}")

    order = client.close_position(SYMBOL, wait=True)
    print(f"position       closed with {order.side} {order.quantity_filled}, {order.status}")

"""Lesson 1: a first order.

A limit order below the market rests in the book. A market order trades at once. Each call returns when the
exchange has answered it, and not before.
"""

from exchange import open_exchange

from qfex import TradeClient

SYMBOL = "AAPL-USD"

with open_exchange() as exchange, TradeClient(exchange.environment, exchange.credentials) as client:
    # Two percent below the mark price nobody sells, so this order rests.
    price = exchange.price(SYMBOL, "0.98")
    order = client.place_order(SYMBOL, "BUY", "0.5", price)
    print(f"limit order    {order.status:<10} {order.quantity} at {order.price}")

    order = client.cancel_order(order)
    print(f"cancelled      {order.status:<10} {order.quantity_filled} of it was filled")

    # No price: a market order. wait=True waits on until nothing more can happen to it.
    order = client.place_order(SYMBOL, "BUY", "0.5", wait=True)
    print(f"market order   {order.status:<10} {order.quantity_filled} of {order.quantity} filled")

    # An order does not know at which prices it traded. Its trades do.
    for trade in client.get_user_trades(order_id=order.order_id):
        print(f"trade          {trade.quantity} at {trade.price}, fee {trade.fee}")

    order = client.close_position(SYMBOL, wait=True)
    print(f"position       closed with {order.side} {order.quantity_filled}, {order.status}")

"""First steps on the embedded exchange: an order rests, is modified and cancelled, and another one fills."""

from qfex import Channel, OrderRejected, TradeClient
from qfex.sim import Simulator

# For the test instance set QFEX_PUBLIC_KEY and QFEX_SECRET_KEY, and write `with TradeClient.from_env() as client:`.
with Simulator() as exchange, TradeClient(exchange.environment, exchange.credentials) as client:
    client.on(Channel.FILLS, lambda fill: print(f"FILL  {fill.side} {fill.quantity} at {fill.price}"))

    order = client.place_order("AAPL-USD", "BUY", quantity="0.5", price="330.00")
    print(f"{order.status}   resting: {order.quantity} at {order.price}")

    order = client.modify_order(order, price="331.00")
    print(f"{client.cancel_order(order).status}   {order.order_id}")

    order = client.place_order("AAPL-USD", "BUY", quantity="0.5", wait=True)  # no price: a market order
    print(f"{order.status}   {order.quantity_filled} of {order.quantity}")

    try:
        client.place_order("AAPL-USD", "BUY", quantity="0.5", price="1.00")
    except OrderRejected as refusal:
        print(f"refused: {refusal.status}")

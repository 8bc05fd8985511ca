"""Lesson 9: reconnects.

The script cuts its own connection while an order rests. The client reconnects, authenticates, restores the
subscriptions, reads the open orders, and delivers the fill that it missed. On the test instance you cut the connection
yourself: switch the network off and on again when the script asks for it.
"""

from exchange import open_exchange

from qfex import Channel, ConnectionEvent, ConnectionState, TradeClient

SYMBOL = "AAPL-USD"
PATIENCE = 120.0  # seconds until the connection is lost and restored


def show(event: ConnectionEvent) -> None:
    print(f"  {event.state:<15} {event.reason}".rstrip())


with open_exchange() as exchange, TradeClient(exchange.environment, exchange.credentials) as client:
    client.on(Channel.CONNECTION, show)
    client.on(
        Channel.FILLS, lambda fill: print(f"  FILL            {fill.side} {fill.quantity} at {fill.price}")
    )
    order = client.place_order(SYMBOL, "BUY", "0.5", exchange.price(SYMBOL, "0.98"))
    print(f"an order rests at {order.price}; now the connection is cut")

    with client.stream(Channel.CONNECTION) as connection:
        if exchange.simulator:
            exchange.simulator.faults.refuse_connections(2)  # the first two attempts fail as well
            exchange.simulator.faults.drop_now()
            # The market falls and the order is filled while the client is not connected.
            exchange.simulator.set_mark_price(SYMBOL, exchange.price(SYMBOL, "0.97"))
        else:
            print("switch the network off and on again")
        event = connection.get(PATIENCE)
        while event.state is not ConnectionState.READY:
            event = connection.get(PATIENCE)

    print(f"the connection was down from {event.gap_start:%H:%M:%S.%f} to {event.gap_end:%H:%M:%S.%f}")
    print(f"the order is {client.wait_until_done(order, timeout=1).status}")

    # A call without a connection waits for the next one, within its own timeout.
    if exchange.simulator:
        exchange.simulator.faults.drop_now()
        order = client.place_order(SYMBOL, "SELL", "0.5", exchange.price(SYMBOL, "1.02"), timeout=10)
        print(f"placed on the next connection: {order.status}")
    print(f"reconnects: {client.stats().reconnects}, cancelled: {len(client.cancel_all_orders())}")

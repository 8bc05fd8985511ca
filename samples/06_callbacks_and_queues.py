"""Lesson 6: callbacks and queues.

There are two ways to receive events. A callback runs on a separate thread and may call the client. A stream is a queue
that you read when you like. An exception in a callback is reported, and later events are still delivered.
"""

import threading

from exchange import open_exchange

from qfex import Channel, Fill, Order, TradeClient

SYMBOL = "AAPL-USD"
done = threading.Event()


def hedge(fill: Fill) -> None:
    """A callback that trades: sell what was bought."""
    print(f"callback on {threading.current_thread().name}: {fill.side} {fill.quantity} at {fill.price}")
    if fill.side == "BUY":
        client.place_order(fill.symbol, "SELL", fill.quantity, wait=True)
    else:
        done.set()


def broken(fill: Fill) -> None:
    raise RuntimeError("this callback has a bug")


with open_exchange() as exchange, TradeClient(exchange.environment, exchange.credentials) as client:
    client.on(Channel.ERRORS, lambda event: print(f"reported: {event.kind}: {event.message}"))
    registration = client.on(Channel.FILLS, broken)
    client.on(Channel.FILLS, hedge)

    with client.stream(Channel.ORDERS, Channel.FILLS) as stream:
        client.place_order(SYMBOL, "BUY", "0.5", wait=True)
        done.wait(10)
        registration.cancel()

        print("the stream has all events, in order:")
        while len(stream):
            event = stream.get(timeout=1)
            if isinstance(event, Order | Fill):
                print(f"  {type(event).__name__:<6} {event.side} {event.quantity}")

    print(f"callbacks raised {client.stats().callback_errors} times; events lost: {client.stats().dropped}")

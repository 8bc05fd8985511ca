"""Lesson 6: callbacks and queues.

Two ways to hear of what happens: a callback, which runs on a thread of its own and may call the client; and a
stream, a queue that you read when you like. What a callback raises is reported, and the next event still comes.
"""

import threading

from exchange import open_exchange

from qfex import Channel, Fill, Order, TradeClient

SYMBOL = "AAPL-USD"
done = threading.Event()


def hedge(fill: Fill) -> None:
    """A callback that trades: sell again whatever was bought."""
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

        print("the stream kept everything, in order:")
        while len(stream):
            event = stream.get(timeout=1)
            if isinstance(event, Order | Fill):
                print(f"  {type(event).__name__:<6} {event.side} {event.quantity}")

    print(
        f"callbacks raised {client.stats().callback_errors} times; nothing was lost: {client.stats().dropped}"
    )

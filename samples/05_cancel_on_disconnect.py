"""Lesson 5: cancel on disconnect.

A script can end unexpectedly and leave orders in the book, for example when it is killed or the machine fails. With
cancel-on-disconnect the exchange cancels all open orders of the account when the connection ends for any reason. The
client arms it on every new connection before it sends any order. Here a second process arms it, places an order, and is
killed.
"""

import subprocess
import sys

from exchange import open_exchange

from qfex import Channel, OrderStatus, TradeClient

SYMBOL = "AAPL-USD"


def place_and_wait(price: str) -> None:
    """The second process: place an order, print its id, and wait until it is killed."""
    with TradeClient.from_env(cancel_on_disconnect=True) as client:
        print(client.place_order(SYMBOL, "BUY", "0.5", price).order_id, flush=True)
        sys.stdin.read()


def main() -> None:
    with open_exchange() as exchange, TradeClient(exchange.environment, exchange.credentials) as client:
        command = [sys.executable, __file__, str(exchange.price(SYMBOL, "0.97"))]
        pipe = subprocess.PIPE
        with (
            client.stream(Channel.ORDERS) as orders,
            subprocess.Popen(
                command, env=exchange.variables(), stdin=pipe, stdout=pipe, text=True
            ) as process,
        ):
            assert process.stdout is not None
            order_id = process.stdout.readline().strip()
            print(f"another process placed order {order_id}")

            process.kill()
            print("and was killed before it could cancel the order")

            cancelled = next(
                order
                for order in orders
                if order.order_id == order_id and order.status is OrderStatus.CANCELLED
            )
            print(f"the exchange says {cancelled.status}")


if __name__ == "__main__":
    place_and_wait(sys.argv[1]) if len(sys.argv) > 1 else main()

"""Lesson 4: a TWAP.

A TWAP ("time-weighted average price") splits a large order into equal parts and sends them at equal intervals. It
runs at the exchange, and this script only follows it. In the simulator of this lesson a minute takes one second.
"""

from exchange import open_exchange

from qfex import TradeClient, Twap

SYMBOL = "AAPL-USD"


def show(twap: Twap) -> None:
    print(
        f"{twap.status:<10} {twap.filled_quantity} of {twap.total_quantity}, average {twap.average_fill_price:.2f}"
    )


with (
    open_exchange(speed=60, price_path="calm", symbols=[SYMBOL]) as exchange,
    TradeClient(exchange.environment, exchange.credentials) as client,
):
    # Four orders of 0.1, thirty seconds apart: the shortest interval that the exchange allows.
    twap = client.add_twap(SYMBOL, "BUY", total_quantity="0.4", num_orders=4, order_interval_secs=30)
    print(f"{twap.total_num_orders} orders, one every {twap.order_interval_secs} s")
    client.wait_until_twap_done(twap, on_progress=show)

    # Cancelling a TWAP does not undo what it has traded so far.
    twap = client.add_twap(SYMBOL, "SELL", "0.4", 4, 30, client_twap_id="lesson-4")
    client.cancel_twap("lesson-4", symbol=SYMBOL)
    print("cancelled:", client.wait_until_twap_done(twap).filled_quantity, "was sold before that")

    client.close_position(SYMBOL, wait=True)

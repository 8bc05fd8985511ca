"""Lesson 10: rate limits.

The exchange allows 12,000 units of weight a minute. The client enforces this limit itself: a call that comes too early
waits in its own thread, and a call that would have to wait longer than its timeout is not sent at all.
"""

from time import monotonic

from exchange import open_exchange

from qfex import Order, OrderRequest, RateLimited, RateLimitPolicy, RequestTimeout, TradeClient

SYMBOL = "AAPL-USD"

# Far slower than the exchange allows, to make the limit visible: 40 units at once, then 20 a second.
slow = RateLimitPolicy(units_per_second=20, burst=40)

with (
    open_exchange() as exchange,
    TradeClient(exchange.environment, exchange.credentials, rate_limit=slow) as client,
):
    price = exchange.price(SYMBOL, "0.97")
    request = OrderRequest(SYMBOL, "BUY", "0.1", price)

    started = monotonic()
    orders = client.place_orders([request] * 60)
    placed = [order for order in orders if isinstance(order, Order)]
    print(f"{len(placed)} orders in {monotonic() - started:.1f} s: 40 at once, 20 at 20 a second")

    try:
        client.get_user_orders(timeout=0.01)  # weighs 5 units: a quarter of a second
    except RequestTimeout as error:
        print(f"no budget in time: sent={error.sent}: {error}")

    # Cancels have a separate budget, so they never wait for new orders.
    started = monotonic()
    cancelled = client.cancel_all_orders()
    print(f"cancelled {len(cancelled)} orders in {monotonic() - started:.2f} s")

    if exchange.simulator:
        # The error of the exchange when its limit is exceeded, with the time to wait.
        exchange.simulator.faults.rate_limit("add_order", retry_after=0.25)
        try:
            client.place_order(SYMBOL, "BUY", "0.1", price)
        except RateLimited as error:
            print(f"the exchange says: {error.message} (retry_after={error.retry_after})")
        started = monotonic()
        client.cancel_order(client.place_order(SYMBOL, "BUY", "0.1", price))
        print(f"the next order waited {monotonic() - started:.2f} s automatically")

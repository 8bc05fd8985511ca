"""Lesson 10: rate limits.

The exchange allows 12,000 units of weight a minute. The client keeps the budget on its side: a call that comes too
early waits in the caller's own thread, and a call for which no budget comes in time is not sent at all.
"""

from time import monotonic

from exchange import open_exchange

from qfex import Order, OrderRequest, RateLimited, RateLimitPolicy, RequestTimeout, TradeClient

SYMBOL = "AAPL-USD"

# Far slower than the exchange allows, so that there is something to see: 40 units at once, then 20 a second.
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

    # Cancels have a budget of their own, so getting out never waits for getting in.
    started = monotonic()
    cancelled = client.cancel_all_orders()
    print(f"cancelled {len(cancelled)} orders in {monotonic() - started:.2f} s")

    if exchange.simulator:
        # What the exchange itself says when there was too much, and for how long it wants quiet.
        exchange.simulator.faults.rate_limit("add_order", retry_after=0.25)
        try:
            client.place_order(SYMBOL, "BUY", "0.1", price)
        except RateLimited as error:
            print(f"the exchange says: {error.message} (retry_after={error.retry_after})")
        started = monotonic()
        client.cancel_order(client.place_order(SYMBOL, "BUY", "0.1", price))
        print(f"the next order waited {monotonic() - started:.2f} s by itself")

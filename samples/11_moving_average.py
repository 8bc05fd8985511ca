"""Lesson 11: a moving-average strategy.

Hold a long position while the short average of the price is above the long one, and a short position while it is below.
The lesson is not about earning money but about the structure of the program: one function decides, one function trades,
and the position is the quantity that was really filled. The notebook `11_moving_average.ipynb` draws the same strategy.
"""

from collections import deque
from decimal import Decimal

from exchange import open_exchange

from qfex import RestClient, TradeClient

SYMBOL = "AAPL-USD"
SIZE = Decimal("0.5")
SHORT, LONG = 4, 12  # minutes


def decide(prices: deque[Decimal]) -> Decimal:
    """Return the wanted position for the latest prices, oldest first."""
    if len(prices) < LONG:
        return Decimal(0)
    short, long = sum(list(prices)[-SHORT:]) / SHORT, sum(prices) / LONG
    return SIZE if short > long else -SIZE


def move(client: TradeClient, held: Decimal, wanted: Decimal) -> Decimal:
    """Trade the difference and return the new position, computed from the filled quantity."""
    difference = wanted - held
    if not difference:
        return held
    order = client.place_order(SYMBOL, "BUY" if difference > 0 else "SELL", abs(difference), wait=True)
    return held + order.quantity_filled * (1 if difference > 0 else -1)


with (
    open_exchange(price_path="trending", clock="manual", symbols=[SYMBOL]) as exchange,
    TradeClient(exchange.environment, exchange.credentials) as client,
    RestClient(exchange.environment, exchange.credentials) as rest,
):
    prices: deque[Decimal] = deque(maxlen=LONG)
    held = Decimal(0)
    for minute in range(45):
        exchange.pass_time(60)  # immediate on the simulator, a real minute elsewhere
        prices.append(exchange.mark_price(SYMBOL))
        before, held = held, move(client, held, decide(prices))
        if held != before:
            print(f"minute {minute:>2}  price {prices[-1]:<8} position {before:>5} -> {held:>5}")

    if held:
        client.close_position(SYMBOL, wait=True)
    trades = rest.user_trades()
    earned = sum(trade.realised_pnl_change or 0 for trade in trades)
    print(
        f"{len(trades)} trades, earned {earned:.2f} before fees of {sum(trade.fee for trade in trades):.2f}"
    )

"""Lesson 11: a moving-average strategy.

Hold a long position while the short average of closing prices is above the long one, and a short position while it is
below. Whether that earns money is another question; what counts here is the shape of the program: events come in, one
function decides, one function trades, and the position is what was really filled.
"""

from collections import deque
from decimal import Decimal

from exchange import open_exchange

from qfex import CandleInterval, MarketChannel, MarketDataClient, TradeClient

SYMBOL = "AAPL-USD"
SIZE = Decimal("0.5")
SHORT, LONG = 5, 15  # candles


def decide(closes: deque[Decimal]) -> Decimal:
    """The position that the strategy wants."""
    if len(closes) < LONG:
        return Decimal(0)
    short, long = sum(list(closes)[-SHORT:]) / SHORT, sum(closes) / LONG
    return SIZE if short > long else -SIZE


def move(client: TradeClient, held: Decimal, wanted: Decimal) -> Decimal:
    """Trade the difference; the position afterwards, as it was filled and not as it was wished for."""
    difference = wanted - held
    if not difference:
        return held
    order = client.place_order(SYMBOL, "BUY" if difference > 0 else "SELL", abs(difference), wait=True)
    return held + order.quantity_filled * (1 if difference > 0 else -1)


with (
    open_exchange(price_path="trending", speed=1200, symbols=[SYMBOL]) as exchange,
    TradeClient(exchange.environment, exchange.credentials) as client,
    MarketDataClient(exchange.environment) as market,
    market.stream(MarketChannel.CANDLE) as candles,
):
    market.subscribe(MarketChannel.CANDLE, SYMBOL, CandleInterval.ONE_MINUTE)
    closes: deque[Decimal] = deque(maxlen=LONG)
    held, forming, rounds = Decimal(0), candles.get(timeout=90), 0
    while rounds < 40:
        candle = candles.get(timeout=90)
        if candle.start > forming.start:  # a new minute began, so the one before is complete
            closes.append(forming.close)
            before, held = held, move(client, held, decide(closes))
            rounds += 1
            if held != before:
                print(f"{forming.start:%H:%M}  close {forming.close:<8} position {before:>5} -> {held:>5}")
        forming = candle

    if held:
        client.close_position(SYMBOL, wait=True)
    fees = sum(trade.fee for trade in client.get_user_trades())
    print(f"{rounds} minutes, {len(client.get_user_trades())} trades, fees {fees}")

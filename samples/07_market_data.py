"""Lesson 7: market data.

`MarketDataClient` needs no keys. Reads such as `bbo` return the newest value and subscribe on first use. Streams and
callbacks deliver every change. A slow reader gets the newest order book instead of a growing queue of old ones.
"""

from datetime import datetime, timedelta, timezone

from exchange import open_exchange

from qfex import CandleInterval, MarketChannel, MarketDataClient, RestClient

SYMBOL = "AAPL-USD"

with (
    open_exchange(price_path="calm", speed=30, symbols=[SYMBOL]) as exchange,
    MarketDataClient(exchange.environment) as market,
    RestClient(exchange.environment) as rest,
):
    bbo = market.bbo(SYMBOL)
    if bbo.bid and bbo.ask:
        print(
            f"best bid {bbo.bid.price} for {bbo.bid.quantity}, best ask {bbo.ask.price} for {bbo.ask.quantity}"
        )

    book = market.order_book(SYMBOL)
    for level in book.asks[2::-1]:
        print(f"{'':>14} | {level.price:>8} {level.quantity:>10}")
    for level in book.bids[:3]:
        print(f"{level.quantity:>14} | {level.price:>8}")

    print(f"mark price {market.mark_price(SYMBOL).price}")
    band = market.min_max_price(SYMBOL)
    print(f"orders are accepted from {band.min_price} to {band.max_price}")

    print("five trades as they happen:")
    with market.stream(MarketChannel.TRADE) as trades:
        market.subscribe(MarketChannel.TRADE, SYMBOL)
        for _ in range(5):
            trade = trades.get(timeout=120)
            print(f"  {trade.time:%H:%M:%S} {trade.side:<4} {trade.size} at {trade.price}")

    candle = market.candle(SYMBOL, "1MIN")
    print(f"this minute: open {candle.open}, high {candle.high}, low {candle.low}, last {candle.close}")

    # History comes from the REST API.
    now = datetime.now(timezone.utc)
    candles = rest.candles(SYMBOL, CandleInterval.ONE_HOUR, now - timedelta(hours=24), now)
    print(f"{len(candles)} hourly candles, the first of {candles[0].start:%Y-%m-%d %H:%M}")

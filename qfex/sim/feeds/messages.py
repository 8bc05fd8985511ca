"""The bodies of market data messages, without the sequence number that each connection adds.

Their shapes are those of captured frames, or of the published examples where there is no capture: flat objects, prices and
quantities as text without trailing zeros, times with nine decimals, an empty book side as an empty list.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .levels import aggregate
from .text import nanoseconds, plain, price, seconds

if TYPE_CHECKING:
    from ..engine import Candle, Exchange, PublicTrade

Message = dict[str, Any]
DEPTH = 20
AGGREGATED_DEPTH = 2000  # How many levels are aggregated to fill 20.
HOUR = 3600
# In the captures, the annualised rate is the hourly one times 252 trading days of 24 hours, not 365 days.
HOURS_PER_YEAR = 252 * 24
RATE_STEP = Decimal("0.00001")
ANNUAL_STEP = Decimal("0.0001")


def level2(exchange: Exchange, symbol: str, sig_figs: int) -> Message:
    """The visible book: at most 20 levels on each side."""
    tick = exchange.instruments[symbol].tick_size
    bids, asks = exchange.book(symbol, AGGREGATED_DEPTH if sig_figs else DEPTH)
    return {
        "type": "level2",
        "time": nanoseconds(exchange.now),
        "symbol": symbol,
        "bid": _pairs(aggregate(bids, "BUY", tick, sig_figs)[:DEPTH]),
        "ask": _pairs(aggregate(asks, "SELL", tick, sig_figs)[:DEPTH]),
        "sig_figs": sig_figs,
    }


def best(exchange: Exchange, symbol: str) -> Message:
    """The best bid and offer, as an entry of market_stats."""
    bids, asks = exchange.book(symbol, 1)
    return {"time": nanoseconds(exchange.now), "symbol": symbol, "bid": _pairs(bids), "ask": _pairs(asks)}


def bbo(exchange: Exchange, symbol: str) -> Message:
    """The best bid and offer."""
    return {"type": "bbo", **best(exchange, symbol)}


def trade(row: PublicTrade) -> Message:
    """A public trade; ``side`` is the aggressor's."""
    return {
        "type": "trade",
        "trade_id": row.trade_id,
        "time": nanoseconds(row.time),
        "symbol": row.symbol,
        "size": plain(row.quantity),
        "price": plain(row.price),
        "side": row.side,
        "execution_type": row.execution_type,
    }


def candle(row: Candle) -> Message:
    """The current candle. It has no ``time``; ``usdVolume`` is an integer."""
    return {
        "type": "candle",
        "symbol": row.symbol,
        "start": seconds(row.start),
        "resolution": row.interval,
        "open": plain(row.open),
        "high": plain(row.high),
        "low": plain(row.low),
        "close": plain(row.close),
        "usdVolume": int(row.usd_volume),
        "trades": row.trades,
    }


def mark_price(exchange: Exchange, symbol: str) -> Message:
    """The mark price."""
    return {"type": "mark_price", **_mark(exchange, symbol)}


def underlier(exchange: Exchange, symbol: str) -> Message:
    """The price of the underlying; its source is ``internal`` while the underlying's market is closed."""
    is_open = exchange.instruments[symbol].session(exchange.now) == "open"
    return {
        "type": "underlier",
        "time": nanoseconds(exchange.now),
        "symbol": symbol,
        "price": price(exchange.index_price(symbol)),
        "source": "external" if is_open else "internal",
    }


def funding(exchange: Exchange, symbol: str) -> Message:
    """The hourly funding rate, rounded like the exchange's, and the seconds to the next full hour."""
    rate = exchange.funding_rate(symbol)
    return {
        "type": "funding",
        "time": nanoseconds(exchange.now),
        "symbol": symbol,
        "funding_rate": format(rate.quantize(RATE_STEP), "f"),
        "annualised_funding_rate": format((rate * HOURS_PER_YEAR).quantize(ANNUAL_STEP), "f"),
        "time_remaining": math.ceil(HOUR - exchange.now % HOUR),
    }


def open_interest(exchange: Exchange, symbol: str) -> Message:
    """The open interest, in base units."""
    return {"type": "open_interest", **_open_interest(exchange, symbol)}


def minmax_price(exchange: Exchange, symbol: str) -> Message:
    """The price band: no sale below ``min_price``, no purchase above ``max_price``."""
    low, high = exchange.price_band(symbol)
    return {
        "type": "minmax_price",
        "time": nanoseconds(exchange.now),
        "symbol": symbol,
        "min_price": price(low),
        "max_price": price(high),
    }


def market_stats(exchange: Exchange, requested: str, volumes: dict[str, Decimal]) -> Message:
    """Statistics of one symbol, or of all if ``requested`` is ``"*"``."""
    symbols: Iterable[str] = exchange.instruments if requested == "*" else (requested,)
    return {
        "type": "market_stats",
        "time": nanoseconds(exchange.now),
        "symbol": requested,
        "bbos": [best(exchange, symbol) for symbol in symbols],
        "mark_prices": [_mark(exchange, symbol) for symbol in symbols],
        "open_interests": [_open_interest(exchange, symbol) for symbol in symbols],
        "daily_volumes": [{"symbol": symbol, "volume": plain(volumes[symbol])} for symbol in symbols],
    }


def _mark(exchange: Exchange, symbol: str) -> Message:
    return {"time": nanoseconds(exchange.now), "symbol": symbol, "price": plain(exchange.mark_price(symbol))}


def _open_interest(exchange: Exchange, symbol: str) -> Message:
    interest = plain(exchange.open_interest(symbol))
    return {"time": nanoseconds(exchange.now), "symbol": symbol, "open_interest": interest}


def _pairs(levels: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[plain(limit), plain(quantity)] for limit, quantity in levels]

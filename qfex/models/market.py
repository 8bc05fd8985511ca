"""Public market data, from the WebSocket and from REST."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..enums import CandleInterval, Side


@attrs.frozen
class Level:
    """One price level of an order book: price in the quote unit, quantity in the base unit."""

    price: Decimal
    quantity: Decimal


@attrs.frozen
class Bbo:
    """Best bid and best offer. A side without orders is None."""

    symbol: str
    bid: Level | None
    ask: Level | None
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class OrderBook:
    """Order book: price levels of both sides, each with the best price first."""

    symbol: str
    bids: list[Level]
    asks: list[Level]
    time: datetime | None = None
    sig_figs: int = 0
    sequence: int | None = None


@attrs.frozen
class PublicTrade:
    """A public trade. `side` is the side of the taker."""

    symbol: str
    price: Decimal
    size: Decimal
    side: Side
    time: datetime | None = None
    trade_id: str = ""
    execution_type: str | None = None
    sequence: int | None = None


@attrs.frozen
class Candle:
    """Open, high, low and close over one interval, in the quote unit.

    `usd_volume` is the traded notional in USD. `trades` is the number of trades, or None if unknown (REST).
    """

    symbol: str
    interval: CandleInterval
    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    usd_volume: Decimal
    trades: int | None = None
    sequence: int | None = None


@attrs.frozen
class MarkPrice:
    """Mark price: the price used for margin, stops and liquidation."""

    symbol: str
    price: Decimal
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class Underlier:
    """Price of the reference asset. `source` is ``"external"``, or ``"internal"`` while its market is closed."""

    symbol: str
    price: Decimal
    source: str = ""
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class FundingRate:
    """Funding rate of the current hour. `time_remaining` is in seconds."""

    symbol: str
    funding_rate: Decimal
    annualised_funding_rate: Decimal | None = None
    time_remaining: int | None = None
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class OpenInterest:
    """Open interest, in the base unit."""

    symbol: str
    open_interest: Decimal
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class MinMaxPrice:
    """Price band outside of which the exchange refuses orders. It moves with the index price."""

    symbol: str
    min_price: Decimal
    max_price: Decimal
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class DailyVolume:
    """Volume of the current day of the exchange, in the base unit."""

    symbol: str
    volume: Decimal


@attrs.frozen
class MarketStats:
    """Statistics of all symbols at one time."""

    time: datetime | None = None
    bbos: list[Bbo] = attrs.Factory(list)
    mark_prices: list[MarkPrice] = attrs.Factory(list)
    open_interests: list[OpenInterest] = attrs.Factory(list)
    daily_volumes: list[DailyVolume] = attrs.Factory(list)
    sequence: int | None = None

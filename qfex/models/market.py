"""Public market data, from the socket and from REST."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..enums import CandleInterval, Side


@attrs.frozen
class Level:
    """One price level of a book: price in the quote unit, quantity in the base unit."""

    price: Decimal
    quantity: Decimal


@attrs.frozen
class Bbo:
    """Best bid and offer. A side without orders is None."""

    symbol: str
    bid: Level | None
    ask: Level | None
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class OrderBook:
    """Price levels, best first on both sides."""

    symbol: str
    bids: list[Level]
    asks: list[Level]
    time: datetime | None = None
    sig_figs: int = 0
    sequence: int | None = None


@attrs.frozen
class PublicTrade:
    """A trade that anybody made. `side` is the aggressor's."""

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

    `usd_volume` is the traded notional in USD; `trades` is None where the exchange leaves the count out (REST).
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
    """The price that margin, stops and liquidation go by."""

    symbol: str
    price: Decimal
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class Underlier:
    """Price of the reference asset. `source` is ``"external"``, or ``"internal"`` while its market is shut."""

    symbol: str
    price: Decimal
    source: str = ""
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class FundingRate:
    """Funding of the current hour. `time_remaining` is in seconds."""

    symbol: str
    funding_rate: Decimal
    annualised_funding_rate: Decimal | None = None
    time_remaining: int | None = None
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class OpenInterest:
    """Open contracts, in the base unit."""

    symbol: str
    open_interest: Decimal
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class MinMaxPrice:
    """The moving band outside of which orders are refused."""

    symbol: str
    min_price: Decimal
    max_price: Decimal
    time: datetime | None = None
    sequence: int | None = None


@attrs.frozen
class DailyVolume:
    """Volume of the exchange's day, in the base unit."""

    symbol: str
    volume: Decimal


@attrs.frozen
class MarketStats:
    """Snapshot of all symbols."""

    time: datetime | None = None
    bbos: list[Bbo] = attrs.Factory(list)
    mark_prices: list[MarkPrice] = attrs.Factory(list)
    open_interests: list[OpenInterest] = attrs.Factory(list)
    daily_volumes: list[DailyVolume] = attrs.Factory(list)
    sequence: int | None = None

"""One frame of the market data gateway in, typed messages out.

Data messages take a fast path, straight from bytes by their ``type``. All else, and whatever the fast path
refuses, goes through plain JSON: arrays of messages, envelopes around them, acknowledgements, errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import attrs
import msgspec

from ...enums import CandleInterval, Side
from ...models.market import (
    Bbo,
    Candle,
    DailyVolume,
    FundingRate,
    Level,
    MarketStats,
    MarkPrice,
    MinMaxPrice,
    OpenInterest,
    OrderBook,
    PublicTrade,
    Underlier,
)
from ..wire.codec import parse_json
from ..wire.failures import Failure, Undecodable, is_failure, read_failure, undecodable
from .commands import Option, Topic

MarketData = (
    Bbo | OrderBook | PublicTrade | Candle | MarkPrice | FundingRate | OpenInterest | Underlier | MinMaxPrice
    | MarketStats
)  # fmt: skip


@attrs.frozen
class SubscriptionAck:
    """Confirmation that streams were subscribed, or that they were ended. One answers each command.

    Without symbols or options it confirms all that the command names.
    """

    subscribed: bool
    channels: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()

    def covers(self, topic: Topic) -> bool:
        """Whether it confirms a topic."""
        return (
            topic.channel.value in self.channels
            and (not self.symbols or topic.symbol in self.symbols)
            and (not self.options or topic.option is None or topic.option in self.options)
        )


MarketMessage = MarketData | SubscriptionAck | Failure | Undecodable


def decode(frame: bytes) -> Sequence[MarketMessage]:
    """Read one frame. Never raises, whatever the bytes."""
    try:
        if b'"contents"' not in frame:  # an envelope of one, whose own members would read as a message
            return (_decode_data(frame).model(),)
    except Exception:  # the careful path explains what is wrong
        pass
    return _decode_with_care(frame)


# --- the fast path: data messages as they are on the wire ---------------------------------------------------


class _Row(msgspec.Struct, array_like=True):
    """One level, as ``[price, quantity]``."""

    price: Decimal
    quantity: Decimal


class _Data(msgspec.Struct, tag_field="type", kw_only=True):
    """What all data messages have. Within ``market_stats`` they come without a type."""

    symbol: str
    time: datetime | None = None
    sequence: int | None = None

    def model(self) -> MarketData:
        raise NotImplementedError


class _Bbo(_Data, tag="bbo", kw_only=True):
    bid: list[_Row] | None = None
    ask: list[_Row] | None = None

    def model(self) -> Bbo:
        bid = _level(self.bid[0]) if self.bid else None
        ask = _level(self.ask[0]) if self.ask else None
        return Bbo(self.symbol, bid, ask, _utc(self.time), self.sequence)


class _Level2(_Data, tag="level2", kw_only=True):
    bid: list[_Row] | None = None
    ask: list[_Row] | None = None
    sig_figs: int | None = None

    def model(self) -> OrderBook:
        bids = [_level(row) for row in self.bid or ()]
        asks = [_level(row) for row in self.ask or ()]
        return OrderBook(self.symbol, bids, asks, _utc(self.time), self.sig_figs or 0, self.sequence)


class _Trade(_Data, tag="trade", kw_only=True):
    price: Decimal
    size: Decimal
    side: str
    trade_id: str | int = ""
    execution_type: str | None = None

    def model(self) -> PublicTrade:
        return PublicTrade(
            symbol=self.symbol,
            price=_finite(self.price),
            size=_finite(self.size),
            side=Side(self.side.upper()),  # lower case in old documentation
            time=_utc(self.time),
            trade_id=str(self.trade_id),
            execution_type=self.execution_type,
            sequence=self.sequence,
        )


class _Candle(_Data, tag="candle", kw_only=True):
    start: datetime
    resolution: CandleInterval
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    usd_volume: Decimal = msgspec.field(name="usdVolume", default=Decimal(0))
    trades: int | None = None

    def model(self) -> Candle:
        return Candle(
            symbol=self.symbol,
            interval=self.resolution,
            start=_aware(self.start),
            open=_finite(self.open),
            high=_finite(self.high),
            low=_finite(self.low),
            close=_finite(self.close),
            usd_volume=_finite(self.usd_volume),
            trades=self.trades,
            sequence=self.sequence,
        )


class _MarkPrice(_Data, tag="mark_price", kw_only=True):
    price: Decimal

    def model(self) -> MarkPrice:
        return MarkPrice(self.symbol, _finite(self.price), _utc(self.time), self.sequence)


class _Underlier(_Data, tag="underlier", kw_only=True):
    price: Decimal
    source: str = ""

    def model(self) -> Underlier:
        return Underlier(self.symbol, _finite(self.price), self.source, _utc(self.time), self.sequence)


class _Funding(_Data, tag="funding", kw_only=True):
    funding_rate: Decimal
    annualised_funding_rate: Decimal | None = None
    time_remaining: int | None = None

    def model(self) -> FundingRate:
        yearly = self.annualised_funding_rate
        return FundingRate(
            symbol=self.symbol,
            funding_rate=_finite(self.funding_rate),
            annualised_funding_rate=None if yearly is None else _finite(yearly),
            time_remaining=self.time_remaining,
            time=_utc(self.time),
            sequence=self.sequence,
        )


class _OpenInterest(_Data, tag="open_interest", kw_only=True):
    open_interest: Decimal

    def model(self) -> OpenInterest:
        return OpenInterest(self.symbol, _finite(self.open_interest), _utc(self.time), self.sequence)


class _MinMaxPrice(_Data, tag="minmax_price", kw_only=True):
    min_price: Decimal
    max_price: Decimal

    def model(self) -> MinMaxPrice:
        low, high = _finite(self.min_price), _finite(self.max_price)
        return MinMaxPrice(self.symbol, low, high, _utc(self.time), self.sequence)


class _Volume(msgspec.Struct):
    symbol: str
    volume: Decimal


class _MarketStats(_Data, tag="market_stats", kw_only=True):
    symbol: str = "*"
    bbos: list[_Bbo] | None = None
    mark_prices: list[_MarkPrice] | None = None
    open_interests: list[_OpenInterest] | None = None
    daily_volumes: list[_Volume] | None = None

    def model(self) -> MarketStats:
        return MarketStats(
            time=_utc(self.time),
            bbos=[row.model() for row in self.bbos or ()],
            mark_prices=[row.model() for row in self.mark_prices or ()],
            open_interests=[row.model() for row in self.open_interests or ()],
            daily_volumes=[DailyVolume(row.symbol, _finite(row.volume)) for row in self.daily_volumes or ()],
            sequence=self.sequence,
        )


_AnyData = (
    _Bbo | _Level2 | _Trade | _Candle | _MarkPrice | _Underlier | _Funding | _OpenInterest | _MinMaxPrice
    | _MarketStats
)  # fmt: skip

# Not strict: whole numbers come quoted at times.
_decode_data: Callable[[bytes], _Data] = msgspec.json.Decoder(_AnyData, strict=False).decode


def _level(row: _Row) -> Level:
    return Level(_finite(row.price), _finite(row.quantity))


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise ValueError(f"not a finite number: {number}")
    return number


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else _aware(moment)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is timezone.utc:
        return moment
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


# --- the careful path ---------------------------------------------------------------------------------------

#: Members of an envelope that its contents may leave out.
_INHERITED = ("symbol", "time", "sequence")
_TYPES = frozenset(kind.__struct_config__.tag for kind in _AnyData.__args__)
_ACKS = {"subscribed": True, "unsubscribed": False}


def _decode_with_care(frame: bytes) -> Sequence[MarketMessage]:
    try:
        return list(_read(parse_json(frame)))
    except Exception as error:  # a hostile frame may fail anywhere; the reader thread must not
        return (undecodable(bytes(frame).decode("utf-8", "replace"), error),)


def _read(data: Any) -> Iterator[MarketMessage]:
    if isinstance(data, list):
        for item in data:
            yield from _read_item(item)
    elif not isinstance(data, dict):
        raise ValueError("not an object")
    elif isinstance(data.get("contents"), list):
        for item in data["contents"]:
            yield from _read_item(_unwrapped(item, data))
    elif data.get("type") in _TYPES:
        yield msgspec.convert(data, _AnyData, strict=False).model()
    elif data.get("type") in _ACKS:
        kind, named = _ACKS[data["type"]], (_texts(data, "channels"), _texts(data, "symbols"))
        yield SubscriptionAck(kind, *named, _options(data))
    else:
        yield _read_failure(data)


def _read_item(item: Any) -> Sequence[MarketMessage]:
    """Read one of several messages in a frame: what is wrong with it does not spoil the others."""
    try:
        return list(_read(item))
    except Exception as error:
        return (undecodable(_json(item), error),)


def _unwrapped(item: Any, envelope: dict[str, Any]) -> Any:
    """Give a message of an envelope the members that only the envelope has."""
    if not isinstance(item, dict):
        return item
    kind = next((name for name in (envelope.get("type"), envelope.get("channel")) if name in _TYPES), None)
    inherited = {name: envelope[name] for name in _INHERITED if name in envelope}
    return {"type": kind, **inherited, **item}


def _texts(data: dict[str, Any], member: str) -> tuple[str, ...]:
    values = data.get(member)
    return tuple(map(str, values)) if isinstance(values, list) else ()


def _options(data: dict[str, Any]) -> tuple[Option, ...]:
    """The candles' intervals or the books' roundings."""
    intervals, roundings = _texts(data, "intervals"), _texts(data, "sig_figs")
    return (*map(CandleInterval, intervals), *(int(text) for text in roundings if text.isdecimal()))


def _read_failure(data: dict[str, Any]) -> Failure | Undecodable:
    """Read an error message in the shapes of the trade gateway; none of this gateway's own was ever seen."""
    if data.get("err") is not None:
        return read_failure(data["err"])
    return read_failure(data) if is_failure(data) else undecodable(_json(data), "no market data")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

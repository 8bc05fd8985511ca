"""Answers of the REST interface and the models they become."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import time
from decimal import Decimal
from typing import Any, TypeVar

from cattrs.gen import make_dict_structure_fn, override

from ..models.account import Balance, Position
from ..models.history import (
    EquityPoint,
    ExchangeVolume,
    Fee,
    FundingPoint,
    HistoricOrder,
    HourlyPnl,
    LongShortPoint,
    OpenInterestPoint,
    PnlPoint,
    ReferralReward,
    SettlementPrice,
    TakerVolumePoint,
    UnderlierPoint,
    UserVolume,
)
from ..models.instruments import Instrument, MarketHours, MarketSession
from ..models.market import Candle, Level, OrderBook
from ..models.orders import UserTrade
from .wire.codec import converter, parse_time, structure
from .wire.numbers import parse_decimal

_T = TypeVar("_T")
_log = logging.getLogger("qfex.rest")

_WINDOW = {"time": "windowStart"}
_MINUTES = {**_WINDOW, "interval_minutes": "intervalMinutes"}

#: Where an answer says something else than the model: model -> {attribute: member of the answer}.
WIRE_NAMES: dict[type, dict[str, str]] = {
    Instrument: {"time_in_force": "order_time_in_force", "clob_pair_id": "clobPairId"},
    Candle: {"symbol": "ticker", "interval": "resolution", "start": "startedAt", "usd_volume": "usdVolume"},
    FundingPoint: _MINUTES,
    OpenInterestPoint: {**_MINUTES, "open_interest": "openInterest"},
    TakerVolumePoint: {
        **_MINUTES,
        "taker_buy_qty": "takerBuyQty",
        "taker_sell_qty": "takerSellQty",
        "taker_buy_notional": "takerBuyNotional",
        "taker_sell_notional": "takerSellNotional",
        "net_taker_qty": "netTakerQty",
    },
    LongShortPoint: {**_WINDOW, "long_users": "longUsers", "short_users": "shortUsers"},
    UnderlierPoint: {
        **_WINDOW,
        "open_price": "openPrice",
        "high_price": "highPrice",
        "low_price": "lowPrice",
        "close_price": "closePrice",
    },
    SettlementPrice: {"time": "inserted_at"},
    ExchangeVolume: {
        **_WINDOW,
        "daily_volume_usd": "dailyVolumeUSD",
        "open_interest_at_end_usd": "openInterestAtEndUSD",
    },
    HistoricOrder: {"time": "status_ts", "order_type": "type"},
    PnlPoint: {"time": "window_start"},
    EquityPoint: {"time": "window_start"},
    HourlyPnl: {"time": "hour"},
    UserVolume: {"time": "date"},
    ReferralReward: {"time": "reward_date"},
}


def rows(answer: Any, model: type[_T], member: str = "data") -> list[_T]:
    """Make models of an answer's list; null is an empty list.

    Raises
    ------
    ValueError
        If a row does not fit the model.
    """
    return [structure(_stated(row), model) for row in _member(answer, member) or ()]


def one(answer: Any, model: type[_T]) -> _T:
    """Make a model of an answer that is one object. Raises like `rows`."""
    return structure(_stated(answer), model)


def instruments(answer: Any) -> dict[str, Instrument]:
    """Make the reference data, by symbol. A row that does not fit is logged and left out: others trade on."""
    found: dict[str, Instrument] = {}
    for row in _member(answer, "data") or ():
        try:
            instrument = one(row, Instrument)
        except ValueError as error:
            _log.warning("instrument left out: %s: %.200s", error, row)
        else:
            found[instrument.symbol] = instrument
    return found


def positions(answer: Any) -> dict[str, Position]:
    """Make the positions of ``/user/positions``, by symbol."""
    return {position.symbol: position for position in rows(answer, Position, "positions")}


def balance(answer: Any) -> Balance:
    """Make the balance of ``/user/positions``."""
    return one(_member(answer, "balance") or {}, Balance)


def user_trades(answer: Any) -> list[UserTrade]:
    """Make the rows of ``/user/trade``, which names a trade's id and time otherwise than the socket does."""
    found = []
    for row in _member(answer, "data") or ():
        stated = _stated(row)
        stated.setdefault("trade_id", stated.get("id"))
        stated.setdefault("timestamp", _seconds(stated.get("order_timestamp")))
        found.append(structure(stated, UserTrade))
    return found


def order_book(answer: Any) -> OrderBook:
    """Make the book of ``/md/orderbook``: a ladder of ticks, of which the empty ones are left out."""
    bids, asks = (_levels(_member(answer, side)) for side in ("bids", "asks"))
    bids.sort(key=lambda level: -level.price)
    asks.sort(key=lambda level: level.price)
    seconds = _seconds(_member(answer, "timestamp"))
    moment = None if seconds is None else parse_time(seconds)
    return OrderBook(str(_member(answer, "ticker_id")), bids, asks, moment)


def fees(answer: Any) -> dict[str, Fee]:
    """Make the fees of ``/user/fees``, by symbol."""
    return {symbol: one(row, Fee) for symbol, row in (_member(answer, "fees") or {}).items()}


def _seconds(value: Any) -> Decimal | None:
    """Read unix seconds or milliseconds: an endpoint does not say which, but their size does."""
    if value is None:
        return None
    number = parse_decimal(value)
    return number / 1000 if number > _YEAR_5000 else number


_YEAR_5000 = 10**11


def _member(answer: Any, name: str) -> Any:
    if not isinstance(answer, Mapping):
        raise ValueError("the answer is not an object")
    return answer.get(name)


def _stated(row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise ValueError(f"a row is not an object: {row!r}")
    return {name: value for name, value in row.items() if value is not None}


def _levels(ladder: Any) -> list[Level]:
    levels = (Level(parse_decimal(price), parse_decimal(quantity)) for price, quantity in ladder or ())
    return [level for level in levels if level.quantity]


def _market_hours(value: Any, _: Any) -> MarketHours:
    days = {day: tuple(_sessions(value.get(day))) for day in _WEEKDAYS}
    return MarketHours(tz=value.get("tz", "UTC"), **days)


_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _sessions(day: Any) -> Iterator[MarketSession]:
    # Documented: one object for each day. Live: a list of sessions. Hours that cannot be read cost no instrument.
    for row in [day] if isinstance(day, Mapping) else day or ():
        try:
            opens, closes = (time.fromisoformat(row[end]) for end in ("open", "close"))
        except (KeyError, TypeError, ValueError) as error:
            _log.warning("market hours left out: %s: %.200s", error, row)
        else:
            yield MarketSession(row.get("session", "open"), opens, closes)


def _register_hooks() -> None:
    made = converter()
    made.register_structure_hook(MarketHours, _market_hours)
    for model, names in WIRE_NAMES.items():
        overrides = {attribute: override(rename=wire) for attribute, wire in names.items()}
        hook: Any = make_dict_structure_fn(model, made, **overrides)  # type: ignore[arg-type]
        made.register_structure_hook(model, hook)


_register_hooks()

"""Answers of the REST interface and the models they become."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import time
from types import NoneType
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
from ..models.rows import ModelList
from .wire.codec import Rows, converter, is_implausible, parse_decimal, parse_time, read_row, read_rows
from .wire.redact import redact_text

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


def rows(answer: Any, model: type[_T], member: str = "data", *, complete: bool = False) -> list[_T]:
    """Make models of an answer's list; null is an empty list.

    A row that does not fit is logged and left out.

    Parameters
    ----------
    answer : dict
        The answer.
    model : type
        The model of a row.
    member : str
        The member of the answer that is the list.
    complete : bool
        Whether to refuse the list rather than leave a row out, where a missing row would itself say something.

    Raises
    ------
    ValueError
        If the answer has no such list, or if none of its rows fits the model.
    """
    return ModelList(model, _kept(_list(answer, member), _row_of(model), complete))


def one(answer: Any, model: type[_T]) -> _T:
    """Make a model of an answer that is one object.

    Raises
    ------
    ValueError
        If it does not fit the model.
    """
    made, odd = _row_of(model)(answer)
    _log_oddities([(answer, reason) for reason in odd])
    return made


def instruments(answer: Any) -> dict[str, Instrument]:
    """Make the reference data, by symbol. A row that does not fit is logged and left out: others trade on."""
    read = _read(_list(answer, "data"), _row_of(Instrument))
    return {instrument.symbol: instrument for instrument in read.read}


def positions(answer: Any) -> dict[str, Position]:
    """Make the positions of ``/user/positions``, by symbol. None is left out: that would say that it is flat."""
    return {position.symbol: position for position in rows(answer, Position, "positions", complete=True)}


def balance(answer: Any) -> Balance:
    """Make the balance of ``/user/positions``."""
    return one(_member(answer, "balance"), Balance)


#: What ``/user/positions`` would answer for an account that never had a deposit.
NEVER_FUNDED: dict[str, Any] = {"positions": None, "balance": {}}


def user_trades(answer: Any) -> list[UserTrade]:
    """Make the rows of ``/user/trade``, which names a trade's id and time otherwise than the socket does."""
    return ModelList(UserTrade, _kept(_list(answer, "data"), _trade))


def page_of_trades(answer: Any) -> tuple[list[UserTrade], int]:
    """Make the rows of ``/user/trade`` that can be read, and count all of them."""
    listed = _list(answer, "data")
    return _read(listed, _trade).read, len(listed)


def _trade(row: Any) -> tuple[UserTrade, list[str]]:
    members = dict(row)
    if members.get("trade_id") is None:
        members["trade_id"] = members.get("id")
    if members.get("timestamp") is None:
        members["timestamp"] = members.get("order_timestamp")
    return read_row(members, UserTrade)


def order_book(answer: Any) -> OrderBook:
    """Make the book of ``/md/orderbook``: a ladder of ticks, of which the empty ones are left out."""
    bids, asks = (_levels(_list(answer, side)) for side in ("bids", "asks"))
    bids.sort(key=lambda level: level.price, reverse=True)
    asks.sort(key=lambda level: level.price)
    time = answer.get("timestamp")
    if time is not None and is_implausible(time):
        _log_oddities([(time, "not a plausible time")])
        time = None
    return OrderBook(
        str(_member(answer, "ticker_id")), bids, asks, None if time is None else parse_time(time)
    )


def fees(answer: Any) -> dict[str, Fee]:
    """Make the fees of ``/user/fees``, by symbol."""
    found = _member(answer, "fees") or {}

    def fee(symbol: str) -> tuple[tuple[str, Fee], list[str]]:
        made, odd = _row_of(Fee)(found[symbol])
        return (symbol, made), odd

    return dict(_kept(list(found), fee))


def account_ids(answer: Any) -> list[str]:
    """Make the list of ``/user/subaccounts``."""
    return _kept(_list(answer, "account_ids"), lambda row: (parse_id(row), []))


def parse_id(value: Any) -> str:
    """Read an identifier.

    Raises
    ------
    ValueError
        If it is not a text.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(f"not an identifier: {value!r}")
    return value


# --- lists -----------------------------------------------------------------------------------------------------


def _list(answer: Any, name: str) -> list[Any]:
    """A list of an answer; null is an empty one, and so is one that is left out of an answer that counts no rows."""
    if isinstance(answer, Mapping) and name not in answer and answer.get("count") == 0:
        return []
    found = _member(answer, name)
    if not isinstance(found, (list, NoneType)):
        raise ValueError(f"{name} is not a list")
    return found or []


def _member(answer: Any, name: str) -> Any:
    """A member of an answer. That it is missing says nothing, so it is not taken for null."""
    if not isinstance(answer, Mapping) or name not in answer:
        raise ValueError(f"the answer is not an object with {name}")
    return answer[name]


def _row_of(model: type[_T]) -> Callable[[Any], tuple[_T, list[str]]]:
    names = WIRE_NAMES.get(model)
    return lambda row: read_row(row, model, names)


def _kept(listed: list[Any], read: Callable[[Any], tuple[_T, list[str]]], complete: bool = False) -> list[_T]:
    found = _read(listed, read)
    if found.unread and (complete or not found.read):
        raise ValueError(str(found.unread[0][1]))
    return found.read


def _read(listed: list[Any], read: Callable[[Any], tuple[_T, list[str]]]) -> Rows[_T]:
    found = read_rows(listed, read)
    for row, error in found.unread:
        _log.warning("row left out: %s: %s", redact_text(str(error))[:_SHOWN], redact_text(str(row))[:_SHOWN])
    _log_oddities(found.odd)
    return found


def _log_oddities(odd: Iterable[tuple[Any, str]]) -> None:
    for row, reason in odd:
        _log.warning("%s: %s", reason, redact_text(str(row))[:_SHOWN])


_SHOWN = 200  # characters of a row that the log shows


def _level(row: Any) -> tuple[Level, list[str]]:
    price, quantity = row
    return Level(parse_decimal(price), parse_decimal(quantity)), []


def _levels(ladder: list[Any]) -> list[Level]:
    return [level for level in _kept(ladder, _level) if level.quantity]


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

"""Operations on the dated futures behind a perpetual."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from ..gateway.wire import number
from .futures import FAMILIES, settlements
from .operation import Body, Call, Operation, listing
from .parameters import Parameter
from .problems import Problem
from .text import seconds, utc


def calendar(call: Call) -> Body:
    """The contract a perpetual's oracle reads at a time, now by default."""
    symbol = call.symbol
    if symbol not in FAMILIES:
        raise Problem(404, f"symbol {symbol} has no settlement calendar")
    moment = call.exchange.now if call["time"] is None else call["time"]
    contract = FAMILIES[symbol].contract(utc(moment))
    return {
        "expiration": seconds(contract.expiration.timestamp()),
        "active_until": seconds(contract.active_until.timestamp()),
        "future_symbol": contract.symbol,
        "qfex_symbol": symbol,
    }


def prices(call: Call) -> Body:
    """Settlement prices since the simulation started, newest first.

    The simulated future trades at the index price, so the ratio of the two is one.
    """
    return listing(islice(_prices(call), call["limit"]))


def _prices(call: Call) -> Iterator[Body]:
    started, now = call.venue.markets.started, call.exchange.now
    start = started if call["start"] is None else max(started, call["start"])
    end = now if call["end"] is None else min(now, call["end"])
    for moment in settlements(utc(start), utc(end)):
        for symbol in FAMILIES:
            if symbol in call.exchange.instruments and call["symbol"] in (None, symbol):
                yield _price(call, symbol, moment)


def _price(call: Call, symbol: str, moment: datetime) -> Body:
    index = call.venue.markets[symbol].index.at(moment.timestamp()) or call.exchange.index_price(symbol)
    return {
        "symbol": symbol,
        "future_symbol": FAMILIES[symbol].contract(moment).symbol,
        "future_settlement_price": number(index),
        "spot_settlement_price": number(index),
        "asof": f"{moment:%Y-%m-%d}",
        "inserted_at": seconds(moment.timestamp()),
        "spot_to_future_ratio": number(index / index),
    }


OPERATIONS = (
    Operation(
        "GET",
        "/settlement-calendar",
        calendar,
        "SettlementCalendarEntry",
        (Parameter("symbol", required=True), Parameter("time", "time")),
    ),
    Operation(
        "GET",
        "/settlement-prices",
        prices,
        "SettlementPricesResponseBody",
        (
            Parameter("symbol"),
            Parameter("start", "time"),
            Parameter("end", "time"),
            Parameter("limit", "integer", default=100, minimum=1, maximum=1000),
        ),
    ),
)

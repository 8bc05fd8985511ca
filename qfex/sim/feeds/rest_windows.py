"""Operations on symbols over time, reported in windows: candles, funding, open interest, volume, index prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..gateway.wire import number, optional_number
from .rest_operation import Body, Operation, RestRequest, listing
from .rest_parameters import Parameter, Problem
from .statistics import windows
from .text import plain, seconds, unix

if TYPE_CHECKING:
    from ..engine import Candle

MINUTE = 60
DAY = 86_400.0
# The most rows in one reply; the exchange publishes no limit.
MAX_WINDOWS = 10_000
SECONDS = {
    "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400, "1d": 86_400,
}  # fmt: skip
# The documentation lists 30MINS here, but not for the candle channel.
RESOLUTIONS = {
    "1MIN": 60, "5MINS": 300, "15MINS": 900, "30MINS": 1800, "1HOUR": 3600, "4HOURS": 14_400, "1DAY": 86_400,
}  # fmt: skip

Row = Callable[[RestRequest, float, float], Body]


def candles(request: RestRequest) -> Body:
    """Candles, newest first."""
    resolution = request["resolution"]
    step = _one_of("resolution", resolution, RESOLUTIONS)
    starts = _windows(request, step)
    if not starts:
        return {"candles": None}
    rows = request.exchange.candles(request.symbol, resolution, starts[0], starts[-1])
    return {"candles": [_candle(request, row) for row in reversed(rows)] or None}


def funding(request: RestRequest) -> Body:
    """The hourly funding rate at the start of each window, or its first one; null before there was one."""
    return _by_minutes(request, _funding_row)


def open_interest(request: RestRequest) -> Body:
    """The open interest (base units) at the start of each window, or its first one; null before there was one."""
    return _by_minutes(request, _open_interest_row)


def taker_volume(request: RestRequest) -> Body:
    """The quantity that aggressors bought and sold in each window."""
    return _by_minutes(request, _taker_row)


def long_short(request: RestRequest) -> Body:
    """The number of accounts that were long and short at the end of each window."""
    return _by_interval(request, _long_short_row)


def underlier(request: RestRequest) -> Body:
    """First, last, highest and lowest index price of each window."""
    return _by_interval(request, _underlier_row, after=request.market.index.start)


def defillama(request: RestRequest) -> Body:
    """The volume of the 24 hours before the end of each window, and the open interest (both sides, USD) at that end."""
    step = _minutes(request)
    return {"data": [_defillama_row(request, start, step) for start in _windows(request, step)] or None}


def _by_minutes(request: RestRequest, row: Row) -> Body:
    step = _minutes(request)
    label = {"symbol": request.symbol, "intervalMinutes": request["intervalMinutes"]}
    return listing(_rows(request, row, _windows(request, step), step, label))


def _by_interval(request: RestRequest, row: Row, after: float | None = None) -> Body:
    step = _one_of("interval", request["interval"], SECONDS)
    label = {"symbol": request.symbol, "interval": request["interval"]}
    starts = [start for start in _windows(request, step) if after is None or start + step > after]
    return listing(_rows(request, row, starts, step, label))


def _rows(request: RestRequest, row: Row, starts: list[float], step: float, label: Body) -> Iterator[Body]:
    for start in starts:
        yield {**label, "windowStart": seconds(start), **row(request, start, start + step)}


def _funding_row(request: RestRequest, start: float, end: float) -> Body:
    rate = next(iter(request.market.funding.within(start, end)), None)
    return {"rate": None if rate is None else number(rate)}


def _open_interest_row(request: RestRequest, start: float, end: float) -> Body:
    quantity = next(iter(request.market.open_interest.within(start, end)), None)
    return {"openInterest": None if quantity is None else number(quantity)}


def _taker_row(request: RestRequest, start: float, end: float) -> Body:
    volume = request.market.taker_volume(start, end)
    return {
        "takerBuyQty": number(volume.buy_quantity),
        "takerSellQty": number(volume.sell_quantity),
        "takerBuyNotional": number(volume.buy_notional),
        "takerSellNotional": number(volume.sell_notional),
        "netTakerQty": number(volume.buy_quantity - volume.sell_quantity),
    }


def _long_short_row(request: RestRequest, start: float, end: float) -> Body:
    longs, shorts = request.market.holders.at(end) or (0, 0)
    return {"longUsers": longs, "shortUsers": shorts}


def _underlier_row(request: RestRequest, start: float, end: float) -> Body:
    prices = request.market.index.within(start, end)
    return {
        "openPrice": number(prices[0]),
        "closePrice": number(prices[-1]),
        "highPrice": number(max(prices)),
        "lowPrice": number(min(prices)),
    }


def _defillama_row(request: RestRequest, start: float, step: float) -> Body:
    end = start + step
    volume = interest = Decimal(0)
    for symbol in request.exchange.instruments:
        market = request.context.market_statistics[symbol]
        traded = market.taker_volume(end - DAY, end)
        volume += traded.buy_notional + traded.sell_notional
        price, quantity = market.mark.at(end) or Decimal(0), market.open_interest.at(end) or Decimal(0)
        interest += 2 * quantity * price
    return {
        "windowStart": seconds(start),
        "dailyVolumeUSD": optional_number(volume),
        "openInterestAtEndUSD": optional_number(interest),
    }


def _candle(request: RestRequest, row: Candle) -> Body:
    """Return a candle. As observed, the live dialect sends zeros in four members and no count of trades."""
    candle = {
        "startedAt": seconds(row.start),
        "ticker": row.symbol,
        "resolution": row.interval,
        "low": plain(row.low),
        "high": plain(row.high),
        "open": plain(row.open),
        "close": plain(row.close),
        "baseTokenVolume": "0" if request.live else plain(row.volume),
        "usdVolume": plain(row.usd_volume),
        "startingOpenInterest": "0",
        "orderbookMidPriceOpen": "0",
        "orderbookMidPriceClose": "0",
    }
    return candle if request.live else {**candle, **_documented_candle(request, row)}


def _documented_candle(request: RestRequest, row: Candle) -> Body:
    interest = request.market.open_interest.at(row.start) or Decimal(0)
    return {
        "trades": row.trades,
        "startingOpenInterest": plain(interest),
        "orderbookMidPriceOpen": plain(row.open),
        "orderbookMidPriceClose": plain(row.close),
    }


def _minutes(request: RestRequest) -> float:
    return float(request["intervalMinutes"] * MINUTE)


def _windows(request: RestRequest, step: float) -> list[float]:
    """Return the starts of the windows between ``fromISO`` and ``toISO``, none of them in the future.

    Raises
    ------
    Problem
        400 if a bound is not a time, or there are too many windows.
    """
    start = _time(request, "fromISO")
    end = min(_time(request, "toISO"), request.exchange.now + 1e-6)
    if (end - start) / step > MAX_WINDOWS:
        raise Problem(400, f"range holds more than {MAX_WINDOWS} intervals")
    return windows(start, end, step)


def _time(request: RestRequest, name: str) -> float:
    try:
        return unix(request[name])
    except ValueError as reason:
        raise Problem(400, f"invalid {name}: not an RFC 3339 date-time") from reason


def _one_of(name: str, value: str, known: dict[str, int]) -> float:
    if value not in known:
        raise Problem(400, f"invalid {name}: must be one of {', '.join(known)}")
    return float(known[value])


def _operation(
    path: str, answer: Callable[[RestRequest], Any], schema: str, interval: Parameter, by_symbol: bool = True
) -> Operation:
    symbol = (Parameter("symbol", where="path", required=True),) if by_symbol else ()
    bounds = (Parameter("fromISO", required=True), Parameter("toISO", required=True))
    return Operation("GET", path, answer, schema, (*symbol, interval, *bounds))


_EVERY = Parameter("intervalMinutes", "integer", required=True, minimum=1)
_INTERVAL = Parameter("interval", required=True)
_RESOLUTION = Parameter("resolution", required=True)

OPERATIONS = (
    _operation("/candles/{symbol}", candles, "CandlesResponseBody", _RESOLUTION),
    _operation("/funding/{symbol}", funding, "FundingHistoricResponseBody", _EVERY),
    _operation("/open-interest/{symbol}", open_interest, "OpenInterestHistoricResponseBody", _EVERY),
    _operation("/taker-volume/{symbol}", taker_volume, "TakerVolumeHistoricResponseBody", _EVERY),
    _operation("/symbol-long-short/{symbol}", long_short, "SymbolLongShortHistoricResponseBody", _INTERVAL),
    _operation("/underlier/{symbol}", underlier, "UnderlierHistoricResponseBody", _INTERVAL),
    _operation("/defillama/metrics", defillama, "DefiLlamaMetricsResponseBody", _EVERY, by_symbol=False),
)

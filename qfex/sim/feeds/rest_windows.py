"""Operations on symbols over time: candles and everything reported in windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..gateway.wire import number, optional_number
from .operation import Body, Call, Operation, listing
from .parameters import Parameter
from .problems import Problem
from .series import windows
from .text import plain, seconds, unix

if TYPE_CHECKING:
    from ..engine import Candle

MINUTE = 60
DAY = 86_400.0
# More rows than this are refused; the exchange publishes no limit.
MAX_WINDOWS = 10_000
SECONDS = {
    "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400, "1d": 86_400,
}  # fmt: skip
# 30MINS is in the documentation's enumeration though not in the candle channel's.
RESOLUTIONS = {
    "1MIN": 60, "5MINS": 300, "15MINS": 900, "30MINS": 1800, "1HOUR": 3600, "4HOURS": 14_400, "1DAY": 86_400,
}  # fmt: skip

Row = Callable[[Call, float, float], Body]


def candles(call: Call) -> Body:
    """Candles, newest first."""
    resolution = call["resolution"]
    step = _one_of("resolution", resolution, RESOLUTIONS)
    starts = _windows(call, step)
    if not starts:
        return {"candles": None}
    rows = call.exchange.candles(call.symbol, resolution, starts[0], starts[-1])
    return {"candles": [_candle(call, row) for row in reversed(rows)] or None}


def funding(call: Call) -> Body:
    """The hourly funding rate first known in each window; null before there was one."""
    return _by_minutes(call, _funding_row)


def open_interest(call: Call) -> Body:
    """Open interest first known in each window, in base units; null before there was one."""
    return _by_minutes(call, _open_interest_row)


def taker_volume(call: Call) -> Body:
    """What aggressors bought and sold in each window."""
    return _by_minutes(call, _taker_row)


def long_short(call: Call) -> Body:
    """How many accounts were long and short at each window's end."""
    return _by_interval(call, _long_short_row)


def underlier(call: Call) -> Body:
    """First, last, highest and lowest index price of each window."""
    return _by_interval(call, _underlier_row, after=call.market.index.start)


def defillama(call: Call) -> Body:
    """Volume of the 24 hours up to each window's end, and open interest (both sides, USD) at that end."""
    step = _minutes(call)
    return {"data": [_defillama_row(call, start, step) for start in _windows(call, step)] or None}


def _by_minutes(call: Call, row: Row) -> Body:
    step = _minutes(call)
    label = {"symbol": call.symbol, "intervalMinutes": call["intervalMinutes"]}
    return listing(_rows(call, row, _windows(call, step), step, label))


def _by_interval(call: Call, row: Row, after: float | None = None) -> Body:
    step = _one_of("interval", call["interval"], SECONDS)
    label = {"symbol": call.symbol, "interval": call["interval"]}
    starts = [start for start in _windows(call, step) if after is None or start + step > after]
    return listing(_rows(call, row, starts, step, label))


def _rows(call: Call, row: Row, starts: list[float], step: float, label: Body) -> Iterator[Body]:
    for start in starts:
        yield {**label, "windowStart": seconds(start), **row(call, start, start + step)}


def _funding_row(call: Call, start: float, end: float) -> Body:
    rate = next(iter(call.market.funding.within(start, end)), None)
    return {"rate": None if rate is None else number(rate)}


def _open_interest_row(call: Call, start: float, end: float) -> Body:
    quantity = next(iter(call.market.open_interest.within(start, end)), None)
    return {"openInterest": None if quantity is None else number(quantity)}


def _taker_row(call: Call, start: float, end: float) -> Body:
    volume = call.market.taker_volume(start, end)
    return {
        "takerBuyQty": number(volume.buy_quantity),
        "takerSellQty": number(volume.sell_quantity),
        "takerBuyNotional": number(volume.buy_notional),
        "takerSellNotional": number(volume.sell_notional),
        "netTakerQty": number(volume.buy_quantity - volume.sell_quantity),
    }


def _long_short_row(call: Call, start: float, end: float) -> Body:
    longs, shorts = call.market.holders.at(end) or (0, 0)
    return {"longUsers": longs, "shortUsers": shorts}


def _underlier_row(call: Call, start: float, end: float) -> Body:
    prices = call.market.index.within(start, end)
    return {
        "openPrice": number(prices[0]),
        "closePrice": number(prices[-1]),
        "highPrice": number(max(prices)),
        "lowPrice": number(min(prices)),
    }


def _defillama_row(call: Call, start: float, step: float) -> Body:
    end = start + step
    volume = interest = Decimal(0)
    for symbol, instrument in call.exchange.instruments.items():
        market = call.venue.markets[symbol]
        traded = market.taker_volume(end - DAY, end)
        volume += (traded.buy_notional + traded.sell_notional) * instrument.usd_rate
        price, quantity = market.mark.at(end) or Decimal(0), market.open_interest.at(end) or Decimal(0)
        interest += 2 * quantity * price * instrument.usd_rate
    return {
        "windowStart": seconds(start),
        "dailyVolumeUSD": optional_number(volume),
        "openInterestAtEndUSD": optional_number(interest),
    }


def _candle(call: Call, row: Candle) -> Body:
    """Return a candle; the live interface sends zeros in four members and no count of trades."""
    candle = {
        "startedAt": seconds(row.start),
        "ticker": row.symbol,
        "resolution": row.interval,
        "low": plain(row.low),
        "high": plain(row.high),
        "open": plain(row.open),
        "close": plain(row.close),
        "baseTokenVolume": "0" if call.live else plain(row.volume),
        "usdVolume": plain(row.usd_volume),
        "startingOpenInterest": "0",
        "orderbookMidPriceOpen": "0",
        "orderbookMidPriceClose": "0",
    }
    return candle if call.live else {**candle, **_documented_candle(call, row)}


def _documented_candle(call: Call, row: Candle) -> Body:
    interest = call.market.open_interest.at(row.start) or Decimal(0)
    return {
        "trades": row.trades,
        "startingOpenInterest": plain(interest),
        "orderbookMidPriceOpen": plain(row.open),
        "orderbookMidPriceClose": plain(row.close),
    }


def _minutes(call: Call) -> float:
    return float(call["intervalMinutes"] * MINUTE)


def _windows(call: Call, step: float) -> list[float]:
    """Return the starts of the windows between ``fromISO`` and ``toISO``, none of them in the future.

    Raises
    ------
    Problem
        400 when a bound is no time or there are too many windows.
    """
    start = _time(call, "fromISO")
    end = min(_time(call, "toISO"), call.exchange.now + 1e-6)
    if (end - start) / step > MAX_WINDOWS:
        raise Problem(400, f"range holds more than {MAX_WINDOWS} intervals")
    return windows(start, end, step)


def _time(call: Call, name: str) -> float:
    try:
        return unix(call[name])
    except ValueError as reason:
        raise Problem(400, f"invalid {name}: not an RFC 3339 date-time") from reason


def _one_of(name: str, value: str, known: dict[str, int]) -> float:
    if value not in known:
        raise Problem(400, f"invalid {name}: must be one of {', '.join(known)}")
    return float(known[value])


def _operation(
    path: str, answer: Callable[[Call], Any], schema: str, interval: Parameter, by_symbol: bool = True
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

"""Operations on the performance of the caller's account over time: equity, profit, volume, rewards."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from ..gateway.wire import number
from .rest_operation import Body, Operation, RestRequest, listing
from .rest_parameters import Parameter, Problem
from .statistics import PnlHour, Series, windows
from .text import seconds, utc

if TYPE_CHECKING:
    from .statistics import Volume

ZERO = Decimal(0)
MINUTE = 60
HOUR = 3600
DAY = 86_400
# Preset durations (seconds) with the minutes between two points. The exchange publishes only the duration 1w, and the
# ranges 1w, 1m, ytd and all.
DURATIONS = {"1d": (DAY, 5), "1w": (7 * DAY, 60), "1m": (30 * DAY, 240), "1y": (365 * DAY, 1440)}
RANGES = {"1w": 7 * DAY, "1m": 30 * DAY}


def equity(request: RestRequest) -> Body:
    """Equity at the start of each interval of a preset duration."""
    starts, step = _starts(request)
    series = request.statistics.equity
    points = listing(_point(start, _at(series, start)) for start in starts)
    return {"duration": request["duration"], **_range(request, starts, step), **points}


def pnl(request: RestRequest) -> Body:
    """Change of the profit in each interval of a preset duration, in USD or as a percentage of equity."""
    if request["unit"] not in ("number", "percent"):
        raise Problem(400, "invalid unit: must be number or percent")
    starts, step = _starts(request)
    symbols = _symbols(request)
    points = listing(_point(start, _gain(request, symbols, start, start + step)) for start in starts)
    head = {"duration": request["duration"], "unit": request["unit"], "symbols": symbols}
    return {**head, **_range(request, starts, step), **points}


def hourly_pnl(request: RestRequest) -> Body:
    """The first sample of each position in each hour, newest hour first."""
    now = request.exchange.now
    start = now - request["limit_hours"] * HOUR if request["start"] is None else request["start"]
    end = now if request["end"] is None else request["end"]
    hours = [
        sample
        for sample in reversed(request.statistics.hours)
        if start <= sample.hour + HOUR
        and sample.hour <= end
        and request["symbol"] in (None, sample.row.symbol)
    ]
    return listing(_hour(sample) for sample in hours)


def volume(request: RestRequest) -> Body:
    """The account's traded notional (USD) by day."""
    start = _range_start(request)
    symbols = _symbols(request)
    days = _days(request, start, symbols)
    maker = sum((maker for _, maker, _ in days), ZERO)
    taker = sum((taker for _, _, taker in days), ZERO)
    return {
        "range": request["range"],
        "interval": "1d",
        "symbols": symbols,
        "start": seconds(start),
        "end": seconds(request.exchange.now),
        "total_maker_volume": number(maker),
        "total_taker_volume": number(taker),
        "total_volume": number(maker + taker),
        **listing(_day(day, maker, taker) for day, maker, taker in days),
    }


def rewards(request: RestRequest) -> Body:
    """Referral rewards; the simulator never has any."""
    length, _ = _duration(request)
    now = request.exchange.now
    head = {
        "duration": request["duration"],
        "interval": "1d",
        "start": seconds(now - length),
        "end": seconds(now),
    }
    return {**head, "total_amount": number(ZERO), **listing([])}


def _starts(request: RestRequest) -> tuple[list[float], int]:
    """Return the starts of a duration's intervals, not before the account's first sample, and their length (seconds)."""
    length, minutes = _duration(request)
    first = request.statistics.equity.start or request.exchange.now
    now = request.exchange.now
    return windows(max(now - length, first), now + 1e-6, minutes * MINUTE), minutes * MINUTE


def _duration(request: RestRequest) -> tuple[int, int]:
    duration = request["duration"]
    if duration == "all":
        return 10 * 365 * DAY, 1440
    if duration not in DURATIONS:
        raise Problem(400, f"invalid duration: must be one of {', '.join((*DURATIONS, 'all'))}")
    return DURATIONS[duration]


def _range_start(request: RestRequest) -> float:
    now = request.exchange.now
    if request["range"] == "ytd":
        return datetime(utc(now).year, 1, 1, tzinfo=timezone.utc).timestamp()
    if request["range"] == "all":
        return request.context.market_statistics.started
    if request["range"] not in RANGES:
        raise Problem(400, "invalid range: must be one of 1w, 1m, ytd, all")
    return now - RANGES[request["range"]]


def _symbols(request: RestRequest) -> list[str] | None:
    """Return the requested symbols; None means all."""
    return request["symbol"].split(",") if request["symbol"] else None


def _gain(request: RestRequest, symbols: list[str] | None, start: float, end: float) -> Decimal:
    history = request.statistics
    wanted = [series for symbol, series in history.pnl.items() if symbols is None or symbol in symbols]
    gain = sum((_at(series, end) - _at(series, start) for series in wanted), ZERO)
    if request["unit"] == "number":
        return gain
    before = _at(history.equity, start)
    return gain / before * 100 if before else ZERO


def _at(series: Series[Decimal], moment: float) -> Decimal:
    """Return the value at a time; before the first sample, that of the first sample."""
    first = moment if series.start is None else max(moment, series.start)
    return series.at(first) or ZERO


def _days(
    request: RestRequest, start: float, symbols: list[str] | None
) -> list[tuple[datetime, Decimal, Decimal]]:
    """Return the days with trades, oldest first, each with its maker and taker volume."""
    volumes: dict[datetime, list[Volume]] = {}
    for (day, symbol), traded in request.statistics.volumes.items():
        midnight = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
        if midnight.timestamp() + DAY > start and (symbols is None or symbol in symbols):
            volumes.setdefault(midnight, []).append(traded)
    return [
        (day, sum((each.maker for each in traded), ZERO), sum((each.taker for each in traded), ZERO))
        for day, traded in sorted(volumes.items())
    ]


def _range(request: RestRequest, starts: list[float], step: int) -> Body:
    head: Body = {"interval_minutes": step // MINUTE, "end": seconds(request.exchange.now)}
    return {**head, "start": seconds(starts[0])} if starts else head


def _point(start: float, value: Decimal) -> Body:
    return {"window_start": seconds(start), "value": number(value)}


def _hour(sample: PnlHour) -> Body:
    row = sample.row
    return {
        "symbol": row.symbol,
        "hour": seconds(sample.hour),
        "realised_pnl": number(row.realised_pnl),
        "unrealised_pnl": number(row.unrealised_pnl),
        "net_funding": number(row.net_funding),
        "fees": number(sample.fees),
        "quantity": number(row.position),
        "cost": number(row.position * row.average_price),
    }


def _day(day: datetime, maker: Decimal, taker: Decimal) -> Body:
    return {
        "date": seconds(day.timestamp()),
        "maker_volume": number(maker),
        "taker_volume": number(taker),
        "volume": number(maker + taker),
    }


DURATION = Parameter("duration", default="1w")
SYMBOLS = Parameter("symbol")

OPERATIONS = (
    Operation("GET", "/user/account-equity", equity, "AccountEquityResponseBody", (DURATION,), private=True),
    Operation(
        "GET",
        "/user/historic-pnl",
        pnl,
        "HistoricUserPnlResponseBody",
        (DURATION, Parameter("unit", default="number"), SYMBOLS),
        private=True,
    ),
    Operation(
        "GET",
        "/pnl",
        hourly_pnl,
        "HourlyPnlResponseBody",
        (
            SYMBOLS,
            Parameter("start", "time"),
            Parameter("end", "time"),
            Parameter("limit_hours", "integer", default=168, minimum=1, maximum=2160),
        ),
        private=True,
    ),
    Operation(
        "GET",
        "/user/volume",
        volume,
        "UserVolumeResponseBody",
        (Parameter("range", default="1w"), SYMBOLS),
        private=True,
    ),
    Operation(
        "GET", "/user/referral-rewards", rewards, "ReferralRewardsResponseBody", (DURATION,), private=True
    ),
)

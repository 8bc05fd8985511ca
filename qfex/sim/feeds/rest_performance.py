"""Operations on how the caller's account did over time: equity, profit, volume, rewards."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from ..gateway.wire import number
from .account_history import PnlHour
from .operation import Body, Call, Operation, listing
from .parameters import Parameter
from .problems import Problem
from .series import Series, windows
from .text import seconds, utc

if TYPE_CHECKING:
    from .account_history import Volume

ZERO = Decimal(0)
MINUTE = 60
HOUR = 3600
DAY = 86_400
# Preset durations and the minutes between two points. Only 1w (of durations), 1w, 1m, ytd and all (of ranges)
# are published.
DURATIONS = {"1d": (DAY, 5), "1w": (7 * DAY, 60), "1m": (30 * DAY, 240), "1y": (365 * DAY, 1440)}
RANGES = {"1w": 7 * DAY, "1m": 30 * DAY}


def equity(call: Call) -> Body:
    """Total equity at the start of each interval of a preset duration."""
    starts, step = _starts(call)
    series = call.history.equity
    points = listing(_point(start, _at(series, start)) for start in starts)
    return {"duration": call["duration"], **_range(call, starts, step), **points}


def pnl(call: Call) -> Body:
    """Change of the profit in each interval of a preset duration, in USD or as percentage of equity."""
    if call["unit"] not in ("number", "percent"):
        raise Problem(400, "invalid unit: must be number or percent")
    starts, step = _starts(call)
    symbols = _symbols(call)
    points = listing(_point(start, _gain(call, symbols, start, start + step)) for start in starts)
    head = {"duration": call["duration"], "unit": call["unit"], "symbols": symbols}
    return {**head, **_range(call, starts, step), **points}


def hourly_pnl(call: Call) -> Body:
    """Each position as it was first seen in each hour, newest hour first."""
    now = call.exchange.now
    start = now - call["limit_hours"] * HOUR if call["start"] is None else call["start"]
    end = now if call["end"] is None else call["end"]
    hours = [
        look
        for look in reversed(call.history.hours)
        if start <= look.hour + HOUR and look.hour <= end and call["symbol"] in (None, look.row.symbol)
    ]
    return listing(_hour(look) for look in hours)


def volume(call: Call) -> Body:
    """Notional in USD that the account traded, day by day."""
    start = _range_start(call)
    symbols = _symbols(call)
    days = _days(call, start, symbols)
    maker = sum((maker for _, maker, _ in days), ZERO)
    taker = sum((taker for _, _, taker in days), ZERO)
    return {
        "range": call["range"],
        "interval": "1d",
        "symbols": symbols,
        "start": seconds(start),
        "end": seconds(call.exchange.now),
        "total_maker_volume": number(maker),
        "total_taker_volume": number(taker),
        "total_volume": number(maker + taker),
        **listing(_day(day, maker, taker) for day, maker, taker in days),
    }


def rewards(call: Call) -> Body:
    """Referral rewards. Nobody refers anybody here, so there are none."""
    length, _ = _duration(call)
    now = call.exchange.now
    head = {
        "duration": call["duration"],
        "interval": "1d",
        "start": seconds(now - length),
        "end": seconds(now),
    }
    return {**head, "total_amount": number(ZERO), **listing([])}


def _starts(call: Call) -> tuple[list[float], int]:
    """Return the starts of a duration's intervals since the account is known, and their length in seconds."""
    length, minutes = _duration(call)
    known = call.history.equity.start or call.exchange.now
    now = call.exchange.now
    return windows(max(now - length, known), now + 1e-6, minutes * MINUTE), minutes * MINUTE


def _duration(call: Call) -> tuple[int, int]:
    duration = call["duration"]
    if duration == "all":
        return 10 * 365 * DAY, 1440
    if duration not in DURATIONS:
        raise Problem(400, f"invalid duration: must be one of {', '.join((*DURATIONS, 'all'))}")
    return DURATIONS[duration]


def _range_start(call: Call) -> float:
    now = call.exchange.now
    if call["range"] == "ytd":
        return datetime(utc(now).year, 1, 1, tzinfo=timezone.utc).timestamp()
    if call["range"] == "all":
        return call.venue.markets.started
    if call["range"] not in RANGES:
        raise Problem(400, "invalid range: must be one of 1w, 1m, ytd, all")
    return now - RANGES[call["range"]]


def _symbols(call: Call) -> list[str] | None:
    """Return the comma separated symbols asked for, None for all."""
    return call["symbol"].split(",") if call["symbol"] else None


def _gain(call: Call, symbols: list[str] | None, start: float, end: float) -> Decimal:
    history = call.history
    wanted = [series for symbol, series in history.pnl.items() if symbols is None or symbol in symbols]
    gain = sum((_at(series, end) - _at(series, start) for series in wanted), ZERO)
    if call["unit"] == "number":
        return gain
    before = _at(history.equity, start)
    return gain / before * 100 if before else ZERO


def _at(series: Series[Decimal], moment: float) -> Decimal:
    """Return the value in force, before the first look that of the first."""
    first = moment if series.start is None else max(moment, series.start)
    return series.at(first) or ZERO


def _days(call: Call, start: float, symbols: list[str] | None) -> list[tuple[datetime, Decimal, Decimal]]:
    """Return each day with trades, its maker and its taker volume, oldest first."""
    volumes: dict[datetime, list[Volume]] = {}
    for (day, symbol), traded in call.history.volumes.items():
        midnight = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
        if midnight.timestamp() + DAY > start and (symbols is None or symbol in symbols):
            volumes.setdefault(midnight, []).append(traded)
    return [
        (day, sum((each.maker for each in traded), ZERO), sum((each.taker for each in traded), ZERO))
        for day, traded in sorted(volumes.items())
    ]


def _range(call: Call, starts: list[float], step: int) -> Body:
    head: Body = {"interval_minutes": step // MINUTE, "end": seconds(call.exchange.now)}
    return {**head, "start": seconds(starts[0])} if starts else head


def _point(start: float, value: Decimal) -> Body:
    return {"window_start": seconds(start), "value": number(value)}


def _hour(look: PnlHour) -> Body:
    row = look.row
    return {
        "symbol": row.symbol,
        "hour": seconds(look.hour),
        "realised_pnl": number(row.realised_pnl),
        "unrealised_pnl": number(row.unrealised_pnl),
        "net_funding": number(row.net_funding),
        "fees": number(look.fees),
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

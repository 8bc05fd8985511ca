"""Operations about settlement: the dated futures behind some perpetuals, their calendar and their prices.

The exchange publishes the contract behind a perpetual only one at a time. The roots, months and expiry rules here are those
of the listed futures, without holidays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from itertools import islice

from ..gateway.wire import number
from .rest_operation import Body, Operation, RestRequest, listing
from .rest_parameters import Parameter, Problem
from .text import seconds, utc

MONTH_CODES = "FGHJKMNQUVXZ"
SETTLEMENT = time(21, 30, tzinfo=timezone.utc)
# In the published example, the oracle stops using a contract six business days before its expiry.
ROLL_DAYS = 6


@dataclass(frozen=True)
class Contract:
    """One dated future: its expiry, and the time until which the oracle uses it."""

    symbol: str
    expiration: datetime
    active_until: datetime


@dataclass(frozen=True)
class FutureFamily:
    """The contracts behind one perpetual.

    Attributes
    ----------
    root : str
        Such as ``"CL"``.
    months : str
        The codes of the months that have a contract.
    third_friday : bool
        True if contracts expire on the third Friday of their month (indices); False if they expire three business days
        before the 25th of the previous month (crude oil; here, other commodities as well).
    """

    root: str
    months: str = MONTH_CODES
    third_friday: bool = False

    def contract(self, moment: datetime) -> Contract:
        """Return the contract that the oracle uses at a time."""
        year, month = moment.year, moment.month
        while True:
            code = MONTH_CODES[month - 1]
            contract = self._contract(year, month, code)
            if code in self.months and moment <= contract.active_until:
                return contract
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)

    def _contract(self, year: int, month: int, code: str) -> Contract:
        expires = _third_friday(year, month) if self.third_friday else _before_25th(year, month)
        active_until = _business_days_before(expires, ROLL_DAYS)
        return Contract(
            f"{self.root}{code}{year % 10}",
            datetime.combine(expires, SETTLEMENT),
            datetime.combine(active_until, SETTLEMENT),
        )


FAMILIES = {
    "CL-USD": FutureFamily("CL"),
    "NATGAS-USD": FutureFamily("NG"),
    "COPPER-USD": FutureFamily("HG", "HKNUZ"),
    "GOLD-USD": FutureFamily("GC", "GJMQZ"),
    "SILVER-USD": FutureFamily("SI", "HKNUZ"),
    "US100-USD": FutureFamily("NQ", "HMUZ", third_friday=True),
    "US500-USD": FutureFamily("ES", "HMUZ", third_friday=True),
}


def settlements(start: datetime, end: datetime) -> list[datetime]:
    """Return the settlements (business days at 21:30 UTC) of a closed range, newest first."""
    moments = []
    day = end.date()
    while day >= start.date():
        moment = datetime.combine(day, SETTLEMENT)
        if start <= moment <= end and day.weekday() < 5:
            moments.append(moment)
        day -= timedelta(days=1)
    return moments


def _third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


def _before_25th(year: int, month: int) -> date:
    """Return the day three business days before the 25th of the previous month; four if that is not a business day."""
    the_25th = (date(year, month, 1) - timedelta(days=1)).replace(day=25)
    return _business_days_before(the_25th, 3 if the_25th.weekday() < 5 else 4)


def _business_days_before(day: date, count: int) -> date:
    while count:
        day -= timedelta(days=1)
        count -= day.weekday() < 5
    return day


def calendar(request: RestRequest) -> Body:
    """The contract that a perpetual's oracle uses at a time, by default now."""
    symbol = request.symbol
    if symbol not in FAMILIES:
        raise Problem(404, f"symbol {symbol} has no settlement calendar")
    moment = request.exchange.now if request["time"] is None else request["time"]
    contract = FAMILIES[symbol].contract(utc(moment))
    return {
        "expiration": seconds(contract.expiration.timestamp()),
        "active_until": seconds(contract.active_until.timestamp()),
        "future_symbol": contract.symbol,
        "qfex_symbol": symbol,
    }


def prices(request: RestRequest) -> Body:
    """Settlement prices since the simulation started, newest first.

    The simulated future trades at the index price; the ratio of the two is one.
    """
    return listing(islice(_prices(request), request["limit"]))


def _prices(request: RestRequest) -> Iterator[Body]:
    started, now = request.context.market_statistics.started, request.exchange.now
    start = started if request["start"] is None else max(started, request["start"])
    end = now if request["end"] is None else min(now, request["end"])
    for moment in settlements(utc(start), utc(end)):
        for symbol in FAMILIES:
            if symbol in request.exchange.instruments and request["symbol"] in (None, symbol):
                yield _price(request, symbol, moment)


def _price(request: RestRequest, symbol: str, moment: datetime) -> Body:
    index = request.context.market_statistics[symbol].index.at(
        moment.timestamp()
    ) or request.exchange.index_price(symbol)
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

"""The dated futures behind some perpetuals, and their settlement.

The exchange publishes which contract is behind a perpetual only one at a time; the roots, months and expiry
rules here are those of the listed futures, without holidays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

MONTH_CODES = "FGHJKMNQUVXZ"
SETTLEMENT = time(21, 30, tzinfo=timezone.utc)
# In the published example the oracle leaves a contract six business days before it expires.
ROLL_DAYS = 6


@dataclass(frozen=True)
class Contract:
    """One dated future: expiry and the moment until which prices come from it."""

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
        Codes of the months that have a contract.
    third_friday : bool
        True where contracts expire on the third Friday of their month (indices), False where they expire
        three business days before the 25th of the month before (crude oil; other commodities are treated so
        too).
    """

    root: str
    months: str = MONTH_CODES
    third_friday: bool = False

    def contract(self, moment: datetime) -> Contract:
        """Return the contract that is active at a time."""
        year, month = moment.year, moment.month
        while True:
            code = MONTH_CODES[month - 1]
            contract = self._contract(year, month, code)
            if code in self.months and moment <= contract.active_until:
                return contract
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)

    def _contract(self, year: int, month: int, code: str) -> Contract:
        expires = _third_friday(year, month) if self.third_friday else _before_25th(year, month)
        leaves = _business_days_before(expires, ROLL_DAYS)
        return Contract(
            f"{self.root}{code}{year % 10}",
            datetime.combine(expires, SETTLEMENT),
            datetime.combine(leaves, SETTLEMENT),
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
    """Return three business days before the 25th of the previous month, four when that is no business day."""
    the_25th = (date(year, month, 1) - timedelta(days=1)).replace(day=25)
    return _business_days_before(the_25th, 3 if the_25th.weekday() < 5 else 4)


def _business_days_before(day: date, count: int) -> date:
    while count:
        day -= timedelta(days=1)
        count -= day.weekday() < 5
    return day

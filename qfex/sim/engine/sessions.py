"""Trading sessions of a market, looked up in the `market_hours` of its reference data.

Trading itself never stops for a session: sessions decide funding, limits and the source of the index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timezone, tzinfo
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .types import Session

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def zone(name: str) -> tzinfo:
    """Return a time zone, UTC where the system has no zone database."""
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return timezone.utc


@dataclass(frozen=True, slots=True)
class Hours:
    """One session of a day in local time, both ends inclusive."""

    session: Session
    open: time
    close: time

    @classmethod
    def read(cls, row: Mapping[str, str]) -> Hours:
        """Read ``{"session": ..., "open": "09:30:00", "close": ...}``; a row without a session is "open"."""
        opens, closes = (time.fromisoformat(row[end]) for end in ("open", "close"))
        return cls(cast(Session, row.get("session", "open")), opens, closes)


class Calendar:
    """The week of one market.

    Parameters
    ----------
    market_hours : mapping
        The reference data object: weekday names to lists of sessions, and ``tz``.
    """

    def __init__(self, market_hours: Mapping[str, Any]) -> None:
        self._zone = zone(market_hours.get("tz", "UTC"))
        self._days = [_day(market_hours.get(day, ())) for day in WEEKDAYS]

    def session(self, moment: float) -> Session:
        """Return the session at a unix time.

        Where sessions touch, the later one counts. A gap has no row in the data: it is "overnight".
        """
        local = datetime.fromtimestamp(moment, self._zone)
        clock = local.time().replace(microsecond=0)
        current: Session = "overnight"
        for hours in self._days[local.weekday()]:
            if hours.open <= clock <= hours.close:
                current = hours.session
        return current


def _day(rows: Sequence[Mapping[str, str]] | Mapping[str, str]) -> list[Hours]:
    """Read one day: a list of sessions, or the single object that older documentation shows."""
    if isinstance(rows, Mapping):
        rows = [rows]
    return sorted((Hours.read(row) for row in rows), key=lambda hours: hours.open)

"""The trading sessions of a market, from the `market_hours` of its reference data.

Trading continues in every session. Sessions affect funding, limits and the source of the index.
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
    """Return a time zone; UTC if the system has no time zone database."""
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
        """Parse ``{"session": ..., "open": "09:30:00", "close": ...}``; the session defaults to "open"."""
        opens, closes = (time.fromisoformat(row[end]) for end in ("open", "close"))
        return cls(cast(Session, row.get("session", "open")), opens, closes)


class Calendar:
    """The week of one market.

    Parameters
    ----------
    market_hours : mapping
        The reference data object: lists of sessions by weekday, and ``tz``.
    """

    def __init__(self, market_hours: Mapping[str, Any]) -> None:
        self._zone = zone(market_hours.get("tz", "UTC"))
        self._days = [_day(market_hours.get(day, ())) for day in WEEKDAYS]

    def session(self, moment: float) -> Session:
        """Return the session at a unix time.

        Where two sessions touch, the later one counts. A time that no session covers is "overnight".
        """
        local = datetime.fromtimestamp(moment, self._zone)
        clock = local.time().replace(microsecond=0)
        current: Session = "overnight"
        for hours in self._days[local.weekday()]:
            if hours.open <= clock <= hours.close:
                current = hours.session
        return current


def _day(rows: Sequence[Mapping[str, str]] | Mapping[str, str]) -> list[Hours]:
    """Parse one day: a list of sessions, or the single object of older documentation."""
    if isinstance(rows, Mapping):
        rows = [rows]
    return sorted((Hours.read(row) for row in rows), key=lambda hours: hours.open)

"""Arguments of REST operations, checked and written as the interface wants them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from urllib.parse import quote

from ..arguments import text, whole
from ..errors import ValidationError

MAX_PAGE = 1000  # rows; the interface's own limit

Query = dict[str, str]


def iso(moment: datetime, argument: str) -> str:
    """Write a moment as ``2026-10-10T23:00:00Z``.

    Raises
    ------
    ValidationError
        If it is no `datetime`, or has no time zone: guessing one would shift the series silently.
    """
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValidationError(argument, moment, "must be a datetime with a time zone")
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def window(start: datetime, end: datetime) -> Query:
    """Write the required range of a series."""
    return {"fromISO": iso(start, "start"), "toISO": _ending(start, end)}


def period(start: datetime | None, end: datetime | None) -> Query:
    """Write the optional range of a history."""
    query = {} if start is None else {"start": iso(start, "start")}
    if end is not None:
        query["end"] = iso(end, "end") if start is None else _ending(start, end)
    return query


def _ending(start: datetime, end: datetime) -> str:
    written = iso(end, "end")
    if end < start:
        raise ValidationError("end", end, f"must not be before start ({start})")
    return written


def page(limit: int | None, offset: int | None = None) -> Query:
    """Write which rows are wanted."""
    query = {} if limit is None else {"limit": str(at_most(MAX_PAGE, limit, "limit"))}
    if offset is not None:
        query["offset"] = str(whole(offset, "offset", 0))
    return query


def at_most(maximum: int, value: int, argument: str) -> int:
    """Check a whole number from 1 to `maximum`."""
    number = whole(value, argument, 1)
    if number > maximum:
        raise ValidationError(argument, value, f"must not exceed {maximum}")
    return number


def given(**members: str | None) -> Query:
    """Keep the members that were given; each must be text that is not empty."""
    return {name: text(value, name) for name, value in members.items() if value is not None}


def listed(symbols: str | Iterable[str] | None) -> Query:
    """Write a filter by symbols. An empty one is refused, for the interface would take it for all symbols."""
    if symbols is None:
        return {}
    names = [symbols] if isinstance(symbols, str) else list(symbols)
    return {"symbol": text(",".join(text(name, "symbols") for name in names), "symbols")}


def segment(symbol: str) -> str:
    """Write a symbol as a part of a path."""
    return quote(text(symbol, "symbol"), safe="")

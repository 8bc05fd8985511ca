"""The base of all operations: checking arguments, calling the API, and building models from the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from typing import Any, TypeVar
from urllib.parse import quote

from ..arguments import text, whole
from ..errors import RestError, ValidationError
from ..models.rows import ModelList
from .messages import ApiCall
from .requester import Requester

_T = TypeVar("_T")

MAX_PAGE = 1000  # rows, the limit of the API

Query = dict[str, str]

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class Operations:
    """Base class of the groups of operations."""

    _requester: Requester

    def _get(self, parse: Callable[[Any], _T], path: str, query: Query | None = None) -> _T:
        return build(parse, self._requester.read(ApiCall("GET", path, query or {})))

    def _get_private(
        self,
        parse: Callable[[Any], _T],
        path: str,
        query: Query | None = None,
        of_user: bool = False,
    ) -> _T:
        return build(
            parse, self._requester.read(ApiCall("GET", path, query or {}, private=True, of_user=of_user))
        )


def build(parse: Callable[[Any], _T], answer: Any) -> _T:
    """Build models from an answer.

    Raises
    ------
    RestError
        If the answer does not have the expected format.
    """
    try:
        return parse(answer)
    except Exception as error:  # an unexpected format can fail in any way
        raise RestError(200, "the answer does not have the expected format", str(error)) from None


def oldest_first(rows: Sequence[_T], moment: str = "time") -> list[_T]:
    """Sort a series by time. The API sends most series newest first and some unsorted.

    Rows with the same time keep their chronological order.
    """

    def when(row: _T) -> datetime:
        return getattr(row, moment) or _LONG_AGO

    newest_first = len(rows) > 1 and when(rows[0]) >= when(rows[-1])
    ordered = sorted(reversed(rows) if newest_first else rows, key=when)
    return ModelList(rows.model, ordered) if isinstance(rows, ModelList) else ordered


# --- arguments -----------------------------------------------------------------------------------------------


def iso(moment: datetime, argument: str) -> str:
    """Format a time as ``2026-10-10T23:00:00Z``.

    Raises
    ------
    ValidationError
        If `moment` is not a `datetime` or has no time zone. A guessed time zone would silently shift the series.
    """
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValidationError(argument, moment, "must be a datetime with a time zone")
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def window(start: datetime, end: datetime) -> Query:
    """Return the query of a required time range, as series have it."""
    return {"fromISO": iso(start, "start"), "toISO": _ending(start, end)}


def period(start: datetime | None, end: datetime | None) -> Query:
    """Return the query of an optional time range, as histories have it."""
    query = {} if start is None else {"start": iso(start, "start")}
    if end is not None:
        query["end"] = iso(end, "end") if start is None else _ending(start, end)
    return query


def _ending(start: datetime, end: datetime) -> str:
    written = iso(end, "end")
    # Two datetimes of the same zone compare by their wall clocks, which repeat an hour when summer time ends.
    if end.astimezone(timezone.utc) < start.astimezone(timezone.utc):
        raise ValidationError("end", end, f"must not be before start ({start})")
    return written


def page(limit: int | None, offset: int | None = None) -> Query:
    """Return the query of a page of rows."""
    query = {} if limit is None else {"limit": str(at_most(MAX_PAGE, limit, "limit"))}
    if offset is not None:
        query["offset"] = str(whole(offset, "offset", 0))
    return query


def at_most(maximum: int, value: int, argument: str) -> int:
    """Check that an argument is a whole number from 1 to `maximum`."""
    number = whole(value, argument, 1)
    if number > maximum:
        raise ValidationError(argument, value, f"must not exceed {maximum}")
    return number


def given(**members: str | None) -> Query:
    """Return the members that are not None. Each must be a non-empty text."""
    return {name: text(value, name) for name, value in members.items() if value is not None}


def listed(symbols: str | Iterable[str] | None) -> Query:
    """Return the query of a filter by symbols.

    An empty filter is refused, because the API would take it as all symbols.
    """
    if symbols is None:
        return {}
    names = [symbols] if isinstance(symbols, str) else list(symbols)
    return {"symbol": text(",".join(text(name, "symbols") for name in names), "symbols")}


def segment(symbol: str) -> str:
    """Quote a symbol for use in a path."""
    return quote(text(symbol, "symbol"), safe="")

"""What all operations share: ask, and make models of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypeVar

from ..errors import RestError
from .messages import Call
from .transport import Transport

_T = TypeVar("_T")

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class Operations:
    """Base of the groups of operations."""

    _transport: Transport

    def _get(self, parse: Callable[[Any], _T], path: str, query: Mapping[str, str] | None = None) -> _T:
        return fit(parse, self._transport.read(Call("GET", path, query or {})))

    def _get_private(
        self,
        parse: Callable[[Any], _T],
        path: str,
        query: Mapping[str, str] | None = None,
        of_user: bool = False,
    ) -> _T:
        return fit(parse, self._transport.read(Call("GET", path, query or {}, private=True, of_user=of_user)))


def fit(parse: Callable[[Any], _T], answer: Any) -> _T:
    """Make models of an answer.

    Raises
    ------
    RestError
        If it does not have the form that it should have.
    """
    try:
        return parse(answer)
    except Exception as error:  # whatever a foreign form breaks on
        raise RestError(200, "the answer does not have the expected form", str(error)) from None


def oldest_first(rows: Sequence[_T], moment: str = "time") -> list[_T]:
    """Sort a series, which the interface sends newest first, or not at all; rows of one moment stay in order."""

    def when(row: _T) -> datetime:
        return getattr(row, moment) or _LONG_AGO

    newest_first = len(rows) > 1 and when(rows[0]) >= when(rows[-1])
    return sorted(reversed(rows) if newest_first else rows, key=when)

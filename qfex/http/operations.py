"""What all operations share: ask, and make models of the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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


def oldest_first(rows: Iterable[_T], moment: str = "time") -> list[_T]:
    """Sort a series, which the interface sends newest first in some operations and unsorted in others."""
    return sorted(rows, key=lambda row: getattr(row, moment) or _LONG_AGO)

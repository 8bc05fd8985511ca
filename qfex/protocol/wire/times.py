"""Times on the wire: RFC 3339 text, or unix time as a number in any of its usual units."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")

#: Sizes below which a number counts units of which so many make a second. Each covers the years 1973 to 5138.
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (float("inf"), 1e9))

_EPOCH = datetime.fromtimestamp(0, timezone.utc)
_AHEAD = timedelta(days=366)
_newest = datetime.now(timezone.utc) + _AHEAD


def parse_time(value: Any) -> datetime:
    """Read RFC 3339 text (any number of fraction digits) or unix time, as aware UTC.

    Unix time may be in seconds, milliseconds, microseconds or nanoseconds; its size says which.

    Raises
    ------
    ValueError, TypeError, OverflowError
        If it is not a time.
    """
    if isinstance(value, bool):
        raise ValueError(f"not a time: {value}")
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return _from_unix(float(value))
    moment = msgspec.convert(value, datetime, strict=False)
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _from_unix(number: float) -> datetime:
    for size, per_second in _UNITS:
        if abs(number) < size:
            return datetime.fromtimestamp(number / per_second, timezone.utc)
    raise ValueError(f"not a time: {number}")


def is_plausible(moment: datetime) -> bool:
    """Whether something may have happened at a time: after the unix epoch, and at most a year from now.

    A time at the epoch or before is how a program writes that it has none. One in the far future would make everything
    after it look old.
    """
    global _newest
    if moment > _newest:  # read only then, because every message comes here
        _newest = datetime.now(timezone.utc) + _AHEAD
    return _EPOCH < moment <= _newest


def is_implausible(value: Any) -> bool:
    """Whether a value of the wire is a time, or a number in its place, at which nothing can have happened."""
    try:
        return not is_plausible(parse_time(value))
    except (ValueError, TypeError, OverflowError, OSError):
        return isinstance(value, (int, float, Decimal)) or bool(_NUMBER.fullmatch(str(value)))

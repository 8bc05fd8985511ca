"""Numbers and times as text, in the formats of market data and REST."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache

PRICE_STEP = Decimal("0.00000001")


@lru_cache(maxsize=65536)
def plain(value: Decimal) -> str:
    """Return all digits of a number, without an exponent and without trailing zeros."""
    digits = format(value, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def price(value: Decimal) -> str:
    """Return a computed price (band, index) with at most eight decimals, like the exchange."""
    return plain(value.quantize(PRICE_STEP))


def utc(moment: float) -> datetime:
    """Return unix seconds as an aware UTC time."""
    return datetime.fromtimestamp(moment, timezone.utc)


def nanoseconds(moment: float) -> str:
    """Return unix seconds as RFC 3339 with nine decimals.

    A float is exact to a microsecond only, so the last three digits are zeros.
    """
    return f"{utc(round(moment, 6)):%Y-%m-%dT%H:%M:%S.%f}000Z"


def seconds(moment: float) -> str:
    """Return unix seconds as RFC 3339 in whole seconds, the format of window and candle starts."""
    return f"{utc(moment):%Y-%m-%dT%H:%M:%SZ}"


def unix(text: str) -> float:
    """Parse RFC 3339 text with any number of decimals; return unix seconds.

    Raises
    ------
    ValueError
        The text is not a date and time with a time zone.
    """
    moment = datetime.fromisoformat(_microseconds(text.strip().replace("Z", "+00:00").replace(" ", "+")))
    if moment.tzinfo is None:
        raise ValueError(f"no time zone: {text!r}")
    return moment.timestamp()


def _microseconds(text: str) -> str:
    """Give the fraction exactly six digits; older versions of Python parse nothing else."""
    head, point, tail = text.partition(".")
    if not point:
        return text
    length = next((index for index, char in enumerate(tail) if not char.isdigit()), len(tail))
    return f"{head}.{tail[:length][:6].ljust(6, '0')}{tail[length:]}"

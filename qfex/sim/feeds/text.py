"""Numbers and times as market data and REST write them."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache

PRICE_STEP = Decimal("0.00000001")


@lru_cache(maxsize=65536)
def plain(value: Decimal) -> str:
    """Return all digits of a number: no exponent, no trailing zeros after the point."""
    digits = format(value, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def price(value: Decimal) -> str:
    """Return a computed price (band, index) with at most eight decimals, as the exchange publishes it."""
    return plain(value.quantize(PRICE_STEP))


def utc(moment: float) -> datetime:
    """Return unix seconds as an aware UTC time."""
    return datetime.fromtimestamp(moment, timezone.utc)


def nanoseconds(moment: float) -> str:
    """Return unix seconds as RFC 3339 with nine decimals.

    A float resolves less than a microsecond; the last three digits are zeros rather than noise.
    """
    return f"{utc(round(moment, 6)):%Y-%m-%dT%H:%M:%S.%f}000Z"


def seconds(moment: float) -> str:
    """Return unix seconds as RFC 3339 in whole seconds, as windows and candles start."""
    return f"{utc(moment):%Y-%m-%dT%H:%M:%SZ}"


def unix(text: str) -> float:
    """Read RFC 3339 text, with any number of decimals, as unix seconds.

    Raises
    ------
    ValueError
        Not a date and time, or one without a time zone.
    """
    moment = datetime.fromisoformat(_microseconds(text.strip().replace("Z", "+00:00").replace(" ", "+")))
    if moment.tzinfo is None:
        raise ValueError(f"no time zone: {text!r}")
    return moment.timestamp()


def _microseconds(text: str) -> str:
    """Give the fraction exactly six digits: older Python reads nothing else."""
    head, point, tail = text.partition(".")
    if not point:
        return text
    length = next((index for index, char in enumerate(tail) if not char.isdigit()), len(tail))
    return f"{head}.{tail[:length][:6].ljust(6, '0')}{tail[length:]}"

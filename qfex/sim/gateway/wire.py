"""The JSON codec of the exchange's messages; every number is exact."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

_LARGEST_EXPONENT = 308  # That of a double: the exchange parses numbers as doubles.


def _exact(text: str) -> Decimal:
    value = Decimal(text)
    if value and abs(value.adjusted()) > _LARGEST_EXPONENT:
        raise msgspec.DecodeError("number out of range")
    return value


_decoder = msgspec.json.Decoder(float_hook=_exact)
_encoder = msgspec.json.Encoder(decimal_format="number")

encode = _encoder.encode


def decode(text: bytes | str) -> Any:
    """Parse JSON; numbers with a fraction or an exponent become exact Decimals.

    Raises
    ------
    msgspec.DecodeError
        The text is not JSON, or holds a number that is out of range.
    """
    return _decoder.decode(text)


@lru_cache(maxsize=65536)
def number(value: Decimal) -> msgspec.Raw:
    """Return the JSON float of ``value``: all its digits, no exponent, ``.0`` on whole numbers."""
    digits = format(value, "f")
    if "." not in digits:
        return msgspec.Raw(f"{digits}.0".encode())
    digits = digits.rstrip("0")
    return msgspec.Raw((f"{digits}0" if digits.endswith(".") else digits).encode())


def optional_number(value: Decimal | None) -> msgspec.Raw:
    """Return the JSON float of ``value``; None becomes 0.0, which the exchange sends for "not set"."""
    return number(value or Decimal(0))

"""Numbers on the wire: exact decimals, never in exponent notation, never through binary floats."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation

from msgspec import Raw

from ..errors import ValidationError

LONGEST = 2_000_000.0  # seconds; no system can wait for many more at once

_ZERO = Decimal(0)  # compared with in half the time that the comparison with an integer takes

Number = int | str | float | Decimal


def to_decimal(value: Number, argument: str) -> Decimal:
    """Convert an argument exactly; a float goes through its shortest decimal text.

    Raises
    ------
    ValidationError
        If `value` is not a finite number.
    """
    try:
        # Not `repr`: numpy's floats, which are floats, say their type by it.
        number = Decimal(float.__repr__(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise ValidationError(argument, value, "must be a number") from None
    if isinstance(value, (bool, tuple, list)) or not number.is_finite():
        raise ValidationError(argument, value, "must be a finite number")
    return number


def positive(value: Number, argument: str) -> Decimal:
    """Convert an argument that must be above zero.

    Raises
    ------
    ValidationError
        If `value` is not a finite positive number.
    """
    number = value if type(value) is Decimal and value.is_finite() else to_decimal(value, argument)
    if number <= _ZERO:
        raise ValidationError(argument, value, "must be a finite number above zero")
    return number


def whole(value: int, argument: str, minimum: int) -> int:
    """Check a whole number.

    Raises
    ------
    ValidationError
        If `value` is not an integer, or is below `minimum`.
    """
    integral = isinstance(value, int) and not isinstance(value, bool)
    if not integral and isinstance(value, (float, Decimal)) and math.isfinite(value):
        integral = value == int(value)
    if not integral or value < minimum:
        raise ValidationError(argument, value, f"must be a whole number of at least {minimum}")
    return int(value)


def seconds(value: float, argument: str = "timeout") -> float:
    """Check a length of time; one that is too long to be waited for counts as `LONGEST`.

    Raises
    ------
    ValidationError
        If `value` is not a number, or is negative.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0:
        raise ValidationError(argument, value, "must be a number of seconds, not negative")
    return min(value, LONGEST)


def on_wire(number: Decimal) -> Raw:
    """JSON number with exactly the digits of `number`."""
    digits = str(number)  # three times as fast as `format`, which only exponents need
    if "E" in digits or "e" in digits:  # small where the caller's decimal context says so
        digits = format(number, "f")
    return Raw(digits.encode())


def text(value: object, argument: str) -> str:
    """Check an identifier; of a kind of text of its own, such as numpy's or an enumeration's, the plain text is taken.

    Raises
    ------
    ValidationError
        If `value` is not text, is empty, or cannot be sent.
    """
    plain = value if type(value) is str else _plain(value)  # msgspec writes no other
    if not plain.strip():
        raise ValidationError(argument, value, "must be text that is not empty")
    if not plain.isascii() and not _is_sendable(plain):
        raise ValidationError(argument, value, "must be text that can be written as UTF-8")
    return plain


def _plain(value: object) -> str:
    """The characters of a text, whatever its class shows in their stead; none of what is no text."""
    return str.__str__(value) if isinstance(value, str) else ""


def _is_sendable(value: str) -> bool:
    """Whether there is UTF-8 for a text: there is none for halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True

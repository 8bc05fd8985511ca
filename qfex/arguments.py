"""What callers pass, checked: numbers, times, texts and flags, before anything is sent."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation

from .errors import ValidationError

LONGEST = 2_000_000.0  # seconds; no system can wait for much longer at once

_ZERO = Decimal(0)  # comparing with it takes half the time of comparing with an integer

Number = int | str | float | Decimal


def to_decimal(value: Number, argument: str) -> Decimal:
    """Convert an argument exactly; a float goes through its shortest decimal text.

    Raises
    ------
    ValidationError
        If `value` is not a finite number.
    """
    try:
        # Not `repr`: numpy's floats, which are floats, show their type in it.
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
    """Check a length of time; one that no system can wait for counts as `LONGEST`.

    Raises
    ------
    ValidationError
        If `value` is not a number, or is negative.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0:
        raise ValidationError(argument, value, "must be a number of seconds, not negative")
    return min(value, LONGEST)


def text(value: object, argument: str) -> str:
    """Check an identifier; a subclass of `str`, such as numpy's or an enumeration's, becomes plain text.

    Raises
    ------
    ValidationError
        If `value` is not text, is empty, or cannot be sent.
    """
    plain = value if type(value) is str else _plain(value)  # msgspec writes plain text only
    if not plain.strip():
        raise ValidationError(argument, value, "must be text that is not empty")
    if not plain.isascii() and not _is_sendable(plain):
        raise ValidationError(argument, value, "must be text that can be written as UTF-8")
    return plain


def _plain(value: object) -> str:
    """The characters of a text, whatever its class shows instead; none if `value` is not text."""
    return str.__str__(value) if isinstance(value, str) else ""


def _is_sendable(value: str) -> bool:
    """Whether a text can be written as UTF-8: halves of surrogate pairs cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def flag(value: bool, argument: str) -> bool:
    """Check a truth value.

    Raises
    ------
    ValidationError
        If it is neither True nor False.
    """
    if not isinstance(value, bool):
        raise ValidationError(argument, value, "must be True or False")
    return value


def optional_text(value: object, argument: str) -> str | None:
    """Check an identifier that may be left out; see `text`."""
    return None if value is None else text(value, argument)


def page(limit: int | None, offset: int | None) -> tuple[int | None, int | None]:
    """Check the limit and the offset of a page.

    Raises
    ------
    ValidationError
        If `limit` is not a whole number of at least 1, or `offset` of at least 0.
    """
    return (
        None if limit is None else whole(limit, "limit", 1),
        None if offset is None else whole(offset, "offset", 0),
    )

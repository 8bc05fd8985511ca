"""What callers pass, checked: numbers, times, texts and flags, before anything is sent."""

from __future__ import annotations

import math
from contextlib import suppress
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from .decimals import EXACT
from .errors import ValidationError

LONGEST = 2_000_000.0  # seconds; no system can wait for much longer at once

_ZERO = Decimal(0)  # comparing with it takes half the time of comparing with an integer

Number = int | str | float | Decimal


def to_decimal(value: Number, argument: str) -> Decimal:
    """Convert an argument exactly; a float goes through its shortest decimal text.

    Whatever is a `numbers.Integral` or a `numbers.Real`, such as the numbers of a data frame, is taken like int and float.

    Raises
    ------
    ValidationError
        If `value` is not a finite number.
    """
    try:
        number = _exact(value)
    except (ArithmeticError, TypeError, ValueError):
        raise ValidationError(argument, value, "must be a number") from None
    if isinstance(value, (bool, tuple, list)) or not number.is_finite():
        raise ValidationError(argument, value, "must be a finite number")
    return number


def _exact(value: object) -> Decimal:
    if isinstance(value, float):
        return Decimal(float.__repr__(value))  # not `repr`: numpy's float64 shows its type in it
    if isinstance(value, Integral):
        return Decimal(int(value))
    if isinstance(value, Real):
        return _shortest(value)
    return Decimal(value, EXACT)  # type: ignore[arg-type] # it checks the type


def _shortest(value: Real) -> Decimal:
    """The shortest decimal that the type of a number, such as numpy's float32, takes for the number."""
    kind: Any = type(value)
    with suppress(ArithmeticError, TypeError, ValueError):
        shown = str(value)
        if kind(shown) == value:
            return Decimal(shown, EXACT)
    return Decimal(float.__repr__(float(value)))


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
    number = value if type(value) is int else _whole(value)
    if number is None or number < minimum:
        raise ValidationError(argument, value, f"must be a whole number of at least {minimum}")
    return number


def _whole(value: object) -> int | None:
    """A number without a fraction as an int; None for everything else, texts included."""
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        return None
    with suppress(ArithmeticError, TypeError, ValueError):
        number = _exact(value)
        if number == number.to_integral_value(context=EXACT):
            return int(number)
    return None


def seconds(value: float, argument: str = "timeout") -> float:
    """Check a length of time; one that no system can wait for counts as `LONGEST`.

    Raises
    ------
    ValidationError
        If `value` is not a number, or is negative.
    """
    length = value if isinstance(value, (int, float)) else _as_float(value)
    if isinstance(value, bool) or not length >= 0:
        raise ValidationError(argument, value, "must be a number of seconds, not negative")
    return min(length, LONGEST)


def _as_float(value: object) -> float:
    """A real number as a float; NaN, which no rule accepts, for everything else."""
    with suppress(ArithmeticError, TypeError, ValueError):
        return float(value) if isinstance(value, Real) else math.nan
    return math.nan


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

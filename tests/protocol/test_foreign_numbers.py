"""Numbers of other libraries as arguments: whatever is a `numbers.Integral` or a `numbers.Real` is like int and float."""

from __future__ import annotations

import math
import numbers
from decimal import Decimal as D
from fractions import Fraction
from typing import Any

import numpy
import pytest

from qfex import OrderRequest, ValidationError
from qfex.arguments import LONGEST, flag, page, positive, seconds, to_decimal, whole
from qfex.order_request import order_command

INTEGERS = [numpy.int8, numpy.int16, numpy.int32, numpy.int64, numpy.uint8, numpy.uint64]
FLOATS = [numpy.float16, numpy.float32, numpy.float64, numpy.longdouble]


class Whole:
    """A number that is nothing but registered."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __int__(self) -> int:
        return self._value

    def __float__(self) -> float:
        return float(self._value)


class Measured:
    """A real number that shows fewer digits than it has."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __float__(self) -> float:
        return self._value

    def __str__(self) -> str:
        return f"{self._value:.1f}"


numbers.Integral.register(Whole)
numbers.Real.register(Measured)


@pytest.mark.parametrize("kind", [*INTEGERS, Whole], ids=lambda kind: kind.__name__)
def test_an_integer_of_another_library_is_an_integer(kind: Any) -> None:
    assert to_decimal(kind(7), "quantity") == positive(kind(7), "quantity") == D(7)
    assert str(to_decimal(kind(7), "quantity")) == "7"
    assert (whole(kind(7), "num_orders", 2), type(whole(kind(7), "num_orders", 2))) == (7, int)
    assert seconds(kind(7)) == 7
    assert page(kind(7), kind(0)) == (7, 0)


@pytest.mark.parametrize("kind", [*FLOATS, Measured], ids=lambda kind: kind.__name__)
def test_a_float_of_another_library_is_a_float(kind: Any) -> None:
    assert to_decimal(kind(0.5), "quantity") == D("0.5")
    assert whole(kind(3.0), "num_orders", 2) == 3
    assert seconds(kind(2.5)) == 2.5
    with pytest.raises(ValidationError):
        whole(kind(2.5), "num_orders", 2)


@pytest.mark.parametrize("text", ["0.1", "330.05", "0.0001", "12345.5"])
def test_a_short_float_has_the_digits_that_it_shows(text: str) -> None:
    assert to_decimal(numpy.float32(text), "price") == D(text)  # type: ignore[arg-type]
    assert to_decimal(numpy.float64(text), "price") == D(text)


def test_a_number_that_shows_fewer_digits_keeps_them_all() -> None:
    assert to_decimal(Measured(0.25), "price") == D("0.25")  # type: ignore[arg-type]
    assert to_decimal(Fraction(1, 4), "price") == D("0.25")  # type: ignore[arg-type]
    assert to_decimal(Fraction(1, 3), "price") == D(repr(1 / 3))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", FLOATS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(kind: Any, value: float) -> None:
    for check in (to_decimal, positive):
        with pytest.raises(ValidationError):
            check(kind(value), "price")
    with pytest.raises(ValidationError):
        whole(kind(value), "num_orders", 2)
    if value != math.inf:
        with pytest.raises(ValidationError):
            seconds(kind(value))
    else:
        assert seconds(kind(value)) == LONGEST


@pytest.mark.parametrize(
    "value", [numpy.bool_(True), True, numpy.array([1, 2]), 1j, numpy.complex128(1), (1,), None]
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    for check in (to_decimal, positive, lambda number, name: whole(number, name, 0), seconds):
        with pytest.raises(ValidationError):
            check(value, "quantity")


def test_only_true_and_false_are_flags() -> None:
    with pytest.raises(ValidationError):
        flag(numpy.bool_(True), "reduce_only")  # type: ignore[arg-type]


def test_an_order_of_a_data_frame_is_written_with_its_digits() -> None:
    row: Any = {"quantity": numpy.float32("0.1"), "price": numpy.int64(330)}
    command = order_command(
        "AAPL-USD", "BUY", row["quantity"], row["price"], None, None, False, None, None, "c1"
    )
    assert b'"quantity":0.1' in command.encode() and b'"price":330' in command.encode()
    request = OrderRequest("AAPL-USD", "BUY", row["quantity"], row["price"])
    assert request.to_command("c1") == command

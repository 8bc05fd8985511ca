"""Arguments become exact decimals or are refused by name."""

from __future__ import annotations

import json
import math
from decimal import Decimal as D
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import OrderStatus, Side, ValidationError
from qfex.arguments import positive, text, to_decimal, whole
from qfex.enums import OpenEnum
from qfex.protocol.wire.codec import on_wire


@pytest.mark.parametrize(
    "value, exact",
    [
        (1, "1"),
        ("0.10", "0.10"),
        (0.1, "0.1"),
        (1e-7, "1E-7"),
        (2.5, "2.5"),
        (D("0.30"), "0.30"),
        (" 1.5 ", "1.5"),
        (10**30, "1" + "0" * 30),
    ],
)
def test_numbers_are_taken_exactly(value: Any, exact: str) -> None:
    assert to_decimal(value, "quantity").as_tuple() == D(exact).as_tuple()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_counts_as_its_shortest_text(value: float) -> None:
    assert float(to_decimal(value, "price")) == value
    assert str(D(repr(value))) == str(to_decimal(value, "price"))


NOT_NUMBERS = [
    None,
    "",
    "abc",
    "1,5",
    "NaN",
    "inf",
    "-Infinity",
    math.nan,
    math.inf,
    D("NaN"),
    True,
    False,
    [1],
    {},
]
NOT_POSITIVE = [0, -1, "0", "-0.5", 0.0, -2.5, D(0), D("-0"), D("-1e-9")]


class Boxed(float):
    """A float as numpy's are: it shows its type."""

    def __repr__(self) -> str:
        return f"Boxed({float(self)})"


def test_a_subclass_of_float_counts_like_a_float() -> None:
    assert str(to_decimal(Boxed(0.1), "quantity")) == str(positive(Boxed(0.1), "quantity")) == "0.1"


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
def test_a_value_that_is_not_a_finite_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        to_decimal(value, "quantity")
    assert refused.value.argument == "quantity"
    assert refused.value.value is value
    assert "number" in refused.value.rule
    assert str(refused.value).startswith(f"quantity={value!r}: ")


@pytest.mark.parametrize("value", [*NOT_NUMBERS, *NOT_POSITIVE], ids=repr)
def test_a_value_that_is_not_above_zero_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        positive(value, "price")


def test_anything_above_zero_is_taken() -> None:
    for value in ("0.5", 1, 1e-9, D("1E-18"), 10**12):
        assert positive(value, "price") > 0


@pytest.mark.parametrize("value, minimum", [(2, 2), (3.0, 2), (D(30), 30), (D("3E1"), 30)])
def test_whole_numbers(value: Any, minimum: int) -> None:
    number = whole(value, "num_orders", minimum)
    assert number == value and type(number) is int


@pytest.mark.parametrize(
    "value",
    [1, 2.5, "3", None, True, math.nan, math.inf, D("2.5"), D("NaN"), D("Infinity"), -3, [2]],
    ids=repr,
)
def test_a_value_that_is_not_a_large_enough_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="whole number of at least 2"):
        whole(value, "num_orders", 2)


@pytest.mark.parametrize("value", ["", " ", "\t\n", None, 7, b"id", ["id"]], ids=repr)
def test_identifiers_are_text_with_something_in_it(value: Any) -> None:
    with pytest.raises(ValidationError, match="symbol"):
        text(value, "symbol")


@pytest.mark.parametrize("value", [" Ä-1 ", "AAPL-USD", "\U0001f600", "\x00"])
def test_identifiers_are_left_as_they_are(value: str) -> None:
    assert text(value, "order_id") is value


class Loud(str):
    """Text of a kind of its own, as numpy's is, that shows something else than what it is."""

    def __str__(self) -> str:
        return self.upper()

    def strip(self, *_: Any) -> str:
        return "!"


class Pair(str, Enum):
    """Not one of the library's enumerations: `str` of a member is ``Pair.GOLD``."""

    GOLD = "gold-usd"


@pytest.mark.parametrize("value", [Loud("gold-usd"), Pair.GOLD], ids=["subclass", "enumeration"])
def test_text_of_another_kind_is_taken_as_the_plain_text_that_it_is(value: str) -> None:
    taken = text(value, "symbol")
    assert (type(taken), taken) == (str, "gold-usd")


@pytest.mark.parametrize("member", [Side.BUY, OrderStatus("BRAND_NEW")])
def test_the_librarys_own_enumerations_are_taken_by_their_values(member: OpenEnum) -> None:
    taken = text(member, "symbol")
    assert (type(taken), taken) == (str, member.value)


@pytest.mark.parametrize("value", ["\ud800", "a\udfff", Loud("\ud83d-usd"), Loud(" ")], ids=ascii)
def test_text_that_cannot_be_sent_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="order_id") as refused:
        text(value, "order_id")
    assert refused.value.value is value
    str(refused.value).encode()


@given(st.text(st.characters(), max_size=6))
def test_text_that_is_taken_can_be_sent(value: str) -> None:
    try:
        taken = text(value, "symbol")
    except ValidationError:
        assert not value.strip() or any("\ud800" <= letter <= "\udfff" for letter in value)
    else:
        assert msgspec.json.decode(msgspec.json.encode(taken)) == value


@pytest.mark.parametrize(
    "number, sent",
    [
        ("1E-8", "0.00000001"),
        ("1E+3", "1000"),
        ("0.10", "0.10"),
        ("0", "0"),
        ("123.4500", "123.4500"),
        ("-1", "-1"),
    ],
)
def test_the_wire_form_has_all_digits_and_no_exponent(number: str, sent: str) -> None:
    assert bytes(on_wire(D(number))).decode() == sent


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=D("-1e30"), max_value=D("1e30")))
def test_the_wire_form_is_json_and_exact(number: D) -> None:
    sent = bytes(on_wire(number)).decode()
    assert json.loads(sent, parse_float=D, parse_int=D) == number
    assert "e" not in sent.lower()

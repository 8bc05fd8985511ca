"""Models to plain data and back, and JSON without a lost digit."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import (
    Balance,
    Fill,
    OpenOrders,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
    TimeInForce,
    Twap,
    UserTrade,
)
from qfex.protocol.wire.codec import WIRE_NAMES, parse_decimal, parse_json, parse_time, structure, unstructure

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=D("-1e20"), max_value=D("1e20"))
TEXTS = st.text(max_size=12)
TIMES = st.datetimes(
    min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1), timezones=st.just(timezone.utc)
)
MEMBERS: dict[Any, st.SearchStrategy[Any]] = {
    "Decimal": NUMBERS,
    "Decimal | None": st.none() | NUMBERS,
    "str": TEXTS,
    "str | None": st.none() | TEXTS,
    "bool": st.booleans(),
    "int": st.integers(-(10**9), 10**9),
    "int | None": st.none() | st.integers(0, 10**9),
    "datetime | None": st.none() | TIMES,
    "Side": st.sampled_from(Side),
    "Side | None": st.none() | st.sampled_from(Side),
    "OrderType": st.sampled_from(OrderType),
    "OrderType | None": st.none() | st.sampled_from(OrderType),
    "TimeInForce": st.sampled_from(TimeInForce),
    "TimeInForce | None": st.none() | st.sampled_from(TimeInForce),
    "OrderStatus": st.sampled_from(OrderStatus) | st.just(OrderStatus("SOMETHING_NEW")),
}


def annotations(model: type) -> dict[str, str]:
    """The annotations as they are written, whoever has resolved them meanwhile."""
    return {name: str(text) for name, text in model.__annotations__.items()}


def values_of(model: type) -> st.SearchStrategy[Any]:
    return st.builds(model, **{name: MEMBERS[kind] for name, kind in annotations(model).items()})


def on_the_wire(plain: dict[str, Any], model: type) -> dict[str, Any]:
    """Plain data under the wire's names, where these differ from the fields'."""
    names = WIRE_NAMES.get(model, {})
    return {names.get(name, name): value for name, value in plain.items()}


@pytest.mark.parametrize(
    "model", [Order, Fill, Position, Balance, Twap, UserTrade], ids=lambda model: model.__name__
)
def test_every_model_survives_the_round_trip_to_plain_data(model: type) -> None:
    @given(values_of(model))
    def check(value: Any) -> None:
        plain = on_the_wire(unstructure(value), model)
        assert structure(plain, model) == value
        assert structure(json.loads(json.dumps(plain)), model) == value

    check()


@given(values_of(Order))
def test_decimals_keep_their_digits(order: Order) -> None:
    back = structure(json.loads(json.dumps(unstructure(order))), Order)
    for name in ("quantity", "price", "quantity_remaining"):
        if getattr(order, name) is not None:
            assert format(getattr(back, name), "f") == format(getattr(order, name), "f")


def test_plain_data_has_the_fields_names_and_the_wires_texts() -> None:
    plain = unstructure(OpenOrders([Order("o1", status=OrderStatus.ACK, side=Side.BUY, price=D("1E+2"))]))
    (order,) = plain["orders"]
    assert (order["order_id"], order["status"], order["side"], order["price"]) == ("o1", "ACK", "BUY", "100")
    assert type(order["status"]) is str


def test_a_value_that_does_not_fit_is_named_with_its_path() -> None:
    with pytest.raises(ValueError, match=r"orders.*0.*quantity"):
        structure({"orders": [{"order_id": "a", "quantity": "many"}]}, OpenOrders)
    with pytest.raises(ValueError, match="order_id"):
        structure({}, Order)


@pytest.mark.parametrize(
    "text, value",
    [("1", 1), ("1.0", D("1.0")), ("0.1", D("0.1")), ("1e3", D("1e3")), ("-0.000", D("-0.000")), ('"a"', "a"),
     ("[null,true]", [None, True]), ("12345678901234567890.123", D("12345678901234567890.123"))],
)  # fmt: skip
def test_json_numbers_are_exact(text: str, value: Any) -> None:
    parsed = parse_json(text)
    assert parsed == value and type(parsed) is type(value) and str(parsed) == str(value)
    assert parse_json(text.encode()) == value


@pytest.mark.parametrize("text", ["", "{", "NaN", "Infinity", "-Infinity", "[1,]", "{'a':1}", "\x00"])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


@given(NUMBERS)
def test_numbers_are_read_from_numbers_and_from_text(number: D) -> None:
    assert parse_decimal(number) == parse_decimal(str(number)) == number
    assert parse_decimal(0.1) == D("0.1") and parse_decimal(7) == 7


@pytest.mark.parametrize("value", ["", "a", "NaN", "inf", float("nan"), D("-Infinity"), None, [1], "1,2"])
def test_a_value_that_is_not_a_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        parse_decimal(value)


NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "value",
    [1767268800, 1767268800.0, D("1767268800.0"), "2026-01-01T12:00:00Z", "2026-01-01T13:00:00+01:00",
     "2026-01-01T12:00:00", "2026-01-01T12:00:00.000000000Z", "2026-01-01 12:00:00Z"],
)  # fmt: skip
def test_times_are_read_from_seconds_and_from_text(value: Any) -> None:
    assert parse_time(value) == NOON
    assert parse_time(value).utcoffset() == timedelta(0)


def test_fractions_beyond_a_microsecond_are_rounded_away() -> None:
    assert abs(
        parse_time("2026-01-01T12:00:00.123456789Z") - NOON - timedelta(microseconds=123457)
    ) < timedelta(microseconds=2)


def test_every_field_of_a_model_is_covered_by_the_round_trip() -> None:
    for model in (Order, Fill, Position, Balance, Twap, UserTrade):
        assert set(annotations(model)) == {field.name for field in attrs.fields(model)}

"""Numbers are sent as floats with exactly their digits, and parsed exactly."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.sim.gateway.wire import decode, encode, number, optional_number

from .helpers import AAPL, GatewayHarness


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1", "1.0"),
        ("1.10", "1.1"),
        ("2708.00", "2708.0"),
        ("1E+3", "1000.0"),
        ("1E-8", "0.00000001"),
        ("0E-8", "0.0"),
        ("-0.50", "-0.5"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
    ],
)
def test_how_numbers_print(value: str, text: str) -> None:
    assert bytes(number(D(value))).decode() == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_numbers_keep_exactly_their_digits(value: D) -> None:
    text = bytes(number(value)).decode()
    assert D(text) == value
    assert "." in text and "e" not in text.lower()
    assert decode(text) == value


def test_a_number_that_is_not_set_is_sent_as_zero() -> None:
    assert encode(optional_number(None)) == b"0.0"
    assert encode(optional_number(D("1.5"))) == b"1.5"


@pytest.mark.parametrize("price", ["199", "199.0", "199.00", "1.99e2"])
def test_equal_numbers_mean_the_same_price(price: str) -> None:
    harness = GatewayHarness()
    client = harness.connect()
    messages = client.text(
        '{"type":"add_order","params":{"symbol":"AAPL-USD","side":"BUY","order_type":"LIMIT",'
        f'"order_time_in_force":"GTC","quantity":0.1,"price":{price}}}}}'
    )
    assert messages[0]["order_response"]["price"] == 199.0
    assert harness.exchange.open_orders(harness.alice.user_id, AAPL)[0].price == D(199)


def test_frames_have_no_exponents_and_no_integers_where_floats_belong() -> None:
    harness = GatewayHarness()
    client = harness.connect()
    frames = harness.gateway.receive(
        client.session,
        '{"type":"add_order","params":{"symbol":"GOLD-USD","side":"BUY","order_type":"LIMIT",'
        '"order_time_in_force":"GTC","quantity":0.001,"price":4150}}',
    )
    text = frames[0].data.decode()
    assert '"quantity":0.001,"price":4150.0,"take_profit":0.0' in text

"""Numbers and times as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.sim.feeds.text import nanoseconds, plain, price, seconds, unix


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("354.40", "354.4"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("1E-8", "0.00000001"),
        ("0.000", "0"),
        ("-5.50", "-5.5"),
        ("10.0", "10"),
    ],
)
def test_numbers_have_all_digits_and_no_padding(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=10))
def test_numbers_keep_their_value(value: Decimal) -> None:
    assert Decimal(plain(value)) == value


def test_computed_prices_have_eight_decimals_at_most() -> None:
    assert price(Decimal("336.190484951")) == "336.19048495"


def test_times_have_nine_decimals() -> None:
    assert nanoseconds(1790736358.826648) == "2026-09-30T02:45:58.826648000Z"
    assert nanoseconds(1790736358.9999999) == "2026-09-30T02:45:59.000000000Z"


def test_windows_are_in_whole_seconds() -> None:
    assert seconds(1790736358.8) == "2026-09-30T02:45:58Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-30T02:45:58.826647965Z",
        "2026-09-30T02:45:58.826647Z",
        "2026-09-30T04:45:58.826647+02:00",
        "2026-09-30T04:45:58.826647 02:00",
    ],
)
def test_times_are_read_with_any_fraction_and_zone(text: str) -> None:
    assert unix(text) == pytest.approx(1790736358.826647, abs=1e-6)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-09-30", "2026-09-30T02:45:58", "1790736358"])
def test_invalid_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        unix(text)

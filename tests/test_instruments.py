"""The rules of instruments, on the captured reference data."""

from __future__ import annotations

import decimal
import logging
from datetime import datetime, timezone
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qfex.enums import OrderType, Side, TimeInForce
from qfex.errors import ValidationError
from qfex.models.instruments import Instrument, InstrumentStatus, MarketHours
from qfex.protocol import rest
from qfex.protocol.wire.codec import parse_json

FIXTURES = Path(__file__).parent / "fixtures"


def captured(day: str) -> dict[str, Instrument]:
    return rest.instruments(parse_json((FIXTURES / f"rest-refdata-{day}.json").read_bytes()))


INSTRUMENTS = {**captured("2026-09-30"), **captured("2026-10-10")}
AAPL = INSTRUMENTS["AAPL-USD"]
KRW = INSTRUMENTS["SKHYNIX-KRW"]

prices = st.decimals(min_value="0.000001", max_value="10000000000", places=8)
steps = st.sampled_from(
    [Decimal(text) for text in ("0.000001", "0.001", "0.01", "0.1", "0.25", "1", "7", "100")]
)
roundings = st.sampled_from([name for name in vars(decimal) if name.startswith("ROUND_")])


# --- the captured rows --------------------------------------------------------------------------------------


def test_every_captured_row_can_be_read() -> None:
    assert len(captured("2026-09-30")) == len(captured("2026-10-10")) == 6


def test_the_members_are_exact() -> None:
    assert (str(KRW.tick_size), str(KRW.lot_size), str(KRW.min_quantity)) == ("100", "0.000001", "0.00001")
    assert (str(AAPL.min_price), str(AAPL.max_price)) == ("319.38096071", "353.00000919")
    assert AAPL.order_types == (OrderType.LIMIT, OrderType.MARKET, OrderType.ALO)
    assert AAPL.time_in_force == (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
    assert (AAPL.base_asset, AAPL.quote_asset, AAPL.margin_asset) == ("AAPL", "USD", "USDC")
    assert (AAPL.default_max_leverage, AAPL.product_category, AAPL.status) == (10, "EQUITY", "ACTIVE")
    assert INSTRUMENTS["NOK-USD"].status is InstrumentStatus.INACTIVE


def test_a_malformed_row_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    answer = parse_json((FIXTURES / "rest-refdata-2026-10-10.json").read_bytes())
    answer["data"][0]["tick_size"] = "tiny"
    del answer["data"][1]["symbol"]
    answer["data"].append(None)
    assert len(rest.instruments(answer)) == 4
    assert len(caplog.records) == 3
    assert "tick_size" in caplog.text


@pytest.mark.parametrize("answer", [{"data": None}, {"data": []}, {"count": 0}])
def test_no_rows_are_no_instruments(answer: dict[str, Any]) -> None:
    assert rest.instruments(answer) == {}


def test_an_answer_without_rows_does_not_say_that_there_are_no_instruments() -> None:
    with pytest.raises(ValueError, match="data"):
        rest.instruments({})


def test_a_null_list_allows_every_order_type() -> None:
    row = parse_json((FIXTURES / "rest-refdata-2026-10-10.json").read_bytes())["data"][0]
    (loose,) = rest.instruments(
        {"data": [{**row, "order_types": None, "order_time_in_force": None}]}
    ).values()
    assert (loose.order_types, loose.time_in_force) == ((), ())
    loose.check(side="BUY", quantity="1", price="90", order_type="ALO")


# --- market hours -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "moment", "session"),
    [
        ("AAPL-USD", datetime(2026, 10, 12, 13, 30, tzinfo=timezone.utc), "open"),  # 09:30 in New York
        ("AAPL-USD", datetime(2026, 10, 12, 13, 29, 59, tzinfo=timezone.utc), "pre_market"),
        ("AAPL-USD", datetime(2026, 10, 13, 2, 0, tzinfo=timezone.utc), None),  # overnight
        ("AAPL-USD", datetime(2026, 10, 10, 12, 0, tzinfo=timezone.utc), "weekend"),
        ("CL-USD", datetime(2026, 10, 11, 22, 0, tzinfo=timezone.utc), "open"),  # Sunday 17:00 in Chicago
    ],
)
def test_the_session_at_a_moment(symbol: str, moment: datetime, session: str | None) -> None:
    assert INSTRUMENTS[symbol].market_hours.session_at(moment) == session


def test_the_documented_format_of_market_hours_can_be_read() -> None:
    row = parse_json((FIXTURES / "rest-refdata-2026-10-10.json").read_bytes())["data"][0]
    hours = {"monday": {"open": "09:30:00", "close": "16:00:00"}, "tz": "UTC"}
    (instrument,) = rest.instruments({"data": [{**row, "market_hours": hours}]}).values()
    monday = datetime(2026, 10, 12, 9, 30, tzinfo=timezone.utc)
    assert instrument.market_hours.session_at(monday) == "open"


def test_unreadable_market_hours_do_not_lose_the_instrument(caplog: pytest.LogCaptureFixture) -> None:
    row = parse_json((FIXTURES / "rest-refdata-2026-10-10.json").read_bytes())["data"][0]
    hours = {"monday": [{"session": "open", "open": "09:30", "close": "later"}, 5], "tz": "UTC"}
    (instrument,) = rest.instruments({"data": [{**row, "market_hours": hours}]}).values()
    assert instrument.market_hours == MarketHours("UTC")
    assert caplog.text.count("market hours left out") == 2


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        MarketHours().session_at(datetime(2026, 10, 12))


# --- rounding -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "rounding", "expected"),
    [
        ("336.149", ROUND_DOWN, "336.14"),
        ("336.141", ROUND_UP, "336.15"),
        ("336.145", ROUND_HALF_EVEN, "336.14"),
        (336.14, ROUND_UP, "336.14"),  # a float is converted through its shortest decimal text
        (Decimal("-1.001"), ROUND_FLOOR, "-1.01"),
        ("336.1400", ROUND_DOWN, "336.14"),
    ],
)
def test_prices_are_rounded_to_the_tick_size(price: Any, rounding: str, expected: str) -> None:
    assert str(AAPL.round_price(price, rounding)) == expected


def test_a_tick_size_may_exceed_one() -> None:
    assert KRW.round_price(1648655, ROUND_DOWN) == 1648600
    assert KRW.round_price(1648655, rounding=ROUND_CEILING) == 1648700
    assert KRW.round_quantity("0.0000019", ROUND_DOWN) == Decimal("0.000001")


@given(prices, steps, roundings)
def test_rounding_is_exact_and_follows_the_given_direction(
    price: Decimal, step: Decimal, rounding: str
) -> None:
    instrument = attrs.evolve(AAPL, tick_size=step)
    expected = (Fraction(price) / Fraction(step)).__class__(
        _whole(Fraction(price) / Fraction(step), rounding)
    )
    if not expected:
        with pytest.raises(ValidationError, match="would be rounded to zero"):
            instrument.round_price(price, rounding)
    else:
        rounded = instrument.round_price(price, rounding)
        assert Fraction(rounded) == expected * Fraction(step)
        assert instrument.round_price(rounded, rounding) == rounded


def _whole(number: Fraction, rounding: str) -> int:
    """Round a fraction by an independent rule: compare its remainder with a half."""
    floor = number.numerator // number.denominator
    rest_of_it = number - floor
    if not rest_of_it:
        return floor
    stand_in = Decimal(floor) + (
        Decimal("0.5")
        if rest_of_it == Fraction(1, 2)
        else Decimal("0.7")
        if rest_of_it > Fraction(1, 2)
        else Decimal("0.2")
    )
    return int(stand_in.to_integral_value(rounding))


@given(prices, steps)
def test_a_positive_price_is_never_rounded_to_zero(price: Decimal, step: Decimal) -> None:
    assume(price < step)
    instrument = attrs.evolve(AAPL, tick_size=step, lot_size=step)
    for round_it in (instrument.round_price, instrument.round_quantity):
        with pytest.raises(ValidationError, match="would be rounded to zero"):
            round_it(price, ROUND_DOWN)
    assert instrument.round_price(price, ROUND_UP) == step


@pytest.mark.parametrize("value", ["NaN", "Infinity", "x", None, True, "1E+1000000", "1E-1000000", "9" * 41])
def test_an_unusable_number_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="price"):
        AAPL.round_price(value, ROUND_DOWN)


def test_the_rounding_must_be_a_constant_of_decimal() -> None:
    with pytest.raises(ValidationError, match="rounding"):
        AAPL.round_price("1", "down")


# --- checks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [
        {"side": "BUY", "quantity": "0.01", "price": "336.14"},
        {"side": Side.SELL, "quantity": 1, "price": 336.14, "time_in_force": "FOK"},
        {"side": "BUY", "quantity": "10000000"},
        {"side": "BUY", "quantity": "1", "price": 0, "order_type": "MARKET"},
        {"side": "BUY", "quantity": "1", "price": "336.14", "order_type": OrderType.ALO},
        {
            "side": "SELL",
            "quantity": "0.001",
            "price": "1.01",
            "order_type": "STOP_LOSS",
            "time_in_force": "GTC",
        },
        {"side": "SELL", "quantity": "20000000", "price": "900", "order_type": "TAKE_PROFIT"},
    ],
)
def test_an_order_that_keeps_the_rules_passes(
    order: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    AAPL.check(**order)
    assert not caplog.records


@pytest.mark.parametrize(
    ("order", "rules"),
    [
        ({"quantity": "1", "price": "336.145"}, ["price 336.145 is not a multiple of the tick size 0.01"]),
        ({"quantity": "0.0105", "price": "1"}, ["quantity 0.0105 is not a multiple of the lot size 0.001"]),
        ({"quantity": "0.009", "price": "1"}, ["below the minimum 0.01"]),
        ({"quantity": "10000000.001", "price": "1"}, ["above the maximum 10000000"]),
        ({"quantity": "0", "price": "-1"}, ["quantity 0 is not above zero", "price -1 is not above zero"]),
        ({"quantity": "1", "order_type": "LIMIT"}, ["LIMIT needs a price"]),
        ({"quantity": "1", "price": "5", "order_type": "MARKET"}, ["price 5 is not allowed with MARKET"]),
        ({"quantity": "1", "time_in_force": "GTC"}, ["GTC is not allowed with MARKET"]),
        (
            {"quantity": "1", "price": "5", "order_type": "ALO", "time_in_force": "IOC"},
            ["is not allowed with ALO"],
        ),
        ({"quantity": "1", "order_type": "STOP_LOSS"}, ["STOP_LOSS needs a price"]),
        ({"quantity": "1E+50", "price": "1E-50"}, ["lot size", "above the maximum", "tick size"]),
        (
            {"quantity": "0.0005", "price": "336.145", "time_in_force": "GTC", "order_type": "ALO"},
            ["lot size", "below the minimum", "tick size"],
        ),
    ],
)
def test_every_broken_rule_is_named_at_once(order: dict[str, Any], rules: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        AAPL.check(side="BUY", **order)
    assert len(caught.value.rule.split("; ")) == len(rules)
    for rule in rules:
        assert rule in caught.value.rule
    assert caught.value.value == "AAPL-USD"


@pytest.mark.parametrize("status", ["INACTIVE", "DELISTED"])
def test_an_inactive_instrument_takes_no_orders(status: str) -> None:
    closed = attrs.evolve(AAPL, status=InstrumentStatus(status))
    with pytest.raises(ValidationError, match=f"AAPL-USD is {status}"):
        closed.check(side="BUY", quantity=1)


def test_an_unknown_status_is_left_to_the_exchange() -> None:
    attrs.evolve(AAPL, status=InstrumentStatus("AUCTION")).check(side="BUY", quantity=1)


def test_an_order_type_that_the_instrument_does_not_offer_is_refused() -> None:
    narrow = attrs.evolve(AAPL, order_types=(OrderType.LIMIT,), time_in_force=(TimeInForce.GTC,))
    with pytest.raises(ValidationError) as caught:
        narrow.check(side="BUY", quantity=1, order_type="MARKET", time_in_force="IOC")
    assert "order type MARKET is not one of LIMIT" in caught.value.rule
    assert "time in force IOC is not one of GTC" in caught.value.rule


@pytest.mark.parametrize(
    ("side", "price", "warned"),
    [("BUY", "353.01", True), ("SELL", "353.01", False), ("SELL", "319.38", True), ("BUY", "319.38", False)],
)
def test_a_price_outside_the_band_only_causes_a_warning(
    side: str, price: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "qfex.instruments"):
        AAPL.check(side=side, quantity=1, price=price)
    assert bool(caplog.records) == warned


@pytest.mark.parametrize(
    "order",
    [
        {"side": "LONG", "quantity": 1},
        {"side": "BUY", "quantity": "many"},
        {"side": "BUY", "quantity": 1, "order_type": "ICEBERG"},
        {"side": "BUY", "quantity": 1, "time_in_force": "GFD"},
    ],
)
def test_an_invalid_argument_is_refused(order: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AAPL.check(**order)


@given(st.integers(1, 10**9), st.sampled_from(sorted(INSTRUMENTS)))
def test_multiples_of_the_tick_size_pass_and_halves_do_not(count: int, symbol: str) -> None:
    instrument = attrs.evolve(INSTRUMENTS[symbol], status=InstrumentStatus.ACTIVE)
    quantity = instrument.min_quantity
    instrument.check(side="BUY", quantity=quantity, price=count * instrument.tick_size)
    with pytest.raises(ValidationError, match="tick size"):
        instrument.check(side="BUY", quantity=quantity, price=(count + Decimal("0.5")) * instrument.tick_size)

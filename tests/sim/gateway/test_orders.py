"""Orders, order responses and fills, in both dialects."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from .helpers import AAPL, GatewayHarness, bodies, code, error, statuses


def test_an_ack_has_exactly_the_documented_members(documented_harness: GatewayHarness) -> None:
    ack = documented_harness.connect().placed("BUY", 1, 199, client_order_id="mine")
    assert list(ack) == [
        "order_id",
        "symbol",
        "status",
        "quantity",
        "price",
        "take_profit",
        "stop_loss",
        "side",
        "type",
        "time_in_force",
        "user_id",
        "client_order_id",
        "quantity_remaining",
        "update_time",
        "trade_id",
    ]
    assert ack["client_order_id"] == "mine"
    assert (ack["quantity"], ack["quantity_remaining"], ack["price"]) == (1.0, 1.0, 199.0)
    assert (ack["take_profit"], ack["stop_loss"], ack["trade_id"]) == (0.0, 0.0, None)
    assert (ack["type"], ack["time_in_force"], ack["side"]) == ("LIMIT", "GTC", "BUY")


def test_the_live_dialect_adds_reduce_only(harness: GatewayHarness) -> None:
    assert harness.connect().placed("BUY", 1, 199)["reduce_only"] is False


def test_an_absent_client_order_id_is_sent_as_empty_text(any_harness: GatewayHarness) -> None:
    assert any_harness.connect().placed("BUY", 1, 199)["client_order_id"] == ""


@pytest.mark.parametrize("flag", [True, False, 0, 1])
def test_reduce_only_is_a_bool_or_zero_or_one(any_harness: GatewayHarness, flag: Any) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 1, 200)
    client = any_harness.connect()
    client.order("BUY", 1, 200)
    assert statuses(client.order("SELL", 1, 210, reduce_only=flag)) == ["ACK"]


def test_a_fill_has_the_members_of_the_exchanges_sample(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 2, 200)
    client = any_harness.connect()
    fill = bodies(client.order("BUY", 0.5, 201, client_order_id="mine"), "fill_response")[0]
    assert list(fill) == [
        "trade_id",
        "user_id",
        "symbol",
        "price",
        "quantity",
        "side",
        "aggressor_side",
        "order_id",
        "fee",
        "order_type",
        "tif",
        "order_price",
        "client_order_id",
        "remaining_quantity",
        "take_profit",
        "stop_loss",
        "execution_type",
        "timestamp",
        "realised_pnl",
    ]
    assert (fill["price"], fill["order_price"], fill["quantity"]) == (200.0, 201.0, 0.5)
    assert (fill["execution_type"], fill["remaining_quantity"]) == ("NEW", 0.0)


def test_the_order_response_of_a_fill_shows_the_orders_own_price(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 1, 200)
    filled = bodies(any_harness.connect().order("BUY", 1, 205), "order_response")[-1]
    assert (filled["status"], filled["price"], filled["quantity_remaining"]) == ("FILLED", 205.0, 0.0)
    assert filled["trade_id"]


def test_a_partial_fill_is_a_filled_with_a_remaining_quantity(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 1, 200)
    messages = bodies(any_harness.connect().order("BUY", 3, 200), "order_response")
    assert [(row["status"], row["quantity_remaining"]) for row in messages] == [("ACK", 3.0), ("FILLED", 2.0)]


def test_frames_of_a_command_come_in_the_order_of_events(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 1, 200)
    messages = any_harness.connect().order("BUY", 1, 200)
    kinds = [next(iter(message)) for message in messages]
    assert kinds[0] == "order_response"
    assert sorted(kinds[1:]) == ["fill_response", "order_response"]
    assert statuses(messages) == ["ACK", "FILLED"]


@pytest.mark.parametrize("dialect", ["live", "documented"])
@pytest.mark.parametrize("order_type", ["LIMIT", "MARKET"])
@pytest.mark.parametrize(
    ("offered", "live", "documented"),
    [
        (0, ["ACK", "IOC_CANCELLED"], ["ACK", "CANCELLED"]),
        (1, ["ACK", "FILLED", "IOC_PARTIALLY_FILLED"], ["ACK", "FILLED"]),
        (2, ["ACK", "FILLED"], ["ACK", "FILLED"]),
    ],
)
def test_the_terminal_statuses_of_an_ioc(
    dialect: str, order_type: str, offered: int, live: list[str], documented: list[str]
) -> None:
    harness = GatewayHarness(dialect)
    if offered:
        harness.connect(harness.bob).placed("SELL", offered, 200)
    price = 200 if order_type == "LIMIT" else 0
    messages = harness.connect().order("BUY", 2, price, order_type=order_type, order_time_in_force="IOC")
    assert statuses(messages) == {"live": live, "documented": documented}[dialect]


def test_a_fok_that_cannot_be_filled_is_cancelled(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 1, 200)
    messages = any_harness.connect().order("BUY", 2, 200, order_time_in_force="FOK")
    assert statuses(messages)[-1] == "CANCELLED"


def test_a_post_only_order_that_would_take_is_rejected(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 1, 200)
    assert statuses(any_harness.connect().order("BUY", 1, 200, order_type="ALO")) == ["REJECTED"]


def test_self_trade_prevention_cancels_the_resting_order(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    resting = client.placed("SELL", 1, 200)
    messages = bodies(client.order("BUY", 1, 200), "order_response")
    assert ("CANCELLED_STP", resting["order_id"]) in [(row["status"], row["order_id"]) for row in messages]


def test_market_orders_need_a_price_and_it_must_be_zero(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    terms = {
        "symbol": AAPL,
        "side": "BUY",
        "order_type": "MARKET",
        "order_time_in_force": "IOC",
        "quantity": 1,
    }
    assert code(client.send("add_order", **terms)) == "InvalidJSONFormat"
    assert code(client.send("add_order", **terms, price=200)) == "InvalidPrice"


LIVE_REFUSALS = [
    ({"order_type": "ALO", "order_time_in_force": "IOC"}, "InvalidOrder", "INVALID_TIME_IN_FORCE"),
    ({"symbol": "NO-USD"}, "InvalidParameter", "BAD_SYMBOL"),
    ({"price": 199.001}, "InvalidPrice", "INVALID_TICK_SIZE_PRECISION_PRICE"),
    ({"quantity": 1.0001}, "InvalidParameter", "INVALID_TICK_SIZE_PRECISION_QUANTITY"),
    ({"quantity": 0.001}, "InvalidParameter", "QUANTITY_LESS_THAN_MIN_QUANTITY"),
    ({"quantity": 10_000_001}, "InvalidParameter", "QUANTITY_GREATER_THAN_MAX_QUANTITY"),
]


@pytest.mark.parametrize(("terms", "error_code", "status"), LIVE_REFUSALS)
def test_the_live_dialect_answers_malformed_orders_with_an_err_only(
    harness: GatewayHarness,
    documented_harness: GatewayHarness,
    terms: dict[str, Any],
    error_code: str,
    status: str,
) -> None:
    entry = {"side": "BUY", "quantity": 1, "price": 199, "client_order_id": "bad", **terms}
    refused = error(harness.connect().order(**entry))
    assert refused["error_code"] == error_code
    assert refused["incoming_message"]["params"]["client_order_id"] == "bad"
    assert statuses(documented_harness.connect().order(**entry)) == [status]


def test_margin_and_band_rejections_are_order_responses_in_both_dialects(any_harness: GatewayHarness) -> None:
    poor = any_harness.connect(any_harness.accounts.open(D(100)))
    assert statuses(poor.order("BUY", 100, 200)) == ["FAILED_MARGIN_CHECK"]
    assert statuses(any_harness.connect().order("BUY", 1, 230)) == ["REJECTED_GREATER_THAN_MAX_PRICE_BAND"]


@pytest.mark.parametrize(
    ("terms", "live", "documented"),
    [
        ({"take_profit": 150}, "INVALID_TAKEPROFIT_PRICE", "INVALID_TAKE_PROFIT_PRICE"),
        ({"stop_loss": 250}, "INVALID_STOPLOSS_PRICE", "INVALID_STOP_LOSS_PRICE"),
    ],
)
def test_the_spelling_of_bad_brackets(
    harness: GatewayHarness,
    documented_harness: GatewayHarness,
    terms: dict[str, Any],
    live: str,
    documented: str,
) -> None:
    assert statuses(harness.connect().order("BUY", 1, 199, **terms)) == [live]
    assert statuses(documented_harness.connect().order("BUY", 1, 199, **terms)) == [documented]


@pytest.mark.parametrize("zero", [0, 0.0, None])
def test_zero_and_null_brackets_are_ignored(any_harness: GatewayHarness, zero: Any) -> None:
    client = any_harness.connect()
    assert statuses(client.order("BUY", 1, 199, take_profit=zero, stop_loss=zero)) == ["ACK"]


def test_numbers_out_of_range_are_refused_and_cause_no_failure(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    for price in ("1e999999999", "1e-999999999", "1e300", "1e-300", "9" * 40, "9" * 40 + ".5"):
        text = (
            '{"type":"add_order","params":{"symbol":"AAPL-USD","side":"BUY","order_type":"LIMIT",'
            f'"order_time_in_force":"GTC","quantity":1,"price":{price}}}}}'
        )
        answers = client.text(text)
        assert statuses(answers) != ["ACK"]
        assert len(answers) == 1
    assert statuses(client.order("BUY", 1, 199)) == ["ACK"]

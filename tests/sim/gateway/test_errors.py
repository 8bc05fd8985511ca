"""Malformed messages and the errors that answer them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qfex.sim.gateway.table import COMMANDS

from .helpers import AAPL, GatewayHarness, code, error

WHOLE: dict[str, dict[str, Any]] = {
    "subscribe": {"channels": ["fills"]},
    "unsubscribe": {"channels": ["fills"]},
    "cancel_on_disconnect": {"cancel_on_disconnect": True},
    "add_order": {
        "symbol": AAPL,
        "side": "BUY",
        "order_type": "LIMIT",
        "order_time_in_force": "GTC",
        "quantity": 1,
        "price": 199,
    },
    "modify_order": {
        "symbol": AAPL,
        "order_id": "x",
        "side": "BUY",
        "order_type": "LIMIT",
        "reduce_only": False,
    },
    "cancel_order": {"symbol": AAPL, "order_id": "x", "cancel_order_id_type": "order_id"},
    "cancel_all_orders": {},
    "cancel_stop_order": {"stop_order_id": "x"},
    "modify_stop_order": {"stop_order_id": "x", "symbol": AAPL, "price": 1, "quantity": 1},
    "close_position": {"symbol": AAPL},
    "add_twap": {
        "symbol": AAPL,
        "side": "BUY",
        "total_quantity": 10,
        "num_orders": 5,
        "order_interval_secs": 30,
        "reduce_only": False,
    },
    "get_order": {"symbol": AAPL, "order_id": "x"},
    "get_user_orders": {},
    "get_user_trades": {},
    "get_user_leverage": {},
    "get_available_leverage_levels": {},
    "set_user_leverage": {"symbol": AAPL, "leverage": 5},
}
REQUIRED = [(command, field) for command, params in WHOLE.items() for field in params]


def test_every_command_has_a_complete_example() -> None:
    assert set(WHOLE) | {"auth"} == set(COMMANDS)


@pytest.mark.parametrize(("command", "field"), REQUIRED)
def test_every_required_member_is_required(any_harness: GatewayHarness, command: str, field: str) -> None:
    params = {name: value for name, value in WHOLE[command].items() if name != field}
    assert code(any_harness.connect().send(command, **params)) == "InvalidJSONFormat"


@pytest.mark.parametrize(("command", "field"), REQUIRED)
def test_every_member_must_have_its_type(any_harness: GatewayHarness, command: str, field: str) -> None:
    wrong = {"an": "object"}
    assert (
        code(any_harness.connect().send(command, **{**WHOLE[command], field: wrong})) == "InvalidJSONFormat"
    )


@pytest.mark.parametrize("command", sorted(WHOLE))
def test_unknown_members_are_ignored(any_harness: GatewayHarness, command: str) -> None:
    messages = any_harness.connect().send(command, **WHOLE[command], invented=1)
    assert all(message.get("err", {}).get("error_code") != "InvalidJSONFormat" for message in messages)


@pytest.mark.parametrize("field", ["price", "quantity"])
def test_numbers_in_quotes_are_refused(any_harness: GatewayHarness, field: str) -> None:
    params = {**WHOLE["add_order"], field: "199"}
    assert code(any_harness.connect().send("add_order", **params)) == "InvalidJSONFormat"


@pytest.mark.parametrize("text", ["", "nonsense", "{", '{"type":', "\u0000", "NaN"])
def test_invalid_json_is_echoed_as_text(any_harness: GatewayHarness, text: str) -> None:
    refused = error(any_harness.connect().text(text))
    assert refused["error_code"] == "InvalidJSONFormat"
    assert refused["incoming_message"] == text


@pytest.mark.parametrize("text", ["[]", "1", '"auth"', "null"])
def test_json_that_is_not_an_object_is_echoed_as_text(any_harness: GatewayHarness, text: str) -> None:
    refused = error(any_harness.connect().text(text))
    assert (refused["error_code"], refused["incoming_message"]) == ("InvalidJSONFormat", text)


@pytest.mark.parametrize("message", [{"type": "dance", "params": {}}, {"params": {}}, {"type": ["auth"]}, {}])
def test_unknown_types_are_refused(
    harness: GatewayHarness, documented_harness: GatewayHarness, message: dict[str, Any]
) -> None:
    text = json.dumps(message)
    for each, echo in ((harness, text), (documented_harness, message)):
        refused = error(each.connect().text(text))
        assert (refused["error_code"], refused["incoming_message"]) == ("InvalidJSONFormat", echo)


def test_the_live_dialect_echoes_malformed_params_as_text_and_the_documented_one_as_an_object(
    harness: GatewayHarness, documented_harness: GatewayHarness
) -> None:
    message = {"type": "get_order", "params": {"symbol": AAPL}}
    text = json.dumps(message)
    assert error(harness.connect().text(text))["incoming_message"] == text
    assert error(documented_harness.connect().text(text))["incoming_message"] == message


def test_the_live_dialect_echoes_a_command_with_typed_members(harness: GatewayHarness) -> None:
    params = {**WHOLE["add_order"], "symbol": "NO-USD", "quantity": 10, "reduce_only": 1}
    echo = error(harness.connect().send("add_order", **params))["incoming_message"]
    assert echo == {
        "type": "add_order",
        "params": {
            "symbol": "NO-USD",
            "side": "BUY",
            "order_type": "LIMIT",
            "order_time_in_force": "GTC",
            "quantity": 10.0,
            "price": 199.0,
            "take_profit": None,
            "stop_loss": None,
            "reduce_only": True,
            "client_order_id": None,
        },
    }


def test_the_documented_dialect_echoes_the_received_object(documented_harness: GatewayHarness) -> None:
    params = {"symbol": AAPL, "client_order_id": "x", "invented": 1}
    echo = error(documented_harness.connect().send("close_position", **params))["incoming_message"]
    assert echo == {"type": "close_position", "params": params}


def test_an_error_has_its_three_members_and_a_reason(any_harness: GatewayHarness) -> None:
    refused = error(any_harness.connect().send("close_position", symbol=AAPL))
    assert list(refused) == ["error_code", "message", "incoming_message"]
    assert refused["message"]


def test_the_connection_stays_usable_after_an_error(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    client.text("nonsense")
    client.placed("BUY", 1, 199)


def test_a_failure_of_the_simulator_is_a_server_error_and_in_the_audit_trail() -> None:
    harness = GatewayHarness()
    client = harness.connect()

    def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    harness.exchange.cancel_all_orders = broken  # type: ignore[method-assign,assignment]
    assert code(client.send("cancel_all_orders")) == "ServerError"
    assert [str(one) for one in harness.audit.errors] == ["a bug"]
    client.placed("BUY", 1, 199)

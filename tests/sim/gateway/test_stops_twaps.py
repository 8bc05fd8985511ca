"""Messages about stop orders and TWAPs."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from .helpers import AAPL, Client, GatewayHarness, bodies, code, error, statuses


def long(harness: GatewayHarness, quantity: int = 2, **how: Any) -> Client:
    """Return alice's connection, with a long position."""
    harness.connect(harness.bob).placed("SELL", quantity, 200)
    client = harness.connect(**how)
    client.order("BUY", quantity, 200)
    client.read()
    return client


def stop(
    client: Client, order_type: str = "STOP_LOSS", price: int = 190, **terms: Any
) -> list[dict[str, Any]]:
    """Place a stop that sells."""
    return client.order("SELL", 1, price, order_type=order_type, **terms)


def test_a_stop_is_acknowledged_as_an_order_and_as_a_stop(harness: GatewayHarness) -> None:
    messages = stop(long(harness), client_order_id="guard")
    order = bodies(messages, "order_response")[0]
    assert (order["status"], order["type"], order["client_order_id"]) == ("ACK", "STOP_LOSS", "guard")
    row = bodies(messages, "stop_order_response")[0]
    assert row == {
        "stop_order_id": order["order_id"],
        "user_id": harness.alice.user_id,
        "symbol": AAPL,
        "price": 190.0,
        "quantity": 1.0,
        "direction": "SELL",
        "stop_order_type": "STOP_LOSS",
        "client_order_id": "guard",
        "update_time": row["update_time"],
    }
    assert row["update_time"].startswith("20") and "T" in row["update_time"]


def test_the_documented_dialect_leaves_a_stops_client_order_id_blank(
    documented_harness: GatewayHarness,
) -> None:
    order = bodies(stop(long(documented_harness), client_order_id="guard"), "order_response")[0]
    assert (order["status"], order["type"], order["client_order_id"]) == ("ACK", "STOP_LOSS", "")


def test_untriggered_stops_are_listed_among_the_orders(any_harness: GatewayHarness) -> None:
    client = long(any_harness)
    placed = bodies(stop(client, "TAKE_PROFIT", 220), "order_response")[0]
    listed = client.send("get_user_orders")[0]["all_orders_response"]["orders"]
    assert [(row["order_id"], row["type"], row["status"]) for row in listed] == [
        (placed["order_id"], "TAKE_PROFIT", "ACK")
    ]


def test_the_live_dialect_acknowledges_cancelling_a_stop(harness: GatewayHarness) -> None:
    client = long(harness, channels=["order_responses"])
    stop_id = bodies(stop(client), "order_response")[0]["order_id"]
    params = {"stop_order_id": stop_id}
    messages = client.send("cancel_stop_order", **params)
    assert messages == [{"ack": {"incoming_message": {"type": "cancel_stop_order", "params": params}}}]
    assert harness.exchange.open_orders(harness.alice.user_id) == []


def test_the_documented_dialect_answers_cancelling_a_stop_with_an_order_without_quantity(
    documented_harness: GatewayHarness,
) -> None:
    client = long(documented_harness, channels=["order_responses"])
    stop_id = bodies(stop(client), "order_response")[0]["order_id"]
    row = bodies(client.send("cancel_stop_order", stop_order_id=stop_id), "order_response")[0]
    assert (row["status"], row["quantity"], row["quantity_remaining"]) == ("CANCELLED", 0.0, 0.0)
    assert row["client_order_id"] == ""


def test_modifying_a_stop(harness: GatewayHarness, documented_harness: GatewayHarness) -> None:
    for each in (harness, documented_harness):
        client = long(each, channels=["order_responses"])
        stop_id = bodies(stop(client), "order_response")[0]["order_id"]
        messages = client.send("modify_stop_order", stop_order_id=stop_id, symbol=AAPL, price=185, quantity=2)
        assert len(messages) == 1
        if each is harness:
            echo = messages[0]["ack"]["incoming_message"]
            assert echo["params"] == {
                "stop_order_id": stop_id,
                "symbol": AAPL,
                "price": 185.0,
                "quantity": 2.0,
            }
        else:
            assert statuses(messages) == ["MODIFIED"]
        row = each.exchange.open_orders(each.alice.user_id)[0]
        assert (row.price, row.quantity) == (D(185), D(2))


def test_an_unknown_stop(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    assert statuses(client.send("cancel_stop_order", stop_order_id="none")) == ["NO_SUCH_ORDER"]
    messages = client.send("modify_stop_order", stop_order_id="none", symbol=AAPL, price=185, quantity=2)
    assert statuses(messages) == ["CANNOT_MODIFY_NO_SUCH_ORDER"]


def test_the_mark_price_triggers_a_stop_which_keeps_its_id(any_harness: GatewayHarness) -> None:
    client = long(any_harness)
    stop_id = bodies(stop(client), "order_response")[0]["order_id"]
    any_harness.connect(any_harness.bob).placed("BUY", 5, 188)
    any_harness.exchange.set_mark_price(AAPL, D(189))
    rows = [row for row in client.orders() if row["order_id"] == stop_id]
    assert [(row["type"], row["status"]) for row in rows] == [("MARKET", "ACK"), ("MARKET", "FILLED")]


def test_cancel_all_cancels_stops_and_reports_them(any_harness: GatewayHarness) -> None:
    client = long(any_harness, channels=["order_responses"])
    stop(client)
    assert statuses(client.send("cancel_all_orders")) == ["CANCELLED"]


TWAP = {
    "symbol": AAPL,
    "side": "BUY",
    "total_quantity": 10,
    "num_orders": 5,
    "order_interval_secs": 30,
    "reduce_only": False,
}


def test_a_twap_is_answered_before_its_first_child_order_is_reported(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 10, 200)
    messages = any_harness.connect(channels=["order_responses"]).send(
        "add_twap", **TWAP, client_twap_id="slow"
    )
    twap = messages[0]["twap_response"]
    assert list(twap) == [
        "twap_id",
        "client_twap_id",
        "user_id",
        "status",
        "symbol",
        "total_quantity",
        "filled_quantity",
        "average_fill_price",
        "total_num_orders",
        "order_interval_secs",
        "reduce_only",
        "side",
        "updated_at",
        "created_at",
    ]
    assert (twap["client_twap_id"], twap["total_num_orders"], twap["filled_quantity"]) == ("slow", 5, 0.0)
    assert statuses(messages[1:]) == ["ACK", "FILLED"]


def test_a_twap_without_client_id_has_null(any_harness: GatewayHarness) -> None:
    messages = any_harness.connect(channels=[]).send("add_twap", **TWAP)
    assert messages[0]["twap_response"]["client_twap_id"] is None


def test_child_orders_follow_the_clock_until_the_twap_is_finished(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 10, 200)
    client = any_harness.connect(channels=["fills"])
    client.send("add_twap", **TWAP)
    any_harness.clock.advance(60)
    listed = client.send("get_user_orders")[-1]["all_orders_response"]["twaps"]
    assert [row["filled_quantity"] for row in listed] == [6.0]
    any_harness.clock.advance(60)
    messages = client.send("get_user_orders")
    assert messages[-1]["all_orders_response"]["twaps"] == []
    assert sum(fill["quantity"] for fill in bodies(messages, "fill_response")) == 4.0


@pytest.mark.parametrize("id_type", ["twap_id", "client_twap_id"])
def test_a_twap_is_cancelled_by_either_id(any_harness: GatewayHarness, id_type: str) -> None:
    client = any_harness.connect(channels=[])
    twap = client.send("add_twap", **TWAP, client_twap_id="slow")[0]["twap_response"]
    messages = client.send("cancel_order", symbol=AAPL, order_id=twap[id_type], cancel_order_id_type=id_type)
    assert [row["status"] for row in bodies(messages, "twap_response")] == ["CANCELLED"]
    client.send("subscribe", channels=["order_responses"])
    again = client.send("cancel_order", symbol=AAPL, order_id=twap[id_type], cancel_order_id_type=id_type)
    assert statuses(again) == ["NO_SUCH_ORDER"]


@pytest.mark.parametrize(
    "terms",
    [
        {"num_orders": 1},
        {"order_interval_secs": 29},
        {"total_quantity": 0.04},
        {"symbol": "NO-USD"},
        {"client_twap_id": "x" * 65},
    ],
)
def test_the_rules_of_twaps_and_the_spelling_of_their_error(
    harness: GatewayHarness, documented_harness: GatewayHarness, terms: dict[str, Any]
) -> None:
    assert code(harness.connect().send("add_twap", **{**TWAP, **terms})) == "InvalidParameter"
    refused = error(documented_harness.connect().send("add_twap", **{**TWAP, **terms}))
    assert refused["error_code"] == "invalid_parameter"
    assert refused["message"]


@pytest.mark.parametrize("terms", [{"reduce_only": 0}, {"num_orders": 2.5}, {"num_orders": "5"}])
def test_the_types_of_twap_members_are_strict(any_harness: GatewayHarness, terms: dict[str, Any]) -> None:
    assert code(any_harness.connect().send("add_twap", **{**TWAP, **terms})) == "InvalidJSONFormat"

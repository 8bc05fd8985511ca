"""Modifying and cancelling orders."""

from __future__ import annotations

from typing import Any

import pytest

from .helpers import AAPL, Client, GatewayHarness, Message, bodies, code, statuses


def modify(client: Client, order: Message, **terms: Any) -> list[Message]:
    """Modify an order; terms that are not given stay as they are."""
    wanted = {
        "symbol": order["symbol"],
        "order_id": order["order_id"],
        "side": order["side"],
        "order_type": order["type"],
        "price": order["price"],
        "quantity": order["quantity"],
        "take_profit": 0,
        "stop_loss": 0,
        "reduce_only": False,
    }
    return client.send("modify_order", **{**wanted, **terms})


def cancel(client: Client, order_id: str, id_type: str = "order_id", symbol: str = AAPL) -> list[Message]:
    """Cancel by an id of the given type."""
    return client.send("cancel_order", symbol=symbol, order_id=order_id, cancel_order_id_type=id_type)


def test_the_live_dialect_gives_a_modified_order_a_new_id(harness: GatewayHarness) -> None:
    client = harness.connect()
    order = client.placed("BUY", 1, 199)
    changed = bodies(modify(client, order, price=198, quantity=2), "order_response")[0]
    assert changed["status"] == "MODIFIED"
    assert changed["order_id"] != order["order_id"]
    assert (changed["price"], changed["quantity"]) == (198.0, 2.0)
    assert statuses(cancel(client, order["order_id"])) == ["NO_SUCH_ORDER"]
    assert statuses(cancel(client, changed["order_id"])) == ["CANCELLED"]


def test_the_documented_dialect_keeps_a_modified_orders_id(documented_harness: GatewayHarness) -> None:
    client = documented_harness.connect()
    order = client.placed("BUY", 1, 199)
    changed = bodies(modify(client, order, price=198), "order_response")[0]
    assert (changed["status"], changed["order_id"]) == ("MODIFIED", order["order_id"])


def test_terms_that_a_modification_omits_stay(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    order = client.placed("BUY", 2, 199, take_profit=230)
    messages = client.send(
        "modify_order",
        symbol=AAPL,
        order_id=order["order_id"],
        side="BUY",
        order_type="LIMIT",
        reduce_only=False,
        price=198,
    )
    row = bodies(messages, "order_response")[0]
    assert (row["status"], row["price"], row["quantity"], row["take_profit"]) == (
        "MODIFIED",
        198.0,
        2.0,
        230.0,
    )


@pytest.mark.parametrize("missing", ["order_type", "reduce_only", "side", "symbol", "order_id"])
def test_required_members_of_a_modification(any_harness: GatewayHarness, missing: str) -> None:
    client = any_harness.connect()
    order = client.placed("BUY", 1, 199)
    params = {
        "symbol": AAPL,
        "order_id": order["order_id"],
        "side": "BUY",
        "order_type": "LIMIT",
        "price": 198,
        "quantity": 1,
        "reduce_only": False,
    }
    del params[missing]
    assert code(client.send("modify_order", **params)) == "InvalidJSONFormat"


def test_the_reduce_only_flag_must_be_the_orders(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    order = client.placed("BUY", 1, 199)
    assert code(modify(client, order, reduce_only=True)) in ("InvalidParameter", "invalid_parameter")


@pytest.mark.parametrize("terms", [{"side": "SELL"}, {"order_id": "unknown"}, {"symbol": "GOLD-USD"}])
def test_an_unknown_order_cannot_be_modified(any_harness: GatewayHarness, terms: dict[str, Any]) -> None:
    client = any_harness.connect()
    order = client.placed("BUY", 1, 199)
    assert statuses(modify(client, order, **terms)) == ["CANNOT_MODIFY_NO_SUCH_ORDER"]


def test_a_partly_filled_order_cannot_be_modified(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    order = client.placed("BUY", 2, 199)
    any_harness.connect(any_harness.bob).order("SELL", 1, 199)
    client.read()
    assert statuses(modify(client, order, price=198)) == ["CANNOT_MODIFY_PARTIAL_FILL"]


def test_a_modification_off_the_tick_grid_is_refused_as_an_order_would_be(
    harness: GatewayHarness, documented_harness: GatewayHarness
) -> None:
    client = harness.connect()
    assert code(modify(client, client.placed("BUY", 1, 199), price=198.001)) == "InvalidPrice"
    reader = documented_harness.connect()
    messages = modify(reader, reader.placed("BUY", 1, 199), price=198.001)
    assert statuses(messages) == ["INVALID_TICK_SIZE_PRECISION_PRICE"]


def test_a_cancelled_order_keeps_its_remaining_quantity(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    order = client.placed("BUY", 3, 199)
    row = bodies(cancel(client, order["order_id"]), "order_response")[0]
    assert (row["status"], row["quantity_remaining"]) == ("CANCELLED", 3.0)


def test_a_client_order_id_cancels_all_that_share_it_on_that_symbol(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    shared = [client.placed("BUY", 1, price, client_order_id="same")["order_id"] for price in (198, 199)]
    other = client.placed("BUY", 1, 197, client_order_id="other")["order_id"]
    messages = bodies(cancel(client, "same", "client_order_id"), "order_response")
    assert [(row["order_id"], row["status"]) for row in messages] == [(one, "CANCELLED") for one in shared]
    assert [row.order_id for row in any_harness.exchange.open_orders(any_harness.alice.user_id)] == [other]


def test_cancelling_an_unknown_order_answers_no_such_order_with_its_id(
    any_harness: GatewayHarness,
) -> None:
    row = bodies(cancel(any_harness.connect(), "0aeae7d0-4a6e-4672-ad69-82b8811d4e0b"), "order_response")[0]
    assert (row["status"], row["order_id"]) == ("NO_SUCH_ORDER", "0aeae7d0-4a6e-4672-ad69-82b8811d4e0b")


def test_another_accounts_order_is_no_such_order(any_harness: GatewayHarness) -> None:
    order = any_harness.connect().placed("BUY", 1, 199)
    assert statuses(cancel(any_harness.connect(any_harness.bob), order["order_id"])) == ["NO_SUCH_ORDER"]


def test_the_type_of_the_id_is_required(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    assert code(client.send("cancel_order", symbol=AAPL, order_id="x")) == "InvalidJSONFormat"
    assert code(cancel(client, "x", "any")) == "InvalidJSONFormat"


def test_the_live_dialect_acknowledges_cancel_all_after_the_orders(harness: GatewayHarness) -> None:
    client = harness.connect()
    for price in (198, 199):
        client.placed("BUY", 1, price)
    messages = client.send("cancel_all_orders")
    assert statuses(messages) == ["CANCELLED", "CANCELLED"]
    assert messages[-1] == {"ack": {"incoming_message": {"type": "cancel_all_orders", "params": {}}}}
    assert client.send("cancel_all_orders") == [messages[-1]]


def test_the_documented_dialect_cancels_all_without_an_ack(documented_harness: GatewayHarness) -> None:
    client = documented_harness.connect()
    client.placed("BUY", 1, 199)
    assert statuses(client.send("cancel_all_orders")) == ["CANCELLED"]
    assert client.send("cancel_all_orders") == []


def test_cancel_all_covers_all_symbols_and_ignores_unknown_members(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    client.placed("BUY", 1, 199)
    client.placed("BUY", 0.01, 4150, symbol="GOLD-USD")
    messages = client.send("cancel_all_orders", symbol=AAPL)
    assert {row["symbol"] for row in bodies(messages, "order_response")} == {AAPL, "GOLD-USD"}


def test_cancel_all_requires_its_empty_params(any_harness: GatewayHarness) -> None:
    assert code(any_harness.connect().text('{"type":"cancel_all_orders"}')) == "InvalidJSONFormat"


def test_closing_a_position_is_a_limit_ioc_near_the_mark(any_harness: GatewayHarness) -> None:
    bob = any_harness.connect(any_harness.bob)
    bob.placed("SELL", 2, 200)
    client = any_harness.connect()
    client.order("BUY", 2, 200)
    bob.order("BUY", 2, 200)
    messages = bodies(client.send("close_position", symbol=AAPL, client_order_id="close"), "order_response")
    first = messages[0]
    assert (first["status"], first["type"], first["time_in_force"]) == ("ACK", "LIMIT", "IOC")
    assert (first["side"], first["price"], first["client_order_id"]) == ("SELL", 199.8, "close")
    assert messages[-1]["status"] == "FILLED"
    assert any_harness.exchange.position(any_harness.alice.user_id, AAPL).position == 0


def test_close_position_requires_a_position(any_harness: GatewayHarness) -> None:
    assert code(any_harness.connect().send("close_position", symbol=AAPL)) == "InvalidOrder"

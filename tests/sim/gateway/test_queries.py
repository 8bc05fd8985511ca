"""Queries of orders, trades and leverage."""

from __future__ import annotations

from typing import Any

import pytest

from .helpers import AAPL, NOON, GatewayHarness, code


def test_the_live_dialect_answers_get_order_with_the_order(harness: GatewayHarness) -> None:
    client = harness.connect(channels=[])
    client.order("BUY", 1, 199, client_order_id="mine")
    row = harness.exchange.open_orders(harness.alice.user_id)[0]
    for wanted in (row.order_id, "mine"):
        messages = client.send("get_order", symbol=AAPL, order_id=wanted)
        assert [message["order_response"]["order_id"] for message in messages] == [row.order_id]


def test_the_live_dialect_answers_no_such_order_with_blank_members(harness: GatewayHarness) -> None:
    row = harness.connect(channels=[]).send("get_order", symbol=AAPL, order_id="none")[0]["order_response"]
    assert (row["status"], row["order_id"], row["quantity"]) == ("NO_SUCH_ORDER", "none", 0.0)


def test_the_documented_dialect_answers_get_order_with_a_list(documented_harness: GatewayHarness) -> None:
    client = documented_harness.connect(channels=[])
    client.order("BUY", 1, 199, client_order_id="mine")
    answer = client.send("get_order", symbol=AAPL, order_id="mine")[0]["all_orders_response"]
    assert [row["client_order_id"] for row in answer["orders"]] == ["mine"]
    assert answer["stop_orders"] == []
    nothing = client.send("get_order", symbol=AAPL, order_id="none")[0]
    assert nothing == {"all_orders_response": {"orders": [], "stop_orders": []}}


def test_a_finished_order_is_found_too(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    order = client.placed("BUY", 1, 199)
    client.send("cancel_all_orders")
    answer = client.send("get_order", symbol=AAPL, order_id=order["order_id"])[0]
    row = answer.get("order_response") or answer["all_orders_response"]["orders"][0]
    assert row["status"] == "CANCELLED"


def test_only_the_asking_connection_receives_the_answer(any_harness: GatewayHarness) -> None:
    client, other = any_harness.connect(), any_harness.connect()
    client.placed("BUY", 1, 199, client_order_id="mine")
    other.read()
    client.send("get_order", symbol=AAPL, order_id="mine")
    assert other.read() == []


def test_open_orders_come_in_pages(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    ids = [client.placed("BUY", 1, 190 + i)["order_id"] for i in range(5)]

    def listed(**params: Any) -> list[str]:
        rows = client.send("get_user_orders", **params)[0]["all_orders_response"]["orders"]
        return [row["order_id"] for row in rows]

    assert listed() == ids
    assert listed(limit=2) == ids[:2]
    assert listed(limit=2, offset=4) == ids[4:]
    assert listed(offset=5) == []
    assert listed(symbol="GOLD-USD") == []
    assert listed(symbol=AAPL, limit=1) == ids[:1]


def test_limits_are_integers(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    assert code(client.send("get_user_orders", limit="10")) == "InvalidJSONFormat"
    assert code(client.send("get_user_orders", limit=1.5)) == "InvalidJSONFormat"


def traded(harness: GatewayHarness) -> Any:
    """Return alice's connection after three trades, a second apart."""
    harness.connect(harness.bob).placed("SELL", 3, 200)
    client = harness.connect()
    for _ in range(3):
        client.order("BUY", 1, 200)
        harness.clock.advance(1)
    client.read()
    return client


def test_trades_of_the_live_dialect_have_no_time(harness: GatewayHarness) -> None:
    rows = traded(harness).send("get_user_trades")[0]["user_trades_response"]
    assert len(rows) == 3
    assert set(rows[0]) == {
        "trade_id",
        "symbol",
        "price",
        "quantity",
        "order_id",
        "fee",
        "order_type",
        "tif",
        "execution_type",
        "side",
    }


def test_trades_of_the_documented_dialect_have_whole_seconds_and_a_count(
    documented_harness: GatewayHarness,
) -> None:
    answer = traded(documented_harness).send("get_user_trades")[0]
    assert answer["count"] == len(answer["user_trades"]) == 3
    assert [row["timestamp"] for row in answer["user_trades"]] == [NOON + 2, NOON + 1, NOON]
    assert answer["user_trades"][0]["aggressor_side"] == "BUY"


@pytest.mark.parametrize("unit", [1, 1000])
def test_bounds_are_inclusive_in_seconds_or_milliseconds(
    documented_harness: GatewayHarness, unit: int
) -> None:
    client = traded(documented_harness)
    start, end = int((NOON + 1) * unit), int((NOON + 2) * unit)
    assert client.send("get_user_trades", start_ts=start, end_ts=end)[0]["count"] == 2
    assert client.send("get_user_trades", start_ts=end)[0]["count"] == 1
    assert client.send("get_user_trades", end_ts=start)[0]["count"] == 2


def test_trades_of_one_order_and_in_pages(documented_harness: GatewayHarness) -> None:
    client = traded(documented_harness)
    rows = client.send("get_user_trades")[0]["user_trades"]
    one = client.send("get_user_trades", order_id=rows[1]["order_id"])[0]["user_trades"]
    assert one == [rows[1]]
    assert client.send("get_user_trades", limit=1, offset=1)[0]["user_trades"] == [rows[1]]


def test_leverage_is_listed_as_text_with_its_ratios(any_harness: GatewayHarness) -> None:
    rows = any_harness.connect().send("get_user_leverage")[0]["user_leverage_response"]
    apple = next(row for row in rows if row["symbol"] == AAPL)
    assert set(apple) == {"id", "symbol", "initial_margin", "maintenance_margin", "max_notional", "leverage"}
    assert (apple["leverage"], apple["initial_margin"]) == ("10", 0.1)
    assert apple["maintenance_margin"] == pytest.approx(0.0667, abs=1e-4)


def test_several_levels_are_available_for_each_symbol(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    rows = client.send("get_available_leverage_levels")[0]["available_leverage_levels_response"]
    levels = [row["leverage"] for row in rows if row["symbol"] == AAPL]
    assert len(levels) > 2 and "1" in levels and "10" in levels
    page = client.send("get_available_leverage_levels", limit=2, offset=1)[0]
    assert page["available_leverage_levels_response"] == rows[1:3]


def test_setting_leverage(harness: GatewayHarness, documented_harness: GatewayHarness) -> None:
    ack = {"incoming_message": {"type": "set_user_leverage", "params": {"symbol": AAPL, "leverage": 5.0}}}
    for each, answer in ((harness, {"ack": ack}), (documented_harness, {"ack_response": True})):
        client = each.connect()
        assert client.send("set_user_leverage", symbol=AAPL, leverage=5) == [answer]
        rows = client.send("get_user_leverage")[0]["user_leverage_response"]
        assert next(row["leverage"] for row in rows if row["symbol"] == AAPL) == "5"


def test_leverage_cannot_change_while_there_are_orders(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    client.placed("BUY", 1, 199)
    assert code(client.send("set_user_leverage", symbol=AAPL, leverage=5)) == "InvalidParameter"

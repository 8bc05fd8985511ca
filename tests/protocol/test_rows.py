"""Rows of the trade socket's lists: an unreadable one costs that row, and a null only what it is in place of."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import pytest

from qfex import Balance, Fill, OpenOrders, Order, OrderStatus, Position, Side, StopOrder, Twap
from qfex.protocol.trade.messages import Leverages, Trades, decode
from qfex.protocol.wire.failures import Undecodable

from . import recorded

ORDER = json.loads(recorded.ACK)["order_response"] | {"order_id": "o1", "client_order_id": "c1"}
FILL = json.loads(recorded.FILL)["fill_response"]
TWAP = json.loads(recorded.TWAP)["twap_response"]
STOP = {"stop_order_id": "s1", "symbol": "A", "price": 1, "quantity": 2, "direction": "SELL"}
TRADE = {
    "trade_id": "t1",
    "symbol": "A",
    "price": 1,
    "quantity": 2,
    "side": "BUY",
    "order_id": "o1",
    "fee": 0,
}
LEVERAGE = {"symbol": "A", "leverage": "5", "initial_margin": 0.2, "maintenance_margin": 0.1}


def read(**members: Any) -> list[Any]:
    return list(decode(json.dumps(members).encode()))


#: Each list: the frame that holds rows, and the rows that were read.
LISTS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "orders": (ORDER, lambda rows: read(all_orders_response={"orders": rows}), lambda page: page.orders),
    "twaps": (TWAP, lambda rows: read(all_orders_response={"twaps": rows}), lambda page: page.twaps),
    "stop_orders": (STOP, lambda rows: read(all_orders_response={"stop_orders": rows}), lambda page: page.orders),
    "user_orders": (ORDER, lambda rows: read(user_orders=rows), lambda page: page.orders),
    "user_trades_response": (TRADE, lambda rows: read(user_trades_response=rows), lambda page: page.rows),
    "user_trades": (TRADE, lambda rows: read(user_trades=rows, count=3), lambda page: page.rows),
    "leverage": (LEVERAGE, lambda rows: read(user_leverage_response=rows), lambda page: page.rows),
    "levels": (LEVERAGE, lambda rows: read(available_leverage_levels_response=rows), lambda page: page.rows),
}  # fmt: skip
UNREADABLE = [None, 7, "text", [], {}, {"order_id": {}}]


@pytest.mark.parametrize("odd", UNREADABLE, ids=repr)
@pytest.mark.parametrize("name", LISTS)
def test_an_unreadable_row_costs_that_row(name: str, odd: Any) -> None:
    row, messages_of, rows_of = LISTS[name]
    report, page = messages_of([row, odd, row])
    assert isinstance(page, (OpenOrders, Trades, Leverages)) and len(rows_of(page)) == 2 and page.unread == 1
    assert isinstance(report, Undecodable) and report.is_row and report.reason and report.kind


@pytest.mark.parametrize("member", ["quantity", "quantity_remaining", "price", "update_time"])
@pytest.mark.parametrize("value", ['"NaN"', "NaN", "-Infinity", "1e99999999999999999999", '"cheap"'])
def test_a_number_that_is_none_costs_its_row_even_where_it_is_no_json(member: str, value: str) -> None:
    if member == "update_time" and value != '"cheap"':
        pytest.skip("a time that cannot be costs nothing")
    odd = json.dumps(ORDER | {"order_id": "o2", member: "VALUE"}).replace('"VALUE"', value)
    frame = f'{{"all_orders_response":{{"orders":[{json.dumps(ORDER)},{odd}]}}}}'
    report, page = decode(frame.encode())
    assert isinstance(page, OpenOrders) and [order.order_id for order in page.orders] == ["o1"]
    assert isinstance(report, Undecodable) and report.ids == ("c1", "o2") and report.is_row


def test_a_report_names_what_it_is_about_and_no_secret() -> None:
    odd = {"order_id": "o2", "client_order_id": "c2", "quantity": "many", "jwt": "s3cret"}
    report, _ = read(all_orders_response={"orders": [ORDER, odd]})
    assert (report.kind, report.ids) == ("all_orders_response", ("c2", "o2"))
    assert "many" in report.text and "quantity" in report.reason and "s3cret" not in report.text


def test_a_list_of_which_nothing_can_be_read_is_not_an_empty_list() -> None:
    (report,) = read(all_orders_response={"orders": [{"order_id": "o2", "quantity": None}]})
    assert isinstance(report, Undecodable) and not report.is_row
    (report,) = read(user_trades_response=[None])
    assert isinstance(report, Undecodable) and report.kind == "user_trades_response"


def test_one_unreadable_message_of_several_costs_that_message() -> None:
    odd = {"order_response": ORDER | {"order_id": "o2", "quantity": None}}
    frame = json.dumps([{"order_response": ORDER}, odd, {"fill_response": FILL}]).encode()
    order, report, fill = decode(frame)
    assert isinstance(order, Order) and isinstance(fill, Fill)
    assert isinstance(report, Undecodable) and (report.kind, report.ids) == ("order_response", ("c1", "o2"))
    one, report = read(order_response=[ORDER, ORDER | {"order_id": "o2", "status": {}}])
    assert isinstance(one, Order) and isinstance(report, Undecodable) and report.ids == ("c1", "o2")
    legacy = {
        "type": "subscribed",
        "channel": "v4_positions",
        "contents": [{"symbol": "A"}, {"symbol": None}],
    }
    report, position = decode(json.dumps(legacy).encode())
    assert isinstance(position, Position) and isinstance(report, Undecodable)


@pytest.mark.parametrize(
    "frame", [b'{"order_response":{"order_id":"o1","client_order_id":"c1","price":', b"]"]
)
def test_of_a_message_that_is_no_json_what_can_be_seen_is_named(frame: bytes) -> None:
    (report,) = decode(frame)
    assert isinstance(report, Undecodable)
    expected = ("order_response", ("o1", "c1")) if frame[:1] == b"{" else ("", ())
    assert (report.kind, report.ids) == expected


# --- nulls -------------------------------------------------------------------------------------------------------

MAY_BE_NULL = [
    *((("order_response", ORDER, Order), name) for name in ("price", "take_profit", "stop_loss", "update_time")),
    *((("fill_response", FILL, Fill), name) for name in ("fee", "order_price", "realised_pnl", "timestamp")),
    *(
        (("position_response", {"symbol": "A", "position": 1}, Position), name)
        for name in ("average_price", "realised_pnl", "unrealised_pnl", "net_funding", "open_orders", "leverage",
                     "open_quantity", "initial_margin", "maintenance_margin", "margin_alloc")
    ),
    *(
        (("balance_response", {}, Balance), name)
        for name in ("deposit", "realised_pnl", "unrealised_pnl", "net_funding", "fees", "referral_rewards")
    ),
    (("stop_order_response", STOP, StopOrder), "price"),
    (("twap_response", TWAP, Twap), "average_fill_price"),
]  # fmt: skip


@pytest.mark.parametrize("kind, member", MAY_BE_NULL, ids=[f"{kind[0]}.{name}" for kind, name in MAY_BE_NULL])
def test_a_null_that_does_not_change_what_a_message_means_is_none(kind: Any, member: str) -> None:
    key, row, model = kind
    (message,) = read(**{key: {**row, member: None}})
    attribute = "time" if member == "timestamp" else member
    assert type(message) is model and getattr(message, attribute) is None


ESSENTIAL = [
    *(("order_response", ORDER, name) for name in ("quantity", "quantity_remaining")),
    *(("fill_response", FILL, name) for name in ("symbol", "price", "quantity", "order_id")),
    *(("position_response", {"symbol": "A", "position": 1}, name) for name in ("symbol", "position")),
    *(("balance_response", {}, name) for name in ("available_balance", "order_margin", "position_margin")),
    *(("stop_order_response", STOP, name) for name in ("stop_order_id", "quantity", "direction")),
    *(("twap_response", TWAP, name) for name in ("twap_id", "total_quantity", "filled_quantity", "side")),
]  # fmt: skip


@pytest.mark.parametrize("key, row, member", ESSENTIAL, ids=[f"{key}.{name}" for key, _, name in ESSENTIAL])
def test_a_null_in_place_of_what_a_message_is_about_is_not_guessed(key: str, row: Any, member: str) -> None:
    (message,) = read(**{key: {**row, member: None}})
    assert isinstance(message, Undecodable) and message.kind == key


def test_a_null_fee_is_unknown_and_not_zero() -> None:
    (page,) = read(user_trades_response=[TRADE, TRADE | {"trade_id": "t2", "fee": None}])
    assert [row.fee for row in page.rows] == [D(0), None]


def test_null_texts_and_flags_are_like_those_that_are_left_out() -> None:
    nulls = dict.fromkeys(("client_order_id", "symbol", "user_id", "reduce_only", "side", "trade_id"))
    (order,) = read(order_response={"order_id": "o1", "quantity": 1, "status": "ACK", **nulls})
    assert order == Order("o1", quantity=D(1), status=OrderStatus.ACK)
    (refusal,) = read(order_response=ORDER | {"order_id": None, "status": "REJECTED"})
    assert refusal.order_id == "" and refusal.side is Side.BUY

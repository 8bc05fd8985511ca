"""Orders, stops, fills, TWAPs and lists: what each recorded message is read as."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

import pytest

from qfex import (
    Fill,
    Leverage,
    OpenOrders,
    Order,
    OrderStatus,
    OrderType,
    Side,
    StopOrder,
    TimeInForce,
    Twap,
    UserTrade,
)
from qfex.protocol.trade.messages import Leverages, Trades, decode
from qfex.protocol.wire.failures import Undecodable

from . import recorded
from .recorded import ORDER_ID, TWAP_ID, USER_ID


def read(frame: str) -> Any:
    (message,) = decode(frame.encode())
    return message


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc]


LIMIT_BUY = Order(
    order_id=ORDER_ID,
    client_order_id="my-client-oid",
    symbol="AAPL-USD",
    status=OrderStatus.ACK,
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    quantity=D(1),
    quantity_remaining=D(1),
    price=D(200),
    take_profit=D(0),
    stop_loss=D(0),
    update_time=utc(2025, 9, 18, 15, 19, 30, 551285),
    user_id=USER_ID,
)


def test_a_resting_order() -> None:
    order = read(recorded.ACK)
    assert order == LIMIT_BUY
    assert (str(order.quantity), str(order.price)) == ("1.0", "200.0")  # exactly the digits of the wire
    assert order.trade_id is None and order.reduce_only is False


def test_a_cancelled_order_without_stops_and_time() -> None:
    order = read(recorded.CANCELLED)
    assert (order.status, order.take_profit, order.stop_loss, order.update_time) == (
        OrderStatus.CANCELLED, None, None, None,
    )  # fmt: skip
    assert order.quantity_filled == 0 and order.is_done


def test_a_filled_order() -> None:
    order = read(recorded.FILLED)
    assert (order.status, order.side, order.time_in_force) == (OrderStatus.FILLED, Side.SELL, TimeInForce.IOC)
    assert (order.quantity_filled, order.take_profit, order.stop_loss) == (D("1.5"), D("250.25"), D("150.5"))
    assert (order.trade_id, order.reduce_only, order.update_time) == (
        "91",
        True,
        utc(2025, 9, 18, 15, 19, 30),
    )


def test_a_cancelled_stop_with_a_blank_client_order_id() -> None:
    order = read(recorded.STOP_CANCELLED)
    assert (order.order_type, order.client_order_id, order.quantity) == (OrderType.TAKE_PROFIT, "", 0)
    assert (order.take_profit, order.is_done) == (None, True)


def test_members_that_a_message_leaves_out_are_blank() -> None:
    order = read(recorded.NO_SUCH_ORDER)
    assert (order.order_id, order.client_order_id, order.symbol) == ("gone", "", "")
    assert (order.side.value, order.order_type.value, order.time_in_force.value) == ("", "", "")
    assert (order.quantity, order.price, order.status) == (0, 0, OrderStatus.NO_SUCH_ORDER)


def test_a_stop_order() -> None:
    assert read(recorded.STOP) == StopOrder(
        stop_order_id=ORDER_ID,
        symbol="AAPL-USD",
        price=D(190),
        quantity=D(2),
        direction=Side.SELL,
        stop_order_type=OrderType.STOP_LOSS,
        client_order_id="my-stop",
        update_time=utc(2025, 10, 30, 9, 15, 0, 250000),
        user_id=USER_ID,
    )


def test_a_fill() -> None:
    fill = read(recorded.FILL)
    assert fill == Fill(
        trade_id="REDACTED",
        order_id="0aeae7d0-4a6e-4672-ad69-82b8811d4e0b",
        symbol="US100-USD",
        side=Side.SELL,
        price=D(25242),
        quantity=D("0.004"),
        fee=D("0.00045"),
        aggressor_side=Side.SELL,
        client_order_id="REDACTED",
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        order_price=D(25547),
        remaining_quantity=D(0),
        take_profit=D(0),
        stop_loss=D(0),
        execution_type="NEW",
        realised_pnl=D(0),
        time=utc(2026, 1, 26, 15, 0, 42, 848428),
        user_id="REDACTED",
    )
    assert fill.is_maker is False and str(fill.price) == "25242.0"


def test_a_fill_written_with_spaces_is_the_same_fill() -> None:
    spaced = json.dumps(json.loads(recorded.FILL), indent=1)
    assert spaced != recorded.FILL and read(spaced) == read(recorded.FILL)


def test_a_fill_is_a_makers_or_a_takers_only_if_the_exchange_says_so() -> None:
    fill = json.loads(recorded.FILL)["fill_response"]
    maker = read(json.dumps({"fill_response": {**fill, "aggressor_side": "BUY"}}))
    del fill["aggressor_side"], fill["remaining_quantity"]
    unknown = read(json.dumps({"fill_response": fill}))
    assert maker.is_maker is True
    assert (unknown.is_maker, unknown.remaining_quantity) == (None, None)


def test_a_twap() -> None:
    twap = read(recorded.TWAP)
    assert twap == Twap(
        twap_id=TWAP_ID,
        client_twap_id="rebalance-aapl-001",
        symbol="AAPL-USD",
        side=Side.BUY,
        status="ENGINE_STATUS",
        total_quantity=D(10),
        total_num_orders=5,
        order_interval_secs=30,
        updated_at=utc(2025, 10, 15, 16, 23, 34, 123000),
        user_id=USER_ID,
    )
    assert twap.quantity_remaining == 10


# --- lists -------------------------------------------------------------------------------------------------------


def test_open_orders_and_twaps() -> None:
    page = read(recorded.ALL_ORDERS)
    (order,), (twap,) = page.orders, page.twaps
    assert (order.symbol, str(order.quantity), order.status) == ("GOOG-USD", "2.708", OrderStatus.ACK)
    assert (twap.client_twap_id, twap.filled_quantity, twap.quantity_remaining) == (None, 1, 4)
    assert twap.created_at == utc(2025, 9, 18, 15, 18, 20, 551285)


def test_an_older_list_with_stops_of_both_shapes() -> None:
    page = read(recorded.WITH_STOP_LIST)
    first, second = page.orders
    assert (first.order_id, first.client_order_id, first.order_type) == ("s1", "a", OrderType.STOP_LOSS)
    assert (first.side, first.price, first.quantity_remaining) == (Side.SELL, 190, 2)
    assert (second.order_id, second.order_type, second.price) == ("s2", OrderType.TAKE_PROFIT, 210)
    assert first.status is second.status is OrderStatus.ACK


@pytest.mark.parametrize("frame", [recorded.EMPTY_ORDERS, recorded.NULL_ORDERS, '{"all_orders_response":{}}'])
def test_no_orders(frame: str) -> None:
    assert read(frame) == OpenOrders([], [])


def test_the_oldest_list() -> None:
    (order,) = read(recorded.USER_ORDERS).orders
    assert (order.order_id, order.status, order.quantity) == ("a", OrderStatus.ACK, 1)


def test_trades_as_documented() -> None:
    assert read(recorded.USER_TRADES) == Trades(
        [
            UserTrade(
                trade_id="t1",
                symbol="AAPL-USD",
                price=D("200.1"),
                quantity=D(1),
                side=Side.BUY,  # only the aggressor's is given
                order_id="o1",
                client_order_id="c1",
                fee=D("0.002"),
                order_type=OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                aggressor_side=Side.BUY,
                time=utc(2025, 10, 15, 16, 23, 34),
            )
        ]
    )


def test_trades_as_production_sends_them() -> None:
    (trade,) = read(recorded.USER_TRADES_RESPONSE).rows
    assert (trade.side, trade.aggressor_side, trade.time) == (Side.SELL, None, None)
    assert (trade.fee, trade.execution_type, trade.time_in_force) == (D("-0.01"), "NEW", TimeInForce.IOC)


@pytest.mark.parametrize("key", ["user_trades", "user_trades_response"])
def test_no_trades(key: str) -> None:
    assert read(json.dumps({key: []})) == Trades([])


def test_leverage_settings() -> None:
    row = Leverage(
        "META-USD", D(20), D("0.05"), D("0.0333"), D(100000), "1d3ec2ad-ba4d-4a2a-a5c8-9b1d0ad5c2a1"
    )
    assert read(recorded.LEVERAGE) == Leverages([row], available=False)


def test_leverage_levels_with_the_older_name_of_the_cap() -> None:
    row = Leverage("META-USD", D(10), D("0.1"), D("0.0667"), D(250000))
    assert read(recorded.AVAILABLE_LEVERAGE) == Leverages([row], available=True)


# --- tolerance ---------------------------------------------------------------------------------------------------


def order_frame(**members: Any) -> str:
    return json.dumps({"order_response": {**json.loads(recorded.ACK)["order_response"], **members}})


def test_unknown_keys_break_nothing() -> None:
    assert read(order_frame(colour="green", nested={"type": [1], "tif": "x"})) == LIMIT_BUY


def test_unknown_values_become_members_that_carry_them() -> None:
    order = read(order_frame(status="HALF_BAKED", type="ICEBERG", time_in_force="GFD", side="BOTH"))
    assert (order.status.value, order.order_type.value) == ("HALF_BAKED", "ICEBERG")
    assert (order.time_in_force.value, order.side.value) == ("GFD", "BOTH")
    assert not order.status.is_known and order.is_live


@pytest.mark.parametrize("flag, meant", [(True, True), (1, True), (False, False), (0, False), ("1", True)])
def test_flags_may_be_truth_values_or_numbers(flag: Any, meant: bool) -> None:
    assert read(order_frame(reduce_only=flag)).reduce_only is meant


def test_numbers_may_be_text() -> None:
    assert read(order_frame(quantity="1.0", price="200.0", quantity_remaining="1.0")) == LIMIT_BUY


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize(
    "time",
    ["2025-09-18T15:19:30.551284600Z", "2025-09-18T17:19:30.551285+02:00", "2025-09-18T15:19:30.551285"],
)
def test_times_may_be_text_and_become_utc(time: str, separators: tuple[str, str]) -> None:
    frame = json.loads(order_frame(update_time=time))
    moment = read(json.dumps(frame, separators=separators)).update_time
    assert abs((moment - LIMIT_BUY.update_time).total_seconds()) < 1e-5
    assert moment.utcoffset().total_seconds() == 0


@pytest.mark.parametrize("time", ["2025-10-15T18:23:34.123+02:00", "2025-10-15T16:23:34.123"])
@pytest.mark.parametrize("both", [True, False])
def test_times_of_fills_and_twaps_may_be_text(time: str, both: bool) -> None:
    moment = utc(2025, 10, 15, 16, 23, 34, 123000)
    fill = json.loads(recorded.FILL)
    fill["fill_response"]["timestamp"] = time
    assert read(json.dumps(fill)).time == moment
    page = json.loads(recorded.ALL_ORDERS)
    also = {"created_at": time} if both else {}
    page["all_orders_response"]["twaps"][0].update(updated_at=time, **also)
    (twap,) = read(json.dumps(page)).twaps
    assert twap.updated_at == moment and (twap.created_at == moment) == both
    assert twap.created_at is not None and twap.created_at.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "digits",
    ["0.1", "0.30000000000000004", "123456789012345678901234567890.123456789", "1e-8", "100", "1.50"],
)
def test_decimals_keep_their_digits(digits: str) -> None:
    frame = recorded.ACK.replace('"price":200.0', f'"price":{digits}')
    assert read(frame).price.as_tuple() == D(digits).as_tuple()


def test_a_frame_may_hold_a_list_of_messages() -> None:
    messages = decode(f"[{recorded.ACK},{recorded.FILL}]".encode())
    assert [type(message) for message in messages] == [Order, Fill]


def test_a_payload_may_be_a_list_of_rows() -> None:
    rows = json.loads(recorded.ACK)["order_response"]
    messages = decode(json.dumps({"order_response": [rows, {**rows, "order_id": "other"}]}).encode())
    assert [message.order_id for message in messages] == [ORDER_ID, "other"]


def test_text_that_looks_like_a_key_is_left_alone() -> None:
    odd = '"type":,"tif":,"timestamp":'
    assert read(order_frame(client_order_id=odd)).client_order_id == odd


@pytest.mark.parametrize(
    "frame",
    [
        '{"order_response":{"order_id":"a","quantity":"NaN"}}',
        '{"order_response":{"order_id":"a","quantity":NaN}}',
        '{"order_response":{"order_id":"a","price":"Infinity"}}',
        '{"order_response":{"order_id":"a","quantity_remaining":"NaN"}}',
        '{"fill_response":{"trade_id":"t","order_id":"a","symbol":"A","side":"BUY","price":"NaN","quantity":1,"timestamp":1}}',
        '{"fill_response":{"trade_id":"t","order_id":"a","symbol":"A","side":"BUY","price":1,"quantity":"Infinity","timestamp":1}}',
        '{"all_orders_response":{"orders":[{"order_id":"a","price":"NaN"}]}}',
        '{"order_response":{"order_id":"a","price":"cheap"}}',
        '{"order_response":{"order_id":"a","update_time":"tomorrow"}}',
        '{"order_response":{"order_id":{"a":1}}}',
        '{"order_response":{"symbol":"AAPL-USD"}}',
        '{"order_response":7}',
        '{"all_orders_response":{"orders":7}}',
    ],
)
def test_a_message_that_does_not_fit_is_undecodable_and_not_guessed(frame: str) -> None:
    message = read(frame)
    assert isinstance(message, Undecodable)
    assert message.text == frame and message.reason

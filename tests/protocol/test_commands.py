"""Every command, byte for byte as the live exchange needs it."""

from __future__ import annotations

import json
from decimal import Decimal as D
from decimal import localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import CancelIdType, Channel, OrderType, Side, TimeInForce
from qfex.protocol.command import Command
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.specs import SPECS
from qfex.protocol.wire.codec import on_wire

LIMIT = c.AddOrder(
    symbol="AAPL-USD",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    quantity=D("0.5"),
    price=D("180.25"),
    reduce_only=False,
    client_order_id="c1",
)
MARKET = c.AddOrder("AAPL-USD", Side.SELL, OrderType.MARKET, TimeInForce.IOC, D(2), D(0), True, "c2")
WITH_STOPS = c.AddOrder(
    "AAPL-USD",
    Side.BUY,
    OrderType.ALO,
    TimeInForce.GTC,
    D("1.000"),
    D(180),
    False,
    "c3",
    D("200.5"),
    D("150.10"),
)
STOP = c.AddOrder("AAPL-USD", Side.SELL, OrderType.STOP_LOSS, TimeInForce.GTC, D(1), D("170.5"), False, "c4")
MODIFY = c.ModifyOrder(
    "AAPL-USD", "o1", Side.BUY, OrderType.LIMIT, D("181.5"), D(3), False, None, D(150), "c1"
)
HMAC = {"hmac": {"public_key": "p", "nonce": "n", "unix_ts": 1760545414, "signature": "s"}}

WIRE: list[tuple[Command, str]] = [
    (c.Authenticate(HMAC), '{"type":"auth","params":{"hmac":{"public_key":"p","nonce":"n","unix_ts":1760545414,'
        '"signature":"s"}}}'),
    (c.Authenticate({"jwt": "t"}, "acc"), '{"type":"auth","params":{"jwt":"t","account_id":"acc"}}'),
    (c.Subscribe((Channel.ORDERS, Channel.FILLS)),
        '{"type":"subscribe","params":{"channels":["order_responses","fills"]}}'),
    (c.Unsubscribe((Channel.STOP_ORDERS,)), '{"type":"unsubscribe","params":{"channels":["stop_orders"]}}'),
    (LIMIT, '{"type":"add_order","params":{"symbol":"AAPL-USD","side":"BUY","order_type":"LIMIT",'
        '"order_time_in_force":"GTC","quantity":0.5,"price":180.25,"reduce_only":false,"client_order_id":"c1"}}'),
    (MARKET, '{"type":"add_order","params":{"symbol":"AAPL-USD","side":"SELL","order_type":"MARKET",'
        '"order_time_in_force":"IOC","quantity":2,"price":0,"reduce_only":true,"client_order_id":"c2"}}'),
    (WITH_STOPS, '{"type":"add_order","params":{"symbol":"AAPL-USD","side":"BUY","order_type":"ALO",'
        '"order_time_in_force":"GTC","quantity":1.000,"price":180,"reduce_only":false,"client_order_id":"c3",'
        '"take_profit":200.5,"stop_loss":150.10}}'),
    (STOP, '{"type":"add_order","params":{"symbol":"AAPL-USD","side":"SELL","order_type":"STOP_LOSS",'
        '"order_time_in_force":"GTC","quantity":1,"price":170.5,"reduce_only":false,"client_order_id":"c4"}}'),
    (MODIFY, '{"type":"modify_order","params":{"symbol":"AAPL-USD","order_id":"o1","side":"BUY",'
        '"order_type":"LIMIT","price":181.5,"quantity":3,"take_profit":0,"stop_loss":150,"reduce_only":false}}'),
    (c.CancelOrder("AAPL-USD", "o1"), '{"type":"cancel_order","params":{"symbol":"AAPL-USD","order_id":"o1",'
        '"cancel_order_id_type":"order_id"}}'),
    (c.CancelOrder("AAPL-USD", "c1", CancelIdType.CLIENT_ORDER_ID), '{"type":"cancel_order","params":{'
        '"symbol":"AAPL-USD","order_id":"c1","cancel_order_id_type":"client_order_id"}}'),
    (c.CancelOrder("AAPL-USD", "t1", CancelIdType.TWAP_ID), '{"type":"cancel_order","params":{'
        '"symbol":"AAPL-USD","order_id":"t1","cancel_order_id_type":"twap_id"}}'),
    (c.CancelOrder("AAPL-USD", "t1", CancelIdType.CLIENT_TWAP_ID), '{"type":"cancel_order","params":{'
        '"symbol":"AAPL-USD","order_id":"t1","cancel_order_id_type":"client_twap_id"}}'),
    (c.CancelAllOrders(), '{"type":"cancel_all_orders","params":{}}'),
    (c.CancelStopOrder("s1"), '{"type":"cancel_stop_order","params":{"stop_order_id":"s1"}}'),
    (c.ModifyStopOrder("s1", "AAPL-USD", D("170.5"), D(1)), '{"type":"modify_stop_order","params":{'
        '"stop_order_id":"s1","symbol":"AAPL-USD","price":170.5,"quantity":1}}'),
    (c.ClosePosition("AAPL-USD", "c5"),
        '{"type":"close_position","params":{"symbol":"AAPL-USD","client_order_id":"c5"}}'),
    (c.AddTwap("AAPL-USD", Side.BUY, D(10), 5, 30, False, "t1"), '{"type":"add_twap","params":{'
        '"symbol":"AAPL-USD","side":"BUY","total_quantity":10,"num_orders":5,"order_interval_secs":30,'
        '"reduce_only":false,"client_twap_id":"t1"}}'),
    (c.SetLeverage("AAPL-USD", D("10.5")),
        '{"type":"set_user_leverage","params":{"symbol":"AAPL-USD","leverage":10.5}}'),
    (c.SetCancelOnDisconnect(True), '{"type":"cancel_on_disconnect","params":{"cancel_on_disconnect":true}}'),
    (c.GetOrder("AAPL-USD", "o1"), '{"type":"get_order","params":{"symbol":"AAPL-USD","order_id":"o1"}}'),
    (c.GetUserOrders(), '{"type":"get_user_orders","params":{}}'),
    (c.GetUserOrders("AAPL-USD", 10, 0),
        '{"type":"get_user_orders","params":{"symbol":"AAPL-USD","limit":10,"offset":0}}'),
    (c.GetUserTrades(), '{"type":"get_user_trades","params":{}}'),
    (c.GetUserTrades("o1", 20, 40),
        '{"type":"get_user_trades","params":{"order_id":"o1","limit":20,"offset":40}}'),
    (c.GetLeverage(), '{"type":"get_user_leverage","params":{}}'),
    (c.GetLeverage(5, 0), '{"type":"get_user_leverage","params":{"limit":5,"offset":0}}'),
    (c.GetAvailableLeverage(), '{"type":"get_available_leverage_levels","params":{}}'),
]  # fmt: skip


@pytest.mark.parametrize("command, frame", WIRE, ids=[command.type for command, _ in WIRE])
def test_the_wire_form(command: Command, frame: str) -> None:
    assert command.encode().decode() == frame


def test_every_command_has_its_wire_form_here() -> None:
    assert {type(command) for command, _ in WIRE} == set(SPECS)


def test_the_text_of_a_command_shows_no_secret() -> None:
    assert "signature" not in repr(c.Authenticate(HMAC)) and "'s'" not in repr(c.Authenticate(HMAC))


# --- numbers -----------------------------------------------------------------------------------------------------

POSITIVE = st.decimals(min_value=D("1e-18"), max_value=D("1e18"), allow_nan=False, allow_infinity=False)


@given(POSITIVE, POSITIVE)
def test_numbers_are_sent_exactly_and_never_in_exponent_notation(quantity: D, price: D) -> None:
    command = c.ModifyStopOrder("1", "2", price, quantity)
    sent = json.loads(command.encode(), parse_float=D, parse_int=D)["params"]
    assert (sent["price"], sent["quantity"]) == (price, quantity)
    numbers = command.encode().decode().partition('"price":')[2]
    assert "e" not in numbers.replace(',"quantity":', "").lower()


@pytest.mark.parametrize("capitals", [0, 1])
@pytest.mark.parametrize("number, sent", [("1E+2", "100"), ("2E-8", "0.00000002"), ("1.5", "1.5")])
def test_a_decimal_context_changes_no_number(capitals: int, number: str, sent: str) -> None:
    with localcontext() as context:
        context.capitals = capitals
        command = c.ModifyStopOrder("1e-2", "1E+2", D(number), D(number))
        assert command.encode().endswith(
            b'"1E+2","price":%b,"quantity":%b}}' % (sent.encode(), sent.encode())
        )
        assert bytes(on_wire(D(number))) == sent.encode()


@pytest.mark.parametrize("command, frame", WIRE)
def test_a_decimal_context_changes_no_command(command: Command, frame: str) -> None:
    with localcontext() as context:
        context.capitals = 0
        assert command.encode().decode() == frame


@given(st.text(min_size=1, max_size=20))
def test_text_is_sent_as_it_is(identifier: str) -> None:
    frame = c.GetOrder("AAPL-USD", identifier).encode()
    assert json.loads(frame)["params"]["order_id"] == identifier


# --- the order that a command names -------------------------------------------------------------------------------


def test_a_command_whose_outcome_is_unknown_names_its_order() -> None:
    ids: list[tuple[Any, str | None]] = [
        (LIMIT, "c1"),
        (c.ClosePosition("A", "c5"), "c5"),
        (c.AddTwap("A", Side.BUY, D(10), 5, 30, False, "t1"), "t1"),
        (c.CancelOrder("A", "c1", CancelIdType.CLIENT_ORDER_ID), "c1"),
        (c.CancelOrder("A", "o1"), None),
    ]
    assert [command.client_order_id for command, _ in ids] == [wanted for _, wanted in ids]

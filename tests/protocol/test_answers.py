"""Every cell of the column `answers`: each message that may answer a command does, alone and with its own result."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from qfex import (
    AuthenticationError,
    CancelIdType,
    Channel,
    Leverage,
    OpenOrders,
    OrderRejected,
    OrderStatus,
    Side,
    StopOrder,
    Twap,
    UserTrade,
)
from qfex.protocol.command import Command
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.messages import Ack, Authenticated, Leverages, Subscribed, Trades, Unsubscribed
from qfex.protocol.trade.specs import SPECS

from .in_flight import (
    AAPL,
    InFlight,
    ack_of,
    limit,
    modified,
    modify,
    order,
    stop,
    stop_message,
    stop_order,
)

AUTH = c.Authenticate({"jwt": "secret"})
CLOSE = c.ClosePosition(AAPL, "c1")
CANCEL = c.CancelOrder(AAPL, "o1")
CANCEL_TWAP = c.CancelOrder(AAPL, "w1", CancelIdType.TWAP_ID)
CANCEL_ALL = c.CancelAllOrders()
CANCEL_STOP = c.CancelStopOrder("s1")
MODIFY_STOP = c.ModifyStopOrder("s1", AAPL, D(171), D(2))
ADD_TWAP = c.AddTwap(AAPL, Side.BUY, D(10), 5, 30, False, "t1")
SET_LEVERAGE = c.SetLeverage(AAPL, D(5))
DISARM = c.SetCancelOnDisconnect(False)
QUERY = c.GetOrder(AAPL, "o1")

GONE = stop_order("CANCELLED")
MOVED = stop_order("MODIFIED", price=D(171), quantity=D(2))
TWAP = Twap("w1", "t1", AAPL, status="ACTIVE")
TRADES = [UserTrade("t1", AAPL, D(180), D(1))]
LEVERAGES = [Leverage(AAPL, D(5))]

#: A command, a message that answers it, and the result.
ANSWERS: list[tuple[Command, Any, Any]] = [
    (AUTH, Authenticated(True), None),
    (AUTH, Ack({"type": "auth", "params": {"jwt": "***"}}), None),
    (c.Subscribe((Channel.ORDERS,)), Subscribed("order_responses"), None),
    (c.Unsubscribe((Channel.ORDERS,)), Unsubscribed("order_responses"), None),
    (limit(), order(), order()),
    (stop(), stop_order(), stop_order(client_order_id="c1")),
    (stop(), stop_message(), stop_message(client_order_id="c1").as_order()),
    (limit(), OpenOrders([order(order_id="o9", client_order_id="c9"), order()]), order()),
    (CLOSE, order(), order(reduce_only=True)),
    (CLOSE, OpenOrders([order(order_id="o9", client_order_id="c9"), order()]), order()),
    (modify(), modified("o2"), modified("o2")),
    (CANCEL, order("CANCELLED"), order("CANCELLED")),
    (CANCEL_TWAP, TWAP, TWAP),
    (CANCEL_TWAP, ack_of(CANCEL_TWAP), None),
    (CANCEL_ALL, ack_of(CANCEL_ALL), []),
    (CANCEL_STOP, GONE, GONE),
    (CANCEL_STOP, StopOrder("s1", AAPL), None),
    (CANCEL_STOP, ack_of(CANCEL_STOP), None),
    (MODIFY_STOP, MOVED, MOVED),
    (MODIFY_STOP, StopOrder("s1", AAPL, D(171), D(2), Side.SELL), None),
    (MODIFY_STOP, ack_of(MODIFY_STOP), None),
    (ADD_TWAP, TWAP, TWAP),
    (SET_LEVERAGE, ack_of(SET_LEVERAGE), None),
    (DISARM, ack_of(DISARM), None),
    (QUERY, order("CANCELLED"), order("CANCELLED")),
    (QUERY, OpenOrders([order(order_id="o9", client_order_id="c9"), order()]), order()),
    (c.GetUserOrders(), OpenOrders([order()]), OpenOrders([order()])),
    (c.GetUserTrades(), Trades(TRADES), TRADES),
    (c.GetLeverage(), Leverages(LEVERAGES, available=False), LEVERAGES),
    (c.GetAvailableLeverage(), Leverages(LEVERAGES, available=True), LEVERAGES),
]  # fmt: skip

#: Cells that need more than one message. Each has a test of its own below.
LONGER: set[tuple[type, type]] = {
    (c.CancelAllOrders, type(order())),
    (c.CancelAllOrders, Subscribed),
    (c.SetCancelOnDisconnect, Subscribed),
}


def test_every_cell_has_a_test() -> None:
    cells = {(kind, message) for kind, spec in SPECS.items() for message in spec.answers}
    assert {(type(command), type(message)) for command, message, _ in ANSWERS} | LONGER == cells


@pytest.mark.parametrize(
    "command, message, result",
    ANSWERS,
    ids=[f"{command.type}-{type(message).__name__}" for command, message, _ in ANSWERS],
)
def test_a_message_answers_its_command_once(command: Command, message: Any, result: Any) -> None:
    in_flight = InFlight(command)
    assert in_flight.answer(message) == result
    assert len(in_flight.table) == 0 and in_flight.answers(message) == {}


def test_a_cancel_all_collects_the_orders_that_end_before_its_acknowledgement() -> None:
    in_flight = InFlight(CANCEL_ALL)
    assert in_flight.answers(order()) == {} and in_flight.answers(order("CANCELLED")) == {}
    assert in_flight.answers(ack_of(CANCEL_ALL)) == {CANCEL_ALL: [order("CANCELLED")]}


LATER = c.Subscribe((Channel.ORDERS,))


def test_a_cancel_all_that_only_awaits_its_late_reply_is_settled_by_a_later_subscription() -> None:
    in_flight = InFlight(CANCEL_ALL, LATER)
    in_flight.request(CANCEL_ALL).awaits_late_reply = True
    assert in_flight.answers(Subscribed("order_responses")) == {LATER: None}
    assert list(in_flight.table) == []
    waiting = InFlight(CANCEL_ALL, LATER)
    assert waiting.answers(Subscribed("order_responses")) == {LATER: None}
    assert list(waiting.table) == [waiting.request(CANCEL_ALL)]


def test_a_change_of_cancel_on_disconnect_is_confirmed_by_a_later_subscription() -> None:
    in_flight = InFlight(DISARM, LATER)
    assert in_flight.answers(Subscribed("order_responses")) == {DISARM: None, LATER: None}
    earlier = InFlight(LATER, DISARM)
    assert earlier.answers(Subscribed("order_responses")) == {LATER: None}


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command, message",
    [
        (limit(), order("REJECTED")),
        (stop(), stop_order("REJECTED")),
        (CLOSE, order("REJECTED")),
        (modify(), order("CANNOT_MODIFY_NO_SUCH_ORDER")),
        (CANCEL, order("NO_SUCH_ORDER")),
        (CANCEL_STOP, stop_order("NO_SUCH_ORDER")),
        (MODIFY_STOP, stop_order("CANNOT_MODIFY_NO_SUCH_ORDER")),
        (ADD_TWAP, Twap("w1", "t1", AAPL, status="REJECTED")),
        (QUERY, order("NO_SUCH_ORDER")),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_a_refusal_is_raised_with_its_status(command: Command, message: Any) -> None:
    refused = InFlight(command).answer(message)
    assert isinstance(refused, OrderRejected) and refused.status is OrderStatus(message.status)


def test_an_empty_list_refuses_a_query() -> None:
    refused = InFlight(QUERY).answer(OpenOrders())
    assert isinstance(refused, OrderRejected) and refused.status is OrderStatus.NO_SUCH_ORDER


def test_refused_credentials_are_raised_with_the_reason() -> None:
    refused = InFlight(AUTH).answer(Authenticated(False, "bad key"))
    assert isinstance(refused, AuthenticationError) and "bad key" in str(refused)

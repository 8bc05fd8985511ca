"""What answers cancels, stops, queries, TWAPs and settings; late replies, bare acknowledgements, exclusive keys."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from qfex import (
    AuthenticationError,
    CancelIdType,
    Channel,
    ErrorCode,
    Leverage,
    OpenOrders,
    Order,
    OrderRejected,
    OrderStatus,
    Side,
    StopOrder,
    Twap,
    UserTrade,
)
from qfex.protocol.command import Command
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.messages import (
    Ack,
    Authenticated,
    Leverages,
    Subscribed,
    Trades,
    Unsubscribed,
)
from qfex.protocol.trade.requests import RequestTable
from qfex.protocol.wire.failures import Failure, Undecodable

from .in_flight import AAPL, InFlight, ack_of, limit, modify, order, stop_order

CANCEL = c.CancelOrder(AAPL, "o1")
CANCEL_BY_CLIENT_ID = c.CancelOrder(AAPL, "c1", CancelIdType.CLIENT_ORDER_ID)
CANCELLATIONS = [each.value for each in OrderStatus if each.is_cancellation]


# --- cancel ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", CANCELLATIONS)
@pytest.mark.parametrize("cancel", [CANCEL, CANCEL_BY_CLIENT_ID], ids=["by order id", "by client order id"])
def test_the_end_of_the_order_answers_a_cancel(cancel: c.CancelOrder, status: str) -> None:
    assert InFlight(cancel).answer(order(status)) == order(status)


@pytest.mark.parametrize(
    "status",
    ["NO_SUCH_ORDER", "NOT_FOUND", "REJECTED", "REJECTED_FAILED_TO_PROCESS", "RATE_LIMITED", "PERMISSION_DENIED",
     "BAD_SYMBOL", "USER_IN_LIQUIDATION"],
)  # fmt: skip
def test_the_refusal_of_a_cancel_raises(status: str) -> None:
    refused = InFlight(CANCEL).answer(order(status))
    assert isinstance(refused, OrderRejected) and refused.status is OrderStatus(status)


@pytest.mark.parametrize(
    "message",
    [
        order("ACK"),
        order("FILLED", quantity_remaining=D(0)),
        order("FILLED", quantity_remaining=D("0.5")),
        order("MODIFIED"),
        order("CANNOT_MODIFY_PARTIAL_FILL"),
        order("INVALID_TICK_SIZE_PRECISION_PRICE"),
        order("FAILED_MARGIN_CHECK"),
        order("REJECTED_LESS_THAN_MIN_PRICE_BAND"),
        order("REJECTED_GREATER_THAN_MAX_PRICE_BAND"),
        order("REJECTED_WOULD_BREACH_MAX_NOTIONAL"),
        order("REJECTED_LESS_THAN_MIN_NOTIONAL"),
        order("REJECTED_TOO_MANY_OPEN_ORDERS"),
        order("REJECTED_TOTAL_OPEN_INTEREST_LIMIT"),
        order("SOMETHING_NEW"),
        order("CANCELLED", order_id="o2"),
        order("NO_SUCH_ORDER", order_id="o2", client_order_id=""),
    ],
)
def test_messages_that_do_not_answer_a_cancel(message: Order) -> None:
    in_flight = InFlight(CANCEL)
    assert in_flight.answers(message) == {}
    assert in_flight.answer(order("CANCELLED")).order_id == "o1"


def test_a_refused_modify_does_not_end_the_cancel_that_was_sent_before_it() -> None:
    in_flight = InFlight(CANCEL, modify())
    assert list(in_flight.answers(order("REJECTED_GREATER_THAN_MAX_PRICE_BAND"))) == [modify()]
    assert list(in_flight.answers(order("CANCELLED"))) == [CANCEL]


def test_an_unknown_client_order_id_may_come_back_as_the_order_id() -> None:
    unknown = order("NO_SUCH_ORDER", order_id="c1", client_order_id="")
    assert isinstance(InFlight(CANCEL_BY_CLIENT_ID).answer(unknown), OrderRejected)


def test_the_end_of_an_order_answers_every_cancel_of_it() -> None:
    in_flight = InFlight(CANCEL, CANCEL_BY_CLIENT_ID, c.CancelOrder(AAPL, "o2"))
    assert set(in_flight.answers(order("CANCELLED"))) == {CANCEL, CANCEL_BY_CLIENT_ID}
    twice = InFlight()
    first, second = twice.send(CANCEL), twice.send(CANCEL)
    assert [request for request, _ in twice.receive(order("CANCELLED"))] == [first, second]


def test_an_order_that_is_cancelled_at_once_answers_its_placing_before_its_cancel() -> None:
    in_flight = InFlight(limit(), CANCEL_BY_CLIENT_ID)
    assert list(in_flight.answers(order("ACK"))) == [limit()]
    assert list(in_flight.answers(order("CANCELLED"))) == [CANCEL_BY_CLIENT_ID]


# --- cancel all --------------------------------------------------------------------------------------------------


def test_cancelled_orders_are_collected_until_the_acknowledgement() -> None:
    in_flight = InFlight(c.CancelAllOrders())
    first, second = order("CANCELLED"), order("CANCELLED_STP", order_id="o2")
    for message in (first, order("ACK", order_id="o3"), order("FILLED", order_id="o4"), second, first):
        assert in_flight.answers(message) == {}
    assert in_flight.answer(ack_of(c.CancelAllOrders())) == [first, second]


def test_a_cancel_of_all_takes_nothing_away_from_a_cancel_of_one() -> None:
    in_flight = InFlight(c.CancelAllOrders(), CANCEL)
    assert in_flight.answers(order("CANCELLED")) == {CANCEL: order("CANCELLED")}
    assert in_flight.answer(Ack(None)) == [order("CANCELLED")]


# --- stops -------------------------------------------------------------------------------------------------------

CANCEL_STOP = c.CancelStopOrder("s1")
MODIFY_STOP = c.ModifyStopOrder("s1", AAPL, D(171), D(2))
MOVED = StopOrder("s1", AAPL, D(171), D(2), Side.SELL)


def test_every_reply_to_the_cancel_of_a_stop() -> None:
    gone = stop_order("CANCELLED", quantity=D(0), quantity_remaining=D(0))
    assert InFlight(CANCEL_STOP).answer(gone) == gone
    assert InFlight(CANCEL_STOP).answer(ack_of(CANCEL_STOP)) is None
    assert InFlight(CANCEL_STOP).answer(Ack(None)) is None
    assert InFlight(CANCEL_STOP).answer(StopOrder("s1", AAPL)) is None
    assert isinstance(InFlight(CANCEL_STOP).answer(stop_order("NO_SUCH_ORDER")), OrderRejected)


@pytest.mark.parametrize(
    "message",
    [
        stop_order("ACK"),
        stop_order("MODIFIED"),
        stop_order("FILLED", quantity_remaining=D(0)),
        stop_order("CANCELLED", order_id="s2"),
        MOVED,
        StopOrder("s2", AAPL),
        ack_of(c.CancelStopOrder("s2")),
        ack_of(c.CancelAllOrders()),
    ],
)
def test_messages_that_do_not_answer_the_cancel_of_a_stop(message: Any) -> None:
    assert InFlight(CANCEL_STOP).answers(message) == {}


@pytest.mark.parametrize("status", [each for each in OrderStatus if each.is_rejection])
def test_every_refusal_of_this_stop_raises(status: OrderStatus) -> None:
    refused = InFlight(CANCEL_STOP).answer(stop_order(status.value))
    assert isinstance(refused, OrderRejected) and refused.status is status


def test_every_reply_to_the_modify_of_a_stop() -> None:
    for moved in (stop_order("MODIFIED", price=D(171), quantity=D(2)),
                  stop_order("MODIFIED", price=D(171), quantity=D(2), order_id="s9")):  # fmt: skip
        assert InFlight(MODIFY_STOP).answer(moved) == moved
    assert InFlight(MODIFY_STOP).answer(MOVED) is None
    assert InFlight(MODIFY_STOP).answer(ack_of(MODIFY_STOP)) is None
    assert isinstance(
        InFlight(MODIFY_STOP).answer(stop_order("INVALID_TICK_SIZE_PRECISION_PRICE")), OrderRejected
    )


@pytest.mark.parametrize(
    "message",
    [
        stop_order("MODIFIED"),
        stop_order("MODIFIED", price=D(171), quantity=D(2), symbol="GOLD-USD"),
        stop_order("ACK", price=D(171), quantity=D(2)),
        stop_order("REJECTED", order_id="s2"),
        StopOrder("s1", AAPL, D(170), D(2), Side.SELL),
        StopOrder("s2", AAPL, D(171), D(2), Side.SELL),
        ack_of(MODIFY_STOP, price=D(172)),
    ],
)
def test_messages_that_do_not_answer_the_modify_of_a_stop(message: Any) -> None:
    assert InFlight(MODIFY_STOP).answers(message) == {}


def test_another_stop_with_these_terms_is_no_replacement() -> None:
    in_flight = InFlight(MODIFY_STOP, known={"s1": stop_order(), "s9": stop_order(order_id="s9")})
    moved = {"price": D(171), "quantity": D(2)}
    assert in_flight.answers(stop_order("MODIFIED", order_id="s9", **moved)) == {}
    assert in_flight.answer(stop_order("MODIFIED", **moved)).order_id == "s1"


# --- TWAPs -------------------------------------------------------------------------------------------------------

ADD_TWAP = c.AddTwap(AAPL, Side.BUY, D(10), 5, 30, False, "t1")
TWAP = Twap("w1", "t1", AAPL, status="ACTIVE")


def test_a_twap_is_recognised_by_its_client_id() -> None:
    assert InFlight(ADD_TWAP).answer(TWAP) == TWAP
    assert InFlight(ADD_TWAP).answers(Twap("w2", "t2", AAPL)) == {}
    assert InFlight(ADD_TWAP).answers(Twap("w2", None, AAPL)) == {}
    refused = InFlight(ADD_TWAP).answer(Twap("w1", "t1", AAPL, status="REJECTED_MARKET_CLOSED"))
    assert isinstance(refused, OrderRejected) and refused.status is OrderStatus.REJECTED_MARKET_CLOSED


@pytest.mark.parametrize(
    "kind, name", [(CancelIdType.TWAP_ID, "w1"), (CancelIdType.CLIENT_TWAP_ID, "t1")], ids=["id", "client id"]
)
def test_every_reply_to_the_cancel_of_a_twap(kind: CancelIdType, name: str) -> None:
    cancel = c.CancelOrder(AAPL, name, kind)
    assert InFlight(cancel).answer(TWAP) == TWAP
    assert InFlight(cancel).answer(ack_of(cancel)) is None
    assert isinstance(InFlight(cancel).answer(order("NO_SUCH_ORDER", order_id=name)), OrderRejected)
    for other in (Twap("w2", "t2"), Ack(None), ack_of(CANCEL), order("CANCELLED")):
        assert InFlight(cancel).answers(other) == {}


def test_an_order_is_not_cancelled_by_an_acknowledgement() -> None:
    assert InFlight(CANCEL).answers(ack_of(CANCEL)) == {}


# --- queries -----------------------------------------------------------------------------------------------------


def test_a_query_is_answered_by_an_order_or_by_a_list() -> None:
    for name in ("o1", "c1"):
        query = c.GetOrder(AAPL, name)
        assert InFlight(query).answer(order("CANCELLED")).status is OrderStatus.CANCELLED
        assert (
            InFlight(query).answer(OpenOrders([order(order_id="o9", client_order_id="x"), order()]))
            == order()
        )


def test_a_query_for_an_order_that_does_not_exist_is_refused() -> None:
    for message in (order("NO_SUCH_ORDER"), OpenOrders()):
        refused = InFlight(c.GetOrder(AAPL, "o1")).answer(message)
        assert isinstance(refused, OrderRejected) and refused.status is OrderStatus.NO_SUCH_ORDER


@pytest.mark.parametrize(
    "message", [order(order_id="o2", client_order_id="c2"), order("CANNOT_MODIFY_PARTIAL_FILL")]
)
def test_messages_that_do_not_answer_a_query(message: Order) -> None:
    assert InFlight(c.GetOrder(AAPL, "o1")).answers(message) == {}


def test_lists_answer_their_queries() -> None:
    page, trades = OpenOrders([order()]), [UserTrade("t", AAPL, D(1), D(1))]
    assert InFlight(c.GetUserOrders()).answer(page) == page
    assert InFlight(c.GetUserTrades()).answer(Trades(trades)) == trades
    rows = [Leverage(AAPL, D(5))]
    both = InFlight(c.GetLeverage(), c.GetAvailableLeverage())
    assert both.answers(Leverages(rows, available=True)) == {c.GetAvailableLeverage(): rows}
    assert both.answers(Leverages(rows, available=False)) == {c.GetLeverage(): rows}


def test_a_list_that_was_not_asked_for_answers_nobody() -> None:
    in_flight = InFlight(CANCEL, ADD_TWAP, c.SetLeverage(AAPL, D(5)))
    for message in (OpenOrders(), Trades([]), Leverages([], False), Undecodable("x", "y"), MOVED):
        assert in_flight.answers(message) == {}


# --- subscriptions, authentication, settings ---------------------------------------------------------------------


def test_a_subscription_is_confirmed_channel_by_channel() -> None:
    subscribe = c.Subscribe((Channel.ORDERS, Channel.FILLS))
    in_flight = InFlight(subscribe)
    for other in (
        Subscribed("fills"),
        Subscribed("fills"),
        Subscribed("positions"),
        Unsubscribed("order_responses"),
    ):
        assert in_flight.answers(other) == {}
    assert in_flight.answers(Subscribed("order_responses")) == {subscribe: None}


def test_a_cancelled_subscription_is_confirmed_too() -> None:
    in_flight = InFlight(c.Unsubscribe((Channel.FILLS,)))
    assert in_flight.answers(Subscribed("fills")) == {}
    assert in_flight.answer(Unsubscribed("fills")) is None


def test_authentication_is_granted_or_refused() -> None:
    auth = c.Authenticate({"jwt": "t"})
    assert InFlight(auth).answer(Authenticated(True)) is None
    refused = InFlight(auth).answer(Authenticated(False, "bad key"))
    assert isinstance(refused, AuthenticationError) and "bad key" in str(refused)


def test_any_error_fails_an_outstanding_authentication() -> None:
    auth = c.Authenticate({"jwt": "t"})
    assert isinstance(InFlight(auth).answer(Failure(ErrorCode.PERMISSION_DENIED, "no")), AuthenticationError)


ACKNOWLEDGED: list[Command] = [
    c.SetLeverage(AAPL, D(5)), c.SetCancelOnDisconnect(True), c.CancelAllOrders(), CANCEL_STOP, MODIFY_STOP,
]  # fmt: skip


@pytest.mark.parametrize("command", ACKNOWLEDGED, ids=lambda command: command.type)
def test_an_acknowledgement_finds_the_command_that_it_echoes(command: Command) -> None:
    in_flight = InFlight(*ACKNOWLEDGED)
    assert list(in_flight.answers(ack_of(command))) == [command]


@pytest.mark.parametrize(
    "command, changed",
    [
        (c.SetLeverage(AAPL, D(5)), {"symbol": "GOLD-USD"}),
        (c.SetCancelOnDisconnect(True), {"cancel_on_disconnect": False}),
    ],
    ids=["leverage", "cancel on disconnect"],
)
def test_an_acknowledgement_that_echoes_another_setting_does_not_confirm_this_one(
    command: Command, changed: dict[str, Any]
) -> None:
    assert InFlight(command).answers(ack_of(command, **changed)) == {}


@pytest.mark.parametrize("command", ACKNOWLEDGED, ids=lambda command: command.type)
def test_an_acknowledgement_without_an_echo_counts_only_where_one_command_can_be_meant(
    command: Command,
) -> None:
    assert list(InFlight(command, limit(), c.GetUserOrders()).answers(Ack(None))) == [command]
    others = [other for other in ACKNOWLEDGED if other is not command]
    for other in others:
        assert InFlight(command, other).answers(Ack(None)) == {}


def test_a_command_that_needs_no_acknowledgement_is_proven_by_a_later_subscription() -> None:
    arm, fence = c.SetCancelOnDisconnect(True), c.Subscribe((Channel.ORDERS,))
    in_flight = InFlight(c.Subscribe((Channel.FILLS,)), arm, fence)
    assert in_flight.answers(Subscribed("fills")) == {c.Subscribe((Channel.FILLS,)): None}
    assert in_flight.answers(Subscribed("order_responses")) == {fence: None, arm: None}


# --- late replies ------------------------------------------------------------------------------------------------


def test_a_late_reply_goes_to_the_request_that_was_given_up() -> None:
    first, second = c.GetUserTrades(), c.GetUserTrades("o1")
    in_flight = InFlight(first)
    in_flight.give_up(first)
    assert len(in_flight.table) == 0
    in_flight.send(second)
    late = [UserTrade("late", AAPL, D(1), D(1))]
    assert in_flight.answers(Trades(late)) == {first: late}
    assert len(in_flight.table) == 1
    assert in_flight.answers(Trades([])) == {second: []}


@pytest.mark.parametrize(
    "command, late",
    [
        (limit(), order("ACK")),
        (CANCEL, order("CANCELLED")),
        (ADD_TWAP, TWAP),
        (c.SetLeverage(AAPL, D(5)), Ack(None)),
        (c.GetUserOrders(), OpenOrders()),
        (
            limit(),
            Failure(
                ErrorCode.INVALID_ORDER, None, {"type": "add_order", "params": {"client_order_id": "c1"}}
            ),
        ),
    ],
)
def test_a_request_that_was_given_up_takes_its_late_reply_and_leaves_the_table(
    command: Command, late: Any
) -> None:
    in_flight = InFlight(command)
    in_flight.give_up(command)
    ((request, _),) = in_flight.receive(late)
    assert request.given_up and list(in_flight.table) == []


def test_an_exclusive_key_has_one_holder_until_its_reply_arrives() -> None:
    in_flight = InFlight(c.GetUserOrders())
    holder, query = in_flight.request(c.GetUserOrders()), c.GetOrder(AAPL, "o1")
    assert in_flight.table.holder(query) is holder
    assert in_flight.table.holder(c.GetUserTrades()) is None
    in_flight.give_up(c.GetUserOrders())
    assert in_flight.table.holder(query) is holder and in_flight.table.holder(c.GetUserOrders()) is holder
    in_flight.receive(OpenOrders())
    assert in_flight.table.holder(query) is None


def test_a_connection_that_never_answers_does_not_fill_the_memory() -> None:
    in_flight = InFlight()
    for number in range(RequestTable.MAX_GIVEN_UP + 10):
        in_flight.table.give_up(in_flight.send(limit(f"c{number}")))
    assert len(list(in_flight.table)) == RequestTable.MAX_GIVEN_UP
    assert in_flight.answers(order(client_order_id="c0")) == {}
    assert in_flight.answer(order(client_order_id="c11")).client_order_id == "c11"


def test_removing_a_request_twice_does_no_harm() -> None:
    in_flight = InFlight(CANCEL)
    in_flight.table.remove(in_flight.request(CANCEL))
    in_flight.table.remove(in_flight.request(CANCEL))
    in_flight.give_up(CANCEL)
    assert len(in_flight.table) == 0 and not in_flight.request(CANCEL).given_up

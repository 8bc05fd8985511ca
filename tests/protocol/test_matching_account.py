"""What answers cancels, stops, queries, TWAPs and settings; late replies, bare acknowledgements, lanes."""

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
from qfex.protocol import commands as c
from qfex.protocol.codec import parse_json
from qfex.protocol.matching import RequestBook
from qfex.protocol.messages import (
    Ack,
    Authenticated,
    Failure,
    Leverages,
    Subscribed,
    Trades,
    Undecodable,
    Unsubscribed,
)

from .book import AAPL, Desk, limit, modify, order, stop_order

CANCEL = c.CancelOrder(AAPL, "o1")
CANCEL_BY_CLIENT_ID = c.CancelOrder(AAPL, "c1", CancelIdType.CLIENT_ORDER_ID)
CANCELLATIONS = [each.value for each in OrderStatus if each.is_cancellation]


def ack_of(command: c.Command, **changed: Any) -> Ack:
    echo = parse_json(command.encode())
    return Ack({**echo, "params": {**echo["params"], **changed}})


# --- cancel ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", CANCELLATIONS)
@pytest.mark.parametrize("cancel", [CANCEL, CANCEL_BY_CLIENT_ID], ids=["by order id", "by client order id"])
def test_the_end_of_the_order_answers_a_cancel(cancel: c.CancelOrder, status: str) -> None:
    assert Desk(cancel).answer(order(status)) == order(status)


@pytest.mark.parametrize(
    "status",
    ["NO_SUCH_ORDER", "NOT_FOUND", "REJECTED", "REJECTED_FAILED_TO_PROCESS", "RATE_LIMITED", "PERMISSION_DENIED",
     "BAD_SYMBOL", "USER_IN_LIQUIDATION"],
)  # fmt: skip
def test_a_refused_cancel(status: str) -> None:
    refused = Desk(CANCEL).answer(order(status))
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
def test_what_does_not_answer_a_cancel(message: Order) -> None:
    desk = Desk(CANCEL)
    assert desk.answers(message) == {}
    assert desk.answer(order("CANCELLED")).order_id == "o1"


def test_a_refused_modify_does_not_end_the_cancel_that_was_sent_before_it() -> None:
    desk = Desk(CANCEL, modify())
    assert list(desk.answers(order("REJECTED_GREATER_THAN_MAX_PRICE_BAND"))) == [modify()]
    assert list(desk.answers(order("CANCELLED"))) == [CANCEL]


def test_an_unknown_client_order_id_may_come_back_as_the_order_id() -> None:
    unknown = order("NO_SUCH_ORDER", order_id="c1", client_order_id="")
    assert isinstance(Desk(CANCEL_BY_CLIENT_ID).answer(unknown), OrderRejected)


def test_what_is_true_of_a_cancelled_order_answers_everyone_who_asked() -> None:
    desk = Desk(CANCEL, CANCEL_BY_CLIENT_ID, c.CancelOrder(AAPL, "o2"))
    assert set(desk.answers(order("CANCELLED"))) == {CANCEL, CANCEL_BY_CLIENT_ID}
    twice = Desk()
    first, second = twice.send(CANCEL), twice.send(CANCEL)
    assert [request for request, _ in twice.book.answer(order("CANCELLED"))] == [first, second]


def test_an_order_that_is_cancelled_at_once_answers_its_placing_before_its_cancel() -> None:
    desk = Desk(limit(), CANCEL_BY_CLIENT_ID)
    assert list(desk.answers(order("ACK"))) == [limit()]
    assert list(desk.answers(order("CANCELLED"))) == [CANCEL_BY_CLIENT_ID]


# --- cancel all --------------------------------------------------------------------------------------------------


def test_cancelled_orders_are_collected_until_the_acknowledgement() -> None:
    desk = Desk(c.CancelAllOrders())
    first, second = order("CANCELLED"), order("CANCELLED_STP", order_id="o2")
    for message in (first, order("ACK", order_id="o3"), order("FILLED", order_id="o4"), second, first):
        assert desk.answers(message) == {}
    assert desk.answer(ack_of(c.CancelAllOrders())) == [first, second]


def test_a_cancel_of_all_takes_nothing_away_from_a_cancel_of_one() -> None:
    desk = Desk(c.CancelAllOrders(), CANCEL)
    assert desk.answers(order("CANCELLED")) == {CANCEL: order("CANCELLED")}
    assert desk.answer(Ack(None)) == [order("CANCELLED")]


# --- stops -------------------------------------------------------------------------------------------------------

CANCEL_STOP = c.CancelStopOrder("s1")
MODIFY_STOP = c.ModifyStopOrder("s1", AAPL, D(171), D(2))
TOLD = StopOrder("s1", AAPL, D(171), D(2), Side.SELL)


def test_every_way_in_which_a_stop_is_gone() -> None:
    gone = stop_order("CANCELLED", quantity=D(0), quantity_remaining=D(0))
    assert Desk(CANCEL_STOP).answer(gone) == gone
    assert Desk(CANCEL_STOP).answer(ack_of(CANCEL_STOP)) is None
    assert Desk(CANCEL_STOP).answer(Ack(None)) is None
    assert Desk(CANCEL_STOP).answer(StopOrder("s1", AAPL)) is None
    assert isinstance(Desk(CANCEL_STOP).answer(stop_order("NO_SUCH_ORDER")), OrderRejected)


@pytest.mark.parametrize(
    "message",
    [
        stop_order("ACK"),
        stop_order("MODIFIED"),
        stop_order("FILLED", quantity_remaining=D(0)),
        stop_order("CANCELLED", order_id="s2"),
        TOLD,
        StopOrder("s2", AAPL),
        ack_of(c.CancelStopOrder("s2")),
        ack_of(c.CancelAllOrders()),
    ],
)
def test_what_does_not_answer_a_stop_cancel(message: Any) -> None:
    assert Desk(CANCEL_STOP).answers(message) == {}


def test_every_way_in_which_a_stop_has_moved() -> None:
    for moved in (stop_order("MODIFIED", price=D(171), quantity=D(2)),
                  stop_order("MODIFIED", price=D(171), quantity=D(2), order_id="s9")):  # fmt: skip
        assert Desk(MODIFY_STOP).answer(moved) == moved
    assert Desk(MODIFY_STOP).answer(TOLD) is None
    assert Desk(MODIFY_STOP).answer(ack_of(MODIFY_STOP)) is None
    assert isinstance(
        Desk(MODIFY_STOP).answer(stop_order("INVALID_TICK_SIZE_PRECISION_PRICE")), OrderRejected
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
def test_what_does_not_answer_a_stop_modify(message: Any) -> None:
    assert Desk(MODIFY_STOP).answers(message) == {}


def test_another_stop_with_these_terms_is_no_replacement() -> None:
    desk = Desk()
    desk.send(MODIFY_STOP, known={"s1", "s9"})
    moved = {"price": D(171), "quantity": D(2)}
    assert desk.answers(stop_order("MODIFIED", order_id="s9", **moved)) == {}
    assert desk.answer(stop_order("MODIFIED", **moved)).order_id == "s1"


# --- TWAPs -------------------------------------------------------------------------------------------------------

ADD_TWAP = c.AddTwap(AAPL, Side.BUY, D(10), 5, 30, False, "t1")
TWAP = Twap("w1", "t1", AAPL, status="ACTIVE")


def test_a_twap_is_known_by_its_client_id() -> None:
    assert Desk(ADD_TWAP).answer(TWAP) == TWAP
    assert Desk(ADD_TWAP).answers(Twap("w2", "t2", AAPL)) == {}
    assert Desk(ADD_TWAP).answers(Twap("w2", None, AAPL)) == {}
    refused = Desk(ADD_TWAP).answer(Twap("w1", "t1", AAPL, status="REJECTED_MARKET_CLOSED"))
    assert isinstance(refused, OrderRejected) and refused.status is OrderStatus.REJECTED_MARKET_CLOSED


@pytest.mark.parametrize(
    "kind, name", [(CancelIdType.TWAP_ID, "w1"), (CancelIdType.CLIENT_TWAP_ID, "t1")], ids=["id", "client id"]
)
def test_every_answer_to_the_cancel_of_a_twap(kind: CancelIdType, name: str) -> None:
    cancel = c.CancelOrder(AAPL, name, kind)
    assert Desk(cancel).answer(TWAP) == TWAP
    assert Desk(cancel).answer(ack_of(cancel)) is None
    assert isinstance(Desk(cancel).answer(order("NO_SUCH_ORDER", order_id=name)), OrderRejected)
    for other in (Twap("w2", "t2"), Ack(None), ack_of(CANCEL), order("CANCELLED")):
        assert Desk(cancel).answers(other) == {}


def test_an_order_is_not_cancelled_by_an_acknowledgement() -> None:
    assert Desk(CANCEL).answers(ack_of(CANCEL)) == {}


# --- queries -----------------------------------------------------------------------------------------------------


def test_an_order_is_found_in_either_form() -> None:
    for name in ("o1", "c1"):
        query = c.GetOrder(AAPL, name)
        assert Desk(query).answer(order("CANCELLED")).status is OrderStatus.CANCELLED
        assert Desk(query).answer(OpenOrders([order(order_id="o9", client_order_id="x"), order()])) == order()


def test_an_order_that_there_is_not() -> None:
    for message in (order("NO_SUCH_ORDER"), OpenOrders()):
        refused = Desk(c.GetOrder(AAPL, "o1")).answer(message)
        assert isinstance(refused, OrderRejected) and refused.status is OrderStatus.NO_SUCH_ORDER


@pytest.mark.parametrize(
    "message", [order(order_id="o2", client_order_id="c2"), order("CANNOT_MODIFY_PARTIAL_FILL")]
)
def test_what_does_not_answer_a_query(message: Order) -> None:
    assert Desk(c.GetOrder(AAPL, "o1")).answers(message) == {}


def test_lists_answer_their_queries() -> None:
    page, trades = OpenOrders([order()]), [UserTrade("t", AAPL, D(1), D(1))]
    assert Desk(c.GetUserOrders()).answer(page) == page
    assert Desk(c.GetUserTrades()).answer(Trades(trades)) == trades
    rows = [Leverage(AAPL, D(5))]
    both = Desk(c.GetLeverage(), c.GetAvailableLeverage())
    assert both.answers(Leverages(rows, available=True)) == {c.GetAvailableLeverage(): rows}
    assert both.answers(Leverages(rows, available=False)) == {c.GetLeverage(): rows}


def test_lists_that_nobody_asked_for_answer_nobody() -> None:
    desk = Desk(CANCEL, ADD_TWAP, c.SetLeverage(AAPL, D(5)))
    for message in (OpenOrders(), Trades([]), Leverages([], False), Undecodable("x", "y"), TOLD):
        assert desk.answers(message) == {}


# --- subscriptions, authentication, settings ---------------------------------------------------------------------


def test_a_subscription_is_confirmed_channel_by_channel() -> None:
    subscribe = c.Subscribe((Channel.ORDERS, Channel.FILLS))
    desk = Desk(subscribe)
    for other in (
        Subscribed("fills"),
        Subscribed("fills"),
        Subscribed("positions"),
        Unsubscribed("order_responses"),
    ):
        assert desk.answers(other) == {}
    assert desk.answers(Subscribed("order_responses")) == {subscribe: None}


def test_a_cancelled_subscription_is_confirmed_too() -> None:
    desk = Desk(c.Unsubscribe((Channel.FILLS,)))
    assert desk.answers(Subscribed("fills")) == {}
    assert desk.answer(Unsubscribed("fills")) is None


def test_authentication() -> None:
    auth = c.Authenticate({"jwt": "t"})
    assert Desk(auth).answer(Authenticated(True)) is None
    refused = Desk(auth).answer(Authenticated(False, "bad key"))
    assert isinstance(refused, AuthenticationError) and "bad key" in str(refused)


def test_any_error_fails_an_outstanding_authentication() -> None:
    auth = c.Authenticate({"jwt": "t"})
    assert isinstance(Desk(auth).answer(Failure(ErrorCode.PERMISSION_DENIED, "no")), AuthenticationError)


SETTINGS: list[c.Command] = [
    c.SetLeverage(AAPL, D(5)), c.SetCancelOnDisconnect(True), c.CancelAllOrders(), CANCEL_STOP, MODIFY_STOP,
]  # fmt: skip


@pytest.mark.parametrize("command", SETTINGS, ids=lambda command: command.type)
def test_an_acknowledgement_finds_the_command_that_it_echoes(command: c.Command) -> None:
    desk = Desk(*SETTINGS)
    assert list(desk.answers(ack_of(command))) == [command]


@pytest.mark.parametrize("command", SETTINGS, ids=lambda command: command.type)
def test_a_bare_acknowledgement_counts_only_where_one_command_can_be_meant(command: c.Command) -> None:
    assert list(Desk(command, limit(), c.GetUserOrders()).answers(Ack(None))) == [command]
    others = [other for other in SETTINGS if other is not command]
    for other in others:
        assert Desk(command, other).answers(Ack(None)) == {}


def test_a_command_that_needs_no_acknowledgement_is_proven_by_a_later_subscription() -> None:
    arm, fence = c.SetCancelOnDisconnect(True), c.Subscribe((Channel.ORDERS,))
    desk = Desk(c.Subscribe((Channel.FILLS,)), arm, fence)
    assert desk.answers(Subscribed("fills")) == {c.Subscribe((Channel.FILLS,)): None}
    assert desk.answers(Subscribed("order_responses")) == {fence: None, arm: None}


# --- late replies ------------------------------------------------------------------------------------------------


def test_a_late_reply_is_swallowed_by_the_request_that_gave_up() -> None:
    first, second = c.GetUserTrades(), c.GetUserTrades("o1")
    desk = Desk(first)
    desk.give_up(first)
    assert len(desk.book) == 0
    desk.send(second)
    late = [UserTrade("late", AAPL, D(1), D(1))]
    assert desk.answers(Trades(late)) == {first: late}
    assert len(desk.book) == 1
    assert desk.answers(Trades([])) == {second: []}


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
def test_a_request_that_gave_up_takes_its_reply_and_is_gone(command: c.Command, late: Any) -> None:
    desk = Desk(command)
    desk.give_up(command)
    ((request, _),) = desk.book.answer(late)
    assert request.given_up and list(desk.book) == []


def test_a_lane_knows_who_is_in_it() -> None:
    desk = Desk(c.GetUserOrders())
    assert desk.book.occupant(c.GetOrder(AAPL, "o1").lanes()) is desk.request(c.GetUserOrders())
    assert desk.book.occupant(c.GetUserTrades().lanes()) is None
    desk.give_up(c.GetUserOrders())
    assert desk.book.occupant(("orders",)) is desk.request(c.GetUserOrders())
    desk.book.answer(OpenOrders())
    assert desk.book.occupant(("orders",)) is None


def test_a_line_that_never_answers_does_not_fill_the_memory() -> None:
    desk = Desk()
    for number in range(RequestBook.MAX_GIVEN_UP + 10):
        desk.book.give_up(desk.send(limit(f"c{number}")))
    assert len(list(desk.book)) == RequestBook.MAX_GIVEN_UP
    assert desk.answers(order(client_order_id="c0")) == {}
    assert desk.answer(order(client_order_id="c11")).client_order_id == "c11"


def test_taking_out_twice_does_no_harm() -> None:
    desk = Desk(CANCEL)
    desk.book.remove(desk.request(CANCEL))
    desk.book.remove(desk.request(CANCEL))
    desk.give_up(CANCEL)
    assert len(desk.book) == 0 and not desk.request(CANCEL).given_up

"""Modifies that an exchange carries out as cancel and replace: its messages may come in any sequence (r20, a16)."""

from __future__ import annotations

import json
from decimal import Decimal as D
from itertools import permutations
from typing import Any

import pytest

from qfex import OpenOrders, Order, OrderRejected, OrderStatus, Side
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.connection import TradeConnection

from .connections import (
    CLOCK,
    answered,
    answers_of,
    apply,
    in_use,
    list_message,
    order_message,
    orders_of,
    receive,
    sent,
)
from .in_flight import AAPL, modified, modify, order

OLD, NEW = order("CANCELLED"), modified(quantity_remaining=D(2))
PARTLY = modified(status=OrderStatus.FILLED, quantity_remaining=D("1.5"))
FILLED = modified(status=OrderStatus.FILLED, quantity_remaining=D(0))


class Observed:
    """What callers and users see of messages that a connection receives."""

    def __init__(self, connection: TradeConnection) -> None:
        self.connection = connection
        self.answers: dict[Any, Any] = {}
        self.events: list[Order] = []

    def receive(self, *messages: Any) -> None:
        for message in messages:
            frame = json.dumps(order_message(message) if isinstance(message, Order) else message).encode()
            answers, events = self.connection.receive(frame)
            more, found = self.connection.work()
            self.answers.update({request.command: outcome for request, outcome in answers + more})
            self.events += orders_of(events + found)


# --- own modifies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [PARTLY, FILLED], ids=["partly filled", "filled"])
@pytest.mark.parametrize("number", range(6))
def test_no_sequence_of_the_messages_of_a_modify_ends_the_order(number: int, last: Order) -> None:
    messages = list(permutations((OLD, NEW, last)))[number]
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    observed.receive(*messages)
    orders = connection.account.orders
    assert orders.get("o1") == orders.get("o2") == last
    assert list(orders.live) == (["o2"] if last.is_live else [])
    assert not any(each.status is OrderStatus.CANCELLED for each in observed.events)
    assert observed.events[-1] == last
    assert observed.answers == {modify(): NEW}


def test_the_cancel_of_the_old_id_is_not_the_end_while_the_modify_is_in_flight() -> None:
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    observed.receive(OLD)
    assert list(connection.account.orders.live) == ["o1"] and observed.events == []


@pytest.mark.parametrize("status", ["CANNOT_MODIFY_NO_SUCH_ORDER", "NO_SUCH_ORDER"])
def test_it_is_the_end_if_the_modify_is_refused(status: str) -> None:
    """The order was cancelled by somebody else, and the modify came too late."""
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    observed.receive(OLD, order(status))
    assert isinstance(observed.answers[modify()], OrderRejected)
    assert connection.account.orders.get("o1") == OLD and OLD in observed.events
    assert len(connection.account.questions) == 0


def test_it_is_the_end_if_the_modify_is_answered_with_an_error() -> None:
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    echo = json.loads(modify().encode())
    observed.receive(OLD, {"err": {"error_code": "ServerError", "message": "", "incoming_message": echo}})
    assert connection.account.orders.get("o1") == OLD and observed.events == [OLD]


@pytest.mark.parametrize("lives_on", [True, False])
def test_the_exchange_is_asked_if_the_modify_is_never_answered(lives_on: bool) -> None:
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    observed.receive(OLD)
    (request,) = connection.table
    connection.give_up(request)
    observed.events += orders_of(connection.work()[1])
    assert lives_on <= ([message["type"] for message in sent(connection)] == ["get_user_orders"])
    listed = modified(status=OrderStatus.ACK, quantity_remaining=D(2))
    observed.receive(list_message(*([listed] if lives_on else [])))
    if sent(connection):
        observed.receive(OLD)
    expected = listed if lives_on else OLD
    assert connection.account.orders.get("o1") == expected == observed.events[-1]
    assert len(observed.events) == 1 and len(connection.account.questions) == 0


def test_the_late_answer_to_a_modify_is_followed() -> None:
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    observed.receive(OLD)
    (request,) = connection.table
    connection.give_up(request)
    observed.receive(NEW)
    assert connection.account.orders.get("o1") == NEW and list(connection.account.orders.live) == ["o2"]


def test_it_is_in_question_if_the_connection_is_lost_before_the_modify_is_answered() -> None:
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    observed.receive(OLD)
    connection.ended()
    assert "o1" in connection.account.questions and observed.events == []


def test_a_cancel_of_all_orders_ends_an_order_with_a_modify_in_flight() -> None:
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    connection.send(c.CancelAllOrders())
    observed.receive(OLD)
    assert connection.account.orders.live == {} and observed.events == [OLD]


def test_the_cancel_of_the_old_id_is_no_end_either_where_it_answers_a_query() -> None:
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    connection.send(query := c.GetOrder(AAPL, "o1"))
    observed.receive(OLD)
    assert observed.answers == {query: OLD} and list(connection.account.orders.live) == ["o1"]
    observed.receive(NEW)
    assert connection.account.orders.get("o1") == NEW and observed.events == [NEW]


@pytest.mark.parametrize("is_mine", [True, False], ids=["of this session", "of another session"])
def test_a_list_that_overtakes_the_message_about_a_modify_hides_no_replacement(is_mine: bool) -> None:
    observed = Observed(connection := in_use(order()))
    if is_mine:
        connection.send(modify())
    connection.send(c.GetUserOrders())
    observed.receive(list_message(modified(status=OrderStatus.ACK, quantity_remaining=D(2))), NEW)
    assert connection.account.orders.current_id("o1") == "o2" and list(connection.account.orders.live) == [
        "o2"
    ]
    assert (modify() in observed.answers) is is_mine


def test_the_cancel_of_another_order_is_not_held_back() -> None:
    observed = Observed(connection := in_use(order(), order(order_id="o9", client_order_id="c9")))
    connection.send(modify())
    gone = order("CANCELLED", order_id="o9", client_order_id="c9")
    observed.receive(gone)
    assert observed.events == [gone] and list(connection.account.orders.live) == ["o1"]


# --- modifies of other sessions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [PARTLY, FILLED], ids=["partly filled", "filled"])
@pytest.mark.parametrize("number", range(6))
def test_a_modify_of_another_session_is_followed_in_every_sequence_of_its_messages(
    number: int, last: Order
) -> None:
    messages = list(permutations((OLD, NEW, last)))[number]
    observed = Observed(connection := in_use(order()))
    observed.receive(*messages)
    orders = connection.account.orders
    assert orders.get("o1") == orders.get("o2") == last
    assert list(orders.live) == (["o2"] if last.is_live else [])
    of_the_new_id = [each for each in observed.events if each.order_id == "o2"]
    assert of_the_new_id[-1] == last  # a MODIFIED that was overtaken by a fill is not delivered behind it


def test_a_new_order_with_the_same_client_order_id_replaces_nothing() -> None:
    connection = in_use(order())
    receive(connection, order_message(order(order_id="o2")))
    assert sorted(connection.account.orders.live) == ["o1", "o2"]


def test_a_modify_under_the_same_id_replaces_nothing() -> None:
    connection = in_use(order(), order(order_id="o2"))
    receive(connection, order_message(order("MODIFIED", price=D(181))))
    assert sorted(connection.account.orders.live) == ["o1", "o2"]


BLANK = modified(client_order_id="", quantity_remaining=D(2))
MODIFY_AGAIN = c.ModifyOrder(AAPL, "o2", Side.BUY, BLANK.order_type, D(182), D(2), False)


@pytest.fixture
def modified_elsewhere() -> TradeConnection:
    """An order was modified by another session, and the message has no client order id."""
    connection = in_use(order(), order(order_id="o9", client_order_id="c9", symbol="GOLD-USD"))
    receive(connection, order_message(BLANK))
    assert sorted(connection.account.orders.live) == ["o1", "o2", "o9"]
    connection.work()
    assert [message["type"] for message in sent(connection)] == ["get_user_orders"]
    return connection


def test_a_modify_elsewhere_without_a_client_order_id_is_followed_where_the_list_has_it(
    modified_elsewhere: TradeConnection,
) -> None:
    connection = modified_elsewhere
    gold = order(order_id="o9", client_order_id="c9", symbol="GOLD-USD")
    events = receive(
        connection, list_message(modified(status=OrderStatus.ACK, quantity_remaining=D(2)), gold)
    )
    events += connection.work()[1]
    assert sorted(connection.account.orders.live) == ["o2", "o9"]
    followed = connection.account.orders.get("o1")
    assert followed is not None and (followed.order_id, followed.price) == ("o2", 181)
    assert sent(connection) == [] and len(connection.account.questions) == 0


def test_a_modify_elsewhere_without_any_client_order_id_ends_the_old_id_by_asking(
    modified_elsewhere: TradeConnection,
) -> None:
    connection = modified_elsewhere
    gold = order(order_id="o9", client_order_id="c9", symbol="GOLD-USD")
    receive(connection, list_message(modified(status=OrderStatus.ACK, client_order_id=""), gold))
    for _ in range(5):
        connection.work()
        for message in sent(connection):
            if message["type"] == "get_order":
                assert message["params"]["order_id"] == "o1"
                receive(connection, order_message(order("NO_SUCH_ORDER")))
            else:
                receive(connection, {"user_trades_response": []})
        for inquiry in list(connection.inquiries):
            connection.inquiries.remove(inquiry)
            connection.answer_inquiry(inquiry, [])
    assert sorted(connection.account.orders.live) == ["o2", "o9"]


def test_a_modify_elsewhere_of_an_order_that_was_not_seen_puts_others_of_its_kind_in_question() -> None:
    connection = in_use(order(), order(order_id="o9", client_order_id="c9", symbol="GOLD-USD"))
    receive(connection, order_message(modified(client_order_id="of another session")))
    assert [question.order.order_id for question in connection.account.questions.open()] == ["o1"]
    receive(connection, order_message(modified(price=D(190), client_order_id="of another session")))
    CLOCK.advance(1.0)
    assert "o9" not in connection.account.questions


def test_a_modify_that_was_answered_puts_nothing_in_question() -> None:
    connection = in_use(order(), order(order_id="o9", client_order_id="c9"))
    connection.send(modify())
    assert answers_of(connection, order_message(BLANK))
    assert sorted(connection.account.orders.live) == ["o2", "o9"] and len(connection.account.questions) == 0
    assert connection.account.orders.get("o1").client_order_id == "c1"  # type: ignore[union-attr]


def test_an_unanswered_cancel_of_the_old_id_does_not_take_the_end_of_the_new_one() -> None:
    observed = Observed(connection := in_use(order()))
    cancel = c.CancelOrder(AAPL, "o1")
    connection.send(cancel)
    observed.receive(NEW)
    assert cancel not in observed.answers


# --- modifies of other sessions, whose message has no client order id ---------------------------------------------


@pytest.mark.parametrize("last", [PARTLY, FILLED], ids=["partly filled", "filled"])
@pytest.mark.parametrize("number", range(6))
def test_a_fill_tells_which_order_was_modified_in_every_sequence_of_the_messages(
    number: int, last: Order
) -> None:
    messages = list(permutations((OLD, BLANK, last)))[number]
    observed = Observed(connection := in_use(order()))
    observed.receive(*messages)
    orders = connection.account.orders
    assert orders.get("o1") == orders.get("o2") == last
    assert list(orders.live) == (["o2"] if last.is_live else [])


def test_a_cancel_behind_the_modify_is_no_end_until_it_is_known_which_order_was_modified() -> None:
    observed = Observed(connection := in_use(order()))
    observed.receive(BLANK, OLD)
    assert observed.events == [BLANK] and connection.account.orders.get("o1").is_live  # type: ignore[union-attr]
    observed.receive(PARTLY)
    assert observed.events == [BLANK, PARTLY] and connection.account.orders.get("o1") == PARTLY


def test_a_cancel_behind_the_modify_is_an_end_if_another_order_was_modified() -> None:
    observed = Observed(connection := in_use(order()))
    observed.receive(BLANK, OLD, modified(client_order_id="of another session", quantity_remaining=D(2)))
    observed.events += orders_of(connection.work()[1])
    assert observed.events[-1] == OLD == connection.account.orders.get("o1")


def test_a_cancel_behind_the_modify_is_an_end_if_nothing_tells_in_time_which_order_was_modified() -> None:
    observed = Observed(connection := in_use(order()))
    observed.receive(BLANK, OLD)
    CLOCK.advance(3.1)
    assert connection.has_work
    observed.events += orders_of(connection.work()[1])
    assert observed.events[-1] == OLD == connection.account.orders.get("o1")


def test_a_cancel_of_an_order_on_the_other_side_does_not_wait_for_that() -> None:
    sold = order(order_id="o9", client_order_id="c9", side=Side.SELL)
    observed = Observed(in_use(order(), sold))
    gone = order("CANCELLED", order_id="o9", client_order_id="c9", side=Side.SELL)
    observed.receive(BLANK, gone)
    assert observed.events == [BLANK, gone]


def test_an_order_that_was_modified_elsewhere_and_then_here_is_followed() -> None:
    observed = Observed(connection := in_use(order()))
    observed.receive(OLD, BLANK)
    connection.send(MODIFY_AGAIN)
    newest = modified(order_id="o3", client_order_id="", price=D(182), quantity_remaining=D(2))
    observed.receive(modified(status=OrderStatus.CANCELLED, quantity_remaining=D(2)), newest)
    followed = connection.account.orders.get("o1")
    assert followed is not None and (followed.order_id, followed.client_order_id) == ("o3", "c1")
    assert list(connection.account.orders.live) == ["o3"]


def test_an_order_that_was_modified_elsewhere_and_then_here_is_asked_about() -> None:
    observed = Observed(connection := in_use(order()))
    observed.receive(BLANK)
    connection.send(MODIFY_AGAIN)
    observed.receive(modified(order_id="o3", client_order_id="", price=D(182), quantity_remaining=D(2)))
    assert "o3" in connection.account.questions


def test_an_order_is_followed_through_several_modifies_of_another_session() -> None:
    """It was modified before it was known here, from a program that kept its first state."""
    connection = in_use(order(order_id="o2", price=D(181)))
    receive(connection, order_message(modified(order_id="o3")))
    assert list(connection.account.orders.live) == ["o3"]
    orders = connection.account.orders
    first = order(order_id="o1")
    orders.remember(first)
    successor = orders.successor(first)
    assert successor is None  # o2 was placed: it replaced nothing

    connection = in_use()
    receive(connection, order_message(modified(order_id="o2")))
    receive(connection, order_message(modified(order_id="o3")))
    orders = connection.account.orders
    orders.remember(first)
    assert (successor := orders.successor(first)) is not None and successor.order_id == "o3"


def test_orders_that_were_live_at_the_same_time_did_not_replace_each_other() -> None:
    connection = in_use()
    connection.work()
    one, other = order(order_id="o1"), order(order_id="o2")
    apply(connection, OpenOrders([one, other]), answered(c.GetUserOrders()))
    assert connection.account.orders.successor(one) is None


def test_two_early_states_of_an_order_are_followed_to_the_same_one() -> None:
    connection = in_use()
    receive(connection, order_message(modified(order_id="o3")))
    orders = connection.account.orders
    for order_id in ("o1", "o2"):
        orders.remember(early := order(order_id=order_id))
        assert (successor := orders.successor(early)) is not None and successor.order_id == "o3"
        connection.account.follow_order(order_id, successor)
    assert list(orders.live) == ["o3"]


def test_two_modifies_of_another_session_in_a_row_are_followed() -> None:
    observed = Observed(connection := in_use(order()))
    third = modified(order_id="o3", client_order_id="", price=D(182), quantity_remaining=D(2))
    cancelled = modified(status=OrderStatus.CANCELLED, quantity_remaining=D(2))
    observed.receive(BLANK, OLD, third, cancelled)
    observed.receive(
        modified(order_id="o3", price=D(182), status=OrderStatus.FILLED, quantity_remaining=D(1))
    )
    assert list(connection.account.orders.live) == ["o3"]
    assert connection.account.orders.current_id("o1") == connection.account.orders.current_id("o2") == "o3"
    connection.work()
    assert list(connection.account.orders.live) == ["o3"]


# --- modifies at the same time -----------------------------------------------------------------------------------


def test_the_exchange_is_asked_which_of_two_modifies_at_the_same_time_was_the_last() -> None:
    """Their messages have no times, and the reply to ours came late."""
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    theirs, ours = (
        order("MODIFIED", price=D(190)),
        order("MODIFIED", price=D(181), quantity=D(2), quantity_remaining=D(2)),
    )
    observed.receive(theirs, ours)
    assert observed.answers == {modify(): ours}
    assert [message["type"] for message in sent(connection)] == ["get_user_orders"]
    observed.receive(list_message(order(price=D(190))))
    assert connection.account.orders.get("o1").price == 190  # type: ignore[union-attr]
    assert len(connection.account.questions) == 0


def test_a_modify_that_is_answered_twice_puts_nothing_in_question() -> None:
    observed = Observed(connection := in_use(order()))
    connection.send(modify())
    ours = order("MODIFIED", price=D(181), quantity=D(2), quantity_remaining=D(2))
    observed.receive(ours, ours)
    assert len(connection.account.questions) == 0

"""Open questions: what may have changed without a word, and how the exchange is asked for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal as D
from typing import Any

import pytest

from qfex import Channel, Order, OrderRejected, OrderStatus, ServerError
from qfex.protocol.command import Command, Request
from qfex.protocol.events import Event
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.account import OpenQuestions
from qfex.protocol.trade.connection import TradeConnection
from qfex.protocol.trade.reconcile import PAGE

from .connections import (
    CLOCK,
    answers_of,
    connected,
    in_use,
    list_message,
    order_message,
    orders_of,
    receive,
    sent,
    trade_endpoint,
)
from .in_flight import AAPL, modify, order, stop_order

LIST = {"type": "get_user_orders", "params": {"limit": PAGE, "offset": 0}}
QUERY = {"type": "get_order", "params": {"symbol": AAPL, "order_id": "o1"}}
UNKNOWN = order_message(order("NO_SUCH_ORDER"))
SERVER_ERROR = {"err": {"error_code": "ServerError", "message": "no", "incoming_message": LIST}}


def asked(connection: TradeConnection) -> list[dict[str, Any]]:
    """What the connection asks of its own accord, now that it has been given the chance."""
    connection.work()
    return sent(connection)


def settle(
    connection: TradeConnection, history: Sequence[Order] = ()
) -> tuple[dict[Command, Any], list[Event]]:
    """Answer the questions to the history, and those to the trades with none; what callers get, and the events."""
    outcomes: dict[Command, Any] = {}
    events: list[Event] = []
    for _ in range(5):
        answers, found = connection.work()
        outcomes.update({request.command: outcome for request, outcome in answers})
        events += found
        inquiries, connection.inquiries = connection.inquiries, []
        for inquiry in inquiries:
            connection.answer_inquiry(inquiry, list(history))
        for message in sent(connection):
            if message["type"] == "get_user_trades":
                events += receive(connection, {"user_trades_response": []})
    return outcomes, events


def in_question(connection: TradeConnection) -> list[str]:
    return [question.order.order_id for question in connection.account.questions.open()]


# --- when they are asked -----------------------------------------------------------------------------------------


def test_questions_are_asked_at_once_and_then_after_growing_pauses_of_four_seconds_at_most() -> None:
    now = 100.0
    questions = OpenQuestions(lambda: now)
    questions.ask(order(), "why")
    pauses = []
    for _ in range(9):
        assert questions.are_due
        questions.postpone()
        began = now
        while not questions.are_due:
            now += 0.25
        pauses.append(now - began)
    assert pauses == [0.25, 0.5, 1, 2, 4, 4, 4, 4, 4]


def test_a_new_question_is_asked_at_once_whatever_the_pause() -> None:
    now = 100.0
    questions = OpenQuestions(lambda: now)
    questions.ask(order(), "why")
    for _ in range(6):
        questions.postpone()
    questions.ask(order(), "once more")  # it is open already
    assert not questions.are_due
    questions.ask(order(order_id="o2"), "why")
    assert questions.are_due
    questions.postpone()
    now += 0.25
    assert questions.are_due


def test_a_question_with_a_delay_is_asked_after_it() -> None:
    now = 100.0
    questions = OpenQuestions(lambda: now)
    questions.ask(order(), "why", delay=0.3)
    assert not questions.are_due
    now += 0.3
    assert questions.are_due


def test_without_a_question_nothing_is_due() -> None:
    questions = OpenQuestions(lambda: 0.0)
    assert not questions.are_due
    questions.ask(order(), "why")
    questions.settle("o1")
    assert not questions.are_due and len(questions) == 0 and "o1" not in questions


def test_a_question_keeps_its_reason_and_time() -> None:
    now = 100.0
    questions = OpenQuestions(lambda: now)
    first = questions.ask(order(), "a refusal answers no request")
    now += 5
    assert questions.ask(order(), "the connection was lost") is first
    assert (first.reason, first.since) == ("a refusal answers no request", 100.0)


def test_nothing_is_asked_before_the_connection_is_in_use() -> None:
    connection = connected()
    connection.account.in_force.add(Channel.ORDERS)
    connection.account.take_order(order())
    connection.account.question("o1", "why")
    assert asked(connection) == []
    connection.release()
    assert asked(connection) == [LIST]


def test_one_round_of_questions_runs_at_a_time() -> None:
    connection = in_use(order())
    connection.account.question("o1", "why")
    assert asked(connection) == [LIST]
    assert asked(connection) == []


def seconds_until_overdue(connection: TradeConnection, limit: float) -> float:
    """After how many seconds, during which nothing comes, the connection is to be replaced."""
    for tenths in range(int(limit * 10)):
        if connection.is_overdue:
            return tenths / 10
        asked(connection)
        CLOCK.advance(0.1)
    return limit


def test_a_connection_on_which_a_round_is_not_answered_is_to_be_replaced() -> None:
    connection = in_use(order())
    connection.account.question("o1", "why")
    assert 2 < seconds_until_overdue(connection, 10) < 3.5 and in_question(connection) == ["o1"]
    receive(connection, list_message(order()))  # the late answer to a request that was given up
    assert list(connection.account.orders.live) == ["o1"]


def test_a_connection_on_which_a_callers_query_is_not_answered_is_to_be_replaced_once_something_is_to_ask() -> (
    None
):
    connection = in_use(order())
    request = Request(c.GetOrder(AAPL, "o1"))
    connection.send(request.command, request)
    connection.give_up(request)
    assert seconds_until_overdue(connection, 10) == 10
    connection.account.question("o1", "why")
    assert seconds_until_overdue(connection, 10) < 1


def test_an_exchange_that_is_only_slow_is_given_more_time_on_each_connection() -> None:
    endpoint, waited = trade_endpoint(), []
    for _ in range(6):
        connection = in_use(order(), endpoint=endpoint)
        connection.account.question("o1", "why")
        waited.append(round(seconds_until_overdue(connection, 99)))
    assert waited == sorted(waited) and waited[0] < 4 and 20 < waited[-1] < 30
    connection = in_use(order(), endpoint=endpoint)
    connection.account.question("o1", "why")
    asked(connection)
    receive(connection, list_message(order()))
    connection.account.question("o1", "why")
    assert seconds_until_overdue(connection, 99) < 4


def test_what_could_not_be_asked_is_reported_once() -> None:
    connection, events = in_use(order()), []
    connection.account.question("o1", "why")
    for _ in range(3):
        CLOCK.advance(5.0)
        assert asked(connection) == [LIST]
        receive(connection, SERVER_ERROR)
        events += connection.work()[1]
    (event,) = events
    assert event.channel is Channel.ERRORS and event.value.kind == "recovery"
    assert "1 orders" in event.value.message and isinstance(event.value.error, ServerError)


def test_questions_are_asked_behind_the_users_own_calls() -> None:
    connection = in_use(order())
    connection.account.question("o1", "why")
    connection.work(may_ask=False)
    assert sent(connection) == []


# --- what opens a question ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [each.value for each in OrderStatus if each.is_rejection])
def test_a_refusal_that_answers_no_request_ends_nothing_and_opens_a_question(status: str) -> None:
    connection = in_use(order())
    events = receive(connection, order_message(order(status)))
    assert connection.account.orders.live == {"o1": order()} and in_question(connection) == ["o1"]
    assert [event.value.status for event in events] == [status]  # the user sees it
    assert asked(connection) == [LIST]
    receive(connection, list_message(order()))
    assert in_question(connection) == [] and asked(connection) == []


def test_a_refusal_of_an_order_that_is_not_known_opens_no_question() -> None:
    connection = in_use(order())
    receive(connection, order_message(order("REJECTED", order_id="o9", client_order_id="c9")))
    receive(connection, order_message(order("REJECTED", order_id="")))
    assert in_question(connection) == []


CHANGES: list[Command] = [c.CancelOrder(AAPL, "o1"), modify(), c.GetOrder(AAPL, "o1")]


@pytest.mark.parametrize("status", ["NO_SUCH_ORDER", "NOT_FOUND"])
@pytest.mark.parametrize("command", CHANGES, ids=lambda command: command.type)
def test_that_there_is_no_such_order_ends_it_once_the_list_agrees_and_the_trades_are_read(
    command: Command, status: str
) -> None:
    connection = in_use(order())
    connection.send(command)
    answers = answers_of(connection, order_message(order(status)))
    assert isinstance(answers[command], OrderRejected)
    assert list(connection.account.orders.live) == ["o1"] and in_question(connection) == ["o1"]
    assert asked(connection) == [LIST]
    receive(connection, list_message())
    assert asked(connection) == [QUERY]
    receive(connection, order_message(order(status)))
    assert list(connection.account.orders.live) == ["o1"]  # its trades are not read yet
    (ended,) = orders_of(settle(connection)[1])
    assert ended.status is OrderStatus.NO_SUCH_ORDER and connection.account.orders.live == {}
    assert in_question(connection) == []


def test_a_modify_that_was_refused_since_there_is_no_such_order_opens_a_question() -> None:
    connection = in_use(order())
    connection.send(modify())
    answers_of(connection, order_message(order("CANNOT_MODIFY_NO_SUCH_ORDER")))
    question = connection.account.questions.get("o1")
    assert question is not None and question.is_denied


@pytest.mark.parametrize("status", ["CANNOT_MODIFY_PARTIAL_FILL", "INVALID_TICK_SIZE_PRECISION_PRICE"])
def test_a_modify_that_was_refused_for_its_terms_opens_no_question(status: str) -> None:
    connection = in_use(order())
    connection.send(modify())
    answers_of(connection, order_message(order(status)))
    assert in_question(connection) == [] and connection.account.orders.live == {"o1": order()}


@pytest.mark.parametrize(
    "command",
    [modify(), c.CancelOrder(AAPL, "o1"), c.CancelStopOrder("o1"), c.ModifyStopOrder("o1", AAPL, D(1), D(1))],
    ids=lambda command: command.type,
)
@pytest.mark.parametrize("how", ["given up", "connection lost", "error"])
def test_the_unknown_outcome_of_a_request_about_an_order_opens_a_question(command: Any, how: str) -> None:
    connection = in_use(order())
    connection.send(command)
    (request,) = connection.table
    if how == "given up":
        connection.give_up(request)
    elif how == "connection lost":
        connection.ended()
    else:
        echo = json.loads(command.encode())
        answers_of(
            connection, {"err": {"error_code": "ServerError", "message": "", "incoming_message": echo}}
        )
    assert in_question(connection) == ["o1"]


def test_an_unknown_outcome_that_became_known_by_a_late_reply_is_not_asked_for_again() -> None:
    connection = in_use(order())
    connection.send(c.CancelOrder(AAPL, "o1"))
    (request,) = connection.table
    connection.give_up(request)
    answers_of(connection, order_message(order("CANCELLED")))
    assert in_question(connection) == []
    connection.ended()
    assert in_question(connection) == []


@pytest.mark.parametrize("word", [order("CANCELLED"), order("FILLED", quantity_remaining=D(0))])
def test_an_end_settles_a_question_whoever_asked(word: Order) -> None:
    connection = in_use(order())
    connection.account.question("o1", "why")
    assert orders_of(receive(connection, order_message(word))) == [word]
    assert in_question(connection) == [] and asked(connection) == []


def test_the_answer_to_a_callers_query_settles_a_question() -> None:
    connection = in_use(order())
    connection.account.question("o1", "why")
    connection.send(c.GetOrder(AAPL, "o1"))
    answers_of(connection, order_message(order()))
    assert in_question(connection) == []


def test_a_new_state_of_a_live_order_does_not_settle_what_was_asked_before() -> None:
    """It may have been on its way when the order ended."""
    connection = in_use(order())
    connection.account.question("o1", "why")
    receive(connection, order_message(order("FILLED", quantity_remaining=D("0.5"))))
    assert in_question(connection) == ["o1"]


# --- lists that a caller reads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command, rows, is_open",
    [
        (c.GetUserOrders(), [], True),
        (c.GetUserOrders(AAPL), [], True),
        (c.GetUserOrders("GOLD-USD"), [], False),
        (c.GetUserOrders(limit=1), [order(order_id="o2", client_order_id="c2")], False),  # more may follow
        (c.GetUserOrders(limit=2), [order(order_id="o2", client_order_id="c2")], True),
        (c.GetUserOrders(offset=1), [], False),
        (c.GetUserOrders(), [order()], False),
    ],
)
def test_an_order_that_a_complete_list_does_not_have_is_in_question(
    command: c.GetUserOrders, rows: list[Order], is_open: bool
) -> None:
    connection = in_use(order())
    connection.send(command)
    answers_of(connection, list_message(*rows))
    assert in_question(connection) == (["o1"] if is_open else [])
    assert "o1" in connection.account.orders.live


def test_an_order_that_was_placed_while_the_list_was_asked_for_is_not_in_question() -> None:
    connection = in_use()
    connection.send(c.GetUserOrders())
    receive(connection, order_message(order()))
    answers_of(connection, list_message())
    assert in_question(connection) == []


# --- messages that name an order and not what happened -----------------------------------------------------------

STOP_MESSAGE = {"stop_order_response": {"stop_order_id": "s1", "symbol": AAPL, "price": "170", "quantity": "1",
                                        "direction": "SELL", "stop_order_type": "STOP_LOSS"}}  # fmt: skip


STOP_QUERY = {"type": "get_order", "params": {"symbol": AAPL, "order_id": "s1"}}


def asked_about_a_stop(command: Command) -> TradeConnection:
    """A connection that has asked for a stop whose cancel was answered without what happened; it is in no list."""
    connection = in_use(stop_order())
    connection.send(command)
    assert answers_of(connection, STOP_MESSAGE) == {}
    assert asked(connection) == []  # an acknowledgement may follow
    CLOCK.advance(0.3)
    assert asked(connection) == [LIST]
    receive(connection, list_message())
    assert asked(connection) == [STOP_QUERY]
    return connection


CANCEL_STOP = c.CancelStopOrder("s1")


def test_the_cancel_of_a_stop_that_is_answered_without_what_happened_is_settled_by_asking() -> None:
    connection = asked_about_a_stop(CANCEL_STOP)
    gone = stop_order("CANCELLED")
    assert answers_of(connection, order_message(gone)) == {CANCEL_STOP: gone}
    assert connection.account.orders.live == {} and in_question(connection) == []


def test_the_history_settles_it_where_the_query_has_no_answer() -> None:
    connection = asked_about_a_stop(CANCEL_STOP)
    receive(connection, {"err": {"error_code": "ServerError", "message": "", "incoming_message": STOP_QUERY}})
    inquiries, connection.inquiries = connection.inquiries, []
    connection.answer_inquiry(inquiries[0], [stop_order("CANCELLED")])
    answers, events = connection.work()
    assert [(request.command, outcome) for request, outcome in answers] == [(CANCEL_STOP, None)]
    assert [each.order_id for each in orders_of(events)] == ["s1"] and len(connection.table) == 0


def test_that_there_is_no_such_stop_settles_it_as_cancelled() -> None:
    connection = asked_about_a_stop(CANCEL_STOP)
    outcomes = answers_of(connection, order_message(stop_order("NO_SUCH_ORDER")))
    more, events = settle(connection)
    assert {**outcomes, **more} == {CANCEL_STOP: None}
    assert [each.order_id for each in orders_of(events)] == ["s1"]
    assert connection.account.orders.live == {} and len(connection.table) == 0


def test_an_acknowledgement_that_follows_saves_the_question() -> None:
    connection = in_use(stop_order())
    connection.send(CANCEL_STOP)
    receive(connection, STOP_MESSAGE)
    assert answers_of(connection, {"ack": {"incoming_message": json.loads(CANCEL_STOP.encode())}})
    CLOCK.advance(1.0)
    assert asked(connection) == [] and connection.account.orders.live == {}


def test_a_stop_that_nobody_changes_is_not_in_question() -> None:
    connection = in_use(stop_order())
    receive(connection, STOP_MESSAGE)
    assert in_question(connection) == []


# --- orders that nobody knows ------------------------------------------------------------------------------------


def test_the_list_that_a_reader_wants_is_read_without_a_question() -> None:
    connection = in_use()
    connection.account.questions.want_list()
    assert asked(connection) == [LIST]
    receive(connection, list_message(order()))
    assert connection.account.orders_listed and not connection.account.questions.wants_list
    assert connection.account.orders.live == {"o1": order()} and asked(connection) == []


def test_the_list_after_a_lost_connection_is_asked_for_until_it_was_read() -> None:
    """Orders that nobody knows may be in it, so it is asked for though there is no question about an order."""
    connection = in_use()
    connection.start(connection.resync(), patience=5.0)
    assert sent(connection) == [LIST]
    receive(connection, SERVER_ERROR)
    assert asked(connection) == []
    CLOCK.advance(0.3)
    assert asked(connection) == [LIST]
    receive(connection, list_message(order()))
    assert connection.account.orders.live == {"o1": order()} and asked(connection) == []


def test_an_order_of_which_only_the_id_is_known_cannot_be_in_question() -> None:
    connection = in_use(order(symbol=""))
    connection.account.question("o1", "why")
    connection.account.question("never seen", "why")
    connection.account.question("", "why")
    assert in_question(connection) == []

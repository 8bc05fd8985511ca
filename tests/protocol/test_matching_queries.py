"""A query for one order is answered by an order or by a list, and must not be confused by an update of that order."""

from __future__ import annotations

from decimal import Decimal as D

from qfex import Channel, OpenOrders, OrderRejected
from qfex.protocol import commands as c
from qfex.protocol.matching import Habits, Request, RequestBook
from qfex.protocol.messages import Ack, Subscribed

from .book import AAPL, Desk, modify, order

QUERY = c.GetOrder(AAPL, "o1")
LIST = c.GetUserOrders()


def desk_of(habits: Habits, *commands: c.Command, known: object = None) -> Desk:
    """A line of an exchange whose habits may be known, and whose client knows of order o1 what is given."""
    desk = Desk()
    desk.book = RequestBook(habits)
    for command in commands:
        desk.send(command).known_before = {"o1": known}.get
    return desk


def test_an_exchange_that_answers_with_lists_is_recognised() -> None:
    habits = Habits()
    assert desk_of(habits, QUERY).answer(OpenOrders([order()])) == order()
    assert habits.order_query is OpenOrders
    desk = desk_of(habits, QUERY)
    assert desk.answers(order("FILLED", quantity_remaining=D("0.5"))) == {}  # an update, and not the answer
    assert desk.answer(OpenOrders([order()])) == order()


def test_an_exchange_that_answers_with_orders_is_recognised() -> None:
    habits = Habits()
    assert desk_of(habits, QUERY, known=order()).answer(order()) == order()
    assert habits.order_query is not OpenOrders and habits.order_query is not None
    assert len(desk_of(habits).book) == 0


def test_an_empty_list_teaches_nothing() -> None:
    habits = Habits()
    assert isinstance(desk_of(habits, QUERY).answer(OpenOrders()), OrderRejected)
    assert habits.order_query is None


def test_news_answer_a_query_but_the_reply_may_be_yet_to_come() -> None:
    desk = desk_of(Habits(), QUERY, known=order())
    news = order("FILLED", quantity_remaining=D("0.5"))
    assert desk.answers(news) == {QUERY: news}
    assert len(desk.book) == 0  # nobody waits
    desk.send(LIST)
    assert desk.answers(OpenOrders([news])) == {}  # the reply to the query, swallowed
    assert desk.answers(OpenOrders()) == {LIST: OpenOrders()}


def test_an_update_that_answers_a_query_answers_others_too() -> None:
    cancel = c.CancelOrder(AAPL, "o1")
    desk = desk_of(Habits(), QUERY, cancel, known=order())
    cancelled = order("CANCELLED")
    assert desk.answers(cancelled) == {QUERY: cancelled, cancel: cancelled}


def test_a_refusal_goes_to_what_it_refuses_before_a_query() -> None:
    cancel = c.CancelOrder(AAPL, "o1")
    refused = order("NO_SUCH_ORDER")
    desk = desk_of(Habits(), QUERY, cancel, known=order())
    assert list(desk.answers(refused)) == [cancel]
    other = desk_of(Habits(), QUERY, modify(), known=order())
    assert list(other.answers(order("REJECTED"))) == [modify()]


def test_a_cancel_of_all_that_settled_without_a_word_swallows_a_late_one() -> None:
    everything, fence = c.CancelAllOrders(), c.Subscribe((Channel.ORDERS,))
    desk = Desk(everything)
    lingering = desk.request(everything)
    lingering.lingering = True
    desk.book.give_up(lingering)
    desk.send(fence)
    assert desk.answers(Subscribed("order_responses")) == {fence: None}
    assert list(desk.book) == []


def test_a_waiting_cancel_of_all_is_not_settled_by_a_subscription() -> None:
    everything, fence = c.CancelAllOrders(), c.Subscribe((Channel.ORDERS,))
    desk = Desk(everything, fence)
    assert desk.answers(Subscribed("order_responses")) == {fence: None}
    assert desk.answers(Ack(None)) == {everything: []}


def test_requests_are_filed_and_found_as_often_as_they_are_sent() -> None:
    book = RequestBook()
    requests = [Request(QUERY) for _ in range(3)]
    for request in requests:
        book.add(request)
    assert list(book) == requests and bool(book) and len(book) == 3
    for request in requests:
        book.remove(request)
    assert not book and list(book) == []

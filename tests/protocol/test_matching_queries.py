"""A query for one order: its reply is an order or a list, and an update of that order may come before it."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex import Channel, OpenOrders, Order, OrderRejected
from qfex.protocol.command import Command
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.messages import Ack, Subscribed
from qfex.protocol.trade.requests import ExchangeQuirks

from .in_flight import AAPL, InFlight, modify, order

QUERY = c.GetOrder(AAPL, "o1")
LIST = c.GetUserOrders()


def with_known_order(*commands: Command, quirks: ExchangeQuirks | None = None) -> InFlight:
    """Commands of a client that knows o1 as a live order."""
    return InFlight(*commands, known={"o1": order()}, quirks=quirks)


def test_an_exchange_that_answers_queries_with_lists_is_recognised() -> None:
    quirks = ExchangeQuirks()
    assert InFlight(QUERY, quirks=quirks).answer(OpenOrders([order()])) == order()
    assert quirks.order_query is OpenOrders
    next_connection = InFlight(QUERY, quirks=quirks)
    assert next_connection.answers(order("FILLED", quantity_remaining=D("0.5"))) == {}  # just an update
    assert next_connection.answer(OpenOrders([order()])) == order()


def test_an_exchange_that_answers_queries_with_orders_is_recognised() -> None:
    quirks = ExchangeQuirks()
    in_flight = with_known_order(QUERY, quirks=quirks)
    assert in_flight.answer(order()) == order()
    assert quirks.order_query is Order
    assert list(in_flight.table) == []


def test_an_empty_list_does_not_show_how_the_exchange_answers_queries() -> None:
    quirks = ExchangeQuirks()
    assert isinstance(InFlight(QUERY, quirks=quirks).answer(OpenOrders()), OrderRejected)
    assert quirks.order_query is None


def test_an_update_answers_a_query_whose_own_reply_may_still_come() -> None:
    in_flight = with_known_order(QUERY)
    update = order("FILLED", quantity_remaining=D("0.5"))
    assert in_flight.answers(update) == {QUERY: update}
    assert len(in_flight.table) == 0  # nobody waits
    in_flight.send(LIST)
    assert in_flight.answers(OpenOrders([update])) == {}  # the query's own reply, which is late
    assert in_flight.answers(OpenOrders()) == {LIST: OpenOrders()}


def test_an_update_that_answers_a_query_answers_others_too() -> None:
    cancel = c.CancelOrder(AAPL, "o1")
    in_flight = with_known_order(QUERY, cancel)
    cancelled = order("CANCELLED")
    assert in_flight.answers(cancelled) == {QUERY: cancelled, cancel: cancelled}


def test_a_refusal_goes_to_the_request_that_it_refuses_before_a_query() -> None:
    cancel = c.CancelOrder(AAPL, "o1")
    assert list(with_known_order(QUERY, cancel).answers(order("REJECTED"))) == [cancel]
    assert list(with_known_order(QUERY, modify()).answers(order("REJECTED"))) == [modify()]


@pytest.mark.parametrize("status", ["NO_SUCH_ORDER", "NOT_FOUND"])
def test_that_there_is_no_such_order_answers_every_request_about_it(status: str) -> None:
    cancel = c.CancelOrder(AAPL, "o1")
    answers = with_known_order(QUERY, cancel, modify()).answers(order(status))
    assert set(answers) == {QUERY, cancel, modify()}
    assert all(isinstance(refused, OrderRejected) for refused in answers.values())


def test_a_cancel_all_that_ended_without_acknowledgement_takes_a_late_one() -> None:
    cancel_all, later = c.CancelAllOrders(), c.Subscribe((Channel.ORDERS,))
    in_flight = InFlight(cancel_all)
    request = in_flight.request(cancel_all)
    request.awaits_late_reply = True
    in_flight.table.give_up(request)
    in_flight.send(later)
    assert in_flight.answers(Subscribed("order_responses")) == {later: None}
    assert list(in_flight.table) == []


def test_a_cancel_all_that_waits_is_not_settled_by_a_subscription() -> None:
    cancel_all, later = c.CancelAllOrders(), c.Subscribe((Channel.ORDERS,))
    in_flight = InFlight(cancel_all, later)
    assert in_flight.answers(Subscribed("order_responses")) == {later: None}
    assert in_flight.answers(Ack(None)) == {cancel_all: []}


def test_requests_are_filed_and_found_as_often_as_they_are_sent() -> None:
    in_flight = InFlight()
    requests = [in_flight.send(QUERY) for _ in range(3)]
    table = in_flight.table
    assert list(table) == requests and bool(table) and len(table) == 3
    for request in requests:
        table.remove(request)
    assert not table and list(table) == []

"""Order events never go backwards: what is outranked is not delivered, what is found comes before what is newer (a05)."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import OpenOrders, Order, OrderStatus
from qfex.protocol.trade import commands as c

from .connections import (
    ByHand,
    answered,
    answers_of,
    apply,
    in_use,
    order_message,
    orders_of,
    receive,
    with_orders,
)
from .in_flight import AAPL, order
from .test_order_histories import histories

PARTLY = order("FILLED", quantity_remaining=D("0.4"))
LISTED = order("ACK", quantity_remaining=D("0.4"))
ENDED = order("CANCELLED", quantity_remaining=D("0.4"))


def progress(events: list[Order]) -> list[tuple[bool, Any]]:
    return [(event.is_done, event.quantity_filled) for event in events]


@given(histories(), st.data())
def test_events_never_go_backwards_in_whatever_sequence_and_repetition_messages_arrive(
    messages: list[Order], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(messages), max_size=5))
    shuffled = data.draw(st.permutations([*messages, *again]))
    connection = in_use()
    events = [event for message in shuffled for event in orders_of(apply(connection, message))]
    assert progress(events) == sorted(progress(events))
    assert events[-1].is_done == connection.account.orders.get("o1").is_done  # type: ignore[union-attr]


def test_a_repeated_message_is_no_event_once_a_newer_state_was_delivered() -> None:
    connection = in_use()
    assert orders_of(receive(connection, order_message(order()))) == [order()]
    assert orders_of(receive(connection, order_message(ENDED))) == [ENDED]
    assert orders_of(receive(connection, order_message(order()))) == []
    assert orders_of(receive(connection, order_message(PARTLY))) == []


def test_messages_during_a_resync_wait_behind_what_the_resync_finds() -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    request, _ = question = answered(resync.commands[0], OpenOrders([LISTED]))
    request.sent_at = resync.asked_at
    assert apply(connection, OpenOrders([LISTED]), question) == []
    assert apply(connection, ENDED) == []
    resync.answer(OpenOrders([LISTED]))
    assert resync.done
    assert orders_of(connection.release()) == [LISTED, ENDED]


def test_what_a_list_says_of_an_order_that_ended_meanwhile_is_not_delivered() -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    apply(connection, ENDED)
    request, _ = question = answered(resync.commands[0], OpenOrders([LISTED]))
    request.sent_at = resync.asked_at
    apply(connection, OpenOrders([LISTED]), question)
    resync.answer(OpenOrders([LISTED]))
    assert orders_of(connection.release()) == [ENDED]


def test_once_the_connection_is_in_use_messages_are_delivered_at_once() -> None:
    connection = with_orders(order())
    apply(connection, PARTLY)
    assert orders_of(connection.release()) == [PARTLY]
    assert orders_of(receive(connection, order_message(ENDED))) == [ENDED]


@pytest.mark.parametrize("answer", [order(), order("ACK", price=D(180))])
def test_the_answer_to_a_query_that_is_no_news_is_no_event(answer: Order) -> None:
    connection = in_use(order())
    connection.send(c.GetOrder(AAPL, "o1"))
    request = next(iter(connection.table))
    assert apply(connection, answer, (request, answer)) == []


def test_the_answer_to_a_query_that_is_news_is_an_event() -> None:
    connection = in_use(order())
    connection.send(c.GetOrder(AAPL, "o1"))
    request = next(iter(connection.table))
    assert orders_of(apply(connection, ENDED, (request, ENDED))) == [ENDED]


def test_the_late_answer_to_a_query_is_no_event_behind_a_newer_state() -> None:
    connection = in_use(order())
    connection.send(c.GetOrder(AAPL, "o1"))
    receive_end = orders_of(apply(connection, ENDED))
    assert receive_end == [ENDED]
    request = next(iter(connection.table))
    assert apply(connection, order(), (request, order())) == []


def test_a_list_delivers_what_changed_of_known_orders_and_nothing_else() -> None:
    connection = in_use(order(), order(order_id="o2", client_order_id="c2"))
    rows = [LISTED, order(order_id="o2", client_order_id="c2"), order(order_id="o3", client_order_id="c3")]
    connection.send(c.GetUserOrders())
    request = next(iter(connection.table))
    assert orders_of(apply(connection, OpenOrders(rows), (request, OpenOrders(rows)))) == [LISTED]


def test_a_refusal_is_an_event_that_changes_no_order() -> None:
    connection = in_use(order())
    refused = order("CANNOT_MODIFY_PARTIAL_FILL")
    assert orders_of(receive(connection, order_message(refused))) == [refused]
    assert connection.account.orders.get("o1") == order()


def test_a_callers_query_of_an_order_that_is_gone_delivers_no_event() -> None:
    connection = in_use(ENDED)
    connection.send(c.GetOrder(AAPL, "o1"))
    answers = answers_of(connection, order_message(order("NO_SUCH_ORDER")))
    assert len(answers) == 1
    ended = connection.account.orders.get("o1")
    assert ended is not None and ended.status is OrderStatus.CANCELLED

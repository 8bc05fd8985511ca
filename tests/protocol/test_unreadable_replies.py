"""Replies that came and cannot be read: their callers learn it at once, instead of waiting until the timeout."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qfex import ApiError, OutcomeUnknown, QfexError
from qfex.protocol.command import Command
from qfex.protocol.trade import commands as c

from .connections import answers_of, in_use, row
from .in_flight import AAPL, limit, order

ADD = limit("client-1")


def order_with(**members: Any) -> dict[str, Any]:
    return {
        "order_response": {"order_id": "order-1", "client_order_id": "client-1", "symbol": AAPL, **members}
    }


def test_an_order_whose_reply_cannot_be_read_has_an_unknown_outcome_and_can_be_resolved() -> None:
    connection = in_use()
    connection.send(ADD)
    (error,) = answers_of(connection, order_with(status="ACK", quantity="many")).values()
    assert isinstance(error, OutcomeUnknown)
    assert (error.reason, error.client_order_id) == ("unreadable reply", "client-1")
    assert "client-1" in connection.account.questions.unanswered_orders


def test_an_unreadable_message_is_reported_too() -> None:
    connection = in_use()
    connection.send(ADD)
    _, events = connection.receive(json.dumps(order_with(quantity="many")).encode())
    assert [event.value.kind for event in events] == ["undecodable"]


@pytest.mark.parametrize(
    ("query", "reply"),
    [
        (c.GetUserOrders(), {"all_orders_response": {"orders": 7}}),
        (c.GetUserTrades(), {"user_trades_response": [{"trade_id": 1, "price": "high"}]}),
        (c.GetLeverage(), {"user_leverage_response": [{"symbol": AAPL, "leverage": "much"}]}),
    ],
)
def test_a_query_whose_reply_cannot_be_read_says_so(query: Command, reply: dict[str, Any]) -> None:
    connection = in_use()
    connection.send(query)
    error = answers_of(connection, reply)[query]
    assert isinstance(error, QfexError) and not isinstance(error, (ApiError, OutcomeUnknown))
    assert "could not be read" in str(error)


def test_an_unreadable_message_that_two_requests_may_wait_for_ends_neither() -> None:
    connection = in_use()
    for _ in range(2):
        connection.send(c.CancelOrder(AAPL, "order-1"))
    assert answers_of(connection, order_with(quantity="many")) == {}


def test_an_unreadable_fill_of_an_order_does_not_end_its_request() -> None:
    connection = in_use()
    connection.send(ADD)
    fill = {"fill_response": {"client_order_id": "client-1", "order_id": "order-1", "quantity": "many"}}
    assert answers_of(connection, fill) == {}


def test_an_order_may_be_in_a_row_of_the_list_that_cannot_be_read() -> None:
    connection = in_use()
    query = c.GetOrder(AAPL, "order-1")
    connection.send(query)
    rows = [{"order_id": "order-2", "quantity": "many"}, row(order(order_id="order-3"))]
    error = answers_of(connection, {"all_orders_response": {"orders": rows}})[query]
    assert "could not be read" in str(error)

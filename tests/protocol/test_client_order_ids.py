"""Client order ids that were used before, and refusals that name an order by nothing else (r06, a02)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest

from qfex import OpenOrders, Order, OrderRejected, OrderStatus, OrderType, Side
from qfex.protocol.command import Command
from qfex.protocol.trade import account as accounts
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.account import OpenQuestions, UnansweredOrder

from .connections import NOW, answers_of, in_use, order_message
from .in_flight import AAPL, InFlight, limit, modify, order

NIL = "00000000-0000-0000-0000-000000000000"
BLANKS = pytest.mark.parametrize("blank", ["", NIL])


# --- a new order is answered by an order with its terms ----------------------------------------------------------

OTHER_TERMS = [
    {"symbol": "GOLD-USD"},
    {"side": Side.SELL},
    {"order_type": OrderType.ALO},
    {"quantity": D(2), "quantity_remaining": D(2)},
]


@pytest.mark.parametrize("terms", OTHER_TERMS, ids=lambda terms: next(iter(terms)))
@pytest.mark.parametrize("status", ["ACK", "FILLED", "CANCELLED"])
def test_a_message_with_other_terms_is_about_an_older_order(status: str, terms: dict[str, Any]) -> None:
    in_flight = InFlight(limit())
    assert in_flight.answers(order(status, order_id="yesterday", **terms)) == {}
    assert in_flight.answers(OpenOrders([order(order_id="yesterday", **terms)])) == {}
    assert in_flight.answers(order()) == {limit(): order()}


def test_the_price_is_not_compared() -> None:
    """The exchange may show another price than was sent, as that of a market order."""
    assert InFlight(limit()).answers(order(price=D("179.5"))) != {}


@pytest.mark.parametrize("symbol", ["", AAPL])
def test_a_refusal_may_leave_terms_out(symbol: str) -> None:
    none = {"side": Side("?"), "order_type": OrderType("?"), "quantity": D(0), "quantity_remaining": D(0)}
    assert isinstance(InFlight(limit()).answer(order("REJECTED", symbol=symbol, **none)), OrderRejected)
    assert InFlight(limit()).answers(order("ACK", symbol=symbol, **none)) == {}


def test_words_that_are_not_known_say_nothing_about_the_terms() -> None:
    assert InFlight(limit()).answers(order(side=Side("LONG"), order_type=OrderType("PEGGED"))) != {}


def test_a_close_is_not_answered_by_an_older_order_of_another_symbol() -> None:
    close = c.ClosePosition(AAPL, "c1")
    in_flight = InFlight(close)
    assert in_flight.answers(order(symbol="GOLD-USD")) == {}
    assert in_flight.answers(order(side=Side.SELL, quantity=D(7))) != {}  # it says no more than the symbol


# --- an order whose answer never came ----------------------------------------------------------------------------

SENT = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def at(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


SEARCHED = UnansweredOrder(limit(), frozenset({"o0"}), SENT)


@pytest.mark.parametrize(
    "found, may_be",
    [
        (order(), True),
        (order("FILLED", quantity_remaining=D(0), update_time=at(1)), True),
        (order("CANCELLED", update_time=at(-9)), True),  # the clocks may differ
        (order("CANCELLED", update_time=at(-11)), False),  # it ended before this one was sent
        (order("ACK", update_time=at(-11)), True),  # the clock of a live order may be wrong too
        (order("CANCELLED"), True),
        (order(order_id="o0"), False),  # it was known before
        *((order(**terms), False) for terms in OTHER_TERMS),
    ],
)
def test_an_older_order_is_not_the_one_that_is_searched(found: Order, may_be: bool) -> None:
    assert SEARCHED.may_be(found) is may_be


@pytest.mark.parametrize("how", ["given up", "connection lost"])
@pytest.mark.parametrize("command", [limit(), c.ClosePosition(AAPL, "c1")], ids=lambda command: command.type)
def test_what_tells_an_unanswered_order_from_older_ones_is_noted(command: Command, how: str) -> None:
    connection = in_use(order("CANCELLED", order_id="o0"))
    connection.send(command)
    (request,) = connection.table
    connection.give_up(request) if how == "given up" else connection.ended()
    noted = connection.account.questions.unanswered_orders["c1"]
    assert (noted.command, noted.earlier_ids) == (command, frozenset({"o0"}))
    assert abs(noted.sent.timestamp() - NOW) < 1.0


def test_an_answered_order_is_not_noted() -> None:
    connection = in_use()
    connection.send(limit())
    assert answers_of(connection, order_message(order())) == {limit(): order()}
    connection.ended()
    assert not connection.account.questions.unanswered_orders


def test_the_memory_of_unanswered_commands_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_REMEMBERED", 2)
    noted = OpenQuestions(lambda: 0.0)
    for number in range(4):
        noted.note_order(limit(f"c{number}"), frozenset(), SENT)
        noted.note_modify(modify(f"o{number}"))
    assert list(noted.unanswered_orders) == ["c2", "c3"] and list(noted.unanswered_modifies) == ["o2", "o3"]


# --- refusals without an order id --------------------------------------------------------------------------------


@BLANKS
def test_every_refusal_without_an_order_id_answers_its_order(blank: str) -> None:
    connection = in_use()
    for number in range(3):
        command = limit(f"c{number}")
        connection.send(command)
        refused = order("FAILED_MARGIN_CHECK", order_id=blank, client_order_id=f"c{number}")
        outcome = answers_of(connection, order_message(refused))[command]
        assert isinstance(outcome, OrderRejected) and outcome.order == refused
    assert connection.account.orders.live == {} and len(connection.table) == 0


@BLANKS
def test_a_burst_of_refusals_without_order_ids_reaches_each_its_own_order(blank: str) -> None:
    commands = [limit(f"c{number}") for number in range(4)]
    in_flight = InFlight(*commands)
    for command in reversed(commands):
        refused = order("REJECTED", order_id=blank, client_order_id=command.client_order_id)
        assert list(in_flight.answers(refused)) == [command]


@BLANKS
@pytest.mark.parametrize(
    "command",
    [modify(), c.CancelOrder(AAPL, "o1"), c.CancelOrder(AAPL, "c1", c.CancelIdType.CLIENT_ORDER_ID)],
    ids=["modify", "cancel", "cancel by client order id"],
)
def test_a_refusal_with_only_the_client_order_id_answers_a_request_about_that_order(
    command: Command, blank: str
) -> None:
    in_flight = InFlight(command, known={"o1": order()})
    assert in_flight.answers(order("NO_SUCH_ORDER", order_id=blank, client_order_id="c2")) == {}
    assert isinstance(in_flight.answer(order("NO_SUCH_ORDER", order_id=blank)), OrderRejected)


@BLANKS
def test_a_refusal_that_names_nothing_answers_no_request_about_an_order(blank: str) -> None:
    in_flight = InFlight(
        modify(client_order_id=None), c.CancelOrder(AAPL, "o1"), known={"o1": order(client_order_id="")}
    )
    assert in_flight.answers(order("NO_SUCH_ORDER", order_id=blank, client_order_id="")) == {}


@BLANKS
def test_a_refusal_with_only_the_client_order_id_puts_the_order_in_question(blank: str) -> None:
    connection = in_use(order())
    connection.send(c.CancelOrder(AAPL, "o1"))
    answers_of(connection, order_message(order("NO_SUCH_ORDER", order_id=blank)))
    question = connection.account.questions.get("o1")
    assert question is not None and question.is_denied
    assert connection.account.orders.get("o1") == order()


# --- "no such order" is true for all who ask ---------------------------------------------------------------------


def test_no_such_order_ends_every_request_about_the_order_and_leaves_none_behind() -> None:
    commands = [c.GetOrder(AAPL, "o1"), modify(), c.CancelOrder(AAPL, "o1")]
    in_flight = InFlight(*commands, known={"o1": order()})
    answers = in_flight.answers(order("NO_SUCH_ORDER"))
    assert set(answers) == set(commands) and len(in_flight.table) == 0


def test_a_second_no_such_order_answers_nobody_and_no_later_query() -> None:
    """Each of two requests got its reply from the first; the second one is still to come."""
    connection = in_use(order())
    for command in (c.GetOrder(AAPL, "o1"), c.CancelOrder(AAPL, "o1")):
        connection.send(command)
    gone = order_message(order("NO_SUCH_ORDER"))
    assert len(answers_of(connection, gone)) == 2
    assert answers_of(connection, gone) == {}
    assert connection.account.orders.get("o1").status is OrderStatus.ACK  # type: ignore[union-attr]


def test_a_refusal_for_another_reason_answers_one_request() -> None:
    in_flight = InFlight(c.CancelOrder(AAPL, "o1"), modify(), known={"o1": order()})
    assert len(in_flight.answers(order("REJECTED"))) == 1

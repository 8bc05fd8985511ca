"""Resync: how the client finds out what it missed while there was no connection."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest

from qfex import (
    Channel,
    ConnectionLost,
    ErrorCode,
    Fill,
    OpenOrders,
    Order,
    OrderRejected,
    OrderStatus,
    RequestTimeout,
    ServerError,
    Side,
    UserTrade,
)
from qfex.protocol.command import Command
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.account import ReadHistory
from qfex.protocol.trade.connection import TradeConnection
from qfex.protocol.trade.reconcile import PAGE, reconcile

from .connections import (
    CLOCK,
    ByHand,
    apply,
    channels_and_values,
    connected,
    give,
    trade_endpoint,
    with_orders,
)
from .in_flight import AAPL, modified, modify, order

GRANTED = {"authenticated": True}


def trade_row(number: int, order_id: str = "o1", quantity: str = "1") -> UserTrade:
    return UserTrade(f"t{number}", AAPL, D(180), D(quantity), Side.BUY, order_id)


# --- orders ------------------------------------------------------------------------------------------------------

FIRST_PAGE = c.GetUserOrders(limit=PAGE, offset=0)
QUERY = c.GetOrder(AAPL, "o1")
UNKNOWN = OrderRejected(OrderStatus.NO_SUCH_ORDER)
ERROR = ServerError(ErrorCode.SERVER_ERROR)
TIMEOUT = RequestTimeout("no answer", sent=True)


def finish(
    connection: TradeConnection, resync: ByHand, answers: dict[type[Command], Any]
) -> list[type[Command]]:
    """Answer all that a procedure still asks, by the type of the command; the types that it asked."""
    asked = []
    while not resync.done:
        (command,) = resync.commands
        asked.append(type(command))
        give(connection, resync, answers[type(command)])
    return asked


def no_answer(resync: ByHand) -> None:
    """Answer nothing any more, as an exchange that is silent."""
    while not resync.done:
        resync.answer(TIMEOUT)


def test_orders_that_are_still_listed_are_not_queried() -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    assert resync.commands == [FIRST_PAGE]
    give(connection, resync, OpenOrders([order()]))
    assert resync.done and len(connection.account.questions) == 0
    assert list(connection.release()) == []


def test_every_page_of_open_orders_is_read_each_overlapping_the_one_before_by_a_row() -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    rows = [order(order_id=f"x{number}") for number in range(PAGE)]
    assert give(connection, resync, OpenOrders(rows)) == [c.GetUserOrders(limit=PAGE, offset=PAGE - 1)]
    give(connection, resync, OpenOrders([rows[-1], order()]))
    assert resync.done and len(connection.account.orders.live) == PAGE + 1


def test_a_list_that_moves_between_two_pages_is_read_again() -> None:
    """An order of the first page ended, so the second page begins a row later than it should."""
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    rows = [order(order_id=f"x{number}") for number in range(PAGE)]
    give(connection, resync, OpenOrders(rows))
    assert give(connection, resync, OpenOrders([order(order_id="y")])) == [FIRST_PAGE]
    give(connection, resync, OpenOrders([*rows[1:], order()]))
    give(connection, resync, OpenOrders([order(), order(order_id="y")]))
    assert resync.done and len(connection.account.questions) == 0
    assert {"o1", "y"} < connection.account.orders.live.keys()


def test_an_order_that_is_not_listed_any_more_is_queried_and_its_end_delivered() -> None:
    connection = with_orders(order(), order(order_id="o2"))
    resync = ByHand(connection.resync())
    assert give(connection, resync, OpenOrders([order(order_id="o2")])) == [QUERY]
    ended = order("CANCELLED")
    give(connection, resync, ended)
    assert resync.done and list(connection.account.orders.live) == ["o2"]
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, ended)]
    assert list(connection.release()) == []


def test_an_order_that_was_placed_after_the_list_was_asked_for_is_not_missed_in_it() -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    apply(connection, order(order_id="o2", client_order_id="c2"))
    give(connection, resync, OpenOrders([order()]))
    assert resync.done and sorted(connection.account.orders.live) == ["o1", "o2"]


def test_an_order_that_was_modified_meanwhile_is_followed_to_its_new_id() -> None:
    other, new = order(order_id="o9", client_order_id="c9"), order(order_id="o2", price=D(181))
    connection = with_orders(order(), other)
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders([new, other]))
    orders = connection.account.orders
    assert resync.done and sorted(orders.live) == ["o2", "o9"]
    assert orders.get("o1") == new
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, new)]


@pytest.mark.parametrize(
    "changed",
    [{"client_order_id": "c2"}, {"symbol": "GOLD-USD"}, {"side": Side.SELL}, {"client_order_id": ""}],
)
def test_a_new_order_with_another_name_symbol_or_side_is_no_replacement(changed: dict[str, Any]) -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    assert give(connection, resync, OpenOrders([order(order_id="o2", **changed)])) == [QUERY]


def test_of_two_possible_replacements_none_is_taken() -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    both = OpenOrders([order(order_id="o2"), order(order_id="o3")])
    assert give(connection, resync, both) == [QUERY]


def test_an_order_that_was_known_before_is_no_replacement() -> None:
    connection = with_orders(order(), order(order_id="o2"))  # with the same client order id
    resync = ByHand(connection.resync())
    assert give(connection, resync, OpenOrders([order(order_id="o2")])) == [QUERY]


@pytest.mark.parametrize(
    "answer", [ERROR, TIMEOUT, OrderRejected(OrderStatus.RATE_LIMITED), ConnectionLost("gone")]
)
def test_an_order_that_cannot_be_queried_stays_as_it_was_and_in_question(answer: Exception) -> None:
    """Neither an error nor silence, nor a refusal for another reason, says anything about an order."""
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    assert resync.answer(answer) == [ReadHistory(frozenset({"o1"}))]  # the next source
    resync.answer(TIMEOUT)
    assert resync.done and list(connection.account.orders.live) == ["o1"]
    assert len(connection.account.questions) == 1 and list(connection.release()) == []


def test_a_list_that_cannot_be_read_ends_no_order_and_is_reported_once() -> None:
    connection = with_orders(order(), order(order_id="o2"))
    for _ in range(2):
        resync = ByHand(connection.resync())
        resync.answer(ERROR)
        assert resync.done and len(connection.account.orders.live) == 2
    (problem,) = connection.release()
    assert problem.channel is Channel.ERRORS and problem.value.kind == "recovery"
    assert "2 orders" in problem.value.message and problem.value.error is ERROR


def test_a_list_that_could_not_be_read_is_reported_again_after_all_was_known_in_between() -> None:
    connection = with_orders(order())
    for answer, reported in ((ERROR, 1), (OpenOrders([order()]), 0), (ERROR, 1)):
        resync = ByHand(connection.resync())
        give(connection, resync, answer)
        assert resync.done and len(list(connection.release())) == reported


@pytest.mark.parametrize(
    "traded, status, remaining",
    [([], OrderStatus.NO_SUCH_ORDER, "1"), (["0.4"], OrderStatus.NO_SUCH_ORDER, "0.6"),
     (["0.4", "0.6"], OrderStatus.FILLED, "0.0")],
)  # fmt: skip
def test_the_trades_show_how_an_order_ended_that_the_exchange_does_not_know_any_more(
    traded: list[str], status: OrderStatus, remaining: str
) -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    rows = [trade_row(number, quantity=quantity) for number, quantity in enumerate(traded)]
    trades = [*rows, trade_row(9, "another")]
    asked = finish(connection, resync, {c.GetOrder: UNKNOWN, ReadHistory: [], c.GetUserTrades: trades})
    assert asked[0] is c.GetOrder and asked[-1] is c.GetUserTrades
    ended = connection.account.orders.get("o1")
    assert resync.done and ended is not None and ended.is_done
    assert (ended.status, str(ended.quantity_remaining)) == (status, remaining)
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, ended)]


def test_without_the_trades_an_order_does_not_end_as_unknown() -> None:
    """They would say whether it was filled."""
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    resync.answer(UNKNOWN)
    no_answer(resync)
    assert list(connection.account.orders.live) == ["o1"] and len(connection.account.questions) == 1


def test_the_fills_that_were_reported_count_where_the_trades_have_fewer() -> None:
    connection = with_orders(order("FILLED", quantity_remaining=D("0.3")))
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    trades = [trade_row(1, quantity="0.4")]
    finish(connection, resync, {c.GetOrder: UNKNOWN, ReadHistory: [], c.GetUserTrades: trades})
    ended = connection.account.orders.get("o1")
    assert ended is not None and ended.is_done and ended.quantity_remaining == D("0.3")


def test_an_order_that_is_listed_is_live_whatever_a_query_said_before() -> None:
    connection = with_orders(order())
    connection.account.question("o1", "a refusal answers no request")
    connection.account.questions.get("o1").is_denied = True  # type: ignore[union-attr]
    round_ = ByHand(reconcile(connection.account, CLOCK))
    give(connection, round_, OpenOrders([order()]))
    assert round_.done and list(connection.account.orders.live) == ["o1"]
    assert len(connection.account.questions) == 0


@pytest.mark.parametrize("status", ["CANCELLED", "FILLED"])
def test_the_history_says_how_an_order_ended_that_the_exchange_does_not_know_any_more(status: str) -> None:
    ended = order(status, quantity_remaining=D(0 if status == "FILLED" else 1))
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    finish(connection, resync, {c.GetOrder: UNKNOWN, ReadHistory: [ended]})
    assert connection.account.orders.get("o1") == ended
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, ended)]


def test_an_order_that_another_session_modified_and_that_ended_while_away_is_followed_in_the_history() -> (
    None
):
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    successor = order("CANCELLED", order_id="o2", price=D(190))
    finish(connection, resync, {c.GetOrder: UNKNOWN, ReadHistory: [successor]})
    assert connection.account.orders.get("o1") == successor
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, successor)]


def test_of_two_possible_successors_in_the_history_none_is_taken() -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    rows = [order("CANCELLED", order_id="o2"), order("CANCELLED", order_id="o3")]
    finish(connection, resync, {c.GetOrder: UNKNOWN, ReadHistory: rows, c.GetUserTrades: []})
    ended = connection.account.orders.get("o1")
    assert ended is not None and (ended.order_id, ended.status) == ("o1", OrderStatus.NO_SUCH_ORDER)


# --- many orders -------------------------------------------------------------------------------------------------


def many(count: int) -> list[Order]:
    return [order(order_id=f"o{number}", client_order_id=f"c{number}") for number in range(count)]


@pytest.mark.parametrize("count", [9, 300])
def test_many_orders_that_ended_are_read_from_the_history_at_once(count: int) -> None:
    connection = with_orders(*many(count))
    resync = ByHand(connection.resync())
    (history,) = give(connection, resync, OpenOrders())
    assert history == ReadHistory(frozenset(f"o{number}" for number in range(count)))
    ended = [order("CANCELLED", order_id=f"o{n}", client_order_id=f"c{n}") for n in range(count)]
    resync.answer([*ended, order("FILLED", order_id="of no interest", quantity_remaining=D(0))])
    assert resync.done and connection.account.orders.live == {} and len(connection.account.questions) == 0
    assert "of no interest" not in connection.account.orders
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, each) for each in ended]


def test_few_orders_are_queried_and_not_read_from_the_history() -> None:
    connection = with_orders(*many(8))
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    for number in range(8):
        assert resync.commands == [c.GetOrder(AAPL, f"o{number}")]
        give(connection, resync, order("CANCELLED", order_id=f"o{number}", client_order_id=f"c{number}"))
    assert resync.done and connection.account.orders.live == {}


def test_what_the_history_does_not_have_is_queried() -> None:
    connection = with_orders(*many(9))
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    rows = [order("CANCELLED", order_id=f"o{n}", client_order_id=f"c{n}") for n in range(8)]
    assert resync.answer(rows) == [c.GetOrder(AAPL, "o8")]
    finish(connection, resync, {c.GetOrder: UNKNOWN, ReadHistory: [], c.GetUserTrades: []})
    assert connection.account.orders.live == {}


def test_a_row_of_the_history_that_is_live_ends_nothing() -> None:
    connection = with_orders(*many(9))
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    resync.answer([order("ACK", order_id=f"o{number}") for number in range(9)])
    assert resync.commands == [c.GetOrder(AAPL, "o0")] and len(connection.account.orders.live) == 9


def test_where_the_history_cannot_be_read_some_of_many_orders_are_queried_in_each_round() -> None:
    """One by one, so that the budget of messages is kept for the user; all are known in the end."""
    connection = with_orders(*many(120))
    resync = ByHand(connection.resync())
    rounds = []
    give(connection, resync, OpenOrders())
    while connection.account.orders.live:
        assert isinstance(resync.commands[0], ReadHistory)
        resync.answer(ConnectionLost("the history is down"))
        rounds.append(0)
        while not resync.done:
            (command,) = resync.commands
            assert isinstance(command, c.GetOrder)
            give(connection, resync, order("CANCELLED", order_id=command.order_id, client_order_id=""))
            rounds[-1] += 1
        connection.account.questions.want_list()
        resync = ByHand(reconcile(connection.account, CLOCK))
        give(connection, resync, OpenOrders())
        assert len(rounds) < 9
    assert sum(rounds) == 120 and max(rounds) <= 50


# --- modifies without an answer ----------------------------------------------------------------------------------


NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def after_an_unanswered_modify(*, client_order_id: str = "c1") -> TradeConnection:
    """The second connection of an account, whose first was lost with a modify in flight."""
    endpoint = trade_endpoint()
    first = connected(endpoint)
    apply(first, order(client_order_id=client_order_id, update_time=NOON))
    first.release()
    first.send(modify(client_order_id=client_order_id))
    first.ended()
    return connected(endpoint)


def test_a_modify_without_an_answer_that_took_place_is_followed_in_the_list() -> None:
    connection = after_an_unanswered_modify()
    resync = ByHand(connection.resync())
    new = order(order_id="o2", price=D(181), quantity=D(2), quantity_remaining=D(2))
    give(connection, resync, OpenOrders([new]))
    assert resync.done and connection.account.orders.get("o1") == new


NEW_LEG = modified(status=OrderStatus.FILLED, quantity_remaining=D(0))


@pytest.mark.parametrize(
    "rows",
    [[NEW_LEG], [order("CANCELLED"), NEW_LEG]],
    ids=["new leg", "both legs"],
)
def test_a_modify_without_an_answer_whose_order_was_filled_is_followed_in_the_history(
    rows: list[Order],
) -> None:
    connection = after_an_unanswered_modify()
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    assert finish(connection, resync, {c.GetOrder: UNKNOWN, ReadHistory: rows}) == [c.GetOrder, ReadHistory]
    assert connection.account.orders.live == {} and connection.account.orders.get("o1") == NEW_LEG
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, NEW_LEG)]


def test_a_modify_without_an_answer_whose_order_was_filled_is_followed_in_the_fills() -> None:
    connection = after_an_unanswered_modify()
    connection.account.fills.set_baseline([])
    fill = Fill("t1", "o2", AAPL, Side.BUY, D(181), D(2), client_order_id="c1")
    apply(connection, fill)
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    finish(connection, resync, {c.GetOrder: UNKNOWN, ReadHistory: []})
    ended = connection.account.orders.get("o1")
    assert resync.done and ended is not None
    assert (ended.order_id, ended.status, ended.quantity_filled) == ("o2", OrderStatus.FILLED, 2)


def test_a_modify_without_an_answer_that_did_not_take_place_leaves_the_end_to_the_trades() -> None:
    connection = after_an_unanswered_modify()
    resync = ByHand(connection.resync())
    give(connection, resync, OpenOrders())
    earlier = NOON - timedelta(seconds=1)
    older = order("FILLED", order_id="o0", quantity_remaining=D(0), update_time=earlier)  # with the same name
    finish(connection, resync, {c.GetOrder: UNKNOWN, ReadHistory: [older], c.GetUserTrades: []})
    ended = connection.account.orders.get("o1")
    assert ended is not None and (ended.order_id, ended.status) == ("o1", OrderStatus.NO_SUCH_ORDER)

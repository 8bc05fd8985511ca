"""Resync: how the client finds out what it missed while there was no connection."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex import (
    Channel,
    ErrorCode,
    Fill,
    NotConnected,
    OpenOrders,
    OrderRejected,
    OrderStatus,
    RequestTimeout,
    ServerError,
    Side,
    UserTrade,
)
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.connection import TradeConnection, TradeEndpoint
from qfex.protocol.trade.reconcile import PAGE

from .connections import (
    ByHand,
    answered,
    apply,
    channels_and_values,
    connected,
    receive,
    sent,
    trade_endpoint,
    with_orders,
)
from .in_flight import AAPL, order

GRANTED = {"authenticated": True}


def trade_row(number: int, order_id: str = "o1", quantity: str = "1") -> UserTrade:
    return UserTrade(f"t{number}", AAPL, D(180), D(quantity), Side.BUY, order_id)


# --- orders ------------------------------------------------------------------------------------------------------


def test_orders_that_are_still_listed_are_not_queried() -> None:
    resync = ByHand(with_orders(order()).resync())
    assert resync.commands == [c.GetUserOrders(limit=PAGE, offset=0)]
    resync.answer(OpenOrders([order()]))
    assert resync.done


def test_every_page_of_open_orders_is_read() -> None:
    resync = ByHand(with_orders(order()).resync())
    resync.answer(OpenOrders([order(order_id=f"x{number}") for number in range(PAGE)]))
    assert resync.commands == [c.GetUserOrders(limit=PAGE, offset=PAGE)]
    resync.answer(OpenOrders([order()]))
    assert resync.done


def test_an_order_that_is_not_listed_any_more_is_queried_and_its_end_delivered() -> None:
    connection = with_orders(order(), order(order_id="o2"))
    resync = ByHand(connection.resync())
    assert resync.answer(OpenOrders([order(order_id="o2")])) == [c.GetOrder(AAPL, "o1")]
    ended = order("CANCELLED")
    apply(connection, ended, answered(c.GetOrder(AAPL, "o1"), ended))
    resync.answer(ended)
    assert resync.done and list(connection.account.orders.live) == ["o2"]
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, ended)]
    assert list(connection.release()) == []


def test_an_order_that_was_modified_meanwhile_is_followed_to_its_new_id() -> None:
    other, new = order(order_id="o9", client_order_id="c9"), order(order_id="o2", price=D(181))
    connection = with_orders(order(), other)
    resync = ByHand(connection.resync())
    apply(connection, OpenOrders([new, other]))
    resync.answer(OpenOrders([new, other]))
    orders = connection.account.orders
    assert resync.done and sorted(orders.live) == ["o2", "o9"]
    assert orders.get("o1") == new
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, new)]


def test_an_order_that_cannot_be_queried_stays_as_it_was() -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    resync.answer(OpenOrders())
    resync.answer(ServerError(ErrorCode.SERVER_ERROR))
    assert resync.done and list(connection.account.orders.live) == ["o1"]
    (problem,) = connection.release()
    assert problem.value.kind == "recovery" and "o1" in problem.value.message


def test_a_refusal_for_another_reason_says_nothing_about_an_order() -> None:
    connection = with_orders(order())
    resync = ByHand(connection.resync())
    resync.answer(OpenOrders())
    resync.answer(OrderRejected(OrderStatus.RATE_LIMITED))
    assert resync.done and list(connection.account.orders.live) == ["o1"] and list(connection.release()) == []


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
    resync.answer(OpenOrders())
    unknown = OrderRejected(OrderStatus.NO_SUCH_ORDER)
    assert resync.answer(unknown) == [c.GetUserTrades(order_id="o1", limit=PAGE)]
    rows = [trade_row(number, quantity=quantity) for number, quantity in enumerate(traded)]
    resync.answer([*rows, trade_row(9, "another")])
    ended = connection.account.orders.get("o1")
    assert resync.done and ended is not None and ended.is_done
    assert (ended.status, str(ended.quantity_remaining)) == (status, remaining)
    assert channels_and_values(connection.release()) == [(Channel.ORDERS, ended)]


# --- fills -------------------------------------------------------------------------------------------------------


def following_fills(*baseline: UserTrade, endpoint: TradeEndpoint | None = None) -> TradeConnection:
    """A connection of an account that subscribed its fills, and what was traded before that."""
    connection = connected(endpoint)
    connection.account.channels[Channel.FILLS] = None
    connection.account.fills.set_baseline(baseline)
    return connection


def test_missed_fills_are_read_back_to_a_known_one() -> None:
    connection = following_fills(trade_row(0))
    resync = ByHand(connection.resync())
    assert resync.commands == [c.GetUserTrades(limit=PAGE, offset=0)]
    newest = [trade_row(number) for number in range(PAGE + 1, 1, -1)]
    assert resync.answer(newest) == [c.GetUserTrades(limit=PAGE, offset=PAGE)]
    assert resync.answer([trade_row(1), trade_row(0)]) == [c.GetUserOrders(limit=PAGE, offset=0)]
    resync.answer(OpenOrders())
    assert resync.done
    fills = [event.value.trade_id for event in connection.release()]
    assert fills == [f"t{number}" for number in range(1, PAGE + 2)]


def test_without_a_subscription_no_fills_are_read() -> None:
    resync = ByHand(connected().resync())
    assert resync.commands == [c.GetUserOrders(limit=PAGE, offset=0)]
    resync.answer(OpenOrders())
    assert resync.done


TIMEOUT = RequestTimeout("no answer", sent=True)


def test_a_part_of_the_resync_that_fails_with_an_error_is_tried_again() -> None:
    connection = following_fills()
    resync = ByHand(connection.resync())
    query = [c.GetUserTrades(limit=PAGE, offset=0)]
    assert resync.answer(ServerError(ErrorCode.SERVER_ERROR)) == query
    assert resync.answer(ServerError(ErrorCode.SERVER_ERROR)) == query
    assert resync.answer([]) == [c.GetUserOrders(limit=PAGE, offset=0)]
    assert list(connection.release()) == []


def test_fills_that_cannot_be_read_are_tried_on_two_more_connections_before_the_client_goes_on() -> None:
    """Live fills are held back all the time: delivered before the missed ones, they would be out of order."""
    connection = following_fills()
    apply(connection, order())
    for _ in range(2):
        resync = ByHand(connection.resync())
        assert resync.answer(TIMEOUT) == [c.GetUserOrders(limit=PAGE, offset=0)]
        with pytest.raises(NotConnected, match="could not be read"):
            resync.answer(OpenOrders([order()]))
    resync = ByHand(connection.resync())
    resync.answer(TIMEOUT)
    resync.answer(OpenOrders())
    resync.answer(connection.account.orders.apply(order("CANCELLED")))
    *problems, end = connection.release()
    assert [problem.value.kind for problem in problems] == ["recovery"] * 3
    assert all(problem.value.error is TIMEOUT and "fills" in problem.value.message for problem in problems)
    assert end.value.status is OrderStatus.CANCELLED


def test_a_connection_that_is_given_up_does_not_cancel_orders() -> None:
    connection = following_fills()
    connection.account.cancel_on_disconnect = True
    resync = ByHand(connection.resync())
    resync.answer(TIMEOUT)
    disarm, proof = resync.answer(OpenOrders())
    assert disarm == c.SetCancelOnDisconnect(False) and isinstance(proof, c.Subscribe)
    with pytest.raises(NotConnected):
        resync.answer(None, None)


def live_fill(number: int) -> Fill:
    return Fill(f"t{number}", "o1", AAPL, Side.BUY, D(180), D(1))


def log_in(connection: TradeConnection) -> None:
    run = connection.start(connection.login(lambda: None))
    receive(connection, GRANTED)
    for channel in connection.account.channels:
        receive(connection, {"subscribed": channel.value})
    assert run.done and run.error is None
    sent(connection)


def test_fills_that_arrive_during_a_resync_follow_the_missed_ones() -> None:
    endpoint = trade_endpoint()
    log_in(following_fills(endpoint=endpoint))
    second = connected(endpoint)
    log_in(second)
    assert apply(second, live_fill(2)) == []
    resync = ByHand(second.resync())
    resync.answer([trade_row(2), trade_row(1)])
    resync.answer(OpenOrders())
    assert [event.value.trade_id for event in second.release()] == ["t1", "t2"]
    assert channels_and_values(apply(second, live_fill(3))) == [(Channel.FILLS, live_fill(3))]

"""The fills that a resync finds: what was traded while there was no connection."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex import (
    Channel,
    ErrorCode,
    Fill,
    NotConnected,
    OpenOrders,
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
    apply,
    channels_and_values,
    connected,
    give,
    receive,
    sent,
    trade_endpoint,
)
from .in_flight import AAPL, order

GRANTED = {"authenticated": True}


FIRST_PAGE = c.GetUserOrders(limit=PAGE, offset=0)
ERROR = ServerError(ErrorCode.SERVER_ERROR)
TIMEOUT = RequestTimeout("no answer", sent=True)


def trade_row(number: int, order_id: str = "o1", quantity: str = "1") -> UserTrade:
    return UserTrade(f"t{number}", AAPL, D(180), D(quantity), Side.BUY, order_id)


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
    connection.account.take_order(order())
    for _ in range(2):
        resync = ByHand(connection.resync())
        assert resync.answer(TIMEOUT) == [c.GetUserOrders(limit=PAGE, offset=0)]
        with pytest.raises(NotConnected, match="could not be read"):
            resync.answer(OpenOrders([order()]))
    resync = ByHand(connection.resync())
    resync.answer(TIMEOUT)
    give(connection, resync, OpenOrders())
    give(connection, resync, order("CANCELLED"))
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
    # It does not show whether the newest trades come first, nor does it end at a known one.
    assert resync.answer([trade_row(2), trade_row(1)]) == [c.GetUserTrades(limit=PAGE, offset=2)]
    assert resync.answer([]) == [FIRST_PAGE]
    resync.answer(OpenOrders())
    assert [event.value.trade_id for event in second.release()] == ["t1", "t2"]
    assert channels_and_values(apply(second, live_fill(3))) == [(Channel.FILLS, live_fill(3))]

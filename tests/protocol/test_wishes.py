"""What is wanted of every connection, and what is in force: subscriptions and cancel-on-disconnect (r19, a07)."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import pytest

from qfex import Channel, Side, UserTrade
from qfex.protocol.command import Request
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.connection import TradeConnection, TradeEndpoint

from .connections import CLOCK, answers_of, connected, in_use, receive, sent, trade_endpoint
from .in_flight import AAPL

FILLS = {"type": "subscribe", "params": {"channels": ["fills"]}}
GRANTED = {"authenticated": True}


def error(code: str, message: str = "", echo: dict[str, Any] = FILLS) -> dict[str, Any]:
    return {"err": {"error_code": code, "message": message, "incoming_message": echo}}


def logged_in(*wanted: Channel, endpoint: TradeEndpoint | None = None) -> TradeConnection:
    """A connection whose login is complete: order responses are confirmed, the other channels are asked for."""
    connection = connected(endpoint)
    connection.account.channels.update(dict.fromkeys(wanted))
    run = connection.start(connection.login(lambda: None))
    receive(connection, GRANTED)
    receive(connection, {"subscribed": "order_responses"})
    assert run.done and run.error is None
    connection.release()
    sent(connection)
    return connection


def next_attempt(connection: TradeConnection, limit: float) -> float | None:
    """After how many seconds the channel is asked for again; None if it is not within the limit."""
    began = CLOCK.now
    while CLOCK.now < began + limit:
        connection.work()
        if FILLS in sent(connection):
            return CLOCK.now - began
        CLOCK.advance(0.1)
    return None


# --- subscriptions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [error("PermissionDenied"), error("ServerError"), None])
def test_a_channel_that_is_refused_or_silent_keeps_nobody_from_trading(answer: Any) -> None:
    connection = logged_in(Channel.FILLS, Channel.BALANCES)
    if answer is not None:
        receive(connection, answer)
    receive(connection, {"subscribed": "balances"})
    assert connection.account.in_force == {Channel.ORDERS, Channel.BALANCES}
    assert Channel.FILLS in connection.account.channels  # it is still wanted


def test_a_refused_channel_is_reported_once_and_asked_for_again_after_a_minute() -> None:
    connection, reported = logged_in(Channel.FILLS), []
    for _ in range(3):
        receive(connection, error("PermissionDenied", "not for you"))
        reported += connection.work()[1]
        assert next_attempt(connection, 61) == pytest.approx(60, abs=0.2)
    (event,) = reported
    assert event.channel is Channel.ERRORS and event.value.kind == "recovery"
    assert "fills" in event.value.message and "not for you" in event.value.message


def test_an_error_that_may_pass_is_followed_by_attempts_with_growing_pauses() -> None:
    connection, pauses = logged_in(Channel.FILLS), []
    for _ in range(7):
        receive(connection, error("ServerError"))
        pauses.append(next_attempt(connection, 31))
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 30, 30], abs=0.2)


def test_the_exchange_says_when_a_channel_may_be_asked_for_again() -> None:
    connection = logged_in(Channel.FILLS)
    receive(connection, error("RateLimited", "retry after 5000ms"))
    assert next_attempt(connection, 6) == pytest.approx(5, abs=0.2)


def test_a_channel_that_is_confirmed_later_is_in_force_and_not_asked_for_again() -> None:
    connection = logged_in(Channel.FILLS)
    CLOCK.advance(2.0)
    connection.work()
    receive(connection, {"subscribed": "fills"})
    assert Channel.FILLS in connection.account.in_force
    assert next_attempt(connection, 70) is None


def test_an_error_after_a_success_is_reported_again() -> None:
    connection = logged_in(Channel.FILLS)
    receive(connection, error("ServerError"))
    assert len(connection.work()[1]) == 1
    assert next_attempt(connection, 2)
    receive(connection, {"subscribed": "fills"})
    connection.account.in_force.discard(Channel.FILLS)
    connection.work()
    receive(connection, error("ServerError"))
    assert len(connection.work()[1]) == 1


def test_a_silent_channel_is_asked_for_again() -> None:
    connection = logged_in(Channel.FILLS)
    assert next_attempt(connection, 5)
    assert next_attempt(connection, 10)


def test_nothing_is_in_force_on_a_new_connection() -> None:
    endpoint = trade_endpoint()
    first = logged_in(Channel.FILLS, endpoint=endpoint)
    receive(first, {"subscribed": "fills"})
    first.ended()
    assert endpoint.account.in_force == set()  # from now on, not only on the next connection
    second = connected(endpoint)
    assert second.account.in_force == set() and Channel.FILLS in second.account.channels
    receive(first, {"subscribed": "fills"})  # it was in the socket's buffer
    assert connected(endpoint).account.in_force == set()


def test_unsubscribing_one_channel_leaves_the_others_in_force() -> None:
    connection = logged_in(Channel.FILLS, Channel.BALANCES)
    for channel in ("fills", "balances"):
        receive(connection, {"subscribed": channel})
    connection.send(c.Unsubscribe((Channel.FILLS,)))
    answers_of(connection, {"unsubscribed": "fills"})
    assert (
        connection.account.in_force == {Channel.ORDERS, Channel.BALANCES} == set(connection.account.channels)
    )
    assert next_attempt(connection, 2) is None


def test_a_channel_is_not_asked_for_again_behind_its_unsubscribe() -> None:
    connection = logged_in(Channel.FILLS)
    receive(connection, error("ServerError", echo=FILLS))
    connection.send(c.Unsubscribe((Channel.FILLS,)))
    assert next_attempt(connection, 5) is None
    answers_of(connection, {"unsubscribed": "fills"})
    assert next_attempt(connection, 5) is None


def test_a_refused_unsubscribe_leaves_the_channel_wanted() -> None:
    connection = logged_in(Channel.FILLS)
    receive(connection, {"subscribed": "fills"})
    connection.send(c.Unsubscribe((Channel.FILLS,)))
    answers_of(connection, error("ServerError", echo={**FILLS, "type": "unsubscribe"}))
    assert Channel.FILLS in connection.account.channels and Channel.FILLS in connection.account.in_force


def test_a_channel_that_a_caller_subscribed_is_wanted_once_it_is_confirmed() -> None:
    connection = logged_in()
    connection.send(c.Subscribe((Channel.FILLS,)))
    assert Channel.FILLS not in connection.account.channels
    answers_of(connection, {"subscribed": "fills"})
    assert Channel.FILLS in connection.account.channels


def test_fills_that_happened_before_a_late_confirmation_are_delivered_before_newer_ones() -> None:
    endpoint = trade_endpoint()
    endpoint.account.fills.set_baseline([])
    connection = logged_in(Channel.FILLS, endpoint=endpoint)
    receive(connection, {"subscribed": "fills"})
    (history,) = sent(connection)
    assert history["type"] == "get_user_trades"
    live = {"fill_response": {"trade_id": "t2", "order_id": "o1", "symbol": AAPL, "side": "BUY", "price": "180",
                              "quantity": "1"}}  # fmt: skip
    assert receive(connection, live) == []
    row = {"trade_id": "t1", "order_id": "o1", "symbol": AAPL, "side": "BUY", "price": "180", "quantity": "1"}
    receive(connection, {"user_trades_response": [row]})
    receive(connection, {"user_trades_response": []})
    assert [event.value.trade_id for event in connection.work()[1]] == ["t1", "t2"]


def test_what_was_held_back_is_delivered_even_if_the_history_cannot_be_read() -> None:
    endpoint = trade_endpoint()
    endpoint.account.fills.set_baseline([UserTrade("t0", AAPL, D(180), D(1), Side.BUY, "o1")])
    connection = logged_in(Channel.FILLS, endpoint=endpoint)
    receive(connection, {"subscribed": "fills"})
    live = {"fill_response": {"trade_id": "t2", "order_id": "o1", "symbol": AAPL, "side": "BUY", "price": "180",
                              "quantity": "1"}}  # fmt: skip
    receive(connection, live)
    while asked := sent(connection):
        receive(connection, error("ServerError", echo=asked[0]))
    problem, fill = connection.work()[1]
    assert problem.value.kind == "recovery" and fill.value.trade_id == "t2"
    CLOCK.advance(2.0)
    connection.work()
    assert [message["type"] for message in sent(connection)] == ["get_user_trades"]
    row = {"trade_id": "t1", "order_id": "o1", "symbol": AAPL, "side": "BUY", "price": "180", "quantity": "1"}
    receive(connection, {"user_trades_response": [row]})
    receive(connection, {"user_trades_response": []})
    assert [event.value.trade_id for event in connection.work()[1]] == ["t1"]
    sent(connection)
    CLOCK.advance(99.0)
    connection.work()
    assert sent(connection) == []


# --- cancel-on-disconnect ----------------------------------------------------------------------------------------


def arming(connection: TradeConnection, enabled: bool) -> Request:
    command = c.SetCancelOnDisconnect(enabled)
    request = Request(command)
    connection.send(command, request)
    return request


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("proof", [{"ack": {}}, "subscribed"])
def test_a_confirmed_change_holds_for_every_connection(enabled: bool, proof: Any) -> None:
    connection = in_use()
    connection.account.cancel_on_disconnect = not enabled
    arming(connection, enabled)
    assert connection.account.cancel_on_disconnect is not enabled  # not yet
    if proof == "subscribed":  # the exchange works in order
        connection.send(c.Subscribe((Channel.ORDERS,)))
        proof = {"subscribed": "order_responses"}
    answers_of(connection, proof)
    assert connection.account.cancel_on_disconnect is enabled


@pytest.mark.parametrize("enabled", [True, False])
def test_a_refused_change_changes_nothing(enabled: bool) -> None:
    connection = in_use()
    connection.account.cancel_on_disconnect = not enabled
    request = arming(connection, enabled)
    echo = json.loads(request.command.encode())
    assert answers_of(connection, error("ServerError", echo=echo))
    connection.ended()
    assert connection.account.cancel_on_disconnect is not enabled


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("given_up", [True, False])
def test_a_change_with_an_unknown_outcome_is_made_on_the_next_connection(
    enabled: bool, given_up: bool
) -> None:
    """Its caller is not left with a setting that is neither the old nor the new one."""
    endpoint = trade_endpoint()
    connection = in_use(endpoint=endpoint)
    connection.account.cancel_on_disconnect = not enabled
    request = arming(connection, enabled)
    if given_up:
        connection.give_up(request)
    connection.ended()
    assert endpoint.account.cancel_on_disconnect is enabled
    following = connected(endpoint)
    following.start(following.login(lambda: None))
    sent(following)
    receive(following, GRANTED)
    assert ("cancel_on_disconnect" in [message["type"] for message in sent(following)]) is enabled


@pytest.mark.parametrize("enabled", [True, False])
def test_a_change_that_was_never_sent_changes_nothing(enabled: bool) -> None:
    connection = in_use()
    connection.account.cancel_on_disconnect = not enabled
    request = arming(connection, enabled)
    connection.table.remove(request)  # as the client does where the bytes never left
    connection.ended()
    assert connection.account.cancel_on_disconnect is not enabled


def test_the_login_itself_does_not_change_what_is_wished_for() -> None:
    """A change that a caller makes while a connection logs in must not be undone by the confirmation of the old one."""
    connection = connected()
    connection.account.cancel_on_disconnect = True
    connection.start(connection.login(lambda: None))
    receive(connection, GRANTED)
    connection.account.cancel_on_disconnect = False
    receive(connection, {"subscribed": "order_responses"})
    assert connection.account.cancel_on_disconnect is False

"""A connection to the trade gateway: login, what its messages change, and the events for the user. No thread, no socket."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from qfex import (
    AuthenticationError,
    Balance,
    Channel,
    ErrorCode,
    Fill,
    JwtCredentials,
    OpenOrders,
    OrderRejected,
    OrderStatus,
    Position,
    ServerError,
    Side,
    StopOrder,
    Twap,
)
from qfex.protocol.command import Command
from qfex.protocol.connection import ProcedureRun
from qfex.protocol.events import Event, Policy
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.connection import TradeConnection
from qfex.protocol.trade.messages import Ack
from qfex.protocol.wire.failures import Failure, Undecodable

from .connections import (
    NOW,
    answered,
    apply,
    channels_and_values,
    connected,
    in_use,
    receive,
    sent,
    trade_endpoint,
    with_orders,
)
from .in_flight import AAPL, limit, modify, order, stop_order

GRANTED, REFUSED = {"authenticated": True}, {"authenticated": {"error": "bad key"}}


# --- address -----------------------------------------------------------------------------------------------------


def test_the_public_key_goes_into_the_query_as_documented() -> None:
    assert trade_endpoint("wss://trade.example").address() == (
        "wss://trade.example/?api_key=qfex_pub_1%26",
        {},
    )
    assert trade_endpoint("ws://h:1/x?a=b").address() == ("ws://h:1/x?a=b&api_key=qfex_pub_1%26", {})


def test_a_token_never_goes_into_an_url() -> None:
    url, headers = trade_endpoint(credentials=JwtCredentials("tok")).address()
    assert url == "wss://trade.example/" and headers == {"Authorization": "Bearer tok"}


# --- login -------------------------------------------------------------------------------------------------------


def log_in(connection: TradeConnection, skew: float | None = None) -> ProcedureRun:
    return connection.start(connection.login(lambda: skew))


def the_proof(connection: TradeConnection) -> dict[str, Any]:
    """The signed part of the ``auth`` that was sent, and nothing else was."""
    (message,) = sent(connection)
    assert message["type"] == "auth"
    return message["params"]["hmac"]  # type: ignore[no-any-return]


def test_a_connection_begins_with_authentication_then_order_responses_then_the_other_channels() -> None:
    connection = connected(trade_endpoint(account_id="sub"))
    connection.account.channels[Channel.FILLS] = None
    run = log_in(connection)
    (auth,) = sent(connection)
    assert (auth["type"], auth["params"]["account_id"]) == ("auth", "sub")
    assert auth["params"]["hmac"]["unix_ts"] == NOW
    receive(connection, GRANTED)
    assert sent(connection) == [{"type": "subscribe", "params": {"channels": ["order_responses"]}}]
    assert not run.done
    receive(connection, {"subscribed": "order_responses"})
    assert run.done and run.error is None
    assert sent(connection) == [{"type": "subscribe", "params": {"channels": ["fills"]}}]


def test_cancel_on_disconnect_is_armed_before_anything_else_on_every_connection() -> None:
    endpoint = trade_endpoint()
    endpoint.account.cancel_on_disconnect = True
    for _ in range(2):
        connection = connected(endpoint)
        run = log_in(connection)
        the_proof(connection)
        receive(connection, GRANTED)
        assert sent(connection) == [
            {"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}},
            {"type": "subscribe", "params": {"channels": ["order_responses"]}},
        ]
        receive(connection, {"subscribed": "order_responses"})  # which proves that both were processed
        assert run.done and run.error is None


def test_every_connection_has_a_proof_of_its_own() -> None:
    endpoint = trade_endpoint()
    nonces = []
    for _ in range(3):
        connection = connected(endpoint)
        log_in(connection)
        nonces.append(the_proof(connection)["nonce"])
    assert len(set(nonces)) == 3


def test_refused_credentials_are_final() -> None:
    connection = connected()
    run = log_in(connection)
    the_proof(connection)
    receive(connection, REFUSED)
    assert run.done and isinstance(run.error, AuthenticationError)
    assert sent(connection) == []


def test_a_login_with_a_wrong_clock_is_repeated_once_with_the_exchanges_clock() -> None:
    endpoint = trade_endpoint()
    connection = connected(endpoint)
    run = log_in(connection, skew=400.0)
    the_proof(connection)
    receive(connection, REFUSED)
    assert the_proof(connection)["unix_ts"] == NOW + 400
    receive(connection, GRANTED)
    assert [message["type"] for message in sent(connection)] == ["subscribe"] and not run.done
    next_connection = connected(endpoint)
    log_in(next_connection, skew=400.0)
    assert the_proof(next_connection)["unix_ts"] == NOW + 400


def test_a_second_refusal_names_the_clock() -> None:
    connection = connected()
    run = log_in(connection, skew=-400.0)
    receive(connection, REFUSED)
    receive(connection, REFUSED)
    assert run.done and isinstance(run.error, AuthenticationError)
    assert "clock differs by -400 s" in str(run.error)


def test_cancel_on_disconnect_is_disarmed_before_a_connection_is_ended_on_purpose() -> None:
    connection = connected()
    assert connection.teardown() == ()
    connection.account.cancel_on_disconnect = True
    assert connection.teardown() == (c.SetCancelOnDisconnect(False),)


# --- the message budget ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given_up", [False, True])
@pytest.mark.parametrize(
    "command, bucket", [(limit(), "general"), (c.CancelOrder("o1", AAPL), "cancel"), (None, None)]
)
@pytest.mark.parametrize("text, seconds", [("retry after 1500ms", 1.5), ("slow down", None)])
def test_an_exceeded_message_budget_is_reported_with_its_bucket_and_time(
    command: Command | None, bucket: str | None, text: str, seconds: float | None, given_up: bool
) -> None:
    connection = connected()
    answers = [answered(command)] if command else []
    for request, _ in answers:
        request.given_up = given_up
    events = apply(connection, Failure(ErrorCode.RATE_LIMITED, text), *answers)
    assert connection.throttled == [(bucket, seconds)]
    assert len(events) == (1 if given_up or command is None else 0)
    apply(connection, Failure(ErrorCode.SERVER_ERROR, text), *answers)
    assert len(connection.throttled) == 1


@pytest.mark.parametrize("command, bucket", [(limit(), "general"), (c.CancelOrder(AAPL, "o1"), "cancel")])
def test_an_order_message_that_refuses_for_the_budget_throttles_once(command: Command, bucket: str) -> None:
    connection = connected()
    refused = order("RATE_LIMITED", order_id="")
    apply(connection, refused, answered(command, OrderRejected(OrderStatus.RATE_LIMITED, refused)))
    assert connection.throttled == [(bucket, None)]
    apply(connection, order(), answered(command, order()))
    assert len(connection.throttled) == 1


# --- messages ----------------------------------------------------------------------------------------------------


def test_every_message_changes_the_account_and_is_an_event() -> None:
    connection = in_use()
    position, balance = Position(AAPL, D(3)), Balance(deposit=D(7))
    stop, twap = StopOrder("s1", AAPL), Twap("w1", "t1", AAPL)
    fill = Fill("t1", "o1", AAPL, Side.BUY, D(180), D(1))
    for message, event in (
        (order(), Event(Channel.ORDERS, None, order())),
        (fill, Event(Channel.FILLS, None, fill)),
        (position, Event(Channel.POSITIONS, AAPL, position)),
        (balance, Event(Channel.BALANCES, None, balance)),
        (stop, Event(Channel.STOP_ORDERS, None, stop)),
        (twap, Event(Channel.TWAPS, None, twap)),
    ):
        assert apply(connection, message) == [event]
    account = connection.account
    assert (account.positions, account.balance, account.orders.live) == (
        {AAPL: position},
        balance,
        {"o1": order()},
    )
    assert account.twaps == {"w1": twap}


def test_a_list_of_orders_changes_the_account_and_is_no_event() -> None:
    connection = connected()
    assert apply(connection, OpenOrders([order()], [Twap("w1", "t1", AAPL)])) == []
    assert list(connection.account.orders.live) == ["o1"]
    assert list(connection.account.twaps) == ["w1"]


def test_an_acknowledgement_is_no_event() -> None:
    assert apply(connected(), Ack(None)) == []


def test_a_modified_order_is_followed_to_its_new_id() -> None:
    connection = with_orders(order())
    new = order("MODIFIED", order_id="o2", client_order_id="")
    apply(connection, new, answered(modify(), new))
    orders = connection.account.orders
    assert list(orders.live) == ["o2"] and orders.current_id("o1") == "o2"


def test_members_that_a_reply_leaves_out_are_known_afterwards() -> None:
    connection, complete = in_use(), order(reduce_only=True)
    events = apply(connection, order(), answered(limit(reduce_only=True), complete))
    assert channels_and_values(events) == [(Channel.ORDERS, complete)]
    apply(connection, order("FILLED", quantity_remaining=D("0.5")))
    assert connection.account.orders.live["o1"].reduce_only


@pytest.mark.parametrize("placing", [limit("c9"), c.ClosePosition(AAPL, "c9")])
def test_a_refused_order_is_done_and_a_refused_cancel_changes_nothing(placing: Command) -> None:
    connection = with_orders(order())
    orders = connection.account.orders
    refused = order("NO_SUCH_ORDER")
    apply(connection, refused, answered(c.CancelOrder(AAPL, "o1"), OrderRejected(refused.status, refused)))
    assert list(orders.live) == ["o1"]
    refused = order("REJECTED", order_id="o9", client_order_id="c9")
    apply(connection, refused, answered(placing, OrderRejected(refused.status, refused)))
    assert orders.get("o9") == refused and list(orders.live) == ["o1"]


def test_a_stop_that_only_the_stop_channel_describes_is_known() -> None:
    connection = connected()
    stop = StopOrder("s1", AAPL, D(170), D(1), Side.SELL)
    apply(connection, stop)
    assert connection.account.orders.live == {}
    apply(connection, stop, answered(limit(), stop.as_order()))
    assert connection.account.orders.live == {"s1": stop.as_order()}


def test_an_acknowledgement_moves_and_ends_a_stop() -> None:
    connection = with_orders(stop_order())
    orders = connection.account.orders
    moved = stop_order("MODIFIED", price=D(171), quantity=D(2), quantity_remaining=D(2))
    move, cancel = c.ModifyStopOrder("s1", AAPL, D(171), D(2)), c.CancelStopOrder("s1")
    assert channels_and_values(apply(connection, Ack(None), answered(move))) == [(Channel.ORDERS, moved)]
    assert orders.live == {"s1": moved}
    gone = stop_order("CANCELLED", price=D(171), quantity=D(2), quantity_remaining=D(2))
    assert channels_and_values(apply(connection, Ack(None), answered(cancel))) == [(Channel.ORDERS, gone)]
    assert orders.live == {}
    assert apply(connection, Ack(None), answered(cancel)) == []  # it is gone already
    assert apply(connection, Ack(None), answered(c.CancelStopOrder("never seen"))) == []


def test_an_error_is_an_event_unless_it_reaches_a_caller() -> None:
    connection = connected()
    failure = Failure(ErrorCode.SERVER_ERROR, "oops", {"type": "x"})
    assert apply(connection, failure, answered(limit(), ServerError(ErrorCode.SERVER_ERROR))) == []
    (event,) = apply(connection, failure)
    assert event.channel is Channel.ERRORS and event.value.kind == "exchange"
    assert isinstance(event.value.error, ServerError) and "oops" in event.value.message
    late = answered(limit(), ServerError(ErrorCode.SERVER_ERROR))
    late[0].given_up = True
    assert len(apply(connection, failure, late)) == 1


def test_a_frame_that_cannot_be_read_is_reported_with_its_text() -> None:
    (event,) = apply(connected(), Undecodable("garbage", "ValueError: no"))
    assert (event.value.kind, event.value.text, event.value.message) == (
        "undecodable",
        "garbage",
        "ValueError: no",
    )


def test_positions_and_balances_may_be_conflated_and_nothing_else() -> None:
    policy_of = trade_endpoint().policy_of
    conflated = {channel for channel in Channel if policy_of(channel) is Policy.CONFLATE}
    assert conflated == {Channel.POSITIONS, Channel.BALANCES}
    assert all(policy_of(channel) is Policy.KEEP for channel in set(Channel) - conflated)


def test_a_new_connection_has_no_requests_in_flight() -> None:
    endpoint = trade_endpoint()
    connected(endpoint).send(limit())
    assert len(connected(endpoint).table) == 0

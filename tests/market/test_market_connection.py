"""A connection to the market data gateway: its commands, what its messages change, and the events. No socket."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.enums import CandleInterval, ErrorCode, MarketChannel
from qfex.errors import InvalidParameter
from qfex.models.market import MarkPrice, OrderBook, PublicTrade, Side
from qfex.protocol.command import Request
from qfex.protocol.connection import ProcedureRun
from qfex.protocol.events import Policy
from qfex.protocol.market.commands import MarketSubscribe, MarketUnsubscribe, Topic, subscriptions
from qfex.protocol.market.connection import MarketConnection, MarketEndpoint, SequenceCheck
from qfex.protocol.market.messages import SubscriptionAck
from qfex.protocol.market.requests import MarketRequestTable
from qfex.protocol.market.state import KEPT_TRADES
from qfex.protocol.wire.failures import Failure, Undecodable

NOON = datetime(2026, 10, 10, 12, tzinfo=timezone.utc)
MARK = Topic(MarketChannel.MARK_PRICE, "A")


def mark(price: int, sequence: int | None = None, seconds: float | None = None) -> MarkPrice:
    moment = None if seconds is None else NOON + timedelta(seconds=seconds)
    return MarkPrice("A", Decimal(price), moment, sequence)


@pytest.fixture
def endpoint() -> MarketEndpoint:
    return MarketEndpoint("ws://127.0.0.1:1/", lambda: NOON.timestamp())


@pytest.fixture
def connection(endpoint: MarketEndpoint) -> MarketConnection:
    return endpoint.new_connection(lambda: 0.0)


def subscribe(connection: MarketConnection, *topics: Topic) -> None:
    """Have topics wanted and confirmed."""
    connection.markets.subscriptions.wanted.update(dict.fromkeys(topics))
    connection.markets.confirm(topics)


def apply(connection: MarketConnection, *messages: Any) -> list[Any]:
    """Change the markets by messages that answer no request; the values of the events."""
    return [event.value for message in messages for event in connection._apply(message, ())]


# --- the endpoint -------------------------------------------------------------------------------------------


def test_the_address_needs_no_credentials(endpoint: MarketEndpoint) -> None:
    assert endpoint.address() == ("ws://127.0.0.1:1/", {})


def test_snapshots_are_conflated_and_the_oldest_trades_dropped(endpoint: MarketEndpoint) -> None:
    kept = {MarketChannel.ERRORS, MarketChannel.CONNECTION}
    policies = {channel: endpoint.policy_of(channel) for channel in MarketChannel}
    assert {channel for channel, policy in policies.items() if policy is Policy.KEEP} == kept
    assert policies.pop(MarketChannel.TRADE) is Policy.DROP_OLDEST
    assert {policy for channel, policy in policies.items() if channel not in kept} == {Policy.CONFLATE}


# --- commands -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "wire"),
    [
        (
            MarketSubscribe(MarketChannel.BBO, ("A", "B")),
            {"type": "subscribe", "channels": ["bbo"], "symbols": ["A", "B"]},
        ),
        (
            MarketSubscribe(
                MarketChannel.CANDLE, ("A",), (CandleInterval.ONE_MINUTE, CandleInterval.ONE_DAY)
            ),
            {"type": "subscribe", "channels": ["candle"], "symbols": ["A"], "intervals": ["1MIN", "1DAY"]},
        ),
        (
            MarketUnsubscribe(MarketChannel.LEVEL2, ("*",), (2,)),
            {"type": "unsubscribe", "channels": ["level2"], "symbols": ["*"], "sig_figs": [2]},
        ),
    ],
)
def test_commands_have_their_members_at_the_top_level(command: MarketSubscribe, wire: dict[str, Any]) -> None:
    assert json.loads(command.encode()) == wire


topics = st.builds(
    Topic, st.sampled_from([MarketChannel.BBO, MarketChannel.TRADE]), st.sampled_from("ABC")
) | st.builds(
    Topic, st.just(MarketChannel.CANDLE), st.sampled_from("ABC"), st.sampled_from(list(CandleInterval))
)


@given(st.sets(topics))
def test_few_commands_subscribe_every_topic_once(wanted: set[Topic]) -> None:
    commands = list(subscriptions(wanted))
    subscribed = [topic for command in commands for topic in command.topics]
    assert sorted(subscribed, key=str) == sorted(wanted, key=str)
    assert len(commands) == len({(topic.channel, topic.option) for topic in wanted})


# --- answers ------------------------------------------------------------------------------------------------


def in_flight(*commands: MarketSubscribe) -> tuple[MarketRequestTable, list[Request]]:
    table, requests = MarketRequestTable(lambda: 0.0), [Request(command) for command in commands]
    for request in requests:
        table.add(request)
    return table, requests


SUBSCRIBE = MarketSubscribe(MarketChannel.BBO, ("A", "B"))


@pytest.mark.parametrize(
    ("ack", "answers"),
    [
        (SubscriptionAck(True, ("bbo",), ("A", "B")), True),
        (SubscriptionAck(True, ("bbo",), ("A",)), True),
        (SubscriptionAck(True, ("bbo",)), True),
        (SubscriptionAck(True, ("bbo",), ("A", "C")), False),
        (SubscriptionAck(True, ("trade",), ("A",)), False),
        (SubscriptionAck(False, ("bbo",), ("A", "B")), False),
    ],
)
def test_an_acknowledgement_answers_what_it_repeats(ack: SubscriptionAck, answers: bool) -> None:
    table, (request,) = in_flight(SUBSCRIBE)
    assert list(table.answer(ack)) == ([(request, ack)] if answers else [])
    assert (len(table), request.filed) == (0, False) if answers else (1, True)


def test_the_oldest_of_equal_requests_is_answered_first() -> None:
    table, (first, second) = in_flight(SUBSCRIBE, SUBSCRIBE)
    ack = SubscriptionAck(True, ("bbo",), ("A", "B"))
    assert [table.answer(ack)[0][0] for _ in range(2)] == [first, second]
    assert table.answer(ack) == ()


def test_the_confirmation_of_an_end_answers_no_subscription() -> None:
    table, (begin, end) = in_flight(SUBSCRIBE, MarketUnsubscribe(MarketChannel.BBO, ("A", "B")))
    assert table.answer(SubscriptionAck(False, ("bbo",), ("A", "B")))[0][0] is end
    assert list(table) == [begin]


def test_an_error_fails_the_request_that_it_echoes() -> None:
    table, (other, request) = in_flight(MarketSubscribe(MarketChannel.TRADE, ("A",)), SUBSCRIBE)
    failure = Failure(ErrorCode.INVALID_PARAMETER, "no", json.loads(SUBSCRIBE.encode()))
    ((failed, error),) = table.answer(failure)
    assert failed is request
    assert isinstance(error, InvalidParameter)
    assert list(table) == [other]


@pytest.mark.parametrize("echo", [None, "text", {"type": "subscribe", "channels": ["bbo"], "symbols": ["C"]}])
def test_an_error_without_a_matching_echo_fails_nobody(echo: Any) -> None:
    table, _ = in_flight(SUBSCRIBE)
    assert table.answer(Failure(ErrorCode.INVALID_PARAMETER, "no", echo)) == ()


def test_a_request_that_was_given_up_is_forgotten() -> None:
    table, (request,) = in_flight(SUBSCRIBE)
    table.give_up(request)
    assert (len(table), request.given_up, request.filed) == (0, True, False)
    assert table.answer(SubscriptionAck(True, ("bbo",), ("A", "B"))) == ()


# --- sequence -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 3], [0, 0, 0]),
        ([1, 2, 5, 6], [0, 0, 2, 0]),
        ([30272539, 30272540], [0, 0]),  # a connection may begin anywhere
        ([1, 3, 2, 4], [0, 1, 0, 0]),
        ([1, 1, 2], [0, 0, 0]),
    ],
)
def test_a_gap_has_as_many_messages_as_numbers_are_missing(numbers: list[int], missing: list[int]) -> None:
    check = SequenceCheck()
    assert [check.missing_before(number) for number in numbers] == missing


@given(st.sets(st.integers(1, 200), min_size=1))
def test_every_missing_number_is_found_once(numbers: set[int]) -> None:
    check = SequenceCheck()
    found = sum(check.missing_before(number) for number in sorted(numbers))
    assert found == max(numbers) - min(numbers) + 1 - len(numbers)


def test_a_gap_is_reported_before_what_follows_it(connection: MarketConnection) -> None:
    subscribe(connection, MARK)
    first, error, second = apply(connection, mark(1, 1), mark(2, 4))
    assert (first.sequence, second.sequence, error.kind) == (1, 4, "sequence gap")
    assert connection.markets.sequence_gaps == 1


def test_a_message_without_a_number_is_no_gap(connection: MarketConnection) -> None:
    apply(connection, mark(1, 1), mark(2), mark(3, 2))
    assert connection.markets.sequence_gaps == 0


def test_the_numbers_of_a_new_connection_begin_anywhere(endpoint: MarketEndpoint) -> None:
    for first in (700, 1, 900):
        connection = endpoint.new_connection(lambda: 0.0)
        assert log_in(connection).done
        apply(connection, mark(1, first), mark(1, first + 1))
    assert endpoint.markets.sequence_gaps == 0


# --- values -------------------------------------------------------------------------------------------------


def test_the_newest_value_is_kept(connection: MarketConnection) -> None:
    subscribe(connection, MARK)
    apply(connection, mark(1), mark(2))
    assert connection.markets.newest(MARK) == mark(2)
    assert connection.markets.newest(attrs.evolve(MARK, symbol="B")) is None


def test_a_snapshot_older_than_the_known_one_is_no_event(connection: MarketConnection) -> None:
    subscribe(connection, MARK)
    assert len(apply(connection, mark(2, 2, seconds=1), mark(1, 1, seconds=0))) == 1
    assert connection.markets.newest(MARK) == mark(2, 2, seconds=1)
    apply(connection, mark(3, 3, seconds=1))
    assert connection.markets.newest(MARK) == mark(3, 3, seconds=1)


def test_every_trade_is_an_event_and_the_newest_are_kept(connection: MarketConnection) -> None:
    subscribe(connection, Topic(MarketChannel.TRADE, "A"))
    trades = [
        PublicTrade("A", Decimal(1), Decimal(1), Side.BUY, NOON - timedelta(seconds=number), str(number))
        for number in range(KEPT_TRADES + 5)
    ]
    assert apply(connection, *trades) == trades
    assert connection.markets.trades(Topic(MarketChannel.TRADE, "A")) == trades[5:]


def test_books_are_kept_by_their_rounding(connection: MarketConnection) -> None:
    subscribe(connection, *(Topic(MarketChannel.LEVEL2, "A", figures) for figures in (0, 1)))
    books = [OrderBook("A", [], [], sig_figs=figures) for figures in (0, 1)]
    apply(connection, *books)
    for book in books:
        assert connection.markets.newest(Topic(MarketChannel.LEVEL2, "A", book.sig_figs)) is book


def test_a_topic_of_every_symbol_covers_each(connection: MarketConnection) -> None:
    subscriptions = connection.markets.subscriptions
    assert subscriptions.want([MARK.of_every_symbol]) == [MARK.of_every_symbol]
    subscribe(connection, MARK.of_every_symbol)
    bbo = attrs.evolve(MARK, channel=MarketChannel.BBO)
    assert subscriptions.want([MARK, bbo]) == [bbo]
    subscribe(connection, bbo)
    assert subscriptions.want([bbo]) == []


def test_the_values_of_a_stream_that_ended_are_forgotten(connection: MarketConnection) -> None:
    subscribe(connection, MARK)
    apply(connection, mark(1))
    connection.markets.end([MARK])
    assert (connection.markets.subscriptions.wanted, connection.markets.newest(MARK)) == ({}, None)
    subscribe(connection, MARK)
    assert connection.markets.newest(MARK) is None


def test_the_end_of_every_symbol_ends_what_was_not_subscribed_by_itself(connection: MarketConnection) -> None:
    bbo = Topic(MarketChannel.BBO, "A")
    subscribe(connection, MARK.of_every_symbol, bbo)
    apply(connection, mark(1))
    connection.markets.end([MARK.of_every_symbol])
    subscriptions = connection.markets.subscriptions
    assert (subscriptions.is_in_force(MARK), subscriptions.is_in_force(bbo)) == (False, True)
    assert connection.markets.newest(MARK) is None


# --- errors -------------------------------------------------------------------------------------------------


def test_an_error_that_answers_no_request_is_an_event(connection: MarketConnection) -> None:
    failure = Failure(ErrorCode.SERVER_ERROR, "oops")
    exchange, undecodable = apply(connection, failure, Undecodable("{", "not JSON"))
    assert (exchange.kind, "oops" in exchange.message) == ("exchange", True)
    assert (undecodable.kind, undecodable.text) == ("undecodable", "{")
    assert list(connection._apply(failure, [(Request(SUBSCRIBE), None)])) == []


# --- a new connection ---------------------------------------------------------------------------------------


def log_in(connection: MarketConnection) -> ProcedureRun:
    return connection.start(connection.login(lambda: None))


def sent(connection: MarketConnection) -> list[dict[str, Any]]:
    """What the procedure has sent since the last time, as parsed JSON."""
    messages, connection.outgoing = connection.outgoing, []
    return [json.loads(message) for message in messages]


def receive(connection: MarketConnection, message: dict[str, Any]) -> None:
    """Receive a message that answers steps of a procedure at most, and is no event."""
    assert connection.receive(json.dumps(message).encode()) == ([], [])


def confirmation(command: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**command, "type": "subscribed", **changed}


def test_a_new_connection_restores_every_stream_and_forgets_stale_values(endpoint: MarketEndpoint) -> None:
    day = Topic(MarketChannel.CANDLE, "A", CandleInterval.ONE_DAY)
    lost = endpoint.new_connection(lambda: 0.0)
    subscribe(lost, MARK, day)
    apply(lost, mark(1))
    connection = endpoint.new_connection(lambda: 0.0)
    assert log_in(connection).done
    commands = sent(connection)
    assert commands == [json.loads(command.encode()) for command in subscriptions([MARK, day])]
    known = endpoint.markets.subscriptions
    assert endpoint.markets.newest(MARK) is None and known.missing([MARK, day]) == [MARK, day]
    for command in commands:
        receive(connection, confirmation(command))
    assert known.missing([MARK, day]) == []
    assert connection.release() == []


def test_a_market_data_connection_needs_neither_resync_nor_teardown(connection: MarketConnection) -> None:
    assert connection.start(connection.resync()).done
    assert (connection.outgoing, connection.teardown()) == ([], ())

"""Which message is the newest value of its stream, whatever order they come in, and whatever their times say."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.enums import CandleInterval, MarketChannel
from qfex.models.market import Candle, MarketStats, MarkPrice, PublicTrade, Side
from qfex.protocol.market.commands import Topic
from qfex.protocol.market.connection import MarketConnection, MarketEndpoint

NOON = datetime(2026, 10, 10, 12, tzinfo=timezone.utc)
MARK, TRADES = Topic(MarketChannel.MARK_PRICE, "A"), Topic(MarketChannel.TRADE, "A")
CANDLES = Topic(MarketChannel.CANDLE, "A", CandleInterval.ONE_MINUTE)
STATS = Topic(MarketChannel.MARKET_STATS, "A")


@pytest.fixture
def connection() -> MarketConnection:
    return connected()


def connected() -> MarketConnection:
    """A connection on which everything is subscribed, at noon."""
    endpoint = MarketEndpoint("ws://127.0.0.1:1/", lambda: NOON.timestamp())
    topics = (MARK, TRADES, CANDLES, STATS)
    endpoint.markets.subscriptions.wanted.update(dict.fromkeys(topics))
    endpoint.markets.confirm(topics)
    return endpoint.new_connection(lambda: 0.0)


def mark(price: int, sequence: int | None = None, seconds: float | None = None) -> MarkPrice:
    moment = None if seconds is None else NOON + timedelta(seconds=seconds)
    return MarkPrice("A", Decimal(price), moment, sequence)


def candle(minute: float, close: int, sequence: int | None = None) -> Candle:
    start, price = NOON + timedelta(minutes=minute), Decimal(close)
    return Candle(
        "A", CandleInterval.ONE_MINUTE, start, price, price, price, price, Decimal(1), sequence=sequence
    )


def trade(number: int, sequence: int | None = None, trade_id: str | None = None) -> PublicTrade:
    trade_id = str(number) if trade_id is None else trade_id
    return PublicTrade("A", Decimal(number), Decimal(1), Side.BUY, NOON, trade_id, sequence=sequence)


def apply(connection: MarketConnection, *messages: Any) -> list[Any]:
    """Receive messages; the values of the events of their channels."""
    events = [event for message in messages for event in connection._apply(message, ())]
    return [event.value for event in events if event.channel is not MarketChannel.ERRORS]


def errors(connection: MarketConnection, *messages: Any) -> list[str]:
    """Receive messages; the kinds of the errors that are reported."""
    events = [event for message in messages for event in connection._apply(message, ())]
    return [event.value.kind for event in events if event.channel is MarketChannel.ERRORS]


# --- by number ------------------------------------------------------------------------------------------------


def test_the_number_decides_and_not_the_time(connection: MarketConnection) -> None:
    assert apply(connection, mark(2, 2, seconds=-60), mark(1, 1, seconds=-1)) == [mark(2, 2, seconds=-60)]
    assert apply(connection, mark(3, 3, seconds=-90)) == [mark(3, 3, seconds=-90)]
    assert connection.markets.newest(MARK) == mark(3, 3, seconds=-90)


def test_a_repetition_is_no_event(connection: MarketConnection) -> None:
    assert apply(connection, mark(1, 1), mark(1, 1)) == [mark(1, 1)]


def test_messages_that_share_a_number_are_all_delivered(connection: MarketConnection) -> None:
    assert len(apply(connection, mark(1, 1), mark(2, 1))) == 2
    assert connection.markets.newest(MARK) == mark(2, 1)


@given(st.lists(st.integers(1, 30), min_size=1))
def test_any_order_repetition_and_loss_end_in_the_newest_number(numbers: list[int]) -> None:
    connection = connected()
    delivered = apply(connection, *(mark(number, number) for number in numbers))
    assert connection.markets.newest(MARK) == mark(max(numbers), max(numbers))
    seen = [message.sequence for message in delivered]
    assert seen == sorted(set(seen)) and seen[-1] == max(numbers)


# --- by time --------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-3600, 0), min_size=1))
def test_without_a_number_the_time_decides(seconds: list[int]) -> None:
    connection = connected()
    apply(connection, *(mark(1, seconds=each) for each in seconds))
    assert connection.markets.newest(MARK) == mark(1, seconds=max(seconds))


@given(st.lists(st.sampled_from([None, 301.0, 1e6, 1e9, -1e9]), max_size=4), st.integers(-3600, 0))
def test_no_wrong_time_blocks_the_next_value(wrong: list[float | None], seconds: int) -> None:
    connection = connected()
    apply(connection, *(mark(1, seconds=each) for each in wrong))
    apply(connection, mark(2, seconds=seconds))
    assert connection.markets.newest(MARK) == mark(2, seconds=seconds)


@pytest.mark.parametrize("sequence", [None, 1])
def test_a_time_in_the_far_future_is_reported_once_and_its_value_is_delivered(
    connection: MarketConnection, sequence: int | None
) -> None:
    odd = mark(1, sequence, seconds=1e9)
    events = list(connection._apply(odd, ()))
    assert [event.channel for event in events] == [MarketChannel.ERRORS, MarketChannel.MARK_PRICE]
    assert events[0].value.kind == "implausible time" and "mark_price of A" in events[0].value.message
    assert errors(connection, odd, mark(2, seconds=1e8)) == []


def test_a_clock_that_is_wrong_by_hours_is_no_problem(connection: MarketConnection) -> None:
    assert errors(connection, mark(1, seconds=36000), mark(2, seconds=36001)) == []
    assert connection.markets.newest(MARK) == mark(2, seconds=36001)


def test_the_limit_of_times_moves_with_the_clock() -> None:
    now = [NOON.timestamp()]
    connection = MarketEndpoint("ws://127.0.0.1:1/", lambda: now[0]).new_connection(lambda: 0.0)
    now[0] += 1e6
    assert errors(connection, mark(1, seconds=1e6)) == []


# --- candles --------------------------------------------------------------------------------------------------


def test_the_correction_of_a_finished_candle_is_delivered_and_does_not_replace_the_next_one(
    connection: MarketConnection,
) -> None:
    messages = [candle(-2, 1, 1), candle(-1, 2, 2), candle(-2, 3, 3)]
    assert apply(connection, *messages) == messages
    assert connection.markets.newest(CANDLES) == candle(-1, 2, 2)


def test_an_older_message_of_the_forming_candle_is_no_event(connection: MarketConnection) -> None:
    assert apply(connection, candle(0, 2, 2), candle(0, 1, 1)) == [candle(0, 2, 2)]
    assert apply(connection, candle(0, 3), candle(0, 4)) == [candle(0, 3), candle(0, 4)]
    assert connection.markets.newest(CANDLES) == candle(0, 4)


def test_a_candle_of_the_far_future_does_not_block_the_forming_one(connection: MarketConnection) -> None:
    assert errors(connection, candle(1e6, 1, 1)) == ["implausible time"]
    apply(connection, candle(0, 2, 2))
    assert connection.markets.newest(CANDLES) == candle(0, 2, 2)


@given(st.lists(st.tuples(st.integers(-3, 0), st.integers(1, 30)), min_size=1))
def test_any_order_of_candles_ends_in_the_newest_of_the_newest(numbers: list[tuple[int, int]]) -> None:
    connection = connected()
    apply(connection, *(candle(minute, number, number) for minute, number in numbers))
    assert connection.markets.newest(CANDLES) == candle(max(numbers)[0], max(numbers)[1], max(numbers)[1])


# --- trades ---------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 30)))
def test_trades_are_listed_once_each_oldest_first(numbers: list[int]) -> None:
    connection = connected()
    delivered = apply(connection, *(trade(number, number) for number in numbers))
    assert delivered == [trade(number, number) for number in dict.fromkeys(numbers)]
    assert connection.markets.trades(TRADES) == [trade(number, number) for number in sorted(set(numbers))]


def test_a_trade_that_is_sent_again_under_another_number_is_no_event(connection: MarketConnection) -> None:
    assert apply(connection, trade(1, 1), trade(1, 2)) == [trade(1, 1)]


def test_without_an_id_only_the_same_number_is_a_repetition(connection: MarketConnection) -> None:
    numbered = trade(1, 1, "")
    assert apply(connection, numbered, numbered, attrs.evolve(numbered, sequence=2)) != [numbered]
    plain = trade(2, None, "")
    assert apply(connection, plain, plain) == [plain, plain]


def test_trades_begin_again_with_each_confirmation(connection: MarketConnection) -> None:
    markets = connection.markets
    apply(connection, trade(1, 1))
    markets.subscriptions.revoke([TRADES])  # what is traded from now on may be missed
    markets.confirm([TRADES])
    assert markets.newest(TRADES) is None and markets.trades(TRADES) == []
    apply(connection, trade(3, 3))
    markets.confirm([TRADES])  # in force already
    assert markets.trades(TRADES) == [trade(3, 3)]


# --- only what is subscribed ------------------------------------------------------------------------------------


def test_a_message_that_nobody_subscribed_is_neither_stored_nor_delivered(
    connection: MarketConnection,
) -> None:
    assert apply(connection, attrs.evolve(mark(1, 1), symbol="B")) == []
    assert connection.markets.newest(attrs.evolve(MARK, symbol="B")) is None


def test_a_message_that_nobody_subscribed_is_no_gap(connection: MarketConnection) -> None:
    unwanted = attrs.evolve(mark(1, 2), symbol="B")
    assert errors(connection, mark(1, 1), unwanted, mark(1, 3)) == []
    assert errors(connection, attrs.evolve(unwanted, sequence=6)) == ["sequence gap"]


def test_the_statistics_of_one_symbol_are_delivered(connection: MarketConnection) -> None:
    assert apply(connection, MarketStats(NOON, sequence=1)) == [MarketStats(NOON, sequence=1)]

"""What is said to the market data gateway, and what its answers change; no socket needed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.enums import CandleInterval, ErrorCode, MarketChannel
from qfex.errors import InvalidParameter, RequestTimeout
from qfex.models.market import MarkPrice, OrderBook, PublicTrade, Side
from qfex.protocol.market import SubscriptionAck
from qfex.protocol.market_commands import (
    MarketBook,
    MarketSubscribe,
    MarketUnsubscribe,
    Topic,
    subscriptions,
)
from qfex.protocol.market_dialogue import KEPT_TRADES, MarketDialogue, SequenceCheck
from qfex.protocol.matching import Request
from qfex.protocol.messages import Failure, Undecodable

NOON = datetime(2026, 10, 10, 12, tzinfo=timezone.utc)
MARK = Topic(MarketChannel.MARK_PRICE, "A")


def mark(price: int, sequence: int | None = None, seconds: float | None = None) -> MarkPrice:
    moment = None if seconds is None else NOON + timedelta(seconds=seconds)
    return MarkPrice("A", Decimal(price), moment, sequence)


@pytest.fixture
def dialogue() -> MarketDialogue:
    return MarketDialogue("ws://127.0.0.1:1/")


def take(dialogue: MarketDialogue, *messages: Any) -> list[Any]:
    return [event.value for message in messages for event in dialogue.receive(message, ())]


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
def test_commands_are_flat(command: MarketSubscribe, wire: dict[str, Any]) -> None:
    assert json.loads(command.encode()) == wire


topics = st.builds(
    Topic, st.sampled_from([MarketChannel.BBO, MarketChannel.TRADE]), st.sampled_from("ABC")
) | st.builds(
    Topic, st.just(MarketChannel.CANDLE), st.sampled_from("ABC"), st.sampled_from(list(CandleInterval))
)


@given(st.sets(topics))
def test_few_commands_ask_for_every_topic_once(wanted: set[Topic]) -> None:
    commands = list(subscriptions(wanted))
    asked = [topic for command in commands for topic in command.topics]
    assert sorted(asked, key=str) == sorted(wanted, key=str)
    assert len(commands) == len({(topic.channel, topic.option) for topic in wanted})


# --- answers ------------------------------------------------------------------------------------------------


def book_of(*commands: MarketSubscribe) -> tuple[MarketBook, list[Request]]:
    book, requests = MarketBook(), [Request(command) for command in commands]
    for request in requests:
        book.add(request)
    return book, requests


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
    book, (request,) = book_of(SUBSCRIBE)
    assert list(book.answer(ack)) == ([(request, ack)] if answers else [])
    assert (len(book), request.filed) == (0, False) if answers else (1, True)


def test_the_oldest_of_equal_requests_is_answered_first() -> None:
    book, (first, second) = book_of(SUBSCRIBE, SUBSCRIBE)
    ack = SubscriptionAck(True, ("bbo",), ("A", "B"))
    assert [book.answer(ack)[0][0] for _ in range(2)] == [first, second]
    assert book.answer(ack) == ()


def test_an_end_is_not_a_beginning() -> None:
    book, (begin, end) = book_of(SUBSCRIBE, MarketUnsubscribe(MarketChannel.BBO, ("A", "B")))
    assert book.answer(SubscriptionAck(False, ("bbo",), ("A", "B")))[0][0] is end
    assert list(book) == [begin]


def test_an_error_fails_the_request_that_it_echoes() -> None:
    book, (other, request) = book_of(MarketSubscribe(MarketChannel.TRADE, ("A",)), SUBSCRIBE)
    failure = Failure(ErrorCode.INVALID_PARAMETER, "no", json.loads(SUBSCRIBE.encode()))
    ((failed, error),) = book.answer(failure)
    assert failed is request
    assert isinstance(error, InvalidParameter)
    assert list(book) == [other]


@pytest.mark.parametrize("echo", [None, "text", {"type": "subscribe", "channels": ["bbo"], "symbols": ["C"]}])
def test_an_error_without_a_fitting_echo_fails_nobody(echo: Any) -> None:
    book, _ = book_of(SUBSCRIBE)
    assert book.answer(Failure(ErrorCode.INVALID_PARAMETER, "no", echo)) == ()


def test_a_request_that_was_given_up_is_forgotten() -> None:
    book, (request,) = book_of(SUBSCRIBE)
    book.give_up(request)
    assert (len(book), request.given_up, request.filed) == (0, True, False)
    assert book.answer(SubscriptionAck(True, ("bbo",), ("A", "B"))) == ()


# --- sequence -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 3], [0, 0, 0]),
        ([1, 2, 5, 6], [0, 0, 2, 0]),
        ([30272539, 30272540], [0, 0]),  # a line may begin anywhere
        ([1, 3, 2, 4], [0, 1, 0, 0]),
        ([1, 1, 2], [0, 0, 0]),
    ],
)
def test_gaps(numbers: list[int], missing: list[int]) -> None:
    check = SequenceCheck()
    assert [check.missing_before(number) for number in numbers] == missing


@given(st.sets(st.integers(1, 200), min_size=1))
def test_every_missing_number_is_found_once(numbers: set[int]) -> None:
    check = SequenceCheck()
    found = sum(check.missing_before(number) for number in sorted(numbers))
    assert found == max(numbers) - min(numbers) + 1 - len(numbers)


def test_a_gap_is_reported_before_what_follows_it(dialogue: MarketDialogue) -> None:
    first, error, second = take(dialogue, mark(1, 1), mark(2, 4))
    assert (first.sequence, second.sequence, error.kind) == (1, 4, "sequence gap")
    assert dialogue.sequence_gaps == 1


def test_messages_without_a_number_are_no_gap(dialogue: MarketDialogue) -> None:
    take(dialogue, mark(1, 1), mark(2), mark(3, 2))
    assert dialogue.sequence_gaps == 0


def test_a_new_line_is_no_gap(dialogue: MarketDialogue) -> None:
    take(dialogue, mark(1, 700))
    assert list(dialogue.opening(None)) == []
    take(dialogue, mark(1, 1), mark(1, 2))
    assert dialogue.sequence_gaps == 0


# --- values -------------------------------------------------------------------------------------------------


def test_the_newest_value_is_kept(dialogue: MarketDialogue) -> None:
    take(dialogue, mark(1), mark(2))
    assert dialogue.newest(MARK) == mark(2)
    assert dialogue.newest(attrs.evolve(MARK, symbol="B")) is None


def test_a_snapshot_that_was_overtaken_is_not_told(dialogue: MarketDialogue) -> None:
    assert len(take(dialogue, mark(2, 2, seconds=1), mark(1, 1, seconds=0))) == 1
    assert dialogue.newest(MARK) == mark(2, 2, seconds=1)
    take(dialogue, mark(3, 3, seconds=1))
    assert dialogue.newest(MARK) == mark(3, 3, seconds=1)


def test_every_trade_is_told_and_the_newest_are_kept(dialogue: MarketDialogue) -> None:
    trades = [
        PublicTrade("A", Decimal(1), Decimal(1), Side.BUY, NOON - timedelta(seconds=number), str(number))
        for number in range(KEPT_TRADES + 5)
    ]
    assert take(dialogue, *trades) == trades
    assert dialogue.trades(Topic(MarketChannel.TRADE, "A")) == trades[5:]


def test_books_are_kept_by_their_rounding(dialogue: MarketDialogue) -> None:
    books = [OrderBook("A", [], [], sig_figs=figures) for figures in (0, 1)]
    take(dialogue, *books)
    for book in books:
        assert dialogue.newest(Topic(MarketChannel.LEVEL2, "A", book.sig_figs)) is book


def test_a_topic_of_every_symbol_covers_each(dialogue: MarketDialogue) -> None:
    dialogue.want([MARK.of_every_symbol])
    assert dialogue.lacking([MARK, attrs.evolve(MARK, channel=MarketChannel.BBO)]) == [
        Topic(MarketChannel.BBO, "A")
    ]


def test_what_is_dropped_is_forgotten(dialogue: MarketDialogue) -> None:
    dialogue.want([MARK])
    take(dialogue, mark(1))
    dialogue.drop([MARK])
    assert (dialogue.wants(MARK), dialogue.newest(MARK)) == (False, None)


def test_dropping_every_symbol_drops_each(dialogue: MarketDialogue) -> None:
    dialogue.want([MARK, Topic(MarketChannel.BBO, "A")])
    dialogue.drop([MARK.of_every_symbol])
    assert not dialogue.wants(MARK)
    assert dialogue.wants(Topic(MarketChannel.BBO, "A"))


# --- errors -------------------------------------------------------------------------------------------------


def test_errors_that_answer_nobody_are_told(dialogue: MarketDialogue) -> None:
    failure = Failure(ErrorCode.SERVER_ERROR, "oops")
    exchange, undecodable = take(dialogue, failure, Undecodable("{", "not JSON"))
    assert (exchange.kind, "oops" in exchange.message) == ("exchange", True)
    assert (undecodable.kind, undecodable.text) == ("undecodable", "{")
    assert list(dialogue.receive(failure, [(Request(SUBSCRIBE), None)])) == []


# --- a new line ---------------------------------------------------------------------------------------------


def run_opening(dialogue: MarketDialogue, answer: Any) -> Sequence[Any]:
    conversation = dialogue.opening(None)
    commands = next(conversation)
    with pytest.raises(StopIteration):
        if isinstance(answer, Exception):
            conversation.throw(answer)
        else:
            conversation.send([answer(command) for command in commands])
    return commands


def granted(command: Any) -> SubscriptionAck:
    return SubscriptionAck(True, (command.channel.value,), command.symbols)


def test_a_new_line_asks_again_and_forgets_what_is_stale(dialogue: MarketDialogue) -> None:
    dialogue.want([MARK, Topic(MarketChannel.CANDLE, "A", CandleInterval.ONE_DAY)])
    take(dialogue, mark(1))
    commands = run_opening(dialogue, granted)
    assert {topic for command in commands for topic in command.topics} == set(dialogue._wanted)
    assert dialogue.newest(MARK) is None
    assert dialogue.released() == []


@pytest.mark.parametrize(
    "answer",
    [
        RequestTimeout("no answer", sent=True),
        InvalidParameter(ErrorCode.INVALID_PARAMETER, "delisted"),
        lambda command: SubscriptionAck(True, ("mark_price",), ("B",)),
    ],
)
def test_what_cannot_be_restored_is_told_and_does_not_end_the_line(
    dialogue: MarketDialogue, answer: Any
) -> None:
    dialogue.want([MARK, attrs.evolve(MARK, symbol="B")])
    run_opening(dialogue, answer)
    error, value = take(dialogue, mark(1))
    assert (error.kind, value) == ("recovery", mark(1))
    assert dialogue.released() == []

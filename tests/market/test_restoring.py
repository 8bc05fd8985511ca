"""A new connection: what is wanted is restored, each stream with its own outcome."""

from __future__ import annotations

import logging

import pytest

from qfex import InvalidParameter, QfexError, RateLimited, RequestTimeout, ServerError
from qfex.enums import ErrorCode
from qfex.protocol.market.reconcile import FIRST_PATIENCE, delay_after

from .market_exchange import SYMBOLS, A, B, C, Session


def test_streams_are_restored_in_few_messages(session: Session) -> None:
    session.client.subscribe("bbo", ["A", "B"])
    session.client.subscribe("bbo", "C")
    session.client.subscribe("candle", "A", ["1MIN", "1DAY"])
    session.reconnect()
    session.pump()
    assert session.asked() == [["A", "B", "C"], ["A"], ["A"]]
    assert session.exchange.delivered == set(session.known.wanted) == set(session.known.in_force)
    assert session.reports() == []


def test_what_was_confirmed_on_the_last_connection_is_not_in_force_on_the_next(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "ignore"
    session.reconnect()
    session.pump()
    assert not session.known.is_in_force(A)
    session.exchange.mood = "oblige"
    session.client.subscribe("bbo", "A")
    assert session.asked() == [["A"], ["A"]]
    assert session.known.is_in_force(A)


@pytest.mark.parametrize("mood", ["refuse", "ignore", "fail", "limit"])
def test_one_symbol_that_fails_harms_no_other(session: Session, mood: str) -> None:
    session.client.subscribe("bbo", SYMBOLS)
    session.exchange.moods["B"] = mood
    session.reconnect()
    session.advance(2 * FIRST_PATIENCE if mood != "limit" else 5)
    assert session.exchange.delivered >= {A, C} and session.known.missing([A, B, C]) == [B]
    session.advance(60)
    (report,) = session.reports()
    assert report.message.startswith("bbo of B: ")
    session.exchange.moods.clear()
    session.advance(60)
    assert session.known.missing([A, B, C]) == [] and B in session.exchange.delivered


def test_a_symbol_that_a_confirmation_leaves_out_is_asked_for_alone(session: Session) -> None:
    session.client.subscribe("bbo", SYMBOLS)
    session.exchange.mood = "part"
    session.reconnect()
    session.pump()
    assert session.asked() == [["A", "B", "C"], ["B"], ["C"]]
    assert session.known.missing([A, B, C]) == []


def test_a_silent_exchange_is_asked_ever_more_rarely(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "ignore"
    session.reconnect()
    session.advance(120)
    assert 6 <= len(session.asked()) <= 9
    assert len(session.reports()) == 1


def test_a_refusal_is_repeated_about_every_minute(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "refuse"
    session.reconnect()
    session.advance(59)
    assert len(session.asked()) == 1
    session.advance(3)
    assert len(session.asked()) == 2
    assert len(session.reports()) == 1


def test_a_loss_is_reported_again_only_after_the_stream_was_in_force(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "qfex")
    session.client.subscribe("bbo", ["A", "B"])
    session.exchange.moods["A"] = "refuse"
    for _ in range(2):
        session.reconnect()
        session.advance(70)
        assert len(session.reports()) == caplog.text.count("subscription lost: bbo of A: ") == 1
    session.exchange.moods.clear()
    session.advance(70)
    assert caplog.text.count("subscription restored: bbo of A") == 1
    session.exchange.moods["A"] = "refuse"
    session.reconnect()
    session.pump()
    assert len(session.reports()) == 2


def test_a_symbol_that_failed_on_the_last_connection_is_asked_for_apart_from_the_others(
    session: Session,
) -> None:
    session.client.subscribe("bbo", SYMBOLS)
    session.exchange.moods["B"] = "ignore"
    session.reconnect()
    session.advance(10)
    session.reconnect()
    session.pump()
    assert session.asked() == [["B"], ["A", "C"]]
    assert session.known.missing([A, B, C]) == [B]


def test_the_hint_of_a_rate_limit_is_obeyed_and_the_message_is_not_split(session: Session) -> None:
    session.client.subscribe("bbo", SYMBOLS)
    session.exchange.mood, session.exchange.hint = "limit", "slow down, retry after 3000 ms"
    session.reconnect()
    session.advance(2.5)
    session.exchange.mood = "oblige"
    session.advance(1)
    assert session.asked() == [["A", "B", "C"]] * 2
    assert session.known.missing([A, B, C]) == []


LIMITED = RateLimited(ErrorCode.RATE_LIMITED, None)
SHORT, LONG = (RateLimited(ErrorCode.RATE_LIMITED, None) for _ in range(2))
SHORT.retry_after, LONG.retry_after = 0.1, 1e9


@pytest.mark.parametrize(
    ("error", "delays"),
    [
        (RequestTimeout("no answer", sent=True), [1, 2, 4, 8, 16, 30, 30]),
        (ServerError(ErrorCode.SERVER_ERROR), [1, 2, 4, 8, 16, 30, 30]),
        (LIMITED, [1, 2, 4, 8, 16, 30, 30]),
        (SHORT, [0.1, 2, 4, 8, 16, 30, 30]),
        (LONG, [60] * 7),
        (InvalidParameter(ErrorCode.INVALID_PARAMETER), [60] * 7),
    ],
)
def test_the_time_to_the_next_attempt(error: QfexError, delays: list[float]) -> None:
    assert [delay_after(error, failures) for failures in range(1, 8)] == delays


def test_a_slow_exchange_is_given_more_time_with_each_attempt(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "ignore"
    session.reconnect()
    session.pump()
    while len(session.asked()) < 2:
        session.advance(0.25)
    session.now += FIRST_PATIENCE + 1  # as long as it takes to confirm anything
    session.pump()
    session.receive({"type": "subscribed", "channels": ["bbo"], "symbols": ["A"]})
    assert session.known.is_in_force(A)


def test_a_subscription_that_the_exchange_ends_is_asked_for_again(session: Session) -> None:
    session.client.subscribe("bbo", ["A", "B"])
    session.receive({"type": "unsubscribed", "channels": ["bbo"], "symbols": ["A"]})
    assert session.known.missing([A, B]) == [A] and len(session.connection.outgoing) == 1
    session.pump()
    assert session.asked() == [["A", "B"], ["A"]]
    assert session.known.missing([A, B]) == []


def test_a_subscription_that_came_into_force_begins_again_with_short_delays(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "fail"
    session.reconnect()
    session.advance(20)
    session.exchange.mood = "oblige"
    session.advance(20)
    assert session.known.is_in_force(A)
    session.exchange.mood, attempts = "fail", len(session.asked())
    session.receive({"type": "unsubscribed", "channels": ["bbo"], "symbols": ["A"]})
    session.advance(1.5)
    assert len(session.asked()) == attempts + 2


@pytest.mark.parametrize("symbol", ["A", "*"])
def test_messages_of_a_wanted_stream_are_delivered_before_its_confirmation(
    session: Session, symbol: str
) -> None:
    session.client.subscribe("bbo", symbol)
    session.exchange.mood = "obey"
    session.reconnect()
    session.events.clear()
    session.advance(60)
    assert len([event for event in session.events if event.key == A]) >= 4 * 58
    assert {command["type"] for command in session.exchange.commands} == {"subscribe"}

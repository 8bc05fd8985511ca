"""Subscribing and unsubscribing: what is wanted is in force, whatever the exchange says at first."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfex import ConnectionLost, InvalidParameter, NotConnected, QfexError, RequestTimeout
from qfex.enums import CandleInterval, MarketChannel
from qfex.protocol.command import Request
from qfex.protocol.market.commands import EVERY_SYMBOL, MarketSubscribe, Topic, subscriptions
from qfex.protocol.market.messages import SubscriptionAck
from qfex.protocol.market.requests import MarketRequestTable

from .market_exchange import BBO, CANDLE, EVERY, MOODS, SYMBOLS, A, B, C, Session, single

# --- the user's calls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mood", ["refuse", "ignore", "fail", "limit"])
def test_a_subscription_that_fails_at_first_is_not_wanted(session: Session, mood: str) -> None:
    session.exchange.mood = mood
    with pytest.raises(QfexError):
        session.client.subscribe("bbo", "A")
    assert session.known.wanted == {}


@pytest.mark.parametrize("mood", ["refuse", "ignore"])
def test_a_wanted_stream_stays_wanted_when_subscribing_again_fails(session: Session, mood: str) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = mood
    session.reconnect()
    session.pump()
    with pytest.raises(QfexError):
        session.client.subscribe("bbo", "A")
    session.exchange.mood = "oblige"
    session.advance(61)
    assert session.known.missing([A]) == [] and A in session.exchange.delivered


def test_subscribing_what_is_in_force_sends_nothing(session: Session) -> None:
    session.client.subscribe("bbo", ["A", "B"])
    session.client.subscribe("bbo", "A")
    assert session.asked() == [["A", "B"]]


def test_of_several_symbols_one_is_unsubscribed(session: Session) -> None:
    session.client.subscribe("bbo", SYMBOLS)
    session.client.unsubscribe("bbo", "B")
    assert session.asked()[1:] == [["B"]]
    assert session.exchange.delivered == set(session.known.in_force) == {A, C}
    session.reconnect()
    session.pump()
    assert session.asked() == [["A", "C"]]


@pytest.mark.parametrize("expands", [True, False])
def test_single_symbols_go_on_when_every_symbol_is_unsubscribed(expands: bool) -> None:
    session = Session(expands)
    session.client.subscribe("bbo", "A")
    session.client.subscribe("bbo", "*")
    session.client.subscribe("bbo", "B")  # in force already, and yet wanted by itself from now on
    session.client.unsubscribe("bbo", "*")
    session.advance(5)
    assert set(session.known.wanted) == {A, B} == session.exchange.delivered
    assert session.known.missing([A, B]) == []
    assert session.client.bbo("A").bid.price == session.exchange.price
    session.reconnect()
    session.pump()
    assert session.exchange.delivered == {A, B}


def test_the_value_of_a_single_symbol_outlives_the_end_of_every_symbol(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.client.subscribe("bbo", "*")
    session.advance(1)
    session.client.unsubscribe("bbo", "*")
    session.pump()
    assert session.known.is_in_force(A)
    assert session.markets.newest(A).bid.price == session.exchange.price


def test_a_value_is_not_given_out_while_its_stream_may_not_be_in_force(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.client.subscribe("bbo", "*")
    session.advance(1)
    session.exchange.moods["A"] = "ignore"
    session.client.unsubscribe("bbo", "*")
    session.pump()
    assert session.markets.newest(A) is None
    session.advance(10)
    session.exchange.moods.clear()
    session.advance(30, pulses=False)
    assert (
        session.known.is_in_force(A) and session.markets.newest(A) is None
    )  # the last value is half a minute old


def test_no_value_outlives_a_failed_attempt(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "ignore"
    session.reconnect()
    session.advance(10)
    session.receive({**session.exchange.data(A), "sequence": 1})  # of a subscription that is not confirmed
    session.advance(60)
    session.exchange.mood = "oblige"
    session.advance(60, pulses=False)
    assert session.known.is_in_force(A) and session.markets.newest(A) is None


def test_no_value_outlives_the_loss_of_every_symbol(session: Session) -> None:
    session.client.subscribe("bbo", "*")
    session.advance(1)
    session.exchange.mood = "refuse"
    session.exchange.subscribed.clear()
    session.receive({"type": "unsubscribed", "channels": ["bbo"], "symbols": ["*"]})
    session.advance(5)
    session.exchange.mood = "oblige"
    session.advance(61, pulses=False)
    assert session.known.is_in_force(A) and session.markets.newest(A) is None


@pytest.mark.parametrize("expands", [True, False])
@pytest.mark.parametrize("by_itself", [True, False])
def test_a_symbol_cannot_be_taken_out_of_every_symbol(expands: bool, by_itself: bool) -> None:
    session = Session(expands)
    if by_itself:
        session.client.subscribe("bbo", "A")
    session.client.subscribe("bbo", "*")
    session.client.unsubscribe("bbo", "A")
    session.advance(1)
    assert session.exchange.delivered == {A, B, C}
    assert session.client.bbo("A").bid.price == session.exchange.price
    session.client.unsubscribe("bbo", "*")
    session.advance(5)
    assert session.exchange.delivered == set()


def test_a_read_of_one_symbol_uses_the_subscription_of_every_symbol(session: Session) -> None:
    session.client.subscribe("bbo", "*")
    session.advance(1)
    assert session.client.bbo("A").symbol == "A"
    assert session.asked() == [["*"]] and set(session.known.wanted) == {EVERY}


def test_single_symbols_are_not_asked_for_besides_every_symbol(session: Session) -> None:
    session.client.subscribe("bbo", ["A", "B"])
    session.client.subscribe("bbo", "*")
    session.reconnect()
    session.advance(5)
    assert session.asked() == [["*"]] and session.known.missing([A, B, EVERY]) == []


def test_single_symbols_are_restored_where_every_symbol_is_refused(session: Session) -> None:
    session.client.subscribe("bbo", ["A", "B"])
    session.client.subscribe("bbo", "*")
    session.exchange.moods["*"] = "refuse"
    session.reconnect()
    session.advance(1)
    assert session.exchange.delivered == {A, B}


def test_an_interval_is_unsubscribed_apart_from_the_others(session: Session) -> None:
    session.client.subscribe("candle", "A", ["1MIN", "1DAY"])
    session.client.unsubscribe("candle", "A", "1MIN")
    assert session.exchange.delivered == {Topic(CANDLE, "A", CandleInterval.ONE_DAY)}
    assert set(session.known.wanted) == session.exchange.delivered


def test_an_end_that_is_refused_changes_nothing(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "refuse"
    with pytest.raises(InvalidParameter):
        session.client.unsubscribe("bbo", "A")
    session.exchange.mood = "oblige"
    session.advance(1)
    assert session.known.is_in_force(A)
    session.reconnect()
    session.pump()
    assert session.exchange.delivered == {A}


@pytest.mark.parametrize("mood", ["ignore", "obey"])
def test_an_end_without_an_answer_counts_as_done(session: Session, mood: str) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = mood
    with pytest.raises(RequestTimeout):
        session.client.unsubscribe("bbo", "A")
    session.events.clear()
    session.exchange.mood = "oblige"
    session.advance(5)
    assert session.known.wanted == {} and session.exchange.delivered == set()
    assert session.events == []


@pytest.mark.parametrize(
    ("error", "stands"),
    [
        (RequestTimeout("no connection", sent=False), True),
        (RequestTimeout("no answer", sent=True), False),
        (ConnectionLost("lost"), False),
        (NotConnected("closed"), True),
    ],
)
def test_an_end_that_fails_stands_for_what_may_have_been_sent(
    session: Session, monkeypatch: pytest.MonkeyPatch, error: QfexError, stands: bool
) -> None:
    def fail(command: object, timeout: float | None) -> None:
        raise error

    session.client.subscribe("bbo", "A")
    monkeypatch.setattr(session, "request", fail)
    with pytest.raises(type(error)):
        session.client.unsubscribe("bbo", "A")
    assert (A in session.known.wanted, session.known.is_in_force(A)) == (stands, stands)


def test_a_loss_is_reported_with_the_message_that_shows_it(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "refuse"
    session.reconnect()
    (text,) = session.connection.outgoing
    session.receive(*session.exchange.take(text))
    assert len(session.reports()) == 1


def test_a_part_of_the_end_may_be_confirmed(session: Session) -> None:
    session.client.subscribe("bbo", ["A", "B"])
    session.exchange.mood = "part"
    with pytest.raises(InvalidParameter, match="confirm B"):
        session.client.unsubscribe("bbo", ["A", "B"])
    assert set(session.known.wanted) == set(session.known.in_force) == {B}


def test_the_end_of_a_stream_that_cannot_be_restored_needs_no_message(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "refuse"
    session.reconnect()
    session.pump()
    session.client.unsubscribe("bbo", "A")
    session.advance(120)
    assert session.asked() == [["A"]] and session.known.wanted == {} == session.known.lost


def test_a_late_obedience_to_a_call_that_timed_out_is_undone(session: Session) -> None:
    session.exchange.mood = "obey"
    with pytest.raises(RequestTimeout):
        session.client.subscribe("bbo", "A")
    session.exchange.mood = "oblige"
    session.advance(5)
    assert session.exchange.delivered == set()
    assert [event for event in session.events if event.channel is BBO] == []


@pytest.mark.parametrize("expands", [True, False])
def test_a_late_obedience_of_every_symbol_is_undone_and_wanted_symbols_go_on(expands: bool) -> None:
    session = Session(expands)
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "obey"
    with pytest.raises(RequestTimeout):
        session.client.subscribe("bbo", "*")
    session.exchange.mood = "oblige"
    session.advance(20)
    assert session.exchange.delivered == {A} and session.known.missing([A]) == []


def test_an_attempt_that_an_unsubscription_overtakes_is_undone(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.reconnect()
    assert session.connection.outgoing  # the subscription, which is not sent yet
    session.client.unsubscribe("bbo", "A")
    session.pump()
    assert session.exchange.delivered == set()


def test_a_stream_that_nobody_wants_is_ended_with_the_message_that_shows_it(session: Session) -> None:
    session.receive(session.exchange.data(A))
    session.now += 5
    session.receive(session.exchange.data(A))
    assert [json.loads(text)["type"] for text in session.connection.outgoing] == ["unsubscribe"]


def test_the_late_end_of_a_stream_that_nobody_wanted_leaves_what_the_user_wants_since(
    session: Session,
) -> None:
    session.exchange.mood = "ignore"
    for _ in range(2):
        session.receive(session.exchange.data(A))
        session.now += 5
    session.pump()
    session.exchange.mood = "oblige"
    session.client.subscribe("bbo", "*")
    session.client.subscribe("bbo", "A")
    session.receive({"type": "unsubscribed", "channels": ["bbo"], "symbols": ["A"]})
    assert set(session.known.wanted) == {A, EVERY}


def test_what_is_under_way_when_a_stream_ends_is_neither_kept_nor_delivered(session: Session) -> None:
    session.client.subscribe("bbo", "A")
    session.client.unsubscribe("bbo", "A")
    sent = len(session.exchange.commands)
    session.receive({**session.exchange.data(A), "sequence": 9})
    session.advance(5)
    assert session.events == [] and len(session.exchange.commands) == sent
    session.client.subscribe("bbo", "A")
    assert session.markets.newest(A) is None


def test_a_flood_of_unknown_streams_is_not_remembered_without_bound(session: Session) -> None:
    for number in range(3000):
        session.receive({**session.exchange.data(A), "symbol": f"S{number}"})
    assert len(session.connection._reconciler._unwanted) <= 1000


@pytest.mark.parametrize("mood", ["oblige", "refuse"])
def test_the_answer_to_a_call_is_not_taken_for_that_to_an_earlier_attempt(
    session: Session, mood: str
) -> None:
    session.client.subscribe("bbo", "A")
    session.exchange.mood = "ignore"
    session.reconnect()
    session.pump()
    session.exchange.mood = mood
    if mood == "refuse":
        with pytest.raises(InvalidParameter):
            session.client.subscribe("bbo", "A")
    else:
        session.client.subscribe("bbo", "A")


# --- answers --------------------------------------------------------------------------------------------------


def in_flight(*commands: MarketSubscribe) -> tuple[MarketRequestTable, list[Request]]:
    table, requests = MarketRequestTable(lambda: 0.0), [Request(command) for command in commands]
    for request in requests:
        table.add(request)
    return table, requests


def test_a_confirmation_answers_the_request_for_just_its_symbols_first() -> None:
    table, (both, one) = in_flight(MarketSubscribe(BBO, ("A", "B")), MarketSubscribe(BBO, ("A",)))
    ack = SubscriptionAck(True, ("bbo",), ("A",))
    assert [table.answer(ack)[0][0] for _ in range(2)] == [one, both]


def test_a_confirmation_with_an_interval_answers_no_request_for_another() -> None:
    minute, day = CandleInterval.ONE_MINUTE, CandleInterval.ONE_DAY
    table, (_, second) = in_flight(*(MarketSubscribe(CANDLE, ("A",), (option,)) for option in (minute, day)))
    assert table.answer(SubscriptionAck(True, ("candle",), ("A",), (day,)))[0][0] is second


# --- any history ----------------------------------------------------------------------------------------------

_topics = st.lists(st.sampled_from([*SYMBOLS, EVERY_SYMBOL]), min_size=1, max_size=3, unique=True)
_stream = st.sampled_from(
    [(BBO, None), (CANDLE, CandleInterval.ONE_MINUTE), (CANDLE, CandleInterval.ONE_DAY)]
)

Act = Callable[[Session], Any]


def _call(name: str, stream: tuple[MarketChannel, Any], symbols: list[str]) -> Act:
    def act(session: Session) -> None:
        try:
            getattr(session.client, name)(stream[0], symbols, stream[1])
        except QfexError:
            pass

    return act


def _mood(name: str, symbol: str | None) -> Act:
    def act(session: Session) -> None:
        if symbol is None:
            session.exchange.mood = name
        else:
            session.exchange.moods[symbol] = name

    return act


acts = st.one_of(
    st.builds(_call, st.just("subscribe"), _stream, _topics),
    st.builds(_call, st.just("unsubscribe"), _stream, _topics),
    st.builds(_mood, st.sampled_from(MOODS), st.none() | st.sampled_from([*SYMBOLS, EVERY_SYMBOL])),
    st.just(Session.reconnect),
    st.builds(lambda seconds: lambda session: session.advance(seconds), st.sampled_from([0.25, 2.0, 8.0])),
)


@settings(max_examples=150)
@given(st.booleans(), st.lists(acts, max_size=25))
def test_once_the_exchange_answers_what_is_wanted_is_what_is_in_force(
    expands: bool, history: list[Act]
) -> None:
    session = Session(expands)
    for act in history:
        act(session)
    session.exchange.mood, session.exchange.moods = "oblige", {}
    session.advance(100)
    known = session.known
    assert known.missing(known.wanted) == []
    assert session.exchange.delivered == set(single(known.wanted))
    for topic in session.exchange.delivered:
        value = session.markets.newest(topic)
        assert (value.bid.price if topic.channel is BBO else value.close) == session.exchange.price
    for command in subscriptions(known.wanted):  # nothing is left to be sent
        assert known.want(command.topics) == []


@given(st.lists(acts, max_size=25))
def test_calls_alone_decide_what_is_wanted(history: list[Act]) -> None:
    session = Session()
    for act in history:
        act(session)
    wanted = set(session.known.wanted)
    session.exchange.mood, session.exchange.moods = "refuse", {}
    session.reconnect()
    session.advance(30)
    assert set(session.known.wanted) == wanted

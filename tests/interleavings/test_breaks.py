"""The exploration finds the errors that it is there for: each is made on purpose."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.interleavings import test_calls, test_streams
from tests.interleavings.support import (
    ClientConnection,
    EventBuffer,
    InconclusiveExploration,
    NoLock,
    PendingRequest,
    WaitList,
    connections,
    events,
    session,
)


def expect_found(test: Callable[[], None]) -> None:
    """Expect that a scenario fails: its invariant, a deadlock, a worker that raises, or one that never ends."""
    with pytest.raises((AssertionError, InconclusiveExploration, IndexError)) as caught:
        test()
    if caught.type is InconclusiveExploration:
        # A thread that waits for ever uses up the time, or the steps, of its execution.
        assert re.search("timed out before all worker threads completed|exhausted max_ops", str(caught.value))


def test_a_table_without_its_lock_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "Mutex", NoLock)
    expect_found(test_calls.test_queries_that_take_turns_get_each_its_own_answer)


def test_a_stream_without_its_lock_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "Mutex", NoLock)
    expect_found(test_streams.test_each_event_reaches_one_of_two_readers_and_both_end_after_the_close)


def test_a_list_of_streams_without_its_lock_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "Mutex", NoLock)
    expect_found(test_streams.test_two_streams_that_are_opened_and_closed_at_once_lose_neither_the_other)


def test_a_close_that_wakes_no_reader_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def close(buffer: EventBuffer) -> None:
        buffer.closed = True

    monkeypatch.setattr(EventBuffer, "close", close)
    expect_found(
        test_streams.test_a_reader_gets_the_first_events_in_order_and_ends_when_the_client_closes_meanwhile
    )


def test_a_wait_that_looks_before_it_can_be_woken_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    correct = WaitList.wait_until

    def wait_until(self: WaitList, look: Callable[[], object], deadline: Any) -> bool:
        if look():
            return True
        first = [True]
        # The first look of the correct wait comes after it can be woken; here it counts for nothing.
        return correct(self, lambda: False if first and first.pop() else look(), deadline)

    monkeypatch.setattr(WaitList, "wait_until", wait_until)
    expect_found(test_streams.test_a_latch_that_is_set_wakes_all_who_wait)


def test_an_answer_that_wakes_its_caller_before_it_is_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(request: PendingRequest, outcome: Any) -> None:
        request.answered = True
        request.outcome = outcome
        request.waiting.notify_all()

    monkeypatch.setattr(PendingRequest, "resolve", resolve)
    expect_found(test_calls.test_a_caller_that_wakes_finds_its_answer)


def test_a_request_that_is_forgotten_when_it_times_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(connection: ClientConnection, request: PendingRequest) -> bool:
        filed = request.filed
        connection.withdraw(request)
        return filed

    monkeypatch.setattr(ClientConnection, "give_up", give_up)
    expect_found(test_calls.test_the_late_reply_to_a_query_answers_no_later_one)


def test_an_end_that_forgets_the_requests_in_flight_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    correct = ClientConnection.end

    def end(connection: ClientConnection, ended: connections.ConnectionEnded) -> None:
        with connection._mutex:
            for request in list(connection._table):
                connection._table.remove(request)
        correct(connection, ended)

    monkeypatch.setattr(ClientConnection, "end", end)
    expect_found(test_calls.test_a_close_ends_a_call_that_is_not_answered)


def test_a_renewal_that_does_not_wait_for_answers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClientConnection, "drain", lambda connection, deadline: None)
    expect_found(test_calls.test_a_renewal_loses_no_answer_and_sends_no_order_twice)

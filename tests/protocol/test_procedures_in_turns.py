"""Procedures that run at the same time, wait for their turn, or ask somebody else than the exchange."""

from __future__ import annotations

from typing import Any

from qfex import AuthenticationError, RequestTimeout
from qfex.protocol.command import Request
from qfex.protocol.connection import BLOCKED_LIMIT, SECOND_REPLY_GRACE, Inquiry

from .made_up import ONE, THREE, TWO, Connection, Reply, one_at_a_time, two_then_one


def test_several_procedures_get_their_own_answers() -> None:
    first: list[Any] = []
    second: list[Any] = []
    frames = {b"two": [Reply("two", 2)], b"one": [Reply("one", 1)], b"three": [Reply("three", 3)]}
    connection = Connection(frames)
    one = connection.start(one_at_a_time(first, ONE))
    two = connection.start(one_at_a_time(second, TWO, THREE))
    connection.receive(b"two")
    assert (first, second) == ([], [2]) and connection.has_work
    connection.receive(b"one")
    assert one.done and not two.done
    connection.receive(b"three")
    assert (first, second) == ([1], [2, 3]) and two.done and not connection.has_work


def test_a_procedure_has_its_patience_for_each_of_its_steps() -> None:
    connection = Connection({b"one": [Reply("one")]})
    run = connection.start(one_at_a_time([], ONE, TWO), patience=5.0)
    connection.now += 4.9
    connection.work()
    connection.receive(b"one")
    connection.now += 4.9
    connection.work()
    assert not run.done and connection.table.given_up == []
    connection.now += 0.1
    connection.work()
    assert run.done and isinstance(run.error, RequestTimeout) and connection.table.given_up == [TWO]


def test_a_procedure_without_patience_waits_for_ever() -> None:
    connection = Connection()
    run = connection.start(one_at_a_time([], ONE))
    connection.now += 1e9
    connection.work()
    assert not run.done and connection.has_work


def test_a_step_waits_for_its_exclusive_key() -> None:
    connection, mine = Connection({b"one": [Reply("one", "mine")]}), Request(ONE)
    connection.send(ONE, mine)
    run = connection.start(two_then_one([]))
    assert connection.outgoing == []
    connection.work()
    assert connection.outgoing == [] and list(connection.table.filed) == [mine]
    assert connection.receive(b"one")[0] == [(mine, "mine")]
    connection.work()
    assert connection.outgoing == [ONE.encode(), TWO.encode()] and not run.done
    connection.work()
    assert len(connection.outgoing) == 2  # sent once


def test_a_step_waits_for_the_message_budget_unless_it_is_urgent() -> None:
    connection = Connection()
    connection.has_budget = False
    connection.start(one_at_a_time([], ONE))
    connection.start(one_at_a_time([], TWO), urgent=True)
    connection.work()
    assert connection.outgoing == [TWO.encode()]
    connection.has_budget = True
    connection.work()
    assert connection.outgoing == [TWO.encode(), ONE.encode()]


def test_a_step_waits_while_a_caller_waits_for_its_turn() -> None:
    connection = Connection()
    connection.has_budget = False
    connection.start(one_at_a_time([], ONE))
    connection.has_budget = True
    connection.work(may_ask=False)
    assert connection.outgoing == []
    connection.work()
    assert connection.outgoing == [ONE.encode()]


def test_a_step_that_was_given_up_before_it_was_sent_is_not_sent_later() -> None:
    connection = Connection()
    connection.has_budget = False
    run = connection.start(one_at_a_time([], ONE))
    connection.expire(run)
    connection.has_budget = True
    connection.work()
    assert run.done and connection.outgoing == [] and list(connection.table.filed) == []


def test_a_step_that_cannot_be_sent_for_long_fails_without_having_been_sent() -> None:
    connection = Connection()
    connection.has_budget = False
    run = connection.start(one_at_a_time([], ONE))
    connection.now += BLOCKED_LIMIT - 0.1
    connection.work()
    assert not run.done
    connection.now += 0.1
    connection.work()
    assert isinstance(run.error, RequestTimeout) and not run.error.sent
    connection.has_budget = True
    connection.work()
    assert connection.outgoing == []


def test_the_patience_of_a_step_that_had_to_wait_begins_when_it_is_sent() -> None:
    connection = Connection()
    connection.has_budget = False
    run = connection.start(one_at_a_time([], ONE), patience=1.0)
    connection.now += 3.0
    connection.has_budget = True
    connection.work()
    connection.now += 0.9
    connection.work()
    assert connection.outgoing == [ONE.encode()] and not run.done


def test_a_request_that_was_answered_and_may_get_a_second_reply_holds_up_no_step_for_long() -> None:
    """The answer to a query may have been an update of its order; whether a list follows is unknown."""
    connection, earlier = Connection(), Request(ONE)
    connection.send(ONE, earlier)
    earlier.awaits_late_reply, earlier.given_up_at = True, connection.now
    connection.outgoing.clear()
    connection.start(one_at_a_time([], ONE))
    connection.now += SECOND_REPLY_GRACE / 2
    connection.work()
    assert connection.outgoing == []
    connection.now += SECOND_REPLY_GRACE / 2
    connection.work()
    assert connection.outgoing == [ONE.encode()] and earlier not in connection.table.filed


def test_a_request_that_a_caller_waits_for_is_not_removed_for_a_step() -> None:
    connection, mine = Connection(), Request(ONE)
    connection.send(ONE, mine)
    connection.start(one_at_a_time([], ONE))
    connection.now += BLOCKED_LIMIT - 0.1
    connection.work()
    assert list(connection.table.filed) == [mine]


# --- inquiries ---------------------------------------------------------------------------------------------------


class AskArchive(Inquiry, frozen=True):
    """A question that is not for the socket."""

    type = "ask_archive"


def test_an_inquiry_is_left_to_the_owner_and_its_answer_moves_the_procedure_on() -> None:
    results: list[Any] = []
    connection = Connection()
    connection.has_budget = False  # it takes nothing of the budget of the socket
    run = connection.start(one_at_a_time(results, AskArchive(), ONE))
    (step,) = connection.inquiries
    assert connection.outgoing == [] and step.command == AskArchive()
    connection.has_budget = True
    connection.answer_inquiry(step, "found")
    assert results == ["found"] and connection.outgoing == [ONE.encode()] and not run.done


def test_an_inquiry_that_fails_raises_its_error_in_the_procedure() -> None:
    connection = Connection()
    run = connection.start(one_at_a_time([], AskArchive()))
    refusal = AuthenticationError("no")
    connection.answer_inquiry(connection.inquiries[0], refusal)
    assert run.error is refusal and not connection.has_work


def test_an_inquiry_is_given_up_when_its_time_is_over_and_its_late_answer_changes_nothing() -> None:
    results: list[Any] = []
    connection = Connection()
    run = connection.start(one_at_a_time(results, AskArchive()), patience=1.0)
    connection.now += 1.0
    connection.work()
    assert isinstance(run.error, RequestTimeout) and connection.table.given_up == []
    connection.answer_inquiry(connection.inquiries[0], "too late")
    assert results == []

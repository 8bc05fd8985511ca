"""Procedures, and what every connection does with requests, answers and events, whatever its gateway."""

from __future__ import annotations

from typing import Any

import pytest

from qfex import AuthenticationError, Channel, RequestTimeout
from qfex.protocol.command import Command, Request
from qfex.protocol.connection import Procedure, ProcedureRun
from qfex.protocol.events import Event

from .made_up import ONE, THREE, TWO, Ask, Connection, Reply, Unsendable, one_at_a_time, two_then_one

# --- ProcedureRun ------------------------------------------------------------------------------------------------


class Recorder:
    """Runs a procedure and records the steps that it sends, or leaves unsent."""

    def __init__(self, procedure: Procedure, *, sends: bool = True) -> None:
        self.steps: list[Any] = []
        self._sends = sends
        self.run = ProcedureRun(procedure, self._send)
        self.run.start()

    def _send(self, run: ProcedureRun) -> None:
        self.steps += run.steps
        for step in run.steps:
            step.filed = self._sends

    @property
    def commands(self) -> list[Command]:
        return [step.command for step in self.steps]

    def answer(self, number: int, outcome: Any = None) -> None:
        self.run.answer(self.steps[number], outcome)


def test_a_procedure_goes_on_when_all_commands_of_a_step_are_answered_in_any_order() -> None:
    results: list[Any] = []
    recorder = Recorder(two_then_one(results))
    assert recorder.commands == [ONE, TWO] and not recorder.run.done
    recorder.answer(1, "second")
    assert recorder.commands == [ONE, TWO] and results == []
    recorder.answer(0, "first")
    assert recorder.commands == [ONE, TWO, THREE] and results == ["first", "second"]
    recorder.answer(2, "third")
    assert recorder.run.done and recorder.run.error is None and results == ["first", "second", "third"]


def test_a_procedure_without_commands_is_done_at_once() -> None:
    def nothing() -> Procedure:
        yield from ()

    recorder = Recorder(nothing())
    assert recorder.run.done and recorder.run.error is None and recorder.steps == []


def test_an_error_in_an_answer_is_raised_in_the_procedure_which_may_go_on() -> None:
    caught: list[Exception] = []

    def persistent() -> Procedure:
        try:
            yield [ONE, TWO]
        except AuthenticationError as error:
            caught.append(error)
            yield [THREE]

    recorder, refusal = Recorder(persistent()), AuthenticationError("no")
    recorder.answer(0, refusal)
    assert caught == [] and recorder.commands == [ONE, TWO]  # the other command is not answered yet
    recorder.answer(1)
    assert caught == [refusal] and recorder.commands == [ONE, TWO, THREE]
    recorder.answer(2)
    assert recorder.run.done and recorder.run.error is None


def test_an_error_that_the_procedure_does_not_catch_ends_it() -> None:
    recorder, refusal = Recorder(two_then_one([])), AuthenticationError("no")
    recorder.answer(0, refusal)
    recorder.answer(1)
    assert recorder.run.done and recorder.run.error is refusal


def test_a_timeout_is_raised_in_the_procedure_and_late_answers_change_nothing() -> None:
    results: list[Any] = []

    def patient() -> Procedure:
        try:
            yield [ONE]
        except RequestTimeout as timeout:
            results.append(timeout.sent)
        results.extend((yield [TWO]))

    recorder = Recorder(patient())
    recorder.run.expire()
    assert results == [True] and recorder.commands == [ONE, TWO]
    recorder.answer(0, "too late")
    assert results == [True] and not recorder.run.done
    recorder.answer(1, "in time")
    assert results == [True, "in time"] and recorder.run.done
    recorder.answer(0, "much too late")
    assert results == [True, "in time"]


def test_the_timeout_of_a_step_that_was_not_sent_says_so() -> None:
    recorder = Recorder(two_then_one([]), sends=False)
    recorder.steps[0].filed = True  # one of the two was sent, the other waits for its turn
    recorder.run.expire()
    error = recorder.run.error
    assert isinstance(error, RequestTimeout) and not error.sent and "could not be sent" in str(error)


def test_the_timeout_of_a_step_that_is_answered_in_part_says_that_it_was_sent() -> None:
    recorder = Recorder(two_then_one([]))
    recorder.steps[0].filed = False  # as an answer leaves it
    recorder.answer(0, "first")
    recorder.run.expire()
    assert isinstance(recorder.run.error, RequestTimeout) and recorder.run.error.sent


def test_a_command_that_cannot_be_sent_ends_the_procedure() -> None:
    def refuse(run: ProcedureRun) -> None:
        raise OSError("broken")

    run = ProcedureRun(two_then_one([]), refuse)
    run.start()
    assert run.done and isinstance(run.error, OSError)


# --- ProtocolConnection ------------------------------------------------------------------------------------------


def values(events: list[Event]) -> list[Any]:
    return [event.value for event in events]


def test_sending_files_the_request_and_gives_the_bytes() -> None:
    connection, request = Connection(), Request(ONE)
    assert connection.send(ONE, request) == ONE.encode()
    assert list(connection.table.filed) == [request]
    assert connection.outgoing == []  # the caller sends it


def test_a_command_that_nobody_waits_for_is_filed_too() -> None:
    connection = Connection()
    connection.send(ONE)
    ((request, _),) = connection.table.answer(Reply("one"))
    assert request.command == ONE


def test_a_command_that_cannot_be_encoded_is_not_filed() -> None:
    connection = Connection()
    with pytest.raises(ValueError, match="cannot be encoded"):
        connection.send(Unsendable("x"))
    assert list(connection.table.filed) == []


def test_a_frame_gives_the_answers_and_the_events_of_all_its_messages_in_order() -> None:
    messages = [Reply("two", "second"), "an update", Reply("one", "first"), Reply("nobody asked")]
    connection = Connection({b"frame": messages})
    one, two = Request(ONE), Request(TWO)
    connection.send(ONE, one)
    connection.send(TWO, two)
    answers, events = connection.receive(b"frame")
    assert answers == [(two, "second"), (one, "first")]
    assert values(events) == messages
    assert [answered for _, answered in connection.applied] == [
        [(two, "second")],
        [],
        [(one, "first")],
        [],
    ]


def test_commands_of_a_procedure_wait_to_be_sent_and_their_answers_are_not_returned() -> None:
    results: list[Any] = []
    connection = Connection(
        {
            b"both": [Reply("one", 1), Reply("two", 2)],
            b"last": [Reply("three", 3), Reply("mine", "yours")],
        }
    )
    run = connection.start(two_then_one(results))
    assert connection.outgoing == [ONE.encode(), TWO.encode()]
    connection.outgoing.clear()
    assert connection.receive(b"both")[0] == []
    assert results == [1, 2] and connection.outgoing == [THREE.encode()] and not run.done
    mine = Request(Ask("mine"))
    connection.send(mine.command, mine)
    assert connection.receive(b"last")[0] == [(mine, "yours")]
    assert results == [1, 2, 3] and run.done and run.error is None


def test_a_procedure_sees_the_state_after_the_message_that_answers_it() -> None:
    seen: list[int] = []
    connection = Connection({b"reply": [Reply("one")]})

    def procedure() -> Procedure:
        seen.append(len(connection.applied))
        yield [ONE]
        seen.append(len(connection.applied))

    connection.start(procedure())
    connection.receive(b"reply")
    assert seen == [0, 1]


def test_an_expired_procedure_gives_its_commands_up_and_gets_a_timeout() -> None:
    connection = Connection({b"in time": [Reply("one", 1)], b"late": [Reply("two", 2)]})
    run = connection.start(two_then_one([]))
    connection.receive(b"in time")
    connection.expire(run)
    assert connection.table.given_up == [TWO]
    assert run.done and isinstance(run.error, RequestTimeout) and run.error.sent


def test_the_late_answer_to_a_procedure_that_ended_is_not_returned() -> None:
    connection = Connection({b"late": [Reply("one", 1)]})
    run = connection.start(one_at_a_time([], ONE))
    connection.expire(run)
    assert run.done and not connection.has_work
    assert connection.receive(b"late")[0] == []


def test_a_command_of_a_procedure_that_cannot_be_encoded_ends_it() -> None:
    def unsendable() -> Procedure:
        yield [Unsendable("x")]

    connection = Connection()
    run = connection.start(unsendable())
    assert run.done and isinstance(run.error, ValueError)
    assert connection.outgoing == [] and list(connection.table.filed) == []


def test_a_message_that_cannot_be_handled_is_an_error_event_and_spoils_no_other() -> None:
    connection = Connection({b"frame": ["before", "odd", "after"]})
    answers, events = connection.receive(b"frame")
    before, error, after = events
    assert answers == [] and (before.value, after.value) == ("before", "after")
    assert (error.channel, error.value.kind, error.value.message) == (
        Channel.ERRORS,
        "internal",
        "an odd message",
    )
    assert error.value.text == "'odd'" and isinstance(error.value.error, ValueError)


def test_a_request_gets_its_answer_even_if_the_message_cannot_be_handled() -> None:
    connection, request = Connection({b"frame": [Reply("one", "odd")]}), Request(ONE)
    connection.send(ONE, request)
    answers, events = connection.receive(b"frame")
    assert answers == [(request, "odd")]
    assert [event.value.kind for event in events] == ["internal"]


def test_a_procedure_gets_its_answer_even_if_the_message_cannot_be_handled() -> None:
    results: list[Any] = []
    frames = {b"both": [Reply("one", "odd"), Reply("two", 2)], b"last": [Reply("three", "odd")]}
    connection = Connection(frames)
    run = connection.start(two_then_one(results))
    assert connection.receive(b"both")[0] == []
    assert results == ["odd", 2]
    assert connection.receive(b"last")[0] == []
    assert results == ["odd", 2, "odd"] and run.done

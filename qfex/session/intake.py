"""What becomes of a message: it changes the state, callbacks and streams are told, and who waits for it is woken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..models.connection import ErrorEvent
from ..protocol.events import Event
from .bells import Bell, ring_all
from .dialogue import Dialogue
from .dispatcher import log
from .frames import BINARY
from .line import Line

#: Messages of one read while whose answers are handed over what is sent may wait: some tenths of a millisecond.
_FEW = 16


class Intake:
    """Reads a line for a session. `lock` guards the dialogue's state.

    Parameters
    ----------
    publish : callable
        Gives events to callbacks and streams.

    Attributes
    ----------
    observers : list
        The bells of those who wait for the state to change.
    received : int
        Messages so far.
    """

    def __init__(self, dialogue: Dialogue, publish: Callable[[Sequence[Event]], None]) -> None:
        self._dialogue = dialogue
        self._decode = dialogue.decode
        self._publish = publish
        self.lock = threading.Lock()
        self.observers: list[Bell] = []
        self.received = 0

    def read(self, line: Line, until: float = float("inf")) -> None:
        """Read what came.

        The first event is told at once, so that its callback need not wait for what came with it; the others together,
        but before a caller learns of an answer that came after them.
        """
        told: list[Event] = []
        at_once = True
        messages = line.receive(until)
        several = 1 < len(messages) <= _FEW
        if several:  # callers are woken soon one after the other
            line.transport.hold_back()
        try:
            for opcode, payload in messages:
                if opcode > BINARY:
                    line.take_control(opcode, payload)
                    continue
                self.received += 1
                for message in self._decode(payload):
                    self._take(line, message, told)
                if told and at_once:
                    at_once = False
                    self._tell(told)
        finally:
            if several:
                line.transport.push()
            if told:
                self._tell(told)

    def _tell(self, events: list[Event]) -> None:
        self._publish(events)
        events.clear()

    def _take(self, line: Line, message: Any, told: list[Event]) -> None:
        """Let a message change the state, wake the callers that it answers, and note what the user shall hear."""
        answers: Sequence[tuple[Any, Any]] = ()
        try:
            answers = line.pending.answer(message)
            with self.lock:
                told.extend(self._dialogue.receive(message, answers))
        except Exception as error:  # a strange message must not end the reader
            log.exception("a message could not be taken")
            event = ErrorEvent("internal", str(error), repr(message), error)
            told.append(Event(self._dialogue.errors, None, event))
        if answers:
            self._tell(told)
            # Woken last: a caller that wakes now finds the interpreter free as soon as this thread waits again.
            for waiter, outcome in answers:
                waiter.resolve(outcome)
        if self.observers:
            ring_all(self.observers)

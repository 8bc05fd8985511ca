"""A made-up exchange of questions and replies: its connections show what is common to all gateways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from qfex import Channel
from qfex.protocol.command import Command, Request
from qfex.protocol.connection import Answer, Procedure, ProtocolConnection
from qfex.protocol.events import Event


class Ask(Command, frozen=True):
    """A question of an exchange that was made up for these tests."""

    type = "ask"
    text: str


class Unsendable(Ask, frozen=True):
    """A command that cannot be encoded."""

    def encode(self) -> bytes:
        raise ValueError("cannot be encoded")


@attrs.frozen
class Reply:
    """The reply to a question; an exception as its outcome refuses the question."""

    text: str
    outcome: Any = None


ONE, TWO, THREE = Ask("one"), Ask("two"), Ask("three")


def two_then_one(results: list[Any]) -> Procedure:
    results += yield [ONE, TWO]
    results += yield [THREE]


def one_at_a_time(results: list[Any], *commands: Command) -> Procedure:
    for command in commands:
        results += yield [command]


class Table:
    """Requests in flight, each answered by the reply with its text. A question in flight is not asked again."""

    answering = frozenset({Reply})

    def __init__(self) -> None:
        self.filed: dict[Request, None] = {}
        self.given_up: list[Command] = []

    def add(self, request: Request) -> None:
        request.filed = True
        self.filed[request] = None

    def holder(self, command: Command) -> Request | None:
        return next((request for request in self.filed if request.command == command), None)

    def give_up(self, request: Request) -> None:
        self.given_up.append(request.command)

    def remove(self, request: Request) -> None:
        request.filed = False
        del self.filed[request]

    def answer(self, message: Reply) -> list[Answer]:
        answered = [request for request in self.filed if request.command == Ask(message.text)]
        for request in answered:
            del self.filed[request]
        return [(request, message.outcome) for request in answered]


class Connection(ProtocolConnection):
    """A connection whose frames are names of the messages that a test prepares; each message is an event."""

    errors = Channel.ERRORS
    table: Table

    def __init__(self, messages: dict[bytes, list[Any]] | None = None) -> None:
        super().__init__(lambda: self.now, lambda command: self.has_budget)
        self.now = 1000.0
        self.has_budget = True
        self.table = Table()
        self._messages = messages or {}
        self.applied: list[tuple[Any, Sequence[Answer]]] = []

    def _decode(self, frame: bytes) -> Iterable[Any]:
        return self._messages[frame]

    def _apply(self, message: Any, answered: Sequence[Answer]) -> Iterable[Event]:
        if message == "odd" or getattr(message, "outcome", None) == "odd":
            raise ValueError("an odd message")
        self.applied.append((message, list(answered)))
        return (Event(Channel.ORDERS, None, message),)

    def login(self, clock_skew: Callable[[], float | None]) -> Procedure:
        raise NotImplementedError

    def resync(self) -> Procedure:
        raise NotImplementedError

    def release(self) -> Sequence[Event]:
        return ()

    def teardown(self) -> Sequence[Command]:
        return ()

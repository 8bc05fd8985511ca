"""What a session asks of the protocol that runs over it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ..enums import OpenEnum
from ..protocol.commands import Command
from ..protocol.events import Event, Policy
from .pending import Book
from .script import Conversation


class Dialogue(Protocol):
    """What a session asks of the protocol that runs over it. All of it is pure."""

    @property
    def errors(self) -> OpenEnum:
        """The channel for what belongs to no call."""

    @property
    def connection(self) -> OpenEnum:
        """The channel for changes of the connection."""

    def endpoint(self) -> tuple[str, dict[str, str]]:
        """URL and headers of the next connection."""

    def new_book(self) -> Book:
        """The book for the requests of a new line."""

    def decode(self, frame: bytes) -> Sequence[Any]:
        """Messages of a frame."""

    def opening(self, clock_skew: Callable[[], float | None]) -> Conversation:
        """What is said first on every line; `clock_skew` tells by how many seconds the peer's clock is ahead."""

    def farewell(self) -> Sequence[Command]:
        """What is said before a line is ended on purpose; nobody waits for the answers."""

    def recovery(self) -> Conversation:
        """What is said on a line that follows a lost one."""

    def receive(self, message: Any, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        """Take a message into the state; what the user shall hear of it."""

    def released(self) -> Iterable[Event]:
        """Events that were held back during the recovery."""

    def policy_of(self, channel: OpenEnum) -> Policy:
        """What becomes of events of a channel that are not taken in time."""

"""The armed faults: which commands, messages and connections they strike. Lives on the event loop's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from ...gateway.wire import decode

if TYPE_CHECKING:
    from ...gateway.session import OutboundMessage
    from ..connection import Connection

Direction = Literal["in", "out"]
Message = dict[str, Any]
Predicate = Callable[[Message], bool]
# Takes the selected messages, returns those to be sent now.
Transform = Callable[["Connection", "list[OutboundMessage]"], "list[OutboundMessage]"]
# Takes a command, returns True if it has been dealt with and is not to be processed.
Interception = Callable[["Connection", Message, str], bool]
AnyRule = TypeVar("AnyRule", bound="Rule")

# Messages of these kinds report events. Every other message that a command causes on its own connection is its reply.
_EVENTS = {"fill_response", "position_response", "balance_response", "stop_order_response"}


@dataclass
class Countdown:
    """How many messages or bytes may still pass before the connection that carries the last one is cut.

    Attributes
    ----------
    left : int
        How many may still pass.
    reset : bool
        Whether to cut with RST instead of FIN.
    connection : int, optional
        Only messages of this connection count.
    """

    left: int
    reset: bool
    connection: int | None = None

    def take(self, wanted: int) -> int:
        """Return how many of ``wanted`` may pass, and count them."""
        passing = min(wanted, self.left)
        self.left -= passing
        return passing

    @property
    def spent(self) -> bool:
        """Whether the connection is to be cut."""
        return self.left <= 0


@dataclass(eq=False)
class Rule:
    """The condition under which a fault strikes.

    Attributes
    ----------
    kind : str, optional
        The type of the command, or the top-level key of the message; None for any.
    when : callable, optional
        A further condition on the decoded message.
    connection : int, optional
        The only connection that it strikes.
    left : int or None
        How often it will still strike; None means until it is cleared.
    spared : int
        How many matching commands or messages it spares first.
    """

    kind: str | None
    when: Predicate | None
    connection: int | None
    left: int | None
    spared: int

    def __post_init__(self) -> None:
        if self.left is not None and self.left < 1:
            raise ValueError(f"a fault strikes at least once, not {self.left} times")

    def strikes(self, connection: Connection, kind: str | None, message: Message) -> bool:
        """Return whether the fault strikes here, and count."""
        if not self._matches(connection, kind, message):
            return False
        if self.spared:
            self.spared -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def _matches(self, connection: Connection, kind: str | None, message: Message) -> bool:
        if self.kind not in (None, kind):
            return False
        if self.connection not in (None, connection.session.id):
            return False
        return self.when is None or self.when(message)


@dataclass(eq=False)
class CommandRule(Rule):
    """A fault that strikes when a command arrives.

    Attributes
    ----------
    intercept : callable, optional
        Runs before the command is processed, and may replace that.
    transform : callable, optional
        Changes the reply to the command on its connection.
    """

    intercept: Interception | None = None
    transform: Transform | None = None


@dataclass(eq=False)
class FrameRule(Rule):
    """A fault that strikes when a message is about to be sent.

    Attributes
    ----------
    transform : callable
        Changes the message.
    """

    transform: Transform


class FaultPlan:
    """All armed faults of one simulator.

    Attributes
    ----------
    commands, frames : list
        The faults of commands and of single messages, in the order in which they were armed.
    frame_countdown, byte_countdown : dict of str to Countdown
        By direction, "in" (from clients) or "out": the connection that uses one up is cut.
    refusals, stalls : int or None
        How many connections are still to be refused, or left without an answer; None means all.
    """

    def __init__(self) -> None:
        self.commands: list[CommandRule] = []
        self.frames: list[FrameRule] = []
        self.frame_countdown: dict[str, Countdown] = {}
        self.byte_countdown: dict[str, Countdown] = {}
        self.refusals: int | None = 0
        self.stalls: int | None = 0
        self._stalled: list[asyncio.Future[None]] = []

    def clear(self) -> None:
        """Disarm all faults."""
        for armed in (self.commands, self.frames, self.frame_countdown, self.byte_countdown):
            armed.clear()
        self.refusals = self.stalls = 0
        for waiting in self._stalled:
            if not waiting.done():
                waiting.set_result(None)
        self._stalled.clear()

    def countdown(self, direction: str, connection: int) -> Countdown | None:
        """Return the countdown of messages that applies to a connection in a direction."""
        found = self.frame_countdown.get(direction)
        return found if found is not None and found.connection in (None, connection) else None

    def refuses_connection(self) -> bool:
        """Return whether to refuse a new connection, and count it."""
        if self.refusals:
            self.refusals -= 1
            return True
        return self.refusals is None

    async def stall_connection(self) -> None:
        """If the next upgrade is to be left unanswered, wait until all faults are disarmed."""
        if self.stalls == 0:
            return
        if self.stalls is not None:
            self.stalls -= 1
        waiting = asyncio.get_running_loop().create_future()
        self._stalled.append(waiting)
        await waiting

    def intercepts(self, connection: Connection, text: str) -> bool:
        """Return whether a fault replaces the processing of a command; arm its fault of the reply, if it has one."""
        if not self.commands:
            return False
        message = _decoded(text)
        rule = _first(self.commands, connection, message.get("type"), message)
        if rule is None:
            return False
        connection.transform = rule.transform
        return rule.intercept is not None and rule.intercept(connection, message, text)

    def outgoing(self, connection: Connection, messages: list[OutboundMessage]) -> list[OutboundMessage]:
        """Apply the armed faults to messages, and return those that are to be sent now."""
        transform, connection.transform = connection.transform, None
        if transform is not None:
            messages = _apply_to_replies(connection, messages, transform)
        if not self.frames:
            return messages
        return [left for message in messages for left in self._apply(connection, message)]

    def _apply(self, connection: Connection, message: OutboundMessage) -> list[OutboundMessage]:
        rule = _first(self.frames, connection, message.kind, _decoded(message.data))
        return [message] if rule is None else rule.transform(connection, [message])


def _first(
    rules: list[AnyRule], connection: Connection, kind: str | None, message: Message
) -> AnyRule | None:
    """Return the rule that strikes: of those that match, the one armed first. Remove it once it is used up."""
    striking = next((rule for rule in rules if rule.strikes(connection, kind, message)), None)
    if striking is not None and striking.left == 0:
        rules.remove(striking)
    return striking


def _apply_to_replies(
    connection: Connection, messages: list[OutboundMessage], transform: Transform
) -> list[OutboundMessage]:
    """Transform a command's replies as a group; the result takes the place of the first reply."""
    replies = [message for message in messages if message.kind not in _EVENTS]
    first = messages.index(replies[0]) if replies else 0
    events = [message for message in messages if message.kind in _EVENTS]
    return [*events[:first], *transform(connection, replies), *events[first:]]


def _decoded(text: str | bytes) -> Message:
    """Return a message as a dictionary, an empty one if it is not a JSON object."""
    try:
        message = decode(text)
    except msgspec.DecodeError:
        return {}
    return message if isinstance(message, dict) else {}

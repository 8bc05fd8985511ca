"""The faults that are armed, and where they strike. Lives on the event loop's thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ...gateway.wire import decode
from .countdown import Countdown
from .rules import CommandRule, FrameRule, Message, Rule, Transform

if TYPE_CHECKING:
    from ...gateway.session import Frame
    from ..trade import Connection

AnyRule = TypeVar("AnyRule", bound=Rule)

# Streams tell what happened; everything else that a command brings to its own connection is its reply.
_STREAMS = {"fill_response", "position_response", "balance_response", "stop_order_response"}


class FaultPlan:
    """All armed faults of one simulator.

    Attributes
    ----------
    commands, frames : list
        The rules.
    frame_countdown, byte_countdown : dict of str to Countdown
        By direction, "in" (from clients) or "out": the connection that uses one up is cut.
    refusals, stalls : int or None
        How many connections are yet to be refused, or left without an answer; None means all.
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
        """Disarm everything."""
        for armed in (self.commands, self.frames, self.frame_countdown, self.byte_countdown):
            armed.clear()
        self.refusals = self.stalls = 0
        for waiting in self._stalled:
            if not waiting.done():
                waiting.set_result(None)
        self._stalled.clear()

    def countdown(self, direction: str, connection: int) -> Countdown | None:
        """Return the countdown of messages in a direction that this connection is subject to."""
        found = self.frame_countdown.get(direction)
        return found if found is not None and found.connection in (None, connection) else None

    def refuses_connection(self) -> bool:
        """Say whether to turn this connection away, and count it."""
        if self.refusals:
            self.refusals -= 1
            return True
        return self.refusals is None

    async def stall_connection(self) -> None:
        """Leave this connection's upgrade unanswered, if it is to be, until everything is disarmed."""
        if self.stalls == 0:
            return
        if self.stalls is not None:
            self.stalls -= 1
        waiting = asyncio.get_running_loop().create_future()
        self._stalled.append(waiting)
        await waiting

    def intercepts(self, connection: Connection, text: str) -> bool:
        """Say whether a command is not to be processed; note what is to happen to its replies."""
        if not self.commands:
            return False
        message = _decoded(text)
        rule = _first(self.commands, connection, message.get("type"), message)
        if rule is None:
            return False
        connection.transform = rule.transform
        return rule.intercept is not None and rule.intercept(connection, message, text)

    def outgoing(self, connection: Connection, frames: list[Frame]) -> list[Frame]:
        """Return what is left of frames that are to be sent."""
        transform, connection.transform = connection.transform, None
        if transform is not None:
            frames = _apply_to_replies(connection, frames, transform)
        if not self.frames:
            return frames
        return [left for frame in frames for left in self._apply(connection, frame)]

    def _apply(self, connection: Connection, frame: Frame) -> list[Frame]:
        rule = _first(self.frames, connection, frame.kind, _decoded(frame.data))
        return [frame] if rule is None else rule.transform(connection, [frame])


def _first(
    rules: list[AnyRule], connection: Connection, kind: str | None, message: Message
) -> AnyRule | None:
    """Return the rule that strikes: the one armed first of those that fit. Spent ones are forgotten."""
    striking = next((rule for rule in rules if rule.strikes(connection, kind, message)), None)
    if striking is not None and striking.left == 0:
        rules.remove(striking)
    return striking


def _apply_to_replies(connection: Connection, frames: list[Frame], transform: Transform) -> list[Frame]:
    """Transform a command's replies as a group; what becomes of them stands where the first of them stood."""
    replies = [frame for frame in frames if frame.kind not in _STREAMS]
    first = frames.index(replies[0]) if replies else 0
    streams = [frame for frame in frames if frame.kind in _STREAMS]
    return [*streams[:first], *transform(connection, replies), *streams[first:]]


def _decoded(text: str | bytes) -> Message:
    """Return a message as a dictionary, an empty one for what is none."""
    try:
        message = decode(text)
    except msgspec.DecodeError:
        return {}
    return message if isinstance(message, dict) else {}

"""The faults that are armed, and where they strike. Lives on the event loop's thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from ...gateway.wire import decode
from .countdown import Countdown
from .rules import CommandRule, FrameRule, Transform

if TYPE_CHECKING:
    from ...gateway.session import Frame
    from ..trade import Connection

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
        for rule in self._striking(connection, message):
            if rule.transform is not None:
                connection.transforms.append(rule.transform)
            if rule.intercept is not None and rule.intercept(connection, message, text):
                return True
        return False

    def outgoing(self, connection: Connection, frames: list[Frame]) -> list[Frame]:
        """Return what is left of frames that are to be sent."""
        transforms, connection.transforms = connection.transforms, []
        for transform in transforms:
            frames = _apply_to_replies(connection, frames, transform)
        for rule in self.frames:
            frames = _apply(connection, frames, rule)
        return frames

    def _striking(self, connection: Connection, message: Any) -> list[CommandRule]:
        name = message.get("type")
        rules = [rule for rule in self.commands if rule.command in (None, name)]
        striking = [rule for rule in rules if rule.fits(connection, message)]
        for rule in striking:
            rule.strike()
        return striking


def _apply(connection: Connection, frames: list[Frame], rule: FrameRule) -> list[Frame]:
    sent: list[Frame] = []
    for frame in frames:
        if rule.kind in (None, frame.kind) and rule.fits(connection, _decoded(frame.data)):
            rule.strike()
            sent.extend(rule.transform(connection, [frame]))
        else:
            sent.append(frame)
    return sent


def _apply_to_replies(connection: Connection, frames: list[Frame], transform: Transform) -> list[Frame]:
    """Transform a command's replies as a group; what becomes of them stands where the first of them stood."""
    replies = [frame for frame in frames if frame.kind not in _STREAMS]
    first = frames.index(replies[0]) if replies else 0
    streams = [frame for frame in frames if frame.kind in _STREAMS]
    return [*streams[:first], *transform(connection, replies), *streams[first:]]


def _decoded(text: str | bytes) -> Any:
    """Return a message as a dictionary, an empty one for what is none."""
    try:
        message = decode(text)
    except msgspec.DecodeError:
        return {}
    return message if isinstance(message, dict) else {}

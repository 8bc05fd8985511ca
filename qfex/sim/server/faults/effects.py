"""What a fault does once it strikes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from ...gateway.wire import encode
from .rules import Interception, Message, Transform

if TYPE_CHECKING:
    from ...gateway.session import Frame
    from ..trade import Connection

Echo = Literal["object", "text"]


def cut(reset: bool) -> Transform:
    """End the line instead of sending."""

    def transform(connection: Connection, frames: list[Frame]) -> list[Frame]:
        connection.cut(reset=reset)
        return []

    return transform


def swallow(connection: Connection, frames: list[Frame]) -> list[Frame]:
    """Send nothing."""
    return []


def postpone(seconds: float) -> Transform:
    """Send later, by real time; what follows is not held up."""

    def transform(connection: Connection, frames: list[Frame]) -> list[Frame]:
        asyncio.get_running_loop().call_later(seconds, connection.write, frames)
        return []

    return transform


def reverse(connection: Connection, frames: list[Frame]) -> list[Frame]:
    """Send the last first."""
    return frames[::-1]


def duplicate(connection: Connection, frames: list[Frame]) -> list[Frame]:
    """Send each twice."""
    return [frame for frame in frames for _ in range(2)]


def garble(connection: Connection, frames: list[Frame]) -> list[Frame]:
    """Send text of the same length that is no JSON."""
    return [frame._replace(data=b"#" * len(frame.data)) for frame in frames]


def truncate(connection: Connection, frames: list[Frame]) -> list[Frame]:
    """Send the first half of the text, in a WebSocket frame that is whole."""
    return [frame._replace(data=frame.data[: len(frame.data) // 2]) for frame in frames]


def ignore(connection: Connection, message: Message, text: str) -> bool:
    """Do not process the command, and say nothing."""
    return True


def cut_before(reset: bool) -> Interception:
    """End the line instead of processing."""

    def intercept(connection: Connection, message: Message, text: str) -> bool:
        connection.cut(reset=reset)
        return True

    return intercept


def answer_error(error_code: str, reason: str | None, echo: Echo | None) -> Interception:
    """Answer with an ``err`` instead of processing."""

    def intercept(connection: Connection, message: Message, text: str) -> bool:
        echoes: dict[Echo | None, Any] = {"object": message, "text": text, None: None}
        error = {"error_code": error_code, "message": reason, "incoming_message": echoes[echo]}
        connection.tell("err", encode({"err": error}))
        return True

    return intercept


def deny(answer: Message) -> Interception:
    """Answer ``auth`` with a failure instead of checking it."""

    def intercept(connection: Connection, message: Message, text: str) -> bool:
        connection.tell(next(iter(answer)), encode(answer))
        return True

    return intercept

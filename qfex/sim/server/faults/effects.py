"""The effects of faults on commands and on messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from ...gateway.session import OutboundMessage
from ...gateway.wire import encode
from .plan import Interception, Message, Transform

if TYPE_CHECKING:
    from ..connection import Connection

Echo = Literal["object", "text"]


def cut(reset: bool) -> Transform:
    """End the connection instead of sending."""

    def transform(connection: Connection, messages: list[OutboundMessage]) -> list[OutboundMessage]:
        connection.cut(reset=reset)
        return []

    return transform


def swallow(connection: Connection, messages: list[OutboundMessage]) -> list[OutboundMessage]:
    """Send nothing."""
    return []


def postpone(seconds: float) -> Transform:
    """Send after a delay in real time; later messages are not delayed."""

    def transform(connection: Connection, messages: list[OutboundMessage]) -> list[OutboundMessage]:
        asyncio.get_running_loop().call_later(seconds, connection.write, messages)
        return []

    return transform


def reverse(connection: Connection, messages: list[OutboundMessage]) -> list[OutboundMessage]:
    """Send the last message first."""
    return messages[::-1]


def duplicate(connection: Connection, messages: list[OutboundMessage]) -> list[OutboundMessage]:
    """Send each message twice."""
    return [message for message in messages for _ in range(2)]


def garble(connection: Connection, messages: list[OutboundMessage]) -> list[OutboundMessage]:
    """Send text of the same length that is not JSON."""
    return [message._replace(data=b"#" * len(message.data)) for message in messages]


def truncate(connection: Connection, messages: list[OutboundMessage]) -> list[OutboundMessage]:
    """Send the first half of the text, in a complete WebSocket frame."""
    return [message._replace(data=message.data[: len(message.data) // 2]) for message in messages]


def ignore(connection: Connection, message: Message, text: str) -> bool:
    """Neither process nor answer the command."""
    return True


def cut_before(reset: bool) -> Interception:
    """End the connection instead of processing the command."""

    def intercept(connection: Connection, message: Message, text: str) -> bool:
        connection.cut(reset=reset)
        return True

    return intercept


def answer_error(error_code: str, reason: str | None, echo: Echo | None) -> Interception:
    """Answer with an ``err`` instead of processing the command."""

    def intercept(connection: Connection, message: Message, text: str) -> bool:
        echoes: dict[Echo | None, Any] = {"object": message, "text": text, None: None}
        error = {"error_code": error_code, "message": reason, "incoming_message": echoes[echo]}
        connection.write([OutboundMessage("err", encode({"err": error}))])
        return True

    return intercept


def deny(answer: Message) -> Interception:
    """Answer ``auth`` with a failure instead of checking it."""

    def intercept(connection: Connection, message: Message, text: str) -> bool:
        connection.write([OutboundMessage(next(iter(answer)), encode(answer))])
        return True

    return intercept

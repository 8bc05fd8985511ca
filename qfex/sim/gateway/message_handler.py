"""Handles one incoming message: JSON, schema, permission, rate limit, handler. Any failure becomes an ``err``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from ..engine import Refused
from .audit import ReceivedCommand
from .commands import Malformed, Params, fit
from .table import COMMANDS, Command
from .wire import decode

if TYPE_CHECKING:
    from .context import CommandContext
    from .rate_limit import RateLimiter

_log = logging.getLogger(__name__)


class IncomingMessage:
    """One message of a connection, as far as it has been parsed."""

    __slots__ = ("message", "name", "params", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.message: Any = None
        self.name: str | None = None
        self.params: Params | None = None


class MessageHandler:
    """Handles the messages of all connections.

    Parameters
    ----------
    limiter : RateLimiter
        The message budgets.
    """

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    def handle(self, context: CommandContext, text: str) -> None:
        """Handle one message. Never raises: replies and errors are queued on the connection."""
        incoming = IncomingMessage(text)
        try:
            command = _parse(incoming)
            _record(context, incoming)
            self._admit(context, incoming, command)
            command.handler(context, incoming.params)
        except Refused as refusal:
            _refuse(context, incoming, refusal.error_code, refusal.message)
        except ArithmeticError:
            _refuse(context, incoming, "InvalidParameter", "number out of range")
        except Exception as error:
            # This is a bug in the simulator. The client gets the exchange's own "ServerError"; tests find the bug in
            # the audit trail.
            _log.exception("the simulator failed to handle %s", incoming.name)
            context.audit.errors.append(error)
            _refuse(context, incoming, "ServerError", "internal error")

    def _admit(self, context: CommandContext, incoming: IncomingMessage, command: Command) -> None:
        """Check authentication, message budget and the scope of the key."""
        identity = context.session.identity
        if identity is None:
            if incoming.name != "auth":
                raise Refused("PermissionDenied", "authenticate first")
            return
        wait = self._limiter.spend(identity.user_id, command.bucket, command.weight, context.exchange.now)
        if wait:
            raise Refused("RateLimited", f"rate limit exceeded, retry after {wait * 1000:.0f}ms")
        if command.trades and not identity.can_trade:
            raise Refused("PermissionDenied", "the key lacks the scope Execute orders")


def _parse(incoming: IncomingMessage) -> Command:
    try:
        message = incoming.message = decode(incoming.text)
        name = message.get("type") if isinstance(message, dict) else None
        if not isinstance(name, str) or name not in COMMANDS:
            raise Malformed("unknown message type")
        incoming.name = name
        incoming.params = fit(message.get("params"), COMMANDS[name].schema)
    except (msgspec.DecodeError, Malformed) as error:
        raise Refused("InvalidJSONFormat", str(error)) from error
    return COMMANDS[name]


def _record(context: CommandContext, incoming: IncomingMessage) -> None:
    """Record a well-formed command before it is judged, and name it as the cause of the events that follow."""
    name, session = incoming.name or "", context.session
    session.command = name
    params = {} if name == "auth" else incoming.message["params"]
    context.audit.received.append(
        ReceivedCommand(context.exchange.now, session.id, session.acting_for, name, params)
    )


def _refuse(context: CommandContext, incoming: IncomingMessage, code: str, reason: str) -> None:
    echo = context.dialect.echo(incoming.message, incoming.text, incoming.name, incoming.params)
    spelled = context.dialect.error_code(incoming.name, code)
    context.reply({"err": {"error_code": spelled, "message": reason, "incoming_message": echo}})

"""A message's way in: JSON, schema, permission, budget, handler; whatever fails on the way is an ``err``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from ..engine import Refused
from .commands import Malformed, Params, fit
from .table import COMMANDS, Command
from .wire import decode

if TYPE_CHECKING:
    from .gateway import TradeGateway
    from .session import TradeSession

_log = logging.getLogger(__name__)


class Request:
    """One message of one connection, as far as it has been understood."""

    __slots__ = ("message", "name", "params", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.message: Any = None
        self.name: str | None = None
        self.params: Params | None = None


def receive(gateway: TradeGateway, session: TradeSession, text: str) -> None:
    """Handle one message; no message makes this raise."""
    request = Request(text)
    try:
        command = _understand(request)
        gateway.note(session, request)
        _admit(gateway, session, request, command)
        command.handler(gateway, session, request.params)
    except Refused as refusal:
        _refuse(gateway, session, request, refusal.error_code, refusal.message)
    except ArithmeticError:
        _refuse(gateway, session, request, "InvalidParameter", "number out of range")
    except Exception as error:
        # The exchange's own "ServerError": here it is a bug, and the ledger is where a test finds it.
        _log.exception("the simulator failed to handle %s", request.name)
        gateway.ledger.errors.append(error)
        _refuse(gateway, session, request, "ServerError", "internal error")


def _understand(request: Request) -> Command:
    try:
        message = request.message = decode(request.text)
        name = message.get("type") if isinstance(message, dict) else None
        if not isinstance(name, str) or name not in COMMANDS:
            raise Malformed("unknown message type")
        request.name = name
        request.params = fit(message.get("params"), COMMANDS[name].schema)
    except (msgspec.DecodeError, Malformed) as error:
        raise Refused("InvalidJSONFormat", str(error)) from error
    return COMMANDS[name]


def _admit(gateway: TradeGateway, session: TradeSession, request: Request, command: Command) -> None:
    identity = session.identity
    if identity is None:
        if request.name != "auth":
            raise Refused("PermissionDenied", "authenticate first")
        return
    wait = gateway.limiter.spend(identity.user_id, command.bucket, command.weight, gateway.clock.now)
    if wait:
        raise Refused("RateLimited", f"rate limit exceeded, retry after {wait * 1000:.0f}ms")
    if command.trades and not identity.can_trade:
        raise Refused("PermissionDenied", "the key lacks the scope Execute orders")


def _refuse(gateway: TradeGateway, session: TradeSession, request: Request, code: str, reason: str) -> None:
    echo = gateway.dialect.echo(request.message, request.text, request.name, request.params)
    spelled = gateway.dialect.error_code(request.name, code)
    session.tell({"err": {"error_code": spelled, "message": reason, "incoming_message": echo}})

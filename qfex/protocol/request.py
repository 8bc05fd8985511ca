"""A command in flight, as far as it matters which message answers it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from ..errors import OutcomeUnknown
from .wire.command import Command, Keys

log = logging.getLogger("qfex")


def _no_order(order_id: str) -> Any:
    return None


class Request(msgspec.Struct, eq=False):
    """A command in flight. A struct, since one is made for each call.

    Attributes
    ----------
    keys : tuple
        Where it is filed: the ids of its command and its exclusive keys.
    filed : bool
        Whether a message can still answer it.
    serial : int
        Its place among the requests of its connection, in the order of sending.
    sent_at, given_up_at : float
        When it was filed and when it was given up, by the clock of its table, in seconds.
    given_up : bool
        Nobody waits for the answer; the request stays filed so that its late reply does not answer another one.
    awaits_late_reply : bool
        It is answered, but a second reply may still come; the request stays filed for that.
    known_order : callable
        What is known of an order, by order id, before the message that is judged; None for an unknown one.
    collected : dict
        What came so far, where several messages make up the answer.
    """

    command: Command
    keys: Keys = ()
    filed: bool = False
    serial: int = 0
    sent_at: float = 0.0
    given_up_at: float = 0.0
    given_up: bool = False
    awaits_late_reply: bool = False
    known_order: Callable[[str], Any] = _no_order
    collected: dict[str, Any] = {}


def outcome_unknown(command: Command, reason: str) -> OutcomeUnknown:
    """What the sender of a trading command without a known answer gets."""
    error = OutcomeUnknown(
        command.type,
        reason,
        client_order_id=getattr(command, "client_order_id", None),
        order_id=getattr(command, "order_id", None),
        symbol=getattr(command, "symbol", None),
    )
    log.warning("%.500s", str(error))
    return error

"""What there is to know of a command besides its members: one row a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import attrs

from .wire.command import Keys

Bucket = Literal["general", "cancel"]

#: Whether a message answers a request: see `qfex.protocol.trade.answers`.
Rule = Callable[[Any, Any], Any]


def by_type(command: Any) -> Keys:
    """The type of a command, as the only name that a reply or an echo has for it."""
    return (command.type,)


def _nothing(command: Any) -> Keys:
    return ()


def _never(message: Any) -> bool:
    return False


@attrs.frozen
class CommandSpec:
    """One command's row.

    Attributes
    ----------
    weight : float
        Units of the exchange's message budget (its current table; 1.0 where it publishes none).
    bucket : str
        The budget that it counts against: ``"general"`` or ``"cancel"``.
    trading : bool
        Whether it changes something, so that it is on the wire at most once. Others are reads and may be asked again.
    named_by : callable
        The identifiers by which a reply or an echo may name the request; the command's type, where it has none.
    exclusive : callable
        Exclusive keys: what only one request in flight may use at a time, because the reply names nobody.
    answers : mapping of type to rule
        Which messages may answer it, and the rule that decides.
    shares : callable
        Whether a message that answers it may answer other requests too.
    answered_by_bare_ack : bool
        Whether an acknowledgement without an echo may answer it.
    places_order : bool
        Whether its rejection is the end of an order.
    """

    weight: float
    answers: Mapping[type, Rule] = attrs.field(factory=dict)
    bucket: Bucket = "general"
    trading: bool = True
    named_by: Callable[[Any], Keys] = by_type
    exclusive: Callable[[Any], Keys] = _nothing
    shares: Callable[[Any], bool] = _never
    answered_by_bare_ack: bool = False
    places_order: bool = False

"""A command: its form on the wire, its row of what else there is to know of it, and its request while it is in flight.

Commands are msgspec structs, not attrs classes: one is made for each call, and a struct costs a fifth. A command's
members are those of its message, so that msgspec can write them directly.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from decimal import Decimal, getcontext
from typing import Any, ClassVar, Literal

import attrs
import msgspec

from ..errors import OutcomeUnknown
from .wire.codec import on_wire

log = logging.getLogger("qfex")

_encode = msgspec.json.Encoder(decimal_format="number").encode

Keys = tuple[Hashable, ...]


# --- on the wire -------------------------------------------------------------------------------------------------


class Command(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One message to the exchange. A member that has its default, which is always None, is left out."""

    type: ClassVar[str] = ""
    _head: ClassVar[bytes]  # how a message of the type begins

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._head = b'{"type":"%b","params":' % cls.type.encode()

    def params(self) -> Command | dict[str, Any]:
        """What is sent as the message's ``params``."""
        return self

    def members(self) -> dict[str, Any]:
        """Members of ``params`` by their names on the wire."""
        params = self.params()
        if isinstance(params, dict):
            return params
        named = {field.encode_name: getattr(params, field.name) for field in msgspec.structs.fields(params)}
        return {name: value for name, value in named.items() if value is not None}

    def encode(self) -> bytes:
        """The message as JSON, every number with all of its digits."""
        params = _encode(self.params())
        # An exponent, or text that looks like one, is rewritten; searching for one byte is faster than for two. Where
        # the caller's decimal context writes a small "e", every message is rewritten: too many ids contain an "e-".
        if params.find(b"E-") >= 0 or params.find(b"+") >= 0 or not getcontext().capitals:
            params = _encode(_without_exponents(self.members()))
        return self._head + params + b"}"


def _without_exponents(members: dict[str, Any]) -> dict[str, Any]:
    return {name: on_wire(value) if isinstance(value, Decimal) else value for name, value in members.items()}


# --- its row -----------------------------------------------------------------------------------------------------

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


# --- in flight ---------------------------------------------------------------------------------------------------


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

"""The base of every command: a value that knows its form on the wire.

Commands are msgspec structs, not attrs classes: one is made for each call, and a struct costs a fifth. A command's
members are those of its message, so that msgspec can write them directly.
"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal, getcontext
from typing import Any, ClassVar

import msgspec

from .numbers import on_wire

_encode = msgspec.json.Encoder(decimal_format="number").encode

Keys = tuple[Hashable, ...]


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

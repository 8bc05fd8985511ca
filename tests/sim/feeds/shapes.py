"""A small notation for the shapes of JSON values, and its checker.

A schema is a text of members, ``"name type, name? type"``; a name with ``?`` may be absent. A type is ``string``,
``number``, ``integer``, ``boolean``, ``time`` (RFC 3339), ``uuid``, ``any``, another schema's name, ``[type]`` for a
list, ``{type}`` for an object with free names, or choices as ``A|B``; with ``?`` after it, it may be null.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qfex.sim.feeds.text import unix

Schemas = Mapping[str, str]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _reads(reader: Callable[[str], object]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        try:
            reader(value)
        except (ValueError, TypeError, AttributeError):
            return False
        return True

    return check


_PLAIN: dict[str, Callable[[Any], bool]] = {
    "any": lambda value: True,
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "time": _reads(unix),
    "uuid": _reads(uuid.UUID),
}


def differences(schemas: Schemas, kind: str, value: Any, where: str = "") -> Iterator[str]:
    """Yield the differences of a value from its type, as ``Schema.member: difference``."""
    if kind.endswith("?"):
        if value is None:
            return
        kind = kind[:-1]
    if kind in schemas:
        yield from _object(schemas, kind, value, where)
    elif kind[0] in "[{":
        yield from _container(schemas, kind, value, where)
    elif "|" in kind:
        if value not in kind.split("|"):
            yield f"{where}: {value!r} is no choice"
    elif not _PLAIN[kind](value):
        yield f"{where}: no {kind}"


def _object(schemas: Schemas, name: str, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: no object"
        return
    members = dict(member.rsplit(" ", 1) for member in schemas[name].split(", "))
    allowed = {member.rstrip("?"): kind for member, kind in members.items()}
    yield from (
        f"{name}.{member}: missing" for member in members if member not in {*value, f"{member[:-1]}?"}
    )
    for member, content in value.items():
        if member == "$schema":
            continue
        if member in allowed:
            yield from differences(schemas, allowed[member], content, f"{name}.{member}")
        else:
            yield f"{name}.{member}: unexpected"


def _container(schemas: Schemas, kind: str, value: Any, where: str) -> Iterator[str]:
    wanted = list if kind[0] == "[" else dict
    if not isinstance(value, wanted):
        yield f"{where}: no {wanted.__name__}"
        return
    for item in value if wanted is list else value.values():
        yield from differences(schemas, kind[1:-1], item, where)

"""Rows of an answer as models: an unreadable row costs that row, and a null what it is in place of.

The types of a model say which members may be null: ``Decimal | None`` becomes None. A null text or flag is like one that
is left out, and so is an enumeration that is blank where it is left out. Anything else must have a value: a row with a
null quantity does not say what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

import attrs

from .codec import WIRE_NAMES, structure
from .times import is_implausible

_T = TypeVar("_T")


@attrs.define
class Rows(Generic[_T]):
    """The rows of a list.

    Attributes
    ----------
    read : list
        The rows that can be read, as models.
    unread : list of tuple
        Each of the other rows, and why it cannot be read.
    odd : list of tuple
        Rows that were read without something odd in them, such as an implausible time, each with what that is.
    """

    read: list[_T] = attrs.Factory(list)
    unread: list[tuple[Any, Exception]] = attrs.Factory(list)
    odd: list[tuple[Any, str]] = attrs.Factory(list)


def read_rows(rows: Iterable[Any] | None, read: Callable[[Any], tuple[_T, list[str]]]) -> Rows[_T]:
    """Read each row of a list; null is an empty list.

    Parameters
    ----------
    rows : list or None
        The list.
    read : callable
        Makes a model of a row and lists what is odd about it, as `read_row` does. Whatever it raises costs the row.
    """
    found: Rows[_T] = Rows()
    for row in rows or ():
        try:
            made, odd = read(row)
        except Exception as error:
            found.unread.append((row, error))
        else:
            found.read.append(made)
            found.odd += [(row, reason) for reason in odd]
    return found


@attrs.frozen
class _Members:
    """What the members of a model may be on the wire, by their names there.

    Attributes
    ----------
    times : frozenset of str
        Times that may be unknown. A time that must be known names its row, as the start of a candle does.
    left_out : frozenset of str
        Members whose null is like leaving them out.
    texts : frozenset of str
        Texts and enumerations that must be there, of which a null would otherwise be read as blank.
    """

    times: frozenset[str]
    left_out: frozenset[str]
    texts: frozenset[str]


def read_row(row: Any, model: type[_T], names: Mapping[str, str] | None = None) -> tuple[_T, list[str]]:
    """Make a model of a row, and list what is odd about the row and was left out: implausible times.

    Parameters
    ----------
    row : dict
        The row.
    model : type
        The model.
    names : mapping of str to str, optional
        Names on the wire of attributes that are named otherwise, where `WIRE_NAMES` does not have the model.

    Raises
    ------
    ValueError
        If the row does not fit the model.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"a row is not an object: {str(row)[:60]}")
    renamed = WIRE_NAMES.get(model, {}) if names is None else names
    allowed = _members(model, tuple(renamed.items()))  # type: ignore[arg-type]
    nulls = {name for name, value in row.items() if value is None}
    if nulls & allowed.texts:
        raise ValueError(f"null in place of {', '.join(sorted(nulls & allowed.texts))}")
    odd = [name for name in allowed.times if row.get(name) is not None and is_implausible(row[name])]
    members = {name: value for name, value in row.items() if name not in nulls & allowed.left_out}
    members.update(dict.fromkeys(odd))
    return structure(members, model), [
        f"{name} is not a plausible time: {str(row[name])[:60]}" for name in odd
    ]


@cache
def _members(model: Any, names: tuple[tuple[str, str], ...]) -> _Members:
    on_wire, types = dict(names), get_type_hints(model)
    times, left_out, texts = set(), set(), set()
    for field in attrs.fields(model):
        name, kind = on_wire.get(field.name, field.name), types[field.name]
        if NoneType in get_args(kind):
            times |= {name} if datetime in get_args(kind) else set()
        elif _is_like_nothing(field.default):
            left_out.add(name)
        elif isinstance(kind, type) and issubclass(kind, str):
            texts.add(name)
    return _Members(frozenset(times), frozenset(left_out), frozenset(texts))


def _is_like_nothing(default: Any) -> bool:
    """Whether a default says nothing, as a blank text or enumeration, a flag that is not set, or no market hours do."""
    if isinstance(default, str):
        return not default
    is_number = isinstance(default, (int, Decimal)) and not isinstance(default, bool)
    return default is not attrs.NOTHING and not is_number

"""Between the wire and the models: exact numbers, times in any unit, JSON, and rows that cannot be read.

There are two ways from bytes to models. The converter accepts many variants and explains what it refuses. The fast one
lets msgspec fill a struct, which becomes the model. The detour is measured: msgspec fills structs far quicker than attrs
classes, whose members it cannot rename either. And a frozen attrs class sets each of its members by a call of its own,
which takes as long as all of msgspec's work. So the values go into a twin of the model that is not frozen, in a third of
the time, whose class is then changed to the model's.

An unreadable row costs that row, and a null what it is in place of. The types of a model say which members may be null:
``Decimal | None`` becomes None. A null text or flag is like one that is left out, and so is an enumeration that is blank
where it is left out. Anything else must have a value: a row with a null quantity does not say what it is about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_type_hints

import attrs
import msgspec
from msgspec import Raw

from ...decimals import EXACT
from ...enums import OpenEnum
from ...models.orders import Fill, Order, UserTrade

if TYPE_CHECKING:
    from cattrs import Converter

_T = TypeVar("_T")

# --- numbers ----------------------------------------------------------------------------------------------------------


def on_wire(number: Decimal) -> Raw:
    """JSON number with exactly the digits of `number`."""
    digits = str(number)  # three times as fast as `format`, which only exponents need
    if "E" in digits or "e" in digits:  # lower case where the caller's decimal context says so
        digits = format(number, "f")
    return Raw(digits.encode())


def parse_decimal(value: Any) -> Decimal:
    """Read a number or its text.

    Raises
    ------
    ValueError
        If it is not a finite number.
    """
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value, EXACT)
    except (InvalidOperation, TypeError) as error:
        raise ValueError(f"not a number: {value!r}") from error
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return number


# --- times ------------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")

#: Sizes below which a number counts units of which so many make a second. Each covers the years 1973 to 5138.
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (float("inf"), 1e9))

EPOCH = datetime.fromtimestamp(0, timezone.utc)
_AHEAD = timedelta(days=366)

#: Every time from the epoch until then is plausible; for a later one, ask `is_plausible`.
PLAUSIBLE_UNTIL = datetime.now(timezone.utc) + _AHEAD


def parse_time(value: Any) -> datetime:
    """Read RFC 3339 text (any number of fraction digits) or unix time, as aware UTC.

    Unix time may be in seconds, milliseconds, microseconds or nanoseconds; its size says which.

    Raises
    ------
    ValueError, TypeError, OverflowError
        If it is not a time.
    """
    if isinstance(value, bool):
        raise ValueError(f"not a time: {value}")
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return _from_unix(float(value))
    moment = msgspec.convert(value, datetime, strict=False)
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _from_unix(number: float) -> datetime:
    for size, per_second in _UNITS:
        if abs(number) < size:
            return datetime.fromtimestamp(number / per_second, timezone.utc)
    raise ValueError(f"not a time: {number}")


def is_plausible(moment: datetime) -> bool:
    """Whether something may have happened at a time: after the unix epoch, and at most a year from now.

    A time at the epoch or before is how a program writes that it has none. One in the far future would make everything
    after it look old.
    """
    return EPOCH < moment <= PLAUSIBLE_UNTIL or EPOCH < moment <= datetime.now(timezone.utc) + _AHEAD


def is_implausible(value: Any) -> bool:
    """Whether a value of the wire is a time, or a number in its place, at which nothing can have happened."""
    try:
        return not is_plausible(parse_time(value))
    except (ValueError, TypeError, OverflowError, OSError):
        return isinstance(value, (int, float, Decimal)) or bool(_NUMBER.fullmatch(str(value)))


# --- JSON and the converter -------------------------------------------------------------------------------------------


def parse_json(data: bytes | str, *, allow_nan: bool = False) -> Any:
    """Parse JSON with every number exact: `Decimal` for those with a fraction, `int` for the rest.

    Parameters
    ----------
    data : bytes or str
        The document.
    allow_nan : bool
        Whether to let NaN and infinities through, which are not JSON, but which some programs write. No model accepts
        them, so they cost the row that they are in, and not the whole document.

    Raises
    ------
    ValueError
        If `data` is not JSON.
    """
    if allow_nan:
        return json.loads(data, parse_float=_decimal_or_nan, parse_constant=Decimal)
    return json.loads(data, parse_float=Decimal, parse_constant=_refuse_constant)


def _decimal_or_nan(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of many digits
        return Decimal("NaN")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def structure(data: Any, model: type[_T]) -> _T:
    """Make a model from plain data, unknown keys ignored.

    Raises
    ------
    ValueError
        With the path of each member that does not fit.
    """
    try:
        return converter().structure(data, model)
    except Exception as error:  # cattrs raises its own groups and whatever a hook raised
        from cattrs import transform_error

        raise ValueError("; ".join(transform_error(error))) from None


def unstructure(value: Any) -> Any:
    """Make plain data of a model: decimals and times as text, enumerations as their values."""
    return converter().unstructure(value)


def _parse_bool(value: Any, _: Any) -> bool:
    if value in (True, 1, "true", "1"):
        return True
    if value in (False, 0, "false", "0"):
        return False
    raise ValueError(f"not a truth value: {value!r}")


def _parse_text(value: Any, cls: type[str]) -> str:
    """Read text, or an enumeration: cattrs brings every class derived from `str` here."""
    if isinstance(value, (dict, list)):
        raise ValueError(f"not text: {value!r}")
    return cls("" if value is None else value)


#: Where the wire's name differs from the field's standard term: model -> {attribute: wire name}.
WIRE_NAMES: dict[type, dict[str, str]] = {
    Order: {"order_type": "type"},
    Fill: {"time_in_force": "tif", "time": "timestamp"},
    UserTrade: {"time_in_force": "tif", "time": "timestamp"},
}


@cache
def converter() -> Converter:
    """Make the converter on first use: the fast path of a message does not need it, and so does not import cattrs."""
    import cattrs
    from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

    made = cattrs.Converter()
    made.register_structure_hook(Decimal, lambda value, _: parse_decimal(value))
    made.register_structure_hook(datetime, lambda value, _: parse_time(value))
    made.register_structure_hook(bool, _parse_bool)
    made.register_structure_hook(str, _parse_text)
    made.register_structure_hook(int, lambda value, _: int(parse_decimal(value)))
    made.register_unstructure_hook(Decimal, lambda value: format(value, "f"))
    made.register_unstructure_hook(datetime, datetime.isoformat)
    made.register_unstructure_hook(OpenEnum, lambda value: value.value)
    for model, names in WIRE_NAMES.items():
        overrides = {attribute: override(rename=wire) for attribute, wire in names.items()}
        made.register_structure_hook(model, make_dict_structure_fn(model, made, **overrides))  # type: ignore[arg-type]
        made.register_unstructure_hook(model, make_dict_unstructure_fn(model, made))
    return made


# --- the fast way -----------------------------------------------------------------------------------------------------


def struct_of(model: type[Any]) -> Any:
    """A struct with a model's members, in their order, under their names on the wire."""
    types = get_type_hints(model)
    members = [
        (
            field.name,
            _type_of(types[field.name]),
            *(() if field.default is attrs.NOTHING else (field.default,)),
        )
        for field in attrs.fields(model)
    ]
    return msgspec.defstruct(model.__name__, members, rename=WIRE_NAMES[model], gc=False)


def _type_of(kind: Any) -> Any:
    """The type of a member. An enumeration does not allow null, since msgspec would take the text "NULL" for it too."""
    enumerations = [each for each in get_args(kind) if isinstance(each, type) and issubclass(each, OpenEnum)]
    return enumerations[0] if enumerations else kind


def twin_of(model: type[Any]) -> Any:
    """A class with a model's members that is not frozen, and whose instances can become the model's.

    Python lets an object change its class where both classes have the same slots. The slot for weak references is not
    among them, so models that are made here must do without it (``weakref_slot=False``).
    """
    names = [field.name for field in attrs.fields(model)]
    twin: Any = attrs.make_class(model.__name__, names, slots=True, weakref_slot=False, repr=False, eq=False)
    twin.__new__(twin).__class__ = model  # fails here, at import, if the class of a twin cannot be changed
    return twin


# --- rows -------------------------------------------------------------------------------------------------------------


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

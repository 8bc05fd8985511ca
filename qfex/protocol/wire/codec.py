"""JSON that keeps decimals exact, and the one cattrs converter between plain data and models."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from ...enums import OpenEnum
from ...models.orders import Fill, Order, UserTrade
from .numbers import parse_decimal
from .times import parse_time

if TYPE_CHECKING:
    from cattrs import Converter

_T = TypeVar("_T")


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

"""Models as plain values: dictionaries and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, time, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs


def to_dict(model: Any) -> dict[str, Any]:
    """Convert a model to a dictionary of JSON types.

    Parameters
    ----------
    model : model
        Such as an `Order` or a `Fill`.

    Returns
    -------
    dict
        The model's fields. Decimals are exact texts, times are ISO 8601 with their zone, members of enumerations are
        their texts; nested models are dictionaries, and lists of them are lists.

    Raises
    ------
    TypeError
        If `model` is not a model.

    Examples
    --------
    >>> from decimal import Decimal
    >>> from qfex import Level
    >>> to_dict(Level(Decimal("180.10"), Decimal("2")))
    {'price': '180.10', 'quantity': '2'}
    """
    if isinstance(model, type) or not attrs.has(type(model)):
        raise TypeError(f"to_dict takes a model, not {type(model).__name__}")
    values: dict[str, Any] = plain(model)
    return values


def to_json(model: Any) -> str:
    """Convert a model to one line of JSON, with the values of `to_dict`.

    Parameters
    ----------
    model : model
        Such as an `Order` or a `Fill`.

    Raises
    ------
    TypeError
        If `model` is not a model.
    """
    return json.dumps(to_dict(model))


def plain(value: Any) -> Any:
    """Convert a value, models in it included, to JSON types, as `to_dict` does."""
    if attrs.has(type(value)):
        return {field.name: plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseException):
        return str(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    return value.isoformat() if isinstance(value, datetime | time) else value

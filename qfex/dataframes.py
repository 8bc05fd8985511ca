"""Conversion of models to pandas data frames (``pip install "qfex-sync[pandas]"``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import attrs

from .errors import ConfigurationError

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped,unused-ignore]


def to_frame(
    rows: Iterable[Any], *, floats: bool = False, model: type[Any] | None = None
) -> pandas.DataFrame:
    """Convert models to a data frame with one column for each field.

    Parameters
    ----------
    rows : iterable of models, or a mapping to models
        Models of one class, such as the list that a history method returns. An empty one of a `RestClient` has the
        columns of its class.
    floats : bool
        False keeps every `Decimal` exactly, as an object. True converts decimals to floats, for arithmetic and plots.
    model : class, optional
        The class of the rows, such as `Fill`. With it, no rows give an empty frame with the columns of the class.

    Returns
    -------
    pandas.DataFrame
        Times are UTC timestamps, and members of enumerations are their texts. The fields of a nested model have
        their own columns (``bid_price``, ``bid_quantity``). Lists of models stay lists.

    Raises
    ------
    ConfigurationError
        If pandas is not installed.
    TypeError
        If `model` is not the class of the rows.

    Examples
    --------
    >>> candles = rest.candles("AAPL-USD", "1HOUR", start, end)  # doctest: +SKIP
    >>> to_frame(candles, floats=True).set_index("start")["close"].plot()  # doctest: +SKIP
    """
    try:
        import pandas
    except ImportError:
        raise ConfigurationError('to_frame needs pandas: pip install "qfex-sync[pandas]"') from None
    model = model or getattr(rows, "model", None)
    listed = list(rows.values() if isinstance(rows, Mapping) else rows)
    if model is not None and not all(isinstance(row, model) for row in listed):
        raise TypeError(f"the rows are not all of the class {model.__name__}")
    kind = type(listed[0]) if listed else model
    columns = _columns(kind) if kind is not None else {}
    table = pandas.DataFrame(
        {
            name: pandas.Series([_value(row, path) for row in listed], dtype=object)
            for name, path in columns.items()
        }
    )
    for name in columns:
        table[name] = _typed(table[name], floats)
    return table


def _columns(model: type[Any], prefix: str = "", path: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Return the columns of a model: the name of each, and the attributes that lead to its value."""
    columns: dict[str, tuple[str, ...]] = {}
    hints = get_type_hints(model)
    for field in attrs.fields(model):
        name, attributes = f"{prefix}{field.name}", (*path, field.name)
        inner = _nested(hints[field.name])
        columns.update({name: attributes} if inner is None else _columns(inner, f"{name}_", attributes))
    return columns


def _nested(hint: Any) -> type[Any] | None:
    """Return the class of the model that a field holds, or None if it holds no model."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return next((kind for kind in kinds if isinstance(kind, type) and attrs.has(kind)), None)


def _value(row: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        row = getattr(row, name, None)
    return row.value if isinstance(row, Enum) else row


def _typed(column: pandas.Series[Any], floats: bool) -> pandas.Series[Any]:
    """Convert a column to the type of its values. Decimals stay objects unless `floats` is true."""
    if any(isinstance(value, Decimal) for value in column):
        return column.astype(float) if floats else column
    return column.infer_objects()

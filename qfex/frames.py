"""Rows of models as a pandas table, for those who have pandas (``pip install "qfex-sync[pandas]"``)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import attrs

from .errors import ConfigurationError

if TYPE_CHECKING:
    import pandas


def to_frame(rows: Iterable[Any], *, floats: bool = False) -> pandas.DataFrame:
    """Make a table with one column for each field.

    Parameters
    ----------
    rows : iterable of models
        Such as the list that a history method returns. All of one class.
    floats : bool
        False keeps each decimal exact, as an object; True makes columns of floats, for arithmetic and plots.

    Returns
    -------
    pandas.DataFrame
        Times are UTC timestamps, enumerations their texts. A nested model spreads over columns of its own
        (``bid_price``, ``bid_quantity``); lists of models stay lists.

    Raises
    ------
    ConfigurationError
        If pandas is not installed.

    Examples
    --------
    >>> candles = rest.candles("AAPL-USD", "1HOUR", start, end)  # doctest: +SKIP
    >>> to_frame(candles, floats=True).set_index("start")["close"].plot()  # doctest: +SKIP
    """
    try:
        import pandas
    except ImportError:
        raise ConfigurationError('to_frame needs pandas: pip install "qfex-sync[pandas]"') from None
    listed = list(rows)
    columns = _columns(type(listed[0])) if listed else {}
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
    """Name the columns of a model, and the way to the value of each."""
    columns: dict[str, tuple[str, ...]] = {}
    hints = get_type_hints(model)
    for field in attrs.fields(model):
        name, way = f"{prefix}{field.name}", (*path, field.name)
        inner = _nested(hints[field.name])
        columns.update({name: way} if inner is None else _columns(inner, f"{name}_", way))
    return columns


def _nested(hint: Any) -> type[Any] | None:
    """The model that a field holds, if it holds one, or perhaps none."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return next((kind for kind in kinds if isinstance(kind, type) and attrs.has(kind)), None)


def _value(row: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        row = getattr(row, name, None)
    return row.value if isinstance(row, Enum) else row


def _typed(column: pandas.Series[Any], floats: bool) -> pandas.Series[Any]:
    """Give a column the type of its values; decimals stay objects unless floats are asked for."""
    if any(isinstance(value, Decimal) for value in column):
        return column.astype(float) if floats else column
    return column.infer_objects()

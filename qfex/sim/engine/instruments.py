"""Instruments and their reference data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal
from pathlib import Path
from typing import Any

from .sessions import Calendar
from .types import Session

REFDATA = Path(__file__).resolve().parent.parent / "data" / "refdata.json"
INDEX_STEP = Decimal("0.00000001")


@dataclass(frozen=True)
class Instrument:
    """A perpetual future.

    Parameters
    ----------
    symbol : str
        Such as ``"AAPL-USD"``; may contain a dot.
    tick_size, lot_size : Decimal
        Increments of price (quote currency) and quantity (base units).
    min_quantity, max_quantity : Decimal
        Bounds of an order's quantity.
    index_price : Decimal
        The initial index price.
    band_width : Decimal
        Half-width of the price band as a fraction of the index price.
    max_leverage : Decimal
        Highest leverage offered.
    category : str
        ``"EQUITY"``, ``"INDEX"``, ``"COMMODITY"`` or ``"FX"``.
    status : str
        ``"ACTIVE"``, ``"INACTIVE"`` or ``"DELISTED"``.
    row : mapping
        The reference data row it was read from.
    """

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    index_price: Decimal
    band_width: Decimal
    max_leverage: Decimal
    category: str = "EQUITY"
    status: str = "ACTIVE"
    base_asset: str = ""
    quote_asset: str = "USD"
    order_types: tuple[str, ...] = ("LIMIT", "MARKET", "ALO")
    times_in_force: tuple[str, ...] = ("GTC", "IOC", "FOK")
    row: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    calendar: Calendar = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "calendar", Calendar(self.row.get("market_hours", {})))

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Instrument:
        """Read a reference data row.

        The captured `min_price` and `max_price` are the live price band: its middle is the index price.
        """
        low, high = Decimal(row["min_price"]), Decimal(row["max_price"])
        middle = ((low + high) / 2).quantize(INDEX_STEP, ROUND_HALF_EVEN).normalize()
        return cls(
            symbol=row["symbol"],
            tick_size=Decimal(row["tick_size"]),
            lot_size=Decimal(row["lot_size"]),
            min_quantity=Decimal(row["min_quantity"]),
            max_quantity=Decimal(row["max_quantity"]),
            index_price=middle,
            band_width=((high - low) / (high + low)).quantize(Decimal("0.0001"), ROUND_HALF_EVEN).normalize(),
            max_leverage=Decimal(row["default_max_leverage"]),
            category=row["product_category"],
            status=row["status"],
            base_asset=row["base_asset"],
            quote_asset=row["quote_asset"],
            order_types=tuple(row["order_types"]),
            times_in_force=tuple(row["order_time_in_force"]),
            row=row,
        )

    def session(self, moment: float) -> Session:
        """Return the trading session at a unix time."""
        return self.calendar.session(moment)

    def round_price(self, price: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
        """Return `price` rounded to the tick grid."""
        return _on_grid(price, self.tick_size, rounding)

    def floor_price(self, price: Decimal) -> Decimal:
        """Return the highest tick that is not above `price`."""
        return _on_grid(price, self.tick_size, ROUND_DOWN)

    def ceil_price(self, price: Decimal) -> Decimal:
        """Return the lowest tick that is not below `price`."""
        return _on_grid(price, self.tick_size, ROUND_UP)

    def floor_quantity(self, quantity: Decimal) -> Decimal:
        """Return the largest whole number of lots that is not above `quantity`."""
        return _on_grid(quantity, self.lot_size, ROUND_DOWN)


def load_instruments(symbols: Iterable[str] | None = None) -> list[Instrument]:
    """Return the instruments of the packaged reference data.

    Parameters
    ----------
    symbols : iterable of str, optional
        The symbols to load, in this order; by default all.

    Raises
    ------
    KeyError
        If a symbol is not in the data.
    """
    rows = {row["symbol"]: row for row in json.loads(REFDATA.read_text("utf-8"))["data"]}
    return [Instrument.from_row(rows[symbol]) for symbol in (rows if symbols is None else symbols)]


def _on_grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """Return `value` rounded to a whole number of steps."""
    return (value / step).to_integral_value(rounding) * step

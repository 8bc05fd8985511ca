"""TWAPs: large orders that the exchange executes as evenly spaced market orders."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..decimals import EXACT
from ..enums import Side

_ZERO = Decimal(0)


@attrs.frozen
class Twap:
    """A time-weighted execution.

    Attributes
    ----------
    status : str
        A free text of the exchange.
    total_quantity, filled_quantity : Decimal
        Requested and executed quantity, in the instrument's base unit.
    average_fill_price : Decimal or None
        Average price of the executions so far, in the quote unit. 0 or None before the first.
    total_num_orders : int
        Number of child orders.
    order_interval_secs : int
        Seconds between child orders.
    filled_num_orders : int or None
        Number of child orders executed so far (REST only).
    """

    twap_id: str
    client_twap_id: str | None = None
    symbol: str = ""
    side: Side = Side.BUY
    status: str = ""
    total_quantity: Decimal = _ZERO
    filled_quantity: Decimal = _ZERO
    average_fill_price: Decimal | None = _ZERO
    total_num_orders: int = 0
    order_interval_secs: int = 0
    reduce_only: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    filled_num_orders: int | None = None
    user_id: str = ""

    @property
    def quantity_remaining(self) -> Decimal:
        """Quantity that is not executed yet, in the base unit."""
        return EXACT.subtract(self.total_quantity, self.filled_quantity)

"""A live order: the mutable thing behind the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from .positions import average_price
from .types import (
    ZERO,
    FinishedOrderRow,
    OrderRow,
    OrderStatus,
    OrderType,
    Side,
    StopRow,
    StopType,
    TimeInForce,
)

if TYPE_CHECKING:
    from .accounts import Account
    from .market import Market


def opposite(side: Side) -> Side:
    """Return the other side."""
    return "SELL" if side == "BUY" else "BUY"


@dataclass(slots=True, eq=False)
class Order:
    """An order from its acceptance to its end.

    `limit` is the worst price it may trade at; for a MARKET order the exchange chooses it. `margin_price` is
    the price its margin is reserved at, the mark price for a MARKET order. `attached` is how much of what was
    filled already has its take profit and stop loss.
    """

    order_id: str
    client_order_id: str
    account: Account
    market: Market
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    remaining: Decimal
    limit: Decimal
    margin_price: Decimal
    take_profit: Decimal | None
    stop_loss: Decimal | None
    reduce_only: bool
    created: float
    updated: float
    status: OrderStatus = "ACK"
    trade_id: str | None = None
    resting: bool = False
    filled_notional: Decimal = ZERO
    passive_quantity: Decimal = ZERO
    first_fill: float | None = None
    last_fill: float | None = None
    attached: Decimal = ZERO

    @property
    def bracketed(self) -> bool:
        """Whether stops are attached to it."""
        return self.take_profit is not None or self.stop_loss is not None

    @property
    def filled(self) -> Decimal:
        """Quantity filled so far."""
        return self.quantity - self.remaining

    @property
    def takes(self) -> bool:
        """Whether it never rests in the book."""
        return self.time_in_force != "GTC"

    def accepts(self, price: Decimal) -> bool:
        """Say whether it may trade at `price`."""
        return price <= self.limit if self.side == "BUY" else price >= self.limit

    def executable(self) -> Decimal:
        """Return the quantity that may trade now: a reduce-only order never flips the position."""
        if not self.reduce_only:
            return self.remaining
        return min(self.remaining, self.account.position(self.market).reducible(self.side))

    def row(self) -> OrderRow:
        """Return the order as it stands."""
        return OrderRow(
            self.order_id,
            self.client_order_id,
            self.account.account_id,
            self.market.symbol,
            self.status,
            self.side,
            self.order_type,
            self.time_in_force,
            self.quantity,
            self.remaining,
            self.limit,
            self.take_profit,
            self.stop_loss,
            self.reduce_only,
            # The exchange names a trade only in the frame that reports it.
            self.trade_id if self.status == "FILLED" else None,
            self.created,
            self.updated,
        )

    def open_row(self) -> OrderRow:
        """Return the order as lists of open orders show it: always as accepted."""
        return replace(self.row(), status="ACK", trade_id=None)

    def finished_row(self) -> FinishedOrderRow:
        """Return the order as history keeps it."""
        filled = self.filled
        return FinishedOrderRow(
            order=self.row(),
            filled_quantity=filled,
            passive_quantity=self.passive_quantity,
            average_price=average_price(self.filled_notional, filled) if filled else None,
            first_fill=self.first_fill,
            last_fill=self.last_fill,
            finished=self.updated,
        )


@dataclass(slots=True, eq=False)
class Stop:
    """A stop waiting for the mark price; it keeps its id when it becomes a market order."""

    order_id: str
    client_order_id: str
    account: Account
    market: Market
    side: Side
    order_type: StopType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal
    created: float
    updated: float
    parent_id: str | None = None
    status: Literal["ACTIVE", "TRIGGERED", "CANCELLED"] = "ACTIVE"

    @property
    def fires_above(self) -> bool:
        """Whether a rising mark price triggers it: profit of a sale, loss of a purchase."""
        return (self.order_type == "TAKE_PROFIT") == (self.side == "SELL")

    def reached(self, mark: Decimal) -> bool:
        """Say whether the mark price triggers it."""
        return mark >= self.price if self.fires_above else mark <= self.price

    def row(self, status: OrderStatus = "ACK") -> OrderRow:
        """Return the stop as an order row, as open orders list it."""
        return OrderRow(
            self.order_id,
            self.client_order_id,
            self.account.account_id,
            self.market.symbol,
            status,
            self.side,
            self.order_type,
            self.time_in_force,
            self.quantity,
            self.quantity,
            self.price,
            None,
            None,
            True,
            None,
            self.created,
            self.updated,
        )

    def open_row(self) -> OrderRow:
        """Return the stop as lists of open orders show it."""
        return self.row()

    def stop_row(self) -> StopRow:
        """Return the stop as a stop row."""
        return StopRow(
            self.order_id,
            self.account.account_id,
            self.market.symbol,
            self.price,
            self.quantity,
            self.side,
            self.order_type,
            self.client_order_id,
            self.status,
            self.updated,
        )

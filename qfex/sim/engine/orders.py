"""Open orders and stops: the mutable objects behind the rows."""

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
    """An order.

    `limit` is the worst price at which it may trade; the exchange sets it for a MARKET order. `margin_price` is the price
    at which its margin is reserved, which is the mark price for a MARKET order. `attached` is the filled quantity that
    already has its take profit and stop loss.
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
        """Whether it has a take profit or a stop loss."""
        return self.take_profit is not None or self.stop_loss is not None

    @property
    def filled(self) -> Decimal:
        """The quantity filled so far."""
        return self.quantity - self.remaining

    @property
    def takes(self) -> bool:
        """Whether it never rests in the book."""
        return self.time_in_force != "GTC"

    def accepts(self, price: Decimal) -> bool:
        """Return whether it may trade at `price`."""
        return price <= self.limit if self.side == "BUY" else price >= self.limit

    def executable(self) -> Decimal:
        """Return the quantity that may trade now. A reduce-only order never flips the position."""
        if not self.reduce_only:
            return self.remaining
        return min(self.remaining, self.account.position(self.market).reducible(self.side))

    def row(self) -> OrderRow:
        """Return the order's current state."""
        return OrderRow(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            account_id=self.account.account_id,
            symbol=self.market.symbol,
            status=self.status,
            side=self.side,
            order_type=self.order_type,
            time_in_force=self.time_in_force,
            quantity=self.quantity,
            quantity_remaining=self.remaining,
            price=self.limit,
            take_profit=self.take_profit,
            stop_loss=self.stop_loss,
            reduce_only=self.reduce_only,
            # The exchange names a trade only in the message that reports it.
            trade_id=self.trade_id if self.status == "FILLED" else None,
            created=self.created,
            updated=self.updated,
        )

    def open_row(self) -> OrderRow:
        """Return the order as in lists of open orders, where its status is always ACK."""
        return replace(self.row(), status="ACK", trade_id=None)

    def finished_row(self) -> FinishedOrderRow:
        """Return the order as in the order history."""
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
    """A stop that waits for the mark price; it keeps its id when it becomes a market order."""

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
    def triggers_above(self) -> bool:
        """Whether a rising mark price triggers it: the take profit of a sale or the stop loss of a purchase."""
        return (self.order_type == "TAKE_PROFIT") == (self.side == "SELL")

    def reached(self, mark: Decimal) -> bool:
        """Return whether the mark price triggers it."""
        return mark >= self.price if self.triggers_above else mark <= self.price

    def row(self, status: OrderStatus = "ACK") -> OrderRow:
        """Return the stop as an order row."""
        return OrderRow(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            account_id=self.account.account_id,
            symbol=self.market.symbol,
            status=status,
            side=self.side,
            order_type=self.order_type,
            time_in_force=self.time_in_force,
            quantity=self.quantity,
            quantity_remaining=self.quantity,
            price=self.price,
            take_profit=None,
            stop_loss=None,
            reduce_only=True,
            trade_id=None,
            created=self.created,
            updated=self.updated,
        )

    def open_row(self) -> OrderRow:
        """Return the stop as in lists of open orders."""
        return self.row()

    def stop_row(self) -> StopRow:
        """Return the stop as a stop row."""
        return StopRow(
            stop_order_id=self.order_id,
            account_id=self.account.account_id,
            symbol=self.market.symbol,
            price=self.price,
            quantity=self.quantity,
            side=self.side,
            stop_order_type=self.order_type,
            client_order_id=self.client_order_id,
            status=self.status,
            updated=self.updated,
        )

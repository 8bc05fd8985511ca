"""Orders, stops, fills and trades of the account."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..enums import OrderType, Side, TimeInForce
from ..statuses import OrderStatus
from .twaps import Twap

_ZERO = Decimal(0)
# Members by names of their own: looking one up in its class takes longer than the comparison.
_FILLED, _GTC = OrderStatus.FILLED, TimeInForce.GTC
_NEVER_RESTING = (OrderType.MARKET, OrderType.TAKE_PROFIT, OrderType.STOP_LOSS)


@attrs.frozen(weakref_slot=False)
class Order:
    """One order as the exchange last described it. What it left out is blank (an enumeration's value is ``""``).

    Attributes
    ----------
    order_id : str
        The exchange's id. A successful modify usually gives the order a new one.
    client_order_id : str
        The id that its sender gave it, or ``""``.
    status : OrderStatus
        What the exchange said last.
    quantity, quantity_remaining : Decimal
        Original and unfilled size, in the instrument's base unit.
    price : Decimal
        Limit or trigger price. On a market order it is a number of the exchange's choosing; executions are priced
        in `Fill.price` only.
    take_profit, stop_loss : Decimal or None
        Trigger prices attached to the order; 0 or None where there are none.
    trade_id : str or None
        The trade that this update tells of, on fills only.
    update_time : datetime or None
        When the exchange made this update, where it says so.
    """

    order_id: str
    client_order_id: str = ""
    symbol: str = ""
    status: OrderStatus = OrderStatus("")
    side: Side = Side("")
    order_type: OrderType = OrderType("")
    time_in_force: TimeInForce = TimeInForce("")
    quantity: Decimal = _ZERO
    quantity_remaining: Decimal = _ZERO
    price: Decimal = _ZERO
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    reduce_only: bool = False
    trade_id: str | None = None
    update_time: datetime | None = None
    user_id: str = ""

    @property
    def quantity_filled(self) -> Decimal:
        """Size that was traded, in the instrument's base unit."""
        return self.quantity - self.quantity_remaining

    @property
    def is_done(self) -> bool:
        """Whether nothing more can happen to the order.

        ``FILLED`` with a remainder ends an order only if it may not rest: for a GTC order it is a partial fill.
        """
        if self.status is _FILLED:
            return self.quantity_remaining <= _ZERO or not self.may_rest
        return self.status.is_terminal

    @property
    def is_live(self) -> bool:
        """Whether the order can still trade."""
        return not self.is_done

    @property
    def may_rest(self) -> bool:
        """Whether the order can stay in the book. A stop cannot: it fires as a market order, whatever it says."""
        return self.time_in_force is _GTC and self.order_type not in _NEVER_RESTING


@attrs.frozen(weakref_slot=False)
class Fill:
    """One execution of one of the account's orders.

    Attributes
    ----------
    price : Decimal
        Execution price, in the quote unit for one base unit.
    quantity : Decimal
        Executed size, in the instrument's base unit.
    aggressor_side : Side or None
        Side of the order that took liquidity; None where unknown.
    fee : Decimal
        As the exchange reports it. Its documentation does not say whether this is a charge or a rate.
    remaining_quantity : Decimal or None
        What the order has left; None where the exchange does not say.
    realised_pnl : Decimal or None
        Profit that this execution realised, in the margin asset; None where the exchange does not say.
    time : datetime or None
        When it traded; None where the exchange does not say (fills recovered after an outage).
    """

    trade_id: str
    order_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal = _ZERO
    aggressor_side: Side | None = None
    client_order_id: str = ""
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    order_price: Decimal | None = None
    remaining_quantity: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    execution_type: str | None = None
    realised_pnl: Decimal | None = None
    time: datetime | None = None
    user_id: str = ""

    @property
    def is_maker(self) -> bool | None:
        """Whether the account's order was resting; None where the exchange does not say."""
        return None if self.aggressor_side is None else self.side is not self.aggressor_side


@attrs.frozen
class StopOrder:
    """An untriggered stop, as the ``stop_orders`` channel describes it.

    Attributes
    ----------
    price : Decimal
        The mark price that triggers it.
    direction : Side
        Side of the market order that it will become.
    """

    stop_order_id: str
    symbol: str = ""
    price: Decimal = _ZERO
    quantity: Decimal = _ZERO
    direction: Side = Side.BUY
    stop_order_type: OrderType = OrderType.STOP_LOSS
    client_order_id: str | None = ""
    update_time: datetime | None = None
    user_id: str = ""

    def as_order(self) -> Order:
        """The same as an `Order`: open orders list an untriggered stop as one that is acknowledged."""
        return Order(
            order_id=self.stop_order_id,
            client_order_id=self.client_order_id or "",
            symbol=self.symbol,
            status=OrderStatus.ACK,
            side=self.direction,
            order_type=self.stop_order_type,
            quantity=self.quantity,
            quantity_remaining=self.quantity,
            price=self.price,
            update_time=self.update_time,
            user_id=self.user_id,
        )


@attrs.frozen
class OpenOrders:
    """What ``get_user_orders`` answers: live orders (untriggered stops included) and active TWAPs."""

    orders: list[Order] = attrs.Factory(list)
    twaps: list[Twap] = attrs.Factory(list)


@attrs.frozen
class UserTrade:
    """One row of the account's trade history.

    Attributes
    ----------
    time : datetime or None
        When it traded. Production leaves it out on the socket; REST has it.
    aggressor_side : Side or None
        Side of the order that took liquidity; None where the exchange does not say.
    realised_pnl_change : Decimal or None
        Profit that the trade realised, in the margin asset (REST only).
    """

    trade_id: str
    symbol: str
    price: Decimal
    quantity: Decimal
    side: Side | None = None
    order_id: str = ""
    client_order_id: str = ""
    fee: Decimal = _ZERO
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    aggressor_side: Side | None = None
    execution_type: str | None = None
    time: datetime | None = None
    margin_used: Decimal | None = None
    realised_pnl_change: Decimal | None = None

"""Orders, stops, fills and trades of the account."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..decimals import EXACT
from ..enums import OrderType, Side, TimeInForce
from ..statuses import OrderStatus
from .twaps import Twap

_ZERO = Decimal(0)
_NEVER_RESTING = (OrderType.MARKET, OrderType.TAKE_PROFIT, OrderType.STOP_LOSS)


@attrs.frozen(weakref_slot=False)
class Order:
    """One order as the exchange last described it.

    A field that the exchange left out has its default value. For an enumeration this is a member with the value ``""``.

    Attributes
    ----------
    order_id : str
        The exchange's id of the order. A successful modify usually changes it.
    client_order_id : str
        The id that the sender of the order chose, or ``""``.
    status : OrderStatus
        The newest status from the exchange.
    quantity, quantity_remaining : Decimal
        Original and unfilled quantity, in the instrument's base unit.
    price : Decimal or None
        Limit or trigger price, in the quote unit. For a market order the exchange sends an arbitrary number or null,
        which is None; the prices of its executions are in `Fill.price`.
    take_profit, stop_loss : Decimal or None
        Trigger prices of attached stops. 0 or None if there are none.
    trade_id : str or None
        The trade that caused this update, if it is a fill.
    update_time : datetime or None
        Time of this update at the exchange, or None if it does not say.
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
    price: Decimal | None = _ZERO
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    reduce_only: bool = False
    trade_id: str | None = None
    update_time: datetime | None = None
    user_id: str = ""

    @property
    def quantity_filled(self) -> Decimal:
        """Executed quantity, in the instrument's base unit."""
        return EXACT.subtract(self.quantity, self.quantity_remaining)

    @property
    def is_done(self) -> bool:
        """Whether the order has ended, so that nothing more can happen to it.

        ``FILLED`` with a remaining quantity ends only an order that cannot rest. For a GTC order it is a partial fill.
        """
        if self.status is OrderStatus.FILLED:
            return self.quantity_remaining <= _ZERO or not self.may_rest
        return self.status.is_terminal

    @property
    def is_live(self) -> bool:
        """Whether the order can still trade."""
        return not self.is_done

    @property
    def may_rest(self) -> bool:
        """Whether the order can rest in the book. A stop cannot, since it triggers a market order."""
        return self.time_in_force is TimeInForce.GTC and self.order_type not in _NEVER_RESTING


@attrs.frozen(weakref_slot=False)
class Fill:
    """One execution of one of the account's orders.

    Attributes
    ----------
    price : Decimal
        Execution price, in the quote unit for one base unit.
    quantity : Decimal
        Executed quantity, in the instrument's base unit.
    aggressor_side : Side or None
        Side of the taker's order, or None if unknown.
    fee : Decimal or None
        The fee as the exchange reports it, or None if it sends null. Its documentation does not say whether this is an
        amount or a rate.
    remaining_quantity : Decimal or None
        Unfilled quantity of the order after this fill, or None if unknown.
    realised_pnl : Decimal or None
        Profit realised by this fill, in the margin asset, or None if unknown.
    time : datetime or None
        Time of the trade. None if the exchange does not say, as for fills that are read after an outage.
    """

    trade_id: str
    order_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal | None = _ZERO
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
        """Whether the account's order was the maker's, or None if unknown."""
        return None if self.aggressor_side is None else self.side is not self.aggressor_side


@attrs.frozen
class StopOrder:
    """An untriggered stop, as the ``stop_orders`` channel describes it.

    Attributes
    ----------
    price : Decimal or None
        The trigger price, compared with the mark price. None if the exchange does not say.
    direction : Side
        Side of the market order that the stop will send.
    """

    stop_order_id: str
    symbol: str = ""
    price: Decimal | None = _ZERO
    quantity: Decimal = _ZERO
    direction: Side = Side.BUY
    stop_order_type: OrderType = OrderType.STOP_LOSS
    client_order_id: str | None = ""
    update_time: datetime | None = None
    user_id: str = ""

    def as_order(self) -> Order:
        """Return the stop as an `Order` with the status ``ACK``, as lists of open orders show it."""
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
    """One page of live orders, including untriggered stops, and the active TWAPs.

    Attributes
    ----------
    unread : int
        Number of further rows, which could not be read. Each is reported on `Channel.ERRORS`. Where it is not 0, an
        order that is not in the page may be live all the same.
    """

    orders: list[Order] = attrs.Factory(list)
    twaps: list[Twap] = attrs.Factory(list)
    unread: int = 0


@attrs.frozen
class UserTrade:
    """One row of the account's trade history.

    Attributes
    ----------
    time : datetime or None
        Time of the trade. Production sends it only over REST.
    fee : Decimal or None
        The fee as the exchange reports it, or None if it sends null.
    aggressor_side : Side or None
        Side of the taker's order, or None if unknown.
    realised_pnl_change : Decimal or None
        Profit realised by the trade, in the margin asset (REST only).
    """

    trade_id: str
    symbol: str
    price: Decimal
    quantity: Decimal
    side: Side | None = None
    order_id: str = ""
    client_order_id: str = ""
    fee: Decimal | None = _ZERO
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    aggressor_side: Side | None = None
    execution_type: str | None = None
    time: datetime | None = None
    margin_used: Decimal | None = None
    realised_pnl_change: Decimal | None = None

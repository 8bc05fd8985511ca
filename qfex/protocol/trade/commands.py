"""Every command of the trade gateway, as a value that knows its wire form. What else there is to know of it: `specs`.

The members follow what the live exchange needs where its documentation says less: a price of 0 on market orders,
`reduce_only` and `order_type` on a modify, and a client id always.
"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from ...enums import CancelIdType, Channel, OrderType, Side, TimeInForce
from ..command import Command, Keys

_ZERO = Decimal(0)


# --- names and exclusive keys --------------------------------------------------------------------------------------

#: The key that all queries share whose reply may be a list of orders.
ORDER_LIST = ("orders",)


def by_order_id(command: CancelOrder | GetOrder) -> Keys:
    """The id of the order."""
    return (command.order_id,)


def by_client_order_id(command: AddOrder | ClosePosition | AddTwap) -> Keys:
    """The client order id."""
    return (command.client_order_id,)


def by_both_ids(command: ModifyOrder) -> Keys:
    """The order id, and the client order id where there is one."""
    return (command.order_id, command.client_order_id) if command.client_order_id else (command.order_id,)


def by_stop_id(command: CancelStopOrder | ModifyStopOrder) -> Keys:
    """The id of the stop, and the type, for an acknowledgement without an echo."""
    return (command.order_id, command.type)


def channel_keys(command: Subscribe) -> Keys:
    """Each channel."""
    return tuple(("subscription", channel) for channel in command.channels)


def terms_of_a_stop(command: AddOrder) -> Keys:
    """The terms of a stop."""
    # The reply to a stop may have a blank client order id; then only its terms identify it.
    return (command.terms,) if command.order_type.is_stop else ()


def order_and_terms(command: ModifyOrder) -> Keys:
    """The order, and its new terms."""
    # The reply has a new order id, and sometimes no client order id: the terms must not be in use twice.
    return (("order", command.order_id), command.terms)


def stop_key(command: CancelStopOrder | ModifyStopOrder) -> Keys:
    """The stop."""
    return (("stop", command.order_id),)


def order_list_key(command: Command) -> Keys:
    """The key that all queries share whose reply may be a list of orders."""
    return ORDER_LIST


# --- the commands --------------------------------------------------------------------------------------------------


class Authenticate(Command, frozen=True, gc=True):
    """Proof of who the caller is. `proof` is secret, and made for one connection."""

    type = "auth"
    proof: dict[str, Any]
    account_id: str | None = None

    def params(self) -> dict[str, Any]:
        return self.proof if self.account_id is None else {**self.proof, "account_id": self.account_id}

    def __repr__(self) -> str:
        return "Authenticate(...)"


class Subscribe(Command, frozen=True):
    """Subscription to the account's events of some channels."""

    type = "subscribe"
    channels: tuple[Channel, ...]

    def params(self) -> dict[str, Any]:
        return {"channels": [channel.value for channel in self.channels]}


class Unsubscribe(Subscribe, frozen=True):
    """End of a subscription."""

    type = "unsubscribe"


class AddOrder(Command, frozen=True):
    """A new order, or a new stop (`order_type` TAKE_PROFIT or STOP_LOSS, `price` its trigger)."""

    type = "add_order"
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce = msgspec.field(name="order_time_in_force")
    quantity: Decimal
    price: Decimal
    reduce_only: bool
    client_order_id: str
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None

    @property
    def terms(self) -> Hashable:
        """What identifies the order where the reply's client order id is blank."""
        return ("terms", self.symbol, self.side, self.order_type, self.price, self.quantity)


class ModifyOrder(Command, frozen=True):
    """New price, size or attached stops for a resting order."""

    type = "modify_order"
    symbol: str
    order_id: str
    side: Side
    order_type: OrderType
    price: Decimal
    quantity: Decimal
    reduce_only: bool
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    client_order_id: str | None = None  # not sent: the reply is recognised by it

    def params(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "order_id": self.order_id,
            "side": self.side,
            "order_type": self.order_type,
            "price": self.price,
            "quantity": self.quantity,
            "take_profit": self.take_profit or _ZERO,
            "stop_loss": self.stop_loss or _ZERO,
            "reduce_only": self.reduce_only,
        }

    @property
    def terms(self) -> Hashable:
        """What identifies the order where the reply's client order id is blank."""
        return ("terms", self.symbol, self.side, self.order_type, self.price, self.quantity)


class CancelOrder(Command, frozen=True, omit_defaults=False):
    """Cancel by one of four kinds of id. The member ``order_id`` holds the id, of whichever kind."""

    type = "cancel_order"
    symbol: str
    order_id: str
    id_type: CancelIdType = msgspec.field(default=CancelIdType.ORDER_ID, name="cancel_order_id_type")

    @property
    def client_order_id(self) -> str | None:
        """The id, where it is a client order id."""
        return self.order_id if self.id_type is CancelIdType.CLIENT_ORDER_ID else None


class CancelAllOrders(Command, frozen=True):
    """Cancel of every open order of the account, in all symbols."""

    type = "cancel_all_orders"


class CancelStopOrder(Command, frozen=True):
    """Cancel of an untriggered stop."""

    type = "cancel_stop_order"
    order_id: str = msgspec.field(name="stop_order_id")


class ModifyStopOrder(Command, frozen=True):
    """New trigger price and size for an untriggered stop."""

    type = "modify_stop_order"
    order_id: str = msgspec.field(name="stop_order_id")
    symbol: str
    price: Decimal
    quantity: Decimal


class ClosePosition(Command, frozen=True):
    """A reduce-only LIMIT IOC order near the mark price that closes a position."""

    type = "close_position"
    reduce_only: ClassVar[bool] = True
    take_profit: ClassVar[None] = None
    stop_loss: ClassVar[None] = None
    symbol: str
    client_order_id: str


class AddTwap(Command, frozen=True):
    """Execution of a quantity as evenly spaced market orders."""

    type = "add_twap"
    symbol: str
    side: Side
    total_quantity: Decimal
    num_orders: int
    order_interval_secs: int
    reduce_only: bool
    client_twap_id: str

    @property
    def client_order_id(self) -> str:
        """The client TWAP id, which `OutcomeUnknown` shows as the client order id."""
        return self.client_twap_id


class SetLeverage(Command, frozen=True):
    """New leverage of a symbol. The exchange refuses it while the symbol has orders or a position."""

    type = "set_user_leverage"
    symbol: str
    leverage: Decimal


class SetCancelOnDisconnect(Command, frozen=True):
    """Whether the exchange cancels all orders of the account when this connection ends."""

    type = "cancel_on_disconnect"
    enabled: bool = msgspec.field(name="cancel_on_disconnect")


class GetOrder(Command, frozen=True):
    """Query for one order, by order id or client order id."""

    type = "get_order"
    symbol: str
    order_id: str


class GetUserOrders(Command, frozen=True):
    """Query for a page of live orders and active TWAPs."""

    type = "get_user_orders"
    symbol: str | None = None
    limit: int | None = None
    offset: int | None = None


class GetUserTrades(Command, frozen=True):
    """Query for a page of the account's trades.

    Times are not sent: documentation and production disagree on their unit, so the caller filters.
    """

    type = "get_user_trades"
    order_id: str | None = None
    limit: int | None = None
    offset: int | None = None


class GetLeverage(Command, frozen=True):
    """Query for the account's leverage settings."""

    type = "get_user_leverage"
    limit: int | None = None
    offset: int | None = None


class GetAvailableLeverage(GetLeverage, frozen=True):
    """Query for the leverage levels that may be set."""

    type = "get_available_leverage_levels"

"""Every command of the trade gateway, as a value that knows its wire form.

The members follow what the live exchange needs where its documentation says less: a price of 0 on market orders,
`reduce_only` and `order_type` on a modify, and a client id always.

They are msgspec structs, not attrs classes: one is made for each call, and these cost a fifth. A command's members are
those of its message, so that msgspec can write them without a detour.
"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal, getcontext
from typing import Any, ClassVar, Literal

import msgspec

from ..enums import CancelIdType, Channel, OrderType, Side, TimeInForce
from .numbers import on_wire

_encode = msgspec.json.Encoder(decimal_format="number").encode
_ZERO = Decimal(0)

Bucket = Literal["general", "cancel"]
Keys = tuple[Hashable, ...]


class Command(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One message to the exchange. A member that has its default, which is always None, is left out.

    `trading` commands change something and are on the wire at most once; the others are reads and may be asked
    again. `weight` and `bucket` are the exchange's rate-limit figures (current table of its documentation; 1.0 where
    it publishes none).
    """

    type: ClassVar[str] = ""
    _head: ClassVar[bytes]  # how a message of the type begins
    trading: ClassVar[bool] = True
    weight: ClassVar[float] = 1.0
    bucket: ClassVar[Bucket] = "general"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._head = b'{"type":"%b","params":' % cls.type.encode()

    def params(self) -> Command | dict[str, Any]:
        """What is sent as the message's ``params``."""
        return self

    def members(self) -> dict[str, Any]:
        """Members of ``params`` by their names on the wire."""
        params = self.params()
        if isinstance(params, dict):
            return params
        named = {field.encode_name: getattr(params, field.name) for field in msgspec.structs.fields(params)}
        return {name: value for name, value in named.items() if value is not None}

    def encode(self) -> bytes:
        """The message as JSON, every number with all of its digits."""
        params = _encode(self.params())
        # An exponent, or a text that looks like one; a single byte is looked for in less time than two. Where the
        # caller's decimal context writes them small they are not looked for: too many identifiers look like that.
        if params.find(b"E-") >= 0 or params.find(b"+") >= 0 or not getcontext().capitals:
            params = _encode(_without_exponents(self.members()))
        return self._head + params + b"}"

    def lanes(self) -> Keys:
        """What only one request at a time may use, because the reply names nobody."""
        return ()

    def ids(self) -> Keys:
        """The identifiers that a reply or an echo may name the request by; its type, where it has none."""
        return (self.type,)


class Authenticate(Command, frozen=True, gc=True):
    """Prove who the caller is. `proof` is secret and made anew for each line."""

    type = "auth"
    trading = False
    weight = 0.0
    proof: dict[str, Any]
    account_id: str | None = None

    def params(self) -> dict[str, Any]:
        return self.proof if self.account_id is None else {**self.proof, "account_id": self.account_id}

    def __repr__(self) -> str:
        return "Authenticate(...)"


class Subscribe(Command, frozen=True):
    """Ask for the account's events of some channels."""

    type = "subscribe"
    trading = False
    weight = 0.1
    channels: tuple[Channel, ...]

    def params(self) -> dict[str, Any]:
        return {"channels": [channel.value for channel in self.channels]}

    def lanes(self) -> Keys:
        return tuple(("subscription", channel) for channel in self.channels)


class Unsubscribe(Subscribe, frozen=True):
    """Stop the account's events of some channels."""

    type = "unsubscribe"


class AddOrder(Command, frozen=True):
    """Place an order, or a stop (`order_type` TAKE_PROFIT or STOP_LOSS, `price` its trigger)."""

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

    def lanes(self) -> Keys:
        # The reply to a stop may come with a blank client order id; then only its terms identify it.
        return (self.terms,) if self.order_type.is_stop else ()

    def ids(self) -> Keys:
        return (self.client_order_id,)

    @property
    def terms(self) -> Hashable:
        """What identifies the order where the reply's client order id is blank."""
        return ("terms", self.symbol, self.side, self.order_type, self.price, self.quantity)


class ModifyOrder(Command, frozen=True):
    """Replace price, size or attached stops of a resting order."""

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

    def lanes(self) -> Keys:
        # The reply has a new order id, and sometimes no client order id: its terms must not be in use twice.
        return (("order", self.order_id), self.terms)

    def ids(self) -> Keys:
        return (self.order_id, self.client_order_id) if self.client_order_id else (self.order_id,)

    @property
    def terms(self) -> Hashable:
        """What identifies the order where the reply's client order id is blank."""
        return ("terms", self.symbol, self.side, self.order_type, self.price, self.quantity)


class CancelOrder(Command, frozen=True, omit_defaults=False):
    """Cancel by one of the four kinds of id. The member ``order_id`` holds whatever id the type says."""

    type = "cancel_order"
    bucket = "cancel"
    symbol: str
    order_id: str
    id_type: CancelIdType = msgspec.field(default=CancelIdType.ORDER_ID, name="cancel_order_id_type")

    def ids(self) -> Keys:
        return (self.order_id,)

    @property
    def client_order_id(self) -> str | None:
        """The id, where it is a client order id."""
        return self.order_id if self.id_type is CancelIdType.CLIENT_ORDER_ID else None


class CancelAllOrders(Command, frozen=True):
    """Cancel every open order of the account, in all symbols."""

    type = "cancel_all_orders"
    bucket = "cancel"
    weight = 2.0

    def lanes(self) -> Keys:
        return (self.type,)


class CancelStopOrder(Command, frozen=True):
    """Cancel an untriggered stop."""

    type = "cancel_stop_order"
    bucket = "cancel"
    order_id: str = msgspec.field(name="stop_order_id")

    def lanes(self) -> Keys:
        return (("stop", self.order_id),)

    def ids(self) -> Keys:
        return (self.order_id, self.type)


class ModifyStopOrder(Command, frozen=True):
    """Move or resize an untriggered stop."""

    type = "modify_stop_order"
    order_id: str = msgspec.field(name="stop_order_id")
    symbol: str
    price: Decimal
    quantity: Decimal

    def lanes(self) -> Keys:
        return (("stop", self.order_id),)

    def ids(self) -> Keys:
        return (self.order_id, self.type)


class ClosePosition(Command, frozen=True):
    """Close a position with a reduce-only LIMIT IOC order near the mark price."""

    type = "close_position"
    reduce_only: ClassVar[bool] = True
    take_profit: ClassVar[None] = None
    stop_loss: ClassVar[None] = None
    symbol: str
    client_order_id: str

    def ids(self) -> Keys:
        return (self.client_order_id,)


class AddTwap(Command, frozen=True):
    """Execute a quantity as evenly spaced market orders."""

    type = "add_twap"
    symbol: str
    side: Side
    total_quantity: Decimal
    num_orders: int
    order_interval_secs: int
    reduce_only: bool
    client_twap_id: str

    def ids(self) -> Keys:
        return (self.client_twap_id,)

    @property
    def client_order_id(self) -> str:
        """The client TWAP id, for the error that says an outcome is unknown."""
        return self.client_twap_id


class SetLeverage(Command, frozen=True):
    """Set the leverage of a symbol. Refused by the exchange while it has orders or a position."""

    type = "set_user_leverage"
    weight = 0.1
    symbol: str
    leverage: Decimal

    def lanes(self) -> Keys:
        return (self.type,)


class SetCancelOnDisconnect(Command, frozen=True):
    """Have the exchange cancel all orders of the account when this line ends."""

    type = "cancel_on_disconnect"
    weight = 0.1
    enabled: bool = msgspec.field(name="cancel_on_disconnect")

    def lanes(self) -> Keys:
        return (self.type,)


class GetOrder(Command, frozen=True):
    """Ask for one order, by order id or client order id."""

    type = "get_order"
    trading = False
    weight = 2.0
    symbol: str
    order_id: str

    def lanes(self) -> Keys:
        return ("orders",)

    def ids(self) -> Keys:
        return (self.order_id,)


class GetUserOrders(Command, frozen=True):
    """Ask for a page of live orders and active TWAPs."""

    type = "get_user_orders"
    trading = False
    weight = 5.0
    symbol: str | None = None
    limit: int | None = None
    offset: int | None = None

    def lanes(self) -> Keys:
        return ("orders",)


class GetUserTrades(Command, frozen=True):
    """Ask for a page of the account's trades.

    Times are not sent: documentation and production disagree on their unit, so the caller filters.
    """

    type = "get_user_trades"
    trading = False
    weight = 0.5
    order_id: str | None = None
    limit: int | None = None
    offset: int | None = None

    def lanes(self) -> Keys:
        return (self.type,)


class GetLeverage(Command, frozen=True):
    """Ask for the account's leverage settings."""

    type = "get_user_leverage"
    trading = False
    weight = 0.1
    limit: int | None = None
    offset: int | None = None

    def lanes(self) -> Keys:
        return (self.type,)


class GetAvailableLeverage(GetLeverage, frozen=True):
    """Ask for the leverage levels that may be set."""

    type = "get_available_leverage_levels"


def _without_exponents(members: dict[str, Any]) -> dict[str, Any]:
    return {name: on_wire(value) if isinstance(value, Decimal) else value for name, value in members.items()}

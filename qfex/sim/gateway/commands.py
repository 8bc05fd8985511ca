"""What a client may send: each command's parameters as a strict schema.

Unknown members are ignored, as typed deserialisers do; a missing or mistyped one is an ``InvalidJSONFormat``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

Number = Decimal | int
# The members that are floating-point numbers to the exchange, whatever way they are written.
NUMBERS = {
    "quantity",
    "price",
    "take_profit",
    "stop_loss",
    "leverage",
    "total_quantity",
    "start_time",
    "worst_price",
}
Flag = bool | Literal[0, 1]
Side = Literal["BUY", "SELL"]
OrderType = Literal["LIMIT", "MARKET", "ALO", "TAKE_PROFIT", "STOP_LOSS"]
Channel = Literal["order_responses", "positions", "balances", "fills", "stop_orders", "leaderboard"]


class Params(msgspec.Struct):
    """Base of all parameter objects."""


class Hmac(Params):
    """The signature half of ``auth``."""

    public_key: str
    nonce: str
    unix_ts: int
    signature: str


class Auth(Params):
    """Who is there; exactly one of ``hmac`` and ``jwt``."""

    hmac: Hmac | None = None
    jwt: str | None = None
    account_id: str | None = None
    builder_code: str | None = None

    def __post_init__(self) -> None:
        if (self.hmac is None) == (self.jwt is None):
            raise ValueError("exactly one of hmac and jwt is required")


class Channels(Params):
    """``subscribe`` and ``unsubscribe``."""

    channels: list[Channel]


class AddOrder(Params):
    """A new order; ``price`` must be there for every type."""

    symbol: str
    side: Side
    order_type: OrderType
    order_time_in_force: Literal["GTC", "IOC", "FOK"]
    quantity: Number
    price: Number
    take_profit: Number | None = None
    stop_loss: Number | None = None
    reduce_only: Flag = False
    client_order_id: str | None = None


class CancelOrder(Params):
    """One order, or all of a client order id, or a TWAP."""

    symbol: str
    order_id: str
    cancel_order_id_type: Literal["order_id", "client_order_id", "twap_id", "client_twap_id"]


class Empty(Params):
    """``cancel_all_orders``: the object must be there, and nothing in it matters."""


class ModifyOrder(Params):
    """A replacement; ``order_type`` is required since 2025-10-13, ``reduce_only`` since 2026-09-09."""

    symbol: str
    order_id: str
    side: Side
    order_type: Literal["LIMIT", "MARKET", "ALO"]
    reduce_only: Flag
    price: Number | None = None
    quantity: Number | None = None
    take_profit: Number | None = None
    stop_loss: Number | None = None


class GetOrder(Params):
    """One order by its id or client order id."""

    order_id: str
    symbol: str


class Page(Params):
    """A slice of a list."""

    limit: int = 1000
    offset: int = 0


class GetUserOrders(Page):
    """Open orders and TWAPs."""

    symbol: str | None = None


class GetUserTrades(Page):
    """The account's trades, newest first; both bounds are inclusive."""

    order_id: str | None = None
    start_ts: int | None = None
    end_ts: int | None = None


class SetUserLeverage(Params):
    """A symbol's leverage."""

    symbol: str
    leverage: Number


class AddTwap(Params):
    """A time-weighted order; ``reduce_only`` is a real bool here."""

    symbol: str
    side: Side
    total_quantity: Number
    num_orders: int
    order_interval_secs: int
    reduce_only: bool
    client_twap_id: str | None = None
    start_time: Number | None = None
    worst_price: Number | None = None


class CancelStopOrder(Params):
    """One stop order."""

    stop_order_id: str


class ModifyStopOrder(Params):
    """A stop order's new trigger and size."""

    stop_order_id: str
    symbol: str
    price: Number
    quantity: Number


class ClosePosition(Params):
    """A whole position."""

    symbol: str
    client_order_id: str | None = None


class CancelOnDisconnect(Params):
    """The flag of this connection."""

    cancel_on_disconnect: bool


class Malformed(Exception):
    """Parameters that do not fit their schema; ``args[0]`` says where."""


_Schema = TypeVar("_Schema", bound=Params)


def fit(params: object, schema: type[_Schema]) -> _Schema:
    """Return decoded JSON as typed parameters.

    Raises
    ------
    Malformed
        A member is missing or of the wrong type. Numbers in quotes are of the wrong type.
    """
    try:
        return msgspec.convert(params, schema, builtin_types=(Decimal,))
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from error

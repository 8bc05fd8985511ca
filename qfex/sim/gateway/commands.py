"""The parameters of every command as a strict schema.

Unknown members are ignored, as typed deserialisers do. A missing member, or one of the wrong type, is an
``InvalidJSONFormat``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

Number = Decimal | int
# Members that the exchange parses as floating-point numbers, however they are written.
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
    """The signature in ``auth``."""

    public_key: str
    nonce: str
    unix_ts: int
    signature: str


class Auth(Params):
    """``auth``, with exactly one of ``hmac`` and ``jwt``."""

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
    """``add_order``; every order type requires a ``price``."""

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
    """``cancel_order``: one order, all orders with a client order id, or a TWAP."""

    symbol: str
    order_id: str
    cancel_order_id_type: Literal["order_id", "client_order_id", "twap_id", "client_twap_id"]


class Empty(Params):
    """``cancel_all_orders``: an object is required, its members are ignored."""


class ModifyOrder(Params):
    """``modify_order``; ``order_type`` is required since 2025-10-13, ``reduce_only`` since 2026-09-09."""

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
    """``get_order``: one order by its id or client order id."""

    order_id: str
    symbol: str


class Page(Params):
    """The requested slice of a list."""

    limit: int = 1000
    offset: int = 0


class GetUserOrders(Page):
    """``get_user_orders``: open orders and TWAPs."""

    symbol: str | None = None


class GetUserTrades(Page):
    """``get_user_trades``: the account's trades, newest first; both bounds are inclusive."""

    order_id: str | None = None
    start_ts: int | None = None
    end_ts: int | None = None


class SetUserLeverage(Params):
    """``set_user_leverage``."""

    symbol: str
    leverage: Number


class AddTwap(Params):
    """``add_twap``; here ``reduce_only`` is strictly a bool."""

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
    """``cancel_stop_order``."""

    stop_order_id: str


class ModifyStopOrder(Params):
    """``modify_stop_order``: the new trigger price and quantity."""

    stop_order_id: str
    symbol: str
    price: Number
    quantity: Number


class ClosePosition(Params):
    """``close_position``: a symbol's whole position."""

    symbol: str
    client_order_id: str | None = None


class CancelOnDisconnect(Params):
    """``cancel_on_disconnect``: the flag of this connection."""

    cancel_on_disconnect: bool


class Malformed(Exception):
    """The parameters do not match their schema; ``args[0]`` says where."""


_Schema = TypeVar("_Schema", bound=Params)


def fit(params: object, schema: type[_Schema]) -> _Schema:
    """Return decoded JSON as typed parameters.

    Raises
    ------
    Malformed
        A member is missing or has the wrong type, such as a number in quotes.
    """
    try:
        return msgspec.convert(params, schema, builtin_types=(Decimal,))
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from error

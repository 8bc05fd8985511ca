"""The engine's input (entries) and output (rows).

Everything here is immutable. Prices, quantities and amounts are `decimal.Decimal`; times are unix seconds (float) on the
engine's clock. Prices are in the instrument's quote currency, amounts (fees, profit, margin) in USD.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Side = Literal["BUY", "SELL"]
OrderType = Literal["LIMIT", "MARKET", "ALO", "TAKE_PROFIT", "STOP_LOSS"]
StopType = Literal["TAKE_PROFIT", "STOP_LOSS"]
TimeInForce = Literal["GTC", "IOC", "FOK"]
OrderIdType = Literal["order_id", "client_order_id", "twap_id", "client_twap_id"]
TwapStatus = Literal["ACTIVE", "COMPLETED", "CANCELLED"]
Session = Literal["pre_market", "open", "post_market", "overnight", "weekend", "close"]
OrderStatus = Literal[
    "ACK",
    "MODIFIED",
    "FILLED",
    "IOC_PARTIALLY_FILLED",
    "IOC_CANCELLED",
    "CANCELLED",
    "CANCELLED_STP",
    "REJECTED",
    "NO_SUCH_ORDER",
    "CANNOT_MODIFY_NO_SUCH_ORDER",
    "CANNOT_MODIFY_PARTIAL_FILL",
    "CANNOT_MODIFY_ALO_WOULD_CROSS",
    "INVALID_ORDER_TYPE",
    "BAD_SYMBOL",
    "INVALID_TIME_IN_FORCE",
    "PRICE_LESS_THAN_MIN_PRICE",
    "PRICE_GREATER_THAN_MAX_PRICE",
    "REJECTED_LESS_THAN_MIN_PRICE_BAND",
    "REJECTED_GREATER_THAN_MAX_PRICE_BAND",
    "INVALID_TICK_SIZE_PRECISION_PRICE",
    "INVALID_TICK_SIZE_PRECISION_QUANTITY",
    "QUANTITY_LESS_THAN_MIN_QUANTITY",
    "QUANTITY_GREATER_THAN_MAX_QUANTITY",
    "FAILED_MARGIN_CHECK",
    "REJECTED_WOULD_BREACH_MAX_NOTIONAL",
    "REJECTED_LESS_THAN_MIN_NOTIONAL",
    "REJECTED_MARKET_CLOSED",
    "REJECTED_FAILED_TO_PROCESS",
    "INVALID_TAKEPROFIT_PRICE",
    "INVALID_STOPLOSS_PRICE",
    "RATE_LIMITED",
    "REJECTED_TOO_MANY_OPEN_ORDERS",
    "REJECTED_OPEN_INTEREST_LIMIT",
    "REJECTED_TOTAL_OPEN_INTEREST_LIMIT",
    "USER_IN_LIQUIDATION",
    "PERMISSION_DENIED",
]

ZERO = Decimal(0)


class Refused(Exception):
    """A command that the exchange answers with an error instead of an order.

    Parameters
    ----------
    error_code : str
        The PascalCase code of the wire's ``err`` frame, such as ``"InvalidParameter"``.
    message : str
        A description of the error.
    """

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(f"{error_code}: {message}")
        self.error_code = error_code
        self.message = message


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """The terms of a new order; for a stop, `price` is the trigger price."""

    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal = ZERO
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    reduce_only: bool = False
    client_order_id: str = ""


@dataclass(frozen=True, slots=True)
class TwapEntry:
    """The terms of a new TWAP: `total_quantity` in `num_orders` orders, `order_interval_secs` apart."""

    symbol: str
    side: Side
    total_quantity: Decimal
    num_orders: int
    order_interval_secs: int
    reduce_only: bool = False
    client_twap_id: str | None = None
    start_time: float | None = None
    worst_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order's state at the time `updated`; a waiting stop is a row of type TAKE_PROFIT or STOP_LOSS."""

    order_id: str
    client_order_id: str
    account_id: str
    symbol: str
    status: OrderStatus
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    quantity_remaining: Decimal
    price: Decimal
    take_profit: Decimal | None
    stop_loss: Decimal | None
    reduce_only: bool
    trade_id: str | None
    created: float
    updated: float


@dataclass(frozen=True, slots=True)
class FinishedOrderRow:
    """A row of the order history: a finished order and its outcome."""

    order: OrderRow
    filled_quantity: Decimal
    passive_quantity: Decimal
    average_price: Decimal | None
    first_fill: float | None
    last_fill: float | None
    finished: float


@dataclass(frozen=True, slots=True)
class FillRow:
    """One side of one trade, private to its account. `fee` is the amount charged in USD.

    The exchange does not publish the unit of ``fee``; its only sample could also be a rate.
    """

    trade_id: str
    account_id: str
    symbol: str
    price: Decimal
    quantity: Decimal
    side: Side
    aggressor_side: Side
    order_id: str
    client_order_id: str
    fee: Decimal
    order_type: OrderType
    time_in_force: TimeInForce
    order_price: Decimal
    remaining_quantity: Decimal
    take_profit: Decimal | None
    stop_loss: Decimal | None
    execution_type: str
    timestamp: float
    realised_pnl: Decimal
    margin_used: Decimal


TradeRow = FillRow
"""A row of an account's trade history is the fill itself."""


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A trade as published to everybody; `side` is the aggressor's."""

    trade_id: str
    symbol: str
    price: Decimal
    quantity: Decimal
    side: Side
    time: float
    execution_type: str = "T"


@dataclass(frozen=True, slots=True)
class PositionRow:
    """An account's position in a symbol; `position` is signed, margins are ratios of notional."""

    id: str
    account_id: str
    symbol: str
    position: Decimal
    margin_alloc: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    net_funding: Decimal
    open_orders: int
    open_quantity: Decimal
    leverage: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    average_price: Decimal


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """An account's balance in USD: available = equity - order margin - position margin."""

    id: str
    account_id: str
    deposit: Decimal
    realised_pnl: Decimal
    order_margin: Decimal
    position_margin: Decimal
    unrealised_pnl: Decimal
    net_funding: Decimal
    available_balance: Decimal
    fees: Decimal
    referral_rewards: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class LeverageRow:
    """A leverage level of a symbol: its margin ratios and the notional (USD) it allows."""

    id: str
    symbol: str
    initial_margin: Decimal
    maintenance_margin: Decimal
    max_notional: Decimal
    leverage: Decimal


@dataclass(frozen=True, slots=True)
class StopRow:
    """A stop that waits for the mark price to reach `price`; `side` is that of the order it will become."""

    stop_order_id: str
    account_id: str
    symbol: str
    price: Decimal
    quantity: Decimal
    side: Side
    stop_order_type: StopType
    client_order_id: str
    status: Literal["ACTIVE", "TRIGGERED", "CANCELLED"]
    updated: float


@dataclass(frozen=True, slots=True)
class TwapRow:
    """A TWAP's current state."""

    twap_id: str
    client_twap_id: str | None
    account_id: str
    status: TwapStatus
    symbol: str
    side: Side
    total_quantity: Decimal
    filled_quantity: Decimal
    average_fill_price: Decimal
    total_num_orders: int
    filled_num_orders: int
    order_interval_secs: int
    reduce_only: bool
    created: float
    updated: float


@dataclass(frozen=True, slots=True)
class Candle:
    """Trades of one interval; an interval without trades repeats the last price."""

    symbol: str
    start: float
    interval: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    usd_volume: Decimal
    trades: int


Levels = list[tuple[Decimal, Decimal]]
"""Aggregated book levels as (price, quantity), best first."""

"""The events that the engine emits, in the order in which they happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from .types import FillRow, OrderRow, PublicTrade, StopRow, TwapRow


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order changed, or was rejected; `order.status` says how."""

    time: float
    account_id: str
    order: OrderRow


@dataclass(frozen=True, slots=True)
class Filled:
    """One side of a trade. Each trade emits two of these and one `Traded`."""

    time: float
    account_id: str
    fill: FillRow


@dataclass(frozen=True, slots=True)
class Traded:
    """A trade, as published to everybody."""

    time: float
    symbol: str
    trade: PublicTrade


@dataclass(frozen=True, slots=True)
class BookChanged:
    """The book of a symbol changed; emitted at most once for each command."""

    time: float
    symbol: str


@dataclass(frozen=True, slots=True)
class MarkChanged:
    """The mark price changed."""

    time: float
    symbol: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class PositionChanged:
    """A position or its open orders changed; emitted at most once for each command and symbol."""

    time: float
    account_id: str
    symbol: str


@dataclass(frozen=True, slots=True)
class BalanceChanged:
    """An account's money or margin changed; emitted at most once for each command."""

    time: float
    account_id: str


@dataclass(frozen=True, slots=True)
class StopChanged:
    """A stop was created, modified, triggered or cancelled."""

    time: float
    account_id: str
    stop: StopRow


@dataclass(frozen=True, slots=True)
class TwapChanged:
    """A TWAP was accepted, sent a child order, or ended."""

    time: float
    account_id: str
    twap: TwapRow


@dataclass(frozen=True, slots=True)
class FundingPaid:
    """Hourly funding of a position; a positive `amount` (USD) was received, a negative one paid."""

    time: float
    account_id: str
    symbol: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Liquidated:
    """A position was closed by liquidation."""

    time: float
    account_id: str
    symbol: str


Event = (
    OrderChanged
    | Filled
    | Traded
    | BookChanged
    | MarkChanged
    | PositionChanged
    | BalanceChanged
    | StopChanged
    | TwapChanged
    | FundingPaid
    | Liquidated
)
Listener = Callable[[Event], None]

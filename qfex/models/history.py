"""Rows of the REST API's series and histories.

The `time` of a row is the start of its interval, or the moment of what it describes. Amounts are in the quote unit or
the margin asset, as the exchange reports them. Quantities are in the base unit.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..decimals import EXACT
from ..enums import OrderType, Side, TimeInForce
from ..statuses import OrderStatus
from .orders import Order

_ZERO = Decimal(0)
_FEE_UNITS = Decimal(100_000_000)  # so a fee of 1,000,000 is one percent


@attrs.frozen
class FundingPoint:
    """Funding rate of one interval. An interval without a rate repeats the last one; before the first it is None."""

    symbol: str
    time: datetime
    interval_minutes: int
    rate: Decimal | None = None


@attrs.frozen
class OpenInterestPoint:
    """Open interest of one interval. None before the first value."""

    symbol: str
    time: datetime
    interval_minutes: int
    open_interest: Decimal | None = None


@attrs.frozen
class TakerVolumePoint:
    """Volume that takers bought and sold in one interval. A notional that the exchange sends as null is None."""

    symbol: str
    time: datetime
    interval_minutes: int
    taker_buy_qty: Decimal
    taker_sell_qty: Decimal
    taker_buy_notional: Decimal | None
    taker_sell_notional: Decimal | None
    net_taker_qty: Decimal | None


@attrs.frozen
class LongShortPoint:
    """Numbers of users with a long and with a short position."""

    symbol: str
    time: datetime
    interval: str
    long_users: int
    short_users: int


@attrs.frozen
class UnderlierPoint:
    """Price of the reference asset over one interval."""

    symbol: str
    time: datetime
    interval: str
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    close_price: Decimal


@attrs.frozen
class SettlementCalendar:
    """The dated future to which the price of a perpetual refers.

    Attributes
    ----------
    future_symbol : str
        Symbol of the future, such as ``"CLK6"``.
    active_until : datetime
        Time until which the perpetual refers to this future.
    expiration : datetime
        Time at which the future expires.
    """

    qfex_symbol: str
    future_symbol: str
    active_until: datetime
    expiration: datetime


@attrs.frozen
class SettlementPrice:
    """Settlement price of a future and the spot price derived from it. `asof` is a text of the exchange.

    What the exchange sends as null is None.
    """

    symbol: str
    future_symbol: str
    future_settlement_price: Decimal
    spot_settlement_price: Decimal | None
    spot_to_future_ratio: Decimal | None
    asof: str | None
    time: datetime | None


@attrs.frozen
class SymbolMetrics:
    """Metrics of a symbol over the last 24 hours. `funding_rate_bps` is in basis points.

    What the exchange sends as null, as for a symbol that was just listed, is None.
    """

    symbol: str
    current_mark_price: Decimal | None
    volume_24h_usd_notional: Decimal | None
    mark_price_change_24h_pct: Decimal | None
    open_interest: Decimal | None
    funding_rate_bps: Decimal | None


@attrs.frozen
class Contract:
    """A perpetual in the format of market data sites. What the exchange sends as null is None.

    Attributes
    ----------
    open_interest : Decimal
        Sum of the long and the short open interest.
    open_interest_usd, long_open_interest_usd, short_open_interest_usd : Decimal
        Notional in the quote unit, despite the name: in KRW for Korean symbols.
    next_funding_rate_timestamp : datetime
        End of the funding hour. Out of date while the reference market is closed.
    """

    ticker_id: str
    base_currency: str | None
    target_currency: str | None
    last_price: Decimal | None
    base_volume: Decimal | None
    target_volume: Decimal | None
    product_type: str | None
    open_interest: Decimal | None
    open_interest_usd: Decimal | None
    long_open_interest: Decimal | None
    long_open_interest_usd: Decimal | None
    short_open_interest: Decimal | None
    short_open_interest_usd: Decimal | None
    index_price: Decimal | None
    index_currency: str | None
    funding_rate: Decimal | None
    funding_interval_minutes: int | None
    next_funding_rate: Decimal | None
    next_funding_rate_timestamp: datetime | None


@attrs.frozen
class ExchangeVolume:
    """Volume and open interest of the whole exchange, in USD. What the exchange sends as null is None."""

    time: datetime
    daily_volume_usd: Decimal | None
    open_interest_at_end_usd: Decimal | None


@attrs.frozen
class HistoricOrder:
    """A finished order.

    Attributes
    ----------
    terminal_status : OrderStatus
        Status with which the order ended.
    time : datetime or None
        Time at which the order ended. None if the exchange does not say.
    price : Decimal or None
        Limit or trigger price. None if the exchange sends null, as it may for a market order.
    filled_qty : Decimal
        Executed quantity.
    passive_qty : Decimal or None
        The part of it that was executed while the order rested in the book. None if the exchange does not say.
    avg_price : Decimal or None
        Average execution price. None if nothing was executed.
    """

    order_id: str
    terminal_status: OrderStatus
    time: datetime | None
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal | None
    client_order_id: str = ""
    filled_qty: Decimal = _ZERO
    passive_qty: Decimal | None = _ZERO
    avg_price: Decimal | None = None
    first_fill_ts: datetime | None = None
    last_fill_ts: datetime | None = None
    execution_state: str = ""

    def as_order(self) -> Order:
        """Return the same order as an `Order`."""
        return Order(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            symbol=self.symbol,
            status=self.terminal_status,
            side=self.side,
            order_type=self.order_type,
            time_in_force=self.time_in_force,
            quantity=self.quantity,
            quantity_remaining=EXACT.subtract(self.quantity, self.filled_qty),
            price=self.price,
            update_time=self.time,
        )


@attrs.frozen
class PnlPoint:
    """Change of the account's profit, in the margin asset or in percent, as requested."""

    time: datetime
    value: Decimal


@attrs.frozen
class EquityPoint:
    """Value of the account, in the margin asset."""

    time: datetime
    value: Decimal


@attrs.frozen
class HourlyPnl:
    """Profit, funding and fees of one hour in one symbol, in the margin asset, with position size and cost.

    An amount that the exchange sends as null is None.
    """

    symbol: str
    time: datetime
    realised_pnl: Decimal | None
    unrealised_pnl: Decimal | None
    net_funding: Decimal | None
    fees: Decimal | None
    quantity: Decimal
    cost: Decimal | None


@attrs.frozen
class Fee:
    """Fees of the account in one symbol. 1,000,000 is one percent; a negative fee is a rebate."""

    maker_fee: int
    taker_fee: int

    @property
    def maker_rate(self) -> Decimal:
        """Maker fee as a share of the notional: 0.0001 is one basis point."""
        return EXACT.divide(self.maker_fee, _FEE_UNITS)

    @property
    def taker_rate(self) -> Decimal:
        """Taker fee as a share of the notional: 0.0001 is one basis point."""
        return EXACT.divide(self.taker_fee, _FEE_UNITS)


@attrs.frozen
class UserVolume:
    """Notional volume of the account on one day."""

    time: datetime
    maker_volume: Decimal
    taker_volume: Decimal
    volume: Decimal


@attrs.frozen
class ReferralReward:
    """Reward of one day, in the margin asset."""

    time: datetime
    amount: Decimal


@attrs.frozen
class SubaccountBalance:
    """Balance of one of the user's accounts, in the margin asset."""

    account_id: str
    available_balance: Decimal
    is_master: bool = False

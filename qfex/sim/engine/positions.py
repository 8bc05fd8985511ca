"""A position and its cost, by the average cost method.

The cost of the open quantity and the realised profit complement each other: rounding the average can shift a digit
between the two but never lose one. The exchange's books therefore balance exactly.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal
from typing import TYPE_CHECKING

from .types import ZERO, Side

if TYPE_CHECKING:
    from .market import Market
    from .orders import Order

COST_STEP = Decimal("0.000000000001")
PRICE_STEP = Decimal("0.0000000001")
MARGIN_STEP = Decimal("0.00000001")


class OpenOrders:
    """Totals of the open orders on one side, reduce-only orders excluded."""

    __slots__ = ("quantity", "notional")

    def __init__(self) -> None:
        self.quantity = ZERO
        self.notional = ZERO

    def add(self, quantity: Decimal, price: Decimal) -> None:
        """Add `quantity` (may be negative) at `price`."""
        self.quantity += quantity
        self.notional += quantity * price

    def enlarging(self, covered: Decimal) -> Decimal:
        """Return the notional that would enlarge a position; the first `covered` units would only close it."""
        if covered <= 0:
            return self.notional
        if self.quantity <= covered:
            return ZERO
        return self.notional * (self.quantity - covered) / self.quantity


class Position:
    """An account's position in one market, its open orders there, and the margin of both.

    Amounts (`realised`, `funding`, margins) are in USD; `cost` is in quote currency.
    """

    __slots__ = (
        "market", "quantity", "cost", "realised", "funding", "leverage", "buying", "selling",
        "order_count", "order_quantity", "order_margin", "reduce_only_count",
    )  # fmt: skip

    def __init__(self, market: Market) -> None:
        self.market = market
        self.quantity = ZERO
        self.cost = ZERO
        self.realised = ZERO
        self.funding = ZERO
        self.leverage = market.instrument.max_leverage
        self.buying = OpenOrders()
        self.selling = OpenOrders()
        self.order_count = 0
        self.order_quantity = ZERO
        self.order_margin = ZERO
        self.reduce_only_count = 0

    @property
    def average_price(self) -> Decimal:
        """Average entry price, in quote currency."""
        return average_price(self.cost, self.quantity)

    @property
    def notional(self) -> Decimal:
        """Absolute value at the mark price, USD."""
        return abs(self.quantity) * self.market.mark

    @property
    def unrealised(self) -> Decimal:
        """Unrealised profit at the mark price, USD."""
        if not self.quantity:
            return ZERO
        return self.quantity * self.market.mark - self.cost

    @property
    def margin(self) -> Decimal:
        """Initial margin, USD."""
        return margin_of(self.notional, self.leverage) if self.quantity else ZERO

    def reducible(self, side: Side) -> Decimal:
        """Return the quantity by which orders of `side` can reduce the position."""
        return max(ZERO, -self.quantity if side == "BUY" else self.quantity)

    def trade(self, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        """Book a trade and return its realised profit (USD)."""
        signed = quantity if side == "BUY" else -quantity
        closed = min(quantity, self.reducible(side)).copy_sign(signed)
        profit = self._close(-closed, price) if closed else ZERO
        self.cost += (signed - closed) * price
        self.quantity += signed
        self.realised += profit
        return profit

    def _close(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Release the cost of signed `quantity` of the position and return the profit, in quote currency."""
        released = self.cost
        if quantity != self.quantity:
            released = (self.cost * quantity / self.quantity).quantize(COST_STEP, ROUND_HALF_EVEN)
        self.cost -= released
        return quantity * price - released

    def count(self, order: Order, quantity: Decimal, orders: int) -> None:
        """Add `quantity` of an order (may be negative) and `orders` orders to the totals."""
        self.order_count += orders
        self.order_quantity += quantity
        if order.reduce_only:
            self.reduce_only_count += orders
        else:
            (self.buying if order.side == "BUY" else self.selling).add(quantity, order.margin_price)

    def needed_order_margin(self) -> Decimal:
        """Return the margin (USD) of those parts of the open orders that would enlarge the position."""
        notional = self.buying.enlarging(-self.quantity) + self.selling.enlarging(self.quantity)
        return margin_of(notional, self.leverage)


def average_price(notional: Decimal, quantity: Decimal) -> Decimal:
    """Return notional / quantity, rounded for display; zero if the quantity is zero."""
    if not quantity:
        return ZERO
    return (notional / quantity).quantize(PRICE_STEP, ROUND_HALF_EVEN).normalize()


def margin_of(notional: Decimal, leverage: Decimal) -> Decimal:
    """Return the initial margin: notional / leverage, rounded up to a fixed step so that sums stay exact."""
    return (notional / leverage).quantize(MARGIN_STEP, ROUND_UP)

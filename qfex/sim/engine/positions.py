"""A position and what it costs, by the average cost method.

The cost of what remains and the profit of what was closed are kept as sums that complement each other:
rounding the average can shift a digit between the two, but never lose one. So the exchange's books are exact.
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
    """Sums over the resting orders of one side that could enlarge a position."""

    __slots__ = ("quantity", "notional")

    def __init__(self) -> None:
        self.quantity = ZERO
        self.notional = ZERO

    def add(self, quantity: Decimal, price: Decimal) -> None:
        """Count `quantity` more (or, negative, less) at `price`."""
        self.quantity += quantity
        self.notional += quantity * price

    def enlarging(self, covered: Decimal) -> Decimal:
        """Return the notional beyond the first `covered` units, which would only close a position."""
        if covered <= 0:
            return self.notional
        if self.quantity <= covered:
            return ZERO
        return self.notional * (self.quantity - covered) / self.quantity


class Position:
    """What an account holds in one market, its open orders there, and the margin of both.

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
        """Average price of what is held, in quote currency."""
        return average_price(self.cost, self.quantity)

    @property
    def notional(self) -> Decimal:
        """Value at the mark price in USD, never negative."""
        return abs(self.quantity) * self.market.mark * self.market.usd_rate

    @property
    def unrealised(self) -> Decimal:
        """Profit at the mark price in USD."""
        if not self.quantity:
            return ZERO
        return (self.quantity * self.market.mark - self.cost) * self.market.usd_rate

    @property
    def margin(self) -> Decimal:
        """Initial margin of what is held, in USD."""
        return margin_of(self.notional, self.leverage) if self.quantity else ZERO

    def reducible(self, side: Side) -> Decimal:
        """Return how much an order of `side` can take off the position."""
        return max(ZERO, -self.quantity if side == "BUY" else self.quantity)

    def trade(self, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        """Book a trade and return the profit (USD) it realised."""
        signed = quantity if side == "BUY" else -quantity
        closed = min(quantity, self.reducible(side)).copy_sign(signed)
        profit = self._close(-closed, price) if closed else ZERO
        self.cost += (signed - closed) * price
        self.quantity += signed
        realised = profit * self.market.usd_rate
        self.realised += realised
        return realised

    def _close(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Release the cost of signed `quantity` of the position and return the profit, in quote currency."""
        released = self.cost
        if quantity != self.quantity:
            released = (self.cost * quantity / self.quantity).quantize(COST_STEP, ROUND_HALF_EVEN)
        self.cost -= released
        return quantity * price - released

    def count(self, order: Order, quantity: Decimal, orders: int) -> None:
        """Count `quantity` more (or, negative, less) of a resting order, and `orders` more orders."""
        self.order_count += orders
        self.order_quantity += quantity
        if order.reduce_only:
            self.reduce_only_count += orders
        else:
            (self.buying if order.side == "BUY" else self.selling).add(quantity, order.margin_price)

    def needed_order_margin(self) -> Decimal:
        """Return the margin (USD) of the open orders: the parts that would enlarge the position."""
        notional = self.buying.enlarging(-self.quantity) + self.selling.enlarging(self.quantity)
        return margin_of(notional * self.market.usd_rate, self.leverage)


def average_price(notional: Decimal, quantity: Decimal) -> Decimal:
    """Return notional over quantity, rounded for showing; zero of nothing."""
    if not quantity:
        return ZERO
    return (notional / quantity).quantize(PRICE_STEP, ROUND_HALF_EVEN).normalize()


def margin_of(notional: Decimal, leverage: Decimal) -> Decimal:
    """Return initial margin: notional over leverage, rounded up to a step so that sums stay exact."""
    return (notional / leverage).quantize(MARGIN_STEP, ROUND_UP)

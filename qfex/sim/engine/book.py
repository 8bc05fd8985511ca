"""One symbol's order book: price-time priority. It knows nothing about accounts and money."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal

from .orders import Order
from .types import ZERO, Levels, Side


class Level:
    """The orders at one price, in order of arrival."""

    __slots__ = ("price", "orders", "quantity")

    def __init__(self, price: Decimal) -> None:
        self.price = price
        # An OrderedDict: a plain dict would step over every order that has been removed from its front.
        self.orders: OrderedDict[str, Order] = OrderedDict()
        self.quantity = ZERO

    def first(self) -> Order:
        """Return the oldest order."""
        return next(iter(self.orders.values()))


class BookSide:
    """One side of a book: its levels by price, and their sort keys in ascending order, the best one last."""

    def __init__(self, side: Side) -> None:
        # The best bid is the highest price. Negating the prices of offers makes the best offer the highest key as well.
        self._sign = 1 if side == "BUY" else -1
        self._levels: dict[Decimal, Level] = {}
        self._keys: list[Decimal] = []

    def best(self) -> Level | None:
        """Return the best level."""
        return self._levels[self._keys[-1] * self._sign] if self._keys else None

    def levels(self) -> Iterator[Level]:
        """Yield the levels, best first."""
        for key in reversed(self._keys):
            yield self._levels[key * self._sign]

    def orders(self) -> Iterator[Order]:
        """Yield the orders in order of priority."""
        for level in self.levels():
            yield from level.orders.values()

    def add(self, order: Order) -> None:
        """Add an order behind the others at its price."""
        level = self._levels.get(order.limit)
        if level is None:
            level = self._levels[order.limit] = Level(order.limit)
            insort(self._keys, order.limit * self._sign)
        level.orders[order.order_id] = order
        level.quantity += order.remaining

    def remove(self, order: Order) -> None:
        """Remove an order, and its level if that is empty then."""
        level = self._levels[order.limit]
        del level.orders[order.order_id]
        level.quantity -= order.remaining
        if not level.orders:
            del self._levels[order.limit]
            del self._keys[bisect_left(self._keys, order.limit * self._sign)]

    def reduce(self, order: Order, quantity: Decimal) -> None:
        """Reduce the quantity of a level before `quantity` of one of its orders trades."""
        self._levels[order.limit].quantity -= quantity


class Book:
    """Bids and asks of a symbol."""

    def __init__(self) -> None:
        self.bids = BookSide("BUY")
        self.asks = BookSide("SELL")

    def side(self, side: Side) -> BookSide:
        """Return the side on which orders of `side` rest."""
        return self.bids if side == "BUY" else self.asks

    def against(self, side: Side) -> BookSide:
        """Return the side that an order of `side` trades with."""
        return self.asks if side == "BUY" else self.bids

    def would_take(self, order: Order) -> bool:
        """Return whether an order would trade at once."""
        best = self.against(order.side).best()
        return best is not None and order.accepts(best.price)

    def snapshot(self, depth: int) -> tuple[Levels, Levels]:
        """Return up to `depth` (price, quantity) levels of each side, best first."""
        return _top(self.bids, depth), _top(self.asks, depth)


def _top(side: BookSide, depth: int) -> Levels:
    """Return the first levels of a side."""
    return [(level.price, level.quantity) for level, _ in zip(side.levels(), range(depth), strict=False)]

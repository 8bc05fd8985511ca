"""One symbol's order book: price-time priority, and nothing that knows about money."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal

from .orders import Order
from .types import ZERO, Levels, Side


class Level:
    """The orders at one price, first come first served."""

    __slots__ = ("price", "orders", "quantity")

    def __init__(self, price: Decimal) -> None:
        self.price = price
        # An OrderedDict, since a plain dict looks past every order already taken from its front.
        self.orders: OrderedDict[str, Order] = OrderedDict()
        self.quantity = ZERO

    def first(self) -> Order:
        """Return the order that has waited longest."""
        return next(iter(self.orders.values()))


class BookSide:
    """One side of a book: levels by price, and their keys sorted so that the best comes last."""

    def __init__(self, side: Side) -> None:
        # The best bid is the highest price, the best offer the lowest: negated, it is the highest key too.
        self._sign = 1 if side == "BUY" else -1
        self._levels: dict[Decimal, Level] = {}
        self._keys: list[Decimal] = []

    def best(self) -> Level | None:
        """Return the level that trades first."""
        return self._levels[self._keys[-1] * self._sign] if self._keys else None

    def levels(self) -> Iterator[Level]:
        """Yield the levels, best first."""
        for key in reversed(self._keys):
            yield self._levels[key * self._sign]

    def orders(self) -> Iterator[Order]:
        """Yield the orders in the sequence in which they would trade."""
        for level in self.levels():
            yield from level.orders.values()

    def add(self, order: Order) -> None:
        """Put an order last at its price."""
        level = self._levels.get(order.limit)
        if level is None:
            level = self._levels[order.limit] = Level(order.limit)
            insort(self._keys, order.limit * self._sign)
        level.orders[order.order_id] = order
        level.quantity += order.remaining

    def remove(self, order: Order) -> None:
        """Take an order out, and its level with it if it was the last there."""
        level = self._levels[order.limit]
        del level.orders[order.order_id]
        level.quantity -= order.remaining
        if not level.orders:
            del self._levels[order.limit]
            del self._keys[bisect_left(self._keys, order.limit * self._sign)]

    def reduce(self, order: Order, quantity: Decimal) -> None:
        """Note that `quantity` of a resting order is about to leave the book by a trade."""
        self._levels[order.limit].quantity -= quantity


class Book:
    """Both sides of a symbol."""

    def __init__(self) -> None:
        self.bids = BookSide("BUY")
        self.asks = BookSide("SELL")

    def side(self, side: Side) -> BookSide:
        """Return the side where orders of `side` rest."""
        return self.bids if side == "BUY" else self.asks

    def against(self, side: Side) -> BookSide:
        """Return the side an order of `side` trades with."""
        return self.asks if side == "BUY" else self.bids

    def would_take(self, order: Order) -> bool:
        """Say whether an order would trade at once."""
        best = self.against(order.side).best()
        return best is not None and order.accepts(best.price)

    def snapshot(self, depth: int) -> tuple[Levels, Levels]:
        """Return up to `depth` aggregated (price, quantity) levels a side, best first."""
        return _top(self.bids, depth), _top(self.asks, depth)


def _top(side: BookSide, depth: int) -> Levels:
    """Return the first levels of a side."""
    return [(level.price, level.quantity) for level, _ in zip(side.levels(), range(depth), strict=False)]

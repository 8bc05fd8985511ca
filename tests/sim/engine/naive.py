"""A second matching engine, written to be obviously correct: one list of orders, always scanned as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as D


@dataclass
class Waiting:
    """An order in the list."""

    number: int
    account: str
    side: str
    price: D
    left: D
    reduce_only: bool


@dataclass(frozen=True)
class Fill:
    """One trade, by the numbers of its orders."""

    maker: int
    taker: int
    price: D
    quantity: D


class NaiveBook:
    """A list of orders in order of arrival, which is searched for the next order to trade."""

    def __init__(self, band: tuple[D, D]) -> None:
        self.waiting: list[Waiting] = []
        self.fills: list[Fill] = []
        self.positions: dict[str, D] = {}
        self._band = band

    def add(
        self,
        number: int,
        account: str,
        side: str,
        kind: str,
        tif: str,
        quantity: D,
        price: D,
        reduce_only: bool,
    ) -> None:
        """Add an order that has passed every check that does not concern the book."""
        if kind == "MARKET":
            price = self._band[1] if side == "BUY" else self._band[0]
        order = Waiting(number, account, side, price, quantity, reduce_only)
        if reduce_only and not self._may_trade(order):
            return
        if kind == "ALO" and self._candidates(order):
            return
        if tif == "FOK" and self._total_available(order) < quantity:
            return
        self._trade(order)
        if tif == "GTC" and self._may_trade(order):
            self.waiting.append(order)
        self._drop_idle()

    def cancel(self, number: int) -> None:
        """Remove an order."""
        self.waiting = [order for order in self.waiting if order.number != number]

    def replace(self, number: int, new_number: int, quantity: D, price: D) -> None:
        """Cancel an order and add it again with other terms."""
        [old] = [order for order in self.waiting if order.number == number]
        self.cancel(number)
        self.add(new_number, old.account, old.side, "LIMIT", "GTC", quantity, price, old.reduce_only)

    def levels(self, side: str) -> list[tuple[D, D]]:
        """Return the total quantity at each price, best first."""
        prices = {order.price for order in self.waiting if order.side == side}
        return [
            (price, sum((o.left for o in self.waiting if o.side == side and o.price == price), D(0)))
            for price in sorted(prices, reverse=side == "BUY")
        ]

    def _trade(self, taker: Waiting) -> None:
        while self._may_trade(taker):
            candidates = self._candidates(taker)
            if not candidates:
                return
            maker = candidates[0]
            if maker.account == taker.account or not self._may_trade(maker):
                self.cancel(maker.number)
                continue
            quantity = min(self._may_trade(taker), self._may_trade(maker))
            self.fills.append(Fill(maker.number, taker.number, maker.price, quantity))
            for order in (maker, taker):
                order.left -= quantity
                signed = quantity if order.side == "BUY" else -quantity
                self.positions[order.account] = self.positions.get(order.account, D(0)) + signed
            if not maker.left:
                self.cancel(maker.number)

    def _candidates(self, taker: Waiting) -> list[Waiting]:
        """Return the orders that could trade with an order, by priority; sorting keeps the order of arrival."""
        buys = taker.side == "BUY"
        found = [
            order
            for order in self.waiting
            if order.side != taker.side
            and (order.price <= taker.price if buys else order.price >= taker.price)
        ]
        return sorted(found, key=lambda order: order.price if buys else -order.price)

    def _total_available(self, taker: Waiting) -> D:
        """Return the total quantity that an order could trade, by trading it in a copy."""
        copy = NaiveBook(self._band)
        copy.waiting = [Waiting(**vars(order)) for order in self.waiting]
        copy.positions = dict(self.positions)
        copy._trade(Waiting(**vars(taker)))
        return sum((fill.quantity for fill in copy.fills), D(0))

    def _may_trade(self, order: Waiting) -> D:
        """Return how much of an order may trade; reduce-only orders stop at a flat position."""
        if not order.reduce_only:
            return order.left
        position = self.positions.get(order.account, D(0))
        return min(order.left, max(D(0), -position if order.side == "BUY" else position))

    def _drop_idle(self) -> None:
        """Cancel reduce-only orders that can reduce nothing."""
        self.waiting = [order for order in self.waiting if self._may_trade(order)]

"""An order's life: opened, reported on, closed. The only place that changes the lists of orders."""

from __future__ import annotations

from decimal import Decimal

from .accounts import Account
from .events import OrderChanged
from .market import Market
from .orders import Order
from .types import OrderStatus
from .venue import Venue


class Lifecycle:
    """Keeps book, account and margin in step with every order."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def report(self, order: Order, status: OrderStatus) -> None:
        """Set an order's status and tell its owner."""
        order.status = status
        order.updated = self._venue.now
        if not order.account.house:
            self._venue.emit(OrderChanged(order.updated, order.account.account_id, order.row()))

    def reject(self, order: Order, status: OrderStatus) -> None:
        """Turn down an order that was never open."""
        self.report(order, status)
        self._remember(order)

    def open(self, order: Order, status: OrderStatus = "ACK") -> None:
        """Accept an order and reserve its margin."""
        order.account.orders[order.order_id] = order
        self.count(order, order.remaining, 1)
        self.report(order, status)

    def rest(self, order: Order) -> None:
        """Put what is left of an open order into the book."""
        order.market.book.side(order.side).add(order)
        order.resting = True
        self._venue.touched.books[order.market] = None

    def close(self, order: Order, status: OrderStatus | None = None) -> None:
        """End an open order; without a status it has already been reported on."""
        self.withdraw(order)
        if status is not None:
            self.report(order, status)
        self._remember(order)

    def withdraw(self, order: Order) -> None:
        """Take an order out of book and account and free its margin, saying nothing."""
        if order.resting:
            order.market.book.side(order.side).remove(order)
            order.resting = False
            self._venue.touched.books[order.market] = None
        del order.account.orders[order.order_id]
        self.count(order, -order.remaining, -1)

    def trim(self, account: Account, market: Market) -> None:
        """Cancel resting reduce-only orders that have nothing left to reduce."""
        if not account.position(market).reduce_only_count:
            return
        for order in list(account.orders.values()):
            if order.market is market and order.resting and not order.executable():
                self.close(order, "CANCELLED")

    def count(self, order: Order, quantity: Decimal, orders: int = 0) -> None:
        """Count `quantity` more (or, negative, less) of an open order and refresh the margin it reserves."""
        position = order.account.position(order.market)
        position.count(order, quantity, orders)
        if not order.account.house:
            refresh = position.needed_order_margin()
            order.account.order_margin += refresh - position.order_margin
            position.order_margin = refresh
            self._venue.touch(order.account, order.market)

    def _remember(self, order: Order) -> None:
        """Keep a finished order in its account's history."""
        if not order.account.house:
            order.account.history.finished(order.finished_row())

"""The lifecycle of orders: open, report, close. Only this module changes the lists of open orders."""

from __future__ import annotations

from decimal import Decimal

from .accounts import Account
from .events import OrderChanged
from .market import Market
from .orders import Order
from .types import OrderStatus
from .venue import Venue


class Lifecycle:
    """Keeps the book, the account and its margin consistent with every order."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def report(self, order: Order, status: OrderStatus) -> None:
        """Set an order's status and emit its change."""
        order.status = status
        order.updated = self._venue.now
        if not order.account.house:
            self._venue.emit(OrderChanged(order.updated, order.account.account_id, order.row()))

    def reject(self, order: Order, status: OrderStatus) -> None:
        """Reject an order that was never open."""
        self.report(order, status)
        self._remember(order)

    def open(self, order: Order, status: OrderStatus = "ACK") -> None:
        """Accept an order and reserve its margin."""
        order.account.orders[order.order_id] = order
        self.count(order, order.remaining, 1)
        self.report(order, status)

    def rest(self, order: Order) -> None:
        """Put the remainder of an open order into the book."""
        order.market.book.side(order.side).add(order)
        order.resting = True
        self._venue.changes.books[order.market] = None

    def close(self, order: Order, status: OrderStatus | None = None) -> None:
        """Close an open order. Without a status, its last change has been reported already."""
        self.withdraw(order)
        if status is not None:
            self.report(order, status)
        self._remember(order)

    def withdraw(self, order: Order) -> None:
        """Remove an order from its book and account and release its margin, without an event."""
        if order.resting:
            order.market.book.side(order.side).remove(order)
            order.resting = False
            self._venue.changes.books[order.market] = None
        del order.account.orders[order.order_id]
        self.count(order, -order.remaining, -1)

    def trim(self, account: Account, market: Market) -> None:
        """Cancel resting reduce-only orders that can no longer reduce the position."""
        if not account.position(market).reduce_only_count:
            return
        for order in list(account.orders.values()):
            if order.market is market and order.resting and not order.executable():
                self.close(order, "CANCELLED")

    def count(self, order: Order, quantity: Decimal, orders: int = 0) -> None:
        """Add `quantity` (may be negative) to the open quantity of an order's position and update the reserved margin."""
        position = order.account.position(order.market)
        position.count(order, quantity, orders)
        if not order.account.house:
            margin = position.needed_order_margin()
            order.account.order_margin += margin - position.order_margin
            position.order_margin = margin
            self._venue.account_changed(order.account, order.market)

    def _remember(self, order: Order) -> None:
        """Add a finished order to its account's history."""
        if not order.account.house:
            order.account.history.finished(order.finished_row())

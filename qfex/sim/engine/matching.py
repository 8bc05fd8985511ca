"""Matching: price-time priority and self-trade prevention."""

from __future__ import annotations

from decimal import Decimal

from .lifecycle import Lifecycle
from .orders import Order
from .settlement import Settlement
from .types import ZERO


class Matcher:
    """Trades an open order against the book, then rests or closes the remainder."""

    def __init__(self, lifecycle: Lifecycle, settlement: Settlement) -> None:
        self._lifecycle = lifecycle
        self._settlement = settlement

    def execute(self, order: Order) -> None:
        """Match an open order."""
        if order.time_in_force == "FOK" and fillable(order) < order.remaining:
            self._lifecycle.close(order, "CANCELLED")
            return
        self._take(order)
        if not order.remaining:
            return
        if order.takes:
            self._lifecycle.close(order, "IOC_PARTIALLY_FILLED" if order.filled else "IOC_CANCELLED")
        elif order.executable():
            self._lifecycle.rest(order)
        else:
            self._lifecycle.close(order, "CANCELLED")

    def _take(self, order: Order) -> None:
        """Trade with the best resting orders as long as prices cross."""
        against = order.market.book.against(order.side)
        while wanted := order.executable():
            best = against.best()
            if best is None or not order.accepts(best.price):
                return
            self._trade_with(order, best.first(), wanted)

    def _trade_with(self, order: Order, resting: Order, wanted: Decimal) -> None:
        """Trade with one resting order, or cancel the resting order if it may not trade."""
        if resting.account is order.account:
            self._lifecycle.close(resting, "CANCELLED_STP")
        elif offered := resting.executable():
            self._settlement.trade(order, resting, min(wanted, offered))
        else:
            self._lifecycle.close(resting, "CANCELLED")


def fillable(order: Order) -> Decimal:
    """Return how much of an order would trade at once, which decides about a FOK order."""
    wanted, found = order.executable(), ZERO
    taken: dict[
        str, Decimal
    ] = {}  # By account: what it would have traded before, which changes its position.
    for resting in order.market.book.against(order.side).orders():
        if found >= wanted or not order.accepts(resting.limit):
            break
        if resting.account is not order.account:
            found += _offered(resting, taken)
    return min(wanted, found)


def _offered(resting: Order, taken: dict[str, Decimal]) -> Decimal:
    """Return what a resting order would trade, given what its account would have traded before."""
    account = resting.account
    before, offered = taken.get(account.account_id, ZERO), resting.remaining
    if resting.reduce_only:
        offered = min(offered, max(ZERO, account.position(resting.market).reducible(resting.side) - before))
    taken[account.account_id] = before + offered
    return offered

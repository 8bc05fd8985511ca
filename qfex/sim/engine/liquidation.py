"""Liquidation of accounts whose equity no longer covers their maintenance margin.

The account's orders are cancelled and its positions closed with IOC orders near the mark price, one attempt a second.
After a few attempts the house takes over the remaining positions at the mark price. Meanwhile the account cannot trade.
"""

from __future__ import annotations

from functools import partial

from .accounts import Account
from .events import Liquidated
from .lifecycle import Lifecycle
from .margin import maintenance_margin
from .market import Market
from .order_manager import OrderManager, pegged_price
from .orders import Order, opposite
from .settlement import Settlement
from .stops import Stops
from .twaps import Twaps
from .types import OrderEntry, Side
from .venue import Venue

RETRY_SECONDS = 1.0


class Liquidation:
    """Checks accounts and liquidates those that fail."""

    def __init__(
        self,
        venue: Venue,
        orders: OrderManager,
        lifecycle: Lifecycle,
        settlement: Settlement,
        stops: Stops,
        twaps: Twaps,
    ) -> None:
        self._venue = venue
        self._orders = orders
        self._lifecycle = lifecycle
        self._settlement = settlement
        self._stops = stops
        self._twaps = twaps

    def check_holders(self, market: Market) -> None:
        """Check every account with a position in a market whose mark price changed."""
        for account in list(market.holders.values()):
            self.check(account)

    def check(self, account: Account) -> None:
        """Start to liquidate an account if its equity is too low."""
        if not account.in_liquidation and self._fails(account):
            account.in_liquidation = True
            self._cancel_everything(account)
            self._attempt(account, 1)

    def _fails(self, account: Account) -> bool:
        """Return whether the account's equity is below its maintenance margin."""
        if account.house or not account.open_positions:
            return False
        return account.equity < maintenance_margin(self._venue, account)

    def _cancel_everything(self, account: Account) -> None:
        """Cancel all orders, stops and TWAPs of the account."""
        for order in list(account.orders.values()):
            self._lifecycle.close(order, "CANCELLED")
        for stop in list(account.stops.values()):
            self._stops.cancel_one(stop)
        for twap in list(account.twaps.values()):
            if twap.status == "ACTIVE":
                self._twaps.end(twap, "CANCELLED")

    def _attempt(self, account: Account, number: int) -> None:
        """Try to close the remaining positions, and schedule the next step."""
        for symbol, position in list(account.open_positions.items()):
            if position.market.is_trading:
                self._orders.submit(self._closing_order(account, position.market))
            if symbol not in account.open_positions:
                self._venue.emit(Liquidated(self._venue.now, account.account_id, symbol))
        if not self._fails(account):
            self._finish(account)
        elif number < self._venue.rules.liquidation_attempts:
            due = self._venue.now + RETRY_SECONDS
            self._venue.timers.at(due, partial(self._attempt, account, number + 1))
        else:
            self._take_over(account)

    def _closing_order(self, account: Account, market: Market) -> Order:
        """Return an IOC order for the whole position."""
        quantity = account.position(market).quantity
        side: Side = "SELL" if quantity > 0 else "BUY"
        price = pegged_price(market, side, self._venue.rules.liquidation_peg)
        entry = OrderEntry(market.symbol, side, "LIMIT", "IOC", abs(quantity), price, reduce_only=True)
        return self._orders.draft(account, market, entry)

    def _take_over(self, account: Account) -> None:
        """Transfer every position to the house at its mark price."""
        for symbol, position in list(account.open_positions.items()):
            order = self._closing_order(account, position.market)
            entry = OrderEntry(
                symbol, opposite(order.side), "LIMIT", "IOC", order.quantity, position.market.mark
            )
            counterpart = self._orders.draft(self._venue.house, position.market, entry)
            self._lifecycle.open(order)
            self._lifecycle.open(counterpart)
            self._settlement.trade(order, counterpart, order.quantity)
            self._venue.emit(Liquidated(self._venue.now, account.account_id, symbol))
        self._finish(account)

    def _finish(self, account: Account) -> None:
        """End the liquidation; the house covers a loss beyond the account's money."""
        account.in_liquidation = False
        missing = -account.equity
        if missing > 0 and not account.open_positions:
            account.deposit += missing
            self._venue.changes.balances[account] = None
            self._venue.house.deposit -= missing

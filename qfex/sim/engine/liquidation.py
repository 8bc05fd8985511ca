"""Liquidation: what happens to an account whose equity no longer covers its maintenance margin.

Its orders are cancelled and its positions closed with IOC orders near the mark price, one a second; after a
few attempts the house takes over the rest at the mark price. Until it is over the account may not trade.
"""

from __future__ import annotations

from functools import partial

from .accounts import Account
from .desk import Desk, pegged_price
from .events import Liquidated
from .lifecycle import Lifecycle
from .margin import maintenance_margin
from .market import Market
from .orders import Order, opposite
from .settlement import Settlement
from .stops import Stops
from .twaps import Twaps
from .types import OrderEntry, Side
from .venue import Venue

RETRY_SECONDS = 1.0


class Liquidation:
    """Watches accounts and closes those that fail."""

    def __init__(
        self,
        venue: Venue,
        desk: Desk,
        lifecycle: Lifecycle,
        settlement: Settlement,
        stops: Stops,
        twaps: Twaps,
    ) -> None:
        self._venue = venue
        self._desk = desk
        self._lifecycle = lifecycle
        self._settlement = settlement
        self._stops = stops
        self._twaps = twaps

    def check_holders(self, market: Market) -> None:
        """Look at everyone with a position in a market whose mark price moved."""
        for account in list(market.holders.values()):
            self.check(account)

    def check(self, account: Account) -> None:
        """Begin to liquidate an account if it must be."""
        if not account.in_liquidation and self._fails(account):
            account.in_liquidation = True
            self._clear(account)
            self._attempt(account, 1)

    def _fails(self, account: Account) -> bool:
        """Whether equity is below maintenance margin."""
        if account.house or not account.held:
            return False
        return account.equity < maintenance_margin(self._venue, account)

    def _clear(self, account: Account) -> None:
        """Cancel everything the account has open."""
        for order in list(account.orders.values()):
            self._lifecycle.close(order, "CANCELLED")
        for stop in list(account.stops.values()):
            self._stops.drop(stop)
        for twap in list(account.twaps.values()):
            if twap.status == "ACTIVE":
                self._twaps.end(twap, "CANCELLED")

    def _attempt(self, account: Account, number: int) -> None:
        """Try once to close what is left, and decide how to go on."""
        for symbol, position in list(account.held.items()):
            if position.market.is_trading:
                self._desk.submit(self._closing_order(account, position.market))
            if symbol not in account.held:
                self._venue.emit(Liquidated(self._venue.now, account.account_id, symbol))
        if not self._fails(account):
            self._finish(account)
        elif number < self._venue.rules.liquidation_attempts:
            due = self._venue.now + RETRY_SECONDS
            self._venue.timers.at(due, partial(self._attempt, account, number + 1))
        else:
            self._take_over(account)

    def _closing_order(self, account: Account, market: Market) -> Order:
        """Return an IOC order over the whole position."""
        quantity = account.position(market).quantity
        side: Side = "SELL" if quantity > 0 else "BUY"
        price = pegged_price(market, side, self._venue.rules.liquidation_peg)
        entry = OrderEntry(market.symbol, side, "LIMIT", "IOC", abs(quantity), price, None, None, True)
        return self._desk.draft(account, market, entry)

    def _take_over(self, account: Account) -> None:
        """Let the house take every position at its mark price."""
        for symbol, position in list(account.held.items()):
            order = self._closing_order(account, position.market)
            entry = OrderEntry(
                symbol, opposite(order.side), "LIMIT", "IOC", order.quantity, position.market.mark
            )
            counterpart = self._desk.draft(self._venue.house, position.market, entry)
            self._lifecycle.open(order)
            self._lifecycle.open(counterpart)
            self._settlement.trade(order, counterpart, order.quantity)
            self._venue.emit(Liquidated(self._venue.now, account.account_id, symbol))
        self._finish(account)

    def _finish(self, account: Account) -> None:
        """End the liquidation; the house makes good what the account lost beyond its money."""
        account.in_liquidation = False
        missing = -account.equity
        if missing > 0 and not account.held:
            account.deposit += missing
            self._venue.touched.balances[account] = None
            self._venue.house.deposit -= missing

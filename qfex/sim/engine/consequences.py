"""The consequences of a command or timer: quotes move, stops are attached and triggered, accounts are liquidated.

None of this happens during matching. It is applied afterwards, in rounds, because every round can cause more changes.
"""

from __future__ import annotations

from .events import BalanceChanged, BookChanged, PositionChanged
from .lifecycle import Lifecycle
from .liquidation import Liquidation
from .liquidity import MarketMaker
from .stops import Stops
from .venue import Changes, Venue


class Consequences:
    """Applies the consequences of the changes that a command or timer has made, then publishes the changes."""

    def __init__(
        self,
        venue: Venue,
        lifecycle: Lifecycle,
        stops: Stops,
        liquidation: Liquidation,
        maker: MarketMaker | None,
    ) -> None:
        self._venue = venue
        self._lifecycle = lifecycle
        self._stops = stops
        self._liquidation = liquidation
        self._maker = maker
        self._unpublished = Changes()

    def apply(self) -> None:
        """Apply consequences until nothing changes any more, then publish each changed item once."""
        changes = self._venue.changes
        while changes.marks or changes.quotes or changes.brackets or changes.traded:
            self._venue.changes = Changes()
            self._collect(changes)
            self._apply_round(changes)
            changes = self._venue.changes
        self._collect(changes)
        self._venue.changes = Changes()
        self._publish()

    def _apply_round(self, changes: Changes) -> None:
        """Apply the consequences of one set of changes. Quotes come first, because everything else uses prices."""
        for order in changes.brackets:
            self._stops.attach(order)
        if self._maker is not None:
            for market in changes.marks:
                self._maker.requote(market)
            for market in changes.quotes:
                self._maker.refill(market)
        for account, market in changes.traded:
            self._stops.trim(account, market)
            self._lifecycle.trim(account, market)
        for market in {**changes.marks, **{order.market: None for order in changes.brackets}}:
            self._stops.trigger_reached(market)
        for market in changes.marks:
            self._liquidation.check_holders(market)
        for account, _ in changes.traded:
            self._liquidation.check(account)

    def _collect(self, changes: Changes) -> None:
        """Remember what is to be published."""
        self._unpublished.books.update(changes.books)
        self._unpublished.positions.update(changes.positions)
        self._unpublished.balances.update(changes.balances)

    def _publish(self) -> None:
        """Emit one event for each changed book, position and balance."""
        if not (self._unpublished.books or self._unpublished.positions or self._unpublished.balances):
            return
        changes, self._unpublished = self._unpublished, Changes()
        now, emit = self._venue.now, self._venue.emit
        for market in changes.books:
            emit(BookChanged(now, market.symbol))
        for account, market in changes.positions:
            emit(PositionChanged(now, account.account_id, market.symbol))
        for account in changes.balances:
            emit(BalanceChanged(now, account.account_id))

"""What follows from a command or timer: quotes move, stops come, go and fire, accounts are liquidated.

Nothing of this happens in the middle of matching. It is done in rounds, since every round can change more.
"""

from __future__ import annotations

from .events import BalanceChanged, BookChanged, PositionChanged
from .lifecycle import Lifecycle
from .liquidation import Liquidation
from .liquidity import MarketMaker
from .stops import Stops
from .venue import Touched, Venue


class Aftermath:
    """Draws the consequences of what was touched."""

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
        self._seen = Touched()

    def draw(self) -> None:
        """Go on until nothing changes any more, then say once what is no longer as it was."""
        touched = self._venue.touched
        while touched.marks or touched.quotes or touched.brackets or touched.traded:
            self._venue.touched = Touched()
            self._keep(touched)
            self._round(touched)
            touched = self._venue.touched
        self._keep(touched)
        self._venue.touched = Touched()
        self._publish()

    def _round(self, touched: Touched) -> None:
        """Draw the next consequences: prices first, since everything else looks at them."""
        for order in touched.brackets:
            self._stops.attach(order)
        if self._maker is not None:
            for market in touched.marks:
                self._maker.requote(market)
            for market in touched.quotes:
                self._maker.refill(market)
        for account, market in touched.traded:
            self._stops.bound(account, market)
            self._lifecycle.trim(account, market)
        for market in {**touched.marks, **{order.market: None for order in touched.brackets}}:
            self._stops.fire(market)
        for market in touched.marks:
            self._liquidation.check_holders(market)
        for account, _ in touched.traded:
            self._liquidation.check(account)

    def _keep(self, touched: Touched) -> None:
        """Remember what to publish."""
        self._seen.books.update(touched.books)
        self._seen.positions.update(touched.positions)
        self._seen.balances.update(touched.balances)

    def _publish(self) -> None:
        """Tell the listeners, each thing once."""
        if not (self._seen.books or self._seen.positions or self._seen.balances):
            return
        seen, self._seen = self._seen, Touched()
        now, emit = self._venue.now, self._venue.emit
        for market in seen.books:
            emit(BookChanged(now, market.symbol))
        for account, market in seen.positions:
            emit(PositionChanged(now, account.account_id, market.symbol))
        for account in seen.balances:
            emit(BalanceChanged(now, account.account_id))

"""The market maker: a house account that quotes both sides of every symbol around its mark price."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from zlib import crc32

from .accounts import Account
from .lifecycle import Lifecycle
from .market import Market
from .order_manager import OrderManager
from .orders import Order
from .rules import BASIS_POINT
from .types import OrderEntry, Side
from .venue import Venue

DEPTH = 12
HALF_SPREAD = BASIS_POINT
LEVEL_STEP = BASIS_POINT
# Average notional (USD) quoted at the best price; every further level adds half of it.
TOP_NOTIONAL = Decimal(20_000)
# How far, in basis points, the quotes of a moving market may be skewed to one side of its mark price.
MAX_SKEW = 4

Quote = tuple[Side, Decimal]


class MarketMaker:
    """Maintains a ladder of quotes in every market.

    The ladder depends only on seed, symbol and mark price, not on how often it is renewed.

    Parameters
    ----------
    skewed : bool
        Whether the ladder of each symbol lies a little above or below the mark price, so that there is funding to pay.
    """

    def __init__(self, venue: Venue, orders: OrderManager, lifecycle: Lifecycle, skewed: bool) -> None:
        self._venue = venue
        self._orders = orders
        self._lifecycle = lifecycle
        self.account: Account = venue.open_account(house=True)
        self._skewed = skewed
        self._ladders: dict[Market, dict[Quote, Decimal]] = {}
        self._quotes: dict[Market, dict[Quote, Order]] = {market: {} for market in venue.markets.values()}

    def requote(self, market: Market) -> None:
        """Move the ladder to the mark price."""
        self._ladders.pop(market, None)
        self.refill(market)

    def refill(self, market: Market) -> None:
        """Renew quotes that traded or are no longer wanted; the others keep their queue position."""
        if not market.is_trading:
            return
        ladder, quotes = self._ladder(market), self._quotes[market]
        for quote, order in list(quotes.items()):
            if ladder.get(quote) != order.remaining or not order.resting:
                self._withdraw(order)
                del quotes[quote]
        for quote, quantity in ladder.items():
            if quote not in quotes:
                quotes[quote] = self._place(market, quote, quantity)

    def _ladder(self, market: Market) -> dict[Quote, Decimal]:
        """Return the wanted quotes of a market."""
        ladder = self._ladders.get(market)
        if ladder is None:
            ladder = self._ladders[market] = dict(self._wanted(market))
        return ladder

    def _wanted(self, market: Market) -> Iterator[tuple[Quote, Decimal]]:
        """Yield the quotes around the mark price with their quantities."""
        instrument, mark = market.instrument, market.mark * (1 + self._skew(market))
        spread, step = (max(mark * part, instrument.tick_size) for part in (HALF_SPREAD, LEVEL_STEP))
        top = TOP_NOTIONAL / mark
        for number in range(DEPTH):
            distance = spread + number * step
            bid, ask = instrument.floor_price(mark - distance), instrument.ceil_price(mark + distance)
            yield ("SELL", ask), self._quantity(market, ask, top * (2 + number) / 2)
            if bid > 0:
                yield ("BUY", bid), self._quantity(market, bid, top * (2 + number) / 2)

    def _quantity(self, market: Market, price: Decimal, average: Decimal) -> Decimal:
        """Return a quantity of 0.5 to 1.5 times the average, always the same for a price."""
        noise = self._noise(market, str(price.normalize())) % 1000
        wanted = market.instrument.floor_quantity(average * (500 + noise) / 1000)
        return max(wanted, market.instrument.min_quantity)

    def _skew(self, market: Market) -> Decimal:
        """Return the skew of the ladder as a fraction of the mark price, always the same in a market."""
        if not self._skewed:
            return Decimal(0)
        # The text is part of the seed: another one would change the simulated prices.
        return (self._noise(market, "lean") % (2 * MAX_SKEW + 1) - MAX_SKEW) * BASIS_POINT

    def _noise(self, market: Market, about: str) -> int:
        """Return a pseudo-random number that depends only on the seed, the market and `about`."""
        return crc32(f"{self._venue.seed}:{market.symbol}:{about}".encode())

    def _place(self, market: Market, quote: Quote, quantity: Decimal) -> Order:
        """Enter one quote; it may trade with resting orders."""
        side, price = quote
        order = self._orders.draft(
            self.account, market, OrderEntry(market.symbol, side, "LIMIT", "GTC", quantity, price)
        )
        self._orders.submit(order)
        return order

    def _withdraw(self, order: Order) -> None:
        """Cancel a quote if it is still open."""
        if order.order_id in self.account.orders:
            self._lifecycle.close(order, "CANCELLED")

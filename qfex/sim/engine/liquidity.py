"""The market maker: an account of the house that quotes both sides of every symbol around its mark price."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from zlib import crc32

from .accounts import Account
from .desk import Desk
from .lifecycle import Lifecycle
from .market import Market
from .orders import Order
from .rules import BASIS_POINT
from .types import OrderEntry, Side
from .venue import Venue

DEPTH = 12
HALF_SPREAD = BASIS_POINT
LEVEL_STEP = BASIS_POINT
# Notional (USD) quoted at the best price on average; it grows by half of that with every level.
TOP_NOTIONAL = Decimal(20_000)

Quote = tuple[Side, Decimal]


class MarketMaker:
    """Keeps a ladder of quotes in every market.

    The ladder depends on nothing but seed, symbol and mark price: renewed often or rarely, it is the same.
    """

    def __init__(self, venue: Venue, desk: Desk, lifecycle: Lifecycle) -> None:
        self._venue = venue
        self._desk = desk
        self._lifecycle = lifecycle
        self.account: Account = venue.open_account(house=True)
        self._ladders: dict[Market, dict[Quote, Decimal]] = {}
        self._quotes: dict[Market, dict[Quote, Order]] = {market: {} for market in venue.markets.values()}

    def requote(self, market: Market) -> None:
        """Move the ladder to the mark price."""
        self._ladders.pop(market, None)
        self.refill(market)

    def refill(self, market: Market) -> None:
        """Renew the quotes that were hit or are no longer wanted; others keep their place in the queue."""
        if market.halted or market.failing:
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
        """Return the quotes wanted in a market."""
        ladder = self._ladders.get(market)
        if ladder is None:
            ladder = self._ladders[market] = dict(self._wanted(market))
        return ladder

    def _wanted(self, market: Market) -> Iterator[tuple[Quote, Decimal]]:
        """Yield the quotes around the mark price and their quantities."""
        instrument, mark = market.instrument, market.mark
        spread, step = (max(mark * part, instrument.tick_size) for part in (HALF_SPREAD, LEVEL_STEP))
        top = TOP_NOTIONAL / (mark * market.usd_rate)
        for number in range(DEPTH):
            distance = spread + number * step
            bid, ask = instrument.floor_price(mark - distance), instrument.ceil_price(mark + distance)
            yield ("SELL", ask), self._quantity(market, ask, top * (2 + number) / 2)
            if bid > 0:
                yield ("BUY", bid), self._quantity(market, bid, top * (2 + number) / 2)

    def _quantity(self, market: Market, price: Decimal, average: Decimal) -> Decimal:
        """Return a quantity between half and one and a half of the average, always the same at a price."""
        noise = crc32(f"{self._venue.seed}:{market.symbol}:{price.normalize()}".encode()) % 1000
        wanted = market.instrument.floor_quantity(average * (500 + noise) / 1000)
        return max(wanted, market.instrument.min_quantity)

    def _place(self, market: Market, quote: Quote, quantity: Decimal) -> Order:
        """Send one quote; it may trade with orders it meets."""
        side, price = quote
        order = self._desk.draft(
            self.account, market, OrderEntry(market.symbol, side, "LIMIT", "GTC", quantity, price)
        )
        self._desk.submit(order)
        return order

    def _withdraw(self, order: Order) -> None:
        """Take a quote back, if it is still there."""
        if order.order_id in self.account.orders:
            self._lifecycle.close(order, "CANCELLED")

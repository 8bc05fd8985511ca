"""Those who act at the venue and are no clients of ours: the market, and another session of the account."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from decimal import Decimal

from .ledger import LedgerOrder
from .market import SYMBOLS
from .venue import Venue

Step = Callable[[], None]
_HUNDREDTH = Decimal("0.01")
_OTHERS_PRICES = Decimal(900)


class Actor:
    """Acts at random times until asked to stop.

    Parameters
    ----------
    venue : Venue
    seed : str
    rate : float
        Steps per second.
    """

    def __init__(self, venue: Venue, seed: str, rate: float) -> None:
        self.venue = venue
        self.random = random.Random(seed)
        self._rate = rate

    def run(self, stop: threading.Event) -> None:
        """Act until the end."""
        while self._rate and not stop.wait(self.random.expovariate(self._rate)):
            with self.venue.lock:
                self.step()

    def step(self) -> None:
        """Do one thing, under the venue's lock."""
        raise NotImplementedError

    def pick(self, orders: list[LedgerOrder]) -> LedgerOrder | None:
        """One of some orders, if there are any."""
        place = self.random.random()
        return orders[int(place * len(orders))] if orders else None


class MarketActor(Actor):
    """Fills and cancels resting orders, and moves prices."""

    def step(self) -> None:
        kind, symbol = self.random.random(), self.random.choice(SYMBOLS)
        order = self.pick([each for each in self.venue.ledger.live if not each.is_stop])
        if kind < 0.35:
            self._move(symbol)
        elif order is None:
            return
        elif kind < 0.6:
            self.venue.trading.fill(order, order.remaining)
        elif kind < 0.92:
            self.venue.trading.fill(order, Decimal("0.1"))
        else:
            self.venue.trading.cancel(order, "CANCELLED_STP")

    def _move(self, symbol: str) -> None:
        market, odd = self.venue.market, self.venue.options.disturbances.odd_market
        kind = self.random.random()
        if kind < 0.15:
            market.begin_candle(symbol, correct=odd)
        elif odd and kind < 0.25:
            market.turn_back_the_clock(symbol)
        else:
            market.move(symbol, Decimal(self.random.randrange(9000, 11000)) * _HUNDREDTH)


class OtherSession(Actor):
    """Trades the same account, as a web page does, and changes orders that clients of ours placed."""

    def __init__(self, venue: Venue, seed: str, rate: float) -> None:
        super().__init__(venue, seed, rate)
        self._count = 0

    def step(self) -> None:
        kind = self.random.random()
        order = self.pick(self.venue.ledger.live)
        if order is None or kind < 0.3:
            self._place()
        elif kind < 0.55:
            self._modify(order)
        elif kind < 0.75:
            self.venue.trading.cancel(order)
        else:
            self._be_refused(order)

    def _place(self) -> None:
        self._count += 1
        named = f"web-{self._count}" if self.random.random() < 0.7 else ""
        terms = {
            "symbol": self.random.choice(SYMBOLS),
            "side": self.random.choice(("BUY", "SELL")),
            "order_type": "LIMIT",
            "order_time_in_force": "GTC",
            "quantity": Decimal(1),
            "price": self._new_price(),
            "client_order_id": named,
        }
        self.venue.trading.accept(terms, "other")

    def _modify(self, order: LedgerOrder) -> None:
        trading, price = self.venue.trading, self._new_price()
        if order.is_stop:
            trading.modify_stop(order, {"price": price, "quantity": order.quantity})
        elif order.may_be_modified:
            trading.modify(order, price, order.quantity)

    def _be_refused(self, order: LedgerOrder) -> None:
        """Ask for something impossible; the refusal names a live order, which lives on."""
        params = {
            "symbol": order.symbol,
            "order_id": order.order_id,
            "side": "SELL" if order.side == "BUY" else "BUY",
            "order_type": order.type,
            "price": self._new_price(),
            "quantity": order.quantity,
        }
        self.venue.ledger.refused_to_others.add(order.order_id)
        self.venue.trading.refuse("CANNOT_MODIFY_NO_SUCH_ORDER", params, order)

    def _new_price(self) -> Decimal:
        self._count += 1
        return _OTHERS_PRICES + self._count * _HUNDREDTH

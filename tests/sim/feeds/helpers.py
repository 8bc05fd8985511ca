"""A market with two accounts, and a reader of its market data."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from qfex.sim.engine import Exchange, OrderEntry, Rules, load_instruments
from qfex.sim.feeds.market_data import MarketData
from qfex.sim.feeds.market_data_session import MarketDataSession
from qfex.sim.gateway.clock import Clock

AAPL, INDEX = "AAPL-USD", "US100-USD"
# A Monday, 10:30 in New York: the market of AAPL is open.
START = datetime(2026, 9, 21, 14, 30, tzinfo=timezone.utc).timestamp()

Message = dict[str, Any]


class MarketHarness:
    """An exchange with two symbols and without a market maker, and a clock that tests advance."""

    def __init__(self, start: float = START, **options: Any) -> None:
        options.setdefault("liquidity", False)
        self.exchange = Exchange(load_instruments([AAPL, INDEX]), start=start, rules=Rules(), **options)
        self.clock = Clock(self.exchange)
        self.buyer = self.exchange.create_account(Decimal(1_000_000))
        self.seller = self.exchange.create_account(Decimal(1_000_000))

    def order(
        self, account: str, side: str, quantity: str, price: str, symbol: str = AAPL, **more: Any
    ) -> Any:
        """Enter a limit order."""
        more.setdefault("time_in_force", "GTC")
        entry = OrderEntry(symbol, side, "LIMIT", quantity=Decimal(quantity), price=Decimal(price), **more)  # type: ignore[arg-type]
        return self.exchange.add_order(account, entry)

    def trade(self, quantity: str, price: str, symbol: str = AAPL, aggressor: str = "BUY") -> None:
        """Let the two accounts trade with each other."""
        sides = [(self.seller, "SELL"), (self.buyer, "BUY")]
        for account, side in sides if aggressor == "BUY" else reversed(sides):
            self.order(account, side, quantity, price, symbol)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)


class Reader:
    """A connection to the market data streams without a socket."""

    def __init__(self, market_data: MarketData, reports_errors: bool = True) -> None:
        self._frames: list[bytes] = []
        self.session = MarketDataSession(market_data, self._frames.append, reports_errors=reports_errors)

    def send(self, message: Any) -> list[Message]:
        """Send a message and return the messages received so far."""
        self.session.receive(message if isinstance(message, (str, bytes)) else json.dumps(message))
        return self.take()

    def subscribe(self, *channels: str, symbols: tuple[str, ...] = (AAPL,), **options: Any) -> list[Message]:
        """Subscribe and return the messages received so far."""
        return self.send({"type": "subscribe", "channels": channels, "symbols": symbols, **options})

    def unsubscribe(
        self, *channels: str, symbols: tuple[str, ...] = (AAPL,), **options: Any
    ) -> list[Message]:
        """Unsubscribe and return the messages received so far."""
        return self.send({"type": "unsubscribe", "channels": channels, "symbols": symbols, **options})

    def take(self) -> list[Message]:
        """Return the messages received since the last call."""
        frames = [json.loads(frame) for frame in self._frames]
        self._frames.clear()
        return frames

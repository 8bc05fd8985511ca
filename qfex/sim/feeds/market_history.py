"""What the REST interface tells about the past of the markets."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from ..engine import MarkChanged, PositionChanged, Traded
from .series import Series

if TYPE_CHECKING:
    from ..engine import Event, Exchange, PublicTrade
    from ..gateway.clock import Clock

ZERO = Decimal(0)
MINUTE = 60


@dataclass
class TakerVolume:
    """What aggressors bought and sold, in base units and in quote currency."""

    buy_quantity: Decimal = ZERO
    sell_quantity: Decimal = ZERO
    buy_notional: Decimal = ZERO
    sell_notional: Decimal = ZERO

    def count(self, trade: PublicTrade) -> None:
        """Count one trade."""
        notional = trade.price * trade.quantity
        if trade.side == "BUY":
            self.buy_quantity += trade.quantity
            self.buy_notional += notional
        else:
            self.sell_quantity += trade.quantity
            self.sell_notional += notional

    def __add__(self, other: TakerVolume) -> TakerVolume:
        return TakerVolume(
            self.buy_quantity + other.buy_quantity,
            self.sell_quantity + other.sell_quantity,
            self.buy_notional + other.buy_notional,
            self.sell_notional + other.sell_notional,
        )


@dataclass
class SymbolHistory:
    """The past of one symbol."""

    mark: Series[Decimal] = field(default_factory=Series)
    index: Series[Decimal] = field(default_factory=Series)
    funding: Series[Decimal] = field(default_factory=Series)
    open_interest: Series[Decimal] = field(default_factory=Series)
    holders: Series[tuple[int, int]] = field(default_factory=Series)
    minutes: dict[int, TakerVolume] = field(default_factory=lambda: defaultdict(TakerVolume))
    longs: set[str] = field(default_factory=set)
    shorts: set[str] = field(default_factory=set)

    def taker_volume(self, start: float, end: float) -> TakerVolume:
        """Return the sums over a range, in whole minutes; its end is not included."""
        total = TakerVolume()
        wanted: Collection[int] = range(math.ceil(start / MINUTE), math.ceil(end / MINUTE))
        for minute in min(wanted, self.minutes, key=len):
            if minute in wanted and minute in self.minutes:
                total += self.minutes[minute]
        return total


class MarketHistory:
    """Listens to the engine, and looks at it once a minute.

    Parameters
    ----------
    exchange : Exchange
        The engine.
    clock : Clock
        The simulated clock.
    """

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self._exchange = exchange
        self.started = exchange.now
        self.symbols = {symbol: SymbolHistory() for symbol in exchange.instruments}
        # Which positions changed since the last look; looking at each change would slow every trade down.
        self._changed: dict[tuple[str, str], None] = {}
        self.look()
        exchange.listen(self._on_event)
        clock.every(MINUTE, self.look)

    def __getitem__(self, symbol: str) -> SymbolHistory:
        return self.symbols[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self.symbols)

    def look(self) -> None:
        """Note how things stand."""
        for account_id, symbol in self._changed:
            self._count_holder(account_id, symbol)
        self._changed.clear()
        exchange, now = self._exchange, self._exchange.now
        for symbol, history in self.symbols.items():
            history.mark.note(now, exchange.mark_price(symbol))
            history.index.note(now, exchange.index_price(symbol))
            history.funding.note(now, exchange.funding_rate(symbol))
            history.open_interest.note(now, exchange.open_interest(symbol))
            history.holders.note(now, (len(history.longs), len(history.shorts)))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Traded):
            self.symbols[event.symbol].minutes[int(event.time // MINUTE)].count(event.trade)
        elif isinstance(event, MarkChanged):
            history = self.symbols[event.symbol]
            history.mark.note(event.time, event.price)
            history.index.note(event.time, self._exchange.index_price(event.symbol))
        elif isinstance(event, PositionChanged):
            self._changed[event.account_id, event.symbol] = None

    def _count_holder(self, account_id: str, symbol: str) -> None:
        history = self.symbols[symbol]
        position = self._exchange.position(account_id, symbol).position
        for holders, holds in ((history.longs, position > 0), (history.shorts, position < 0)):
            (holders.add if holds else holders.discard)(account_id)

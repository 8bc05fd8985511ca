"""Candles: stored by the minute, aggregated to longer intervals on request."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile

from .types import ZERO, Candle

INTERVALS = {
    "1MIN": 60, "5MINS": 300, "15MINS": 900, "30MINS": 1800, "1HOUR": 3600, "4HOURS": 14_400, "1DAY": 86_400,
}  # fmt: skip
MAX_CANDLES = 10_000


@dataclass(slots=True)
class Bar:
    """The trades of an interval that begins at `start`."""

    start: float
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    usd_volume: Decimal = ZERO
    trades: int = 0

    @classmethod
    def flat(cls, start: float, price: Decimal) -> Bar:
        """Return a bar without trades."""
        return cls(start, price, price, price, price)

    def add(self, later: Bar) -> None:
        """Append the trades of a later bar."""
        if not self.trades:
            self.open = self.high = self.low = later.open
        self.high, self.low, self.close = max(self.high, later.high), min(self.low, later.low), later.close
        self.volume += later.volume
        self.usd_volume += later.usd_volume
        self.trades += later.trades

    def candle(self, symbol: str, interval: str) -> Candle:
        """Return the bar as a candle."""
        return Candle(
            symbol=symbol,
            start=self.start,
            interval=interval,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            usd_volume=self.usd_volume,
            trades=self.trades,
        )


class Minutes:
    """A market's trades by the minute; minutes without trades take no memory."""

    def __init__(self, price: Decimal, limit: int) -> None:
        self._first = price
        self._bars: deque[Bar] = deque(maxlen=limit)

    def add(self, moment: float, price: Decimal, quantity: Decimal, usd: Decimal) -> None:
        """Add a trade."""
        start = moment // 60 * 60
        if not self._bars or self._bars[-1].start != start:
            self._bars.append(Bar.flat(start, price))
        self._bars[-1].add(Bar(start, price, price, price, price, quantity, usd, 1))

    def candles(self, symbol: str, interval: str, start: float, end: float) -> list[Candle]:
        """Return the candles that overlap [start, end], oldest first; one without trades repeats the last close.

        Raises
        ------
        KeyError
            If there is no such interval.
        ValueError
            If the range holds more than `MAX_CANDLES` candles.
        """
        seconds = INTERVALS[interval]
        first = start // seconds * seconds
        if (end - first) / seconds > MAX_CANDLES:
            raise ValueError(f"more than {MAX_CANDLES} candles")
        bars = {bar.start: bar for bar in self._joined(seconds, first)}
        close = self._close_before(first)
        rows = []
        for number in range(int((end - first) // seconds) + 1):
            bar = bars.get(first + number * seconds) or Bar.flat(first + number * seconds, close)
            close = bar.close
            rows.append(bar.candle(symbol, interval))
        return rows

    def volume(self, since: float) -> Decimal:
        """Return the quantity traded in the minutes that began at or after a time."""
        return sum((bar.volume for bar in self._bars if bar.start >= since), ZERO)

    def _joined(self, seconds: int, first: float) -> Iterator[Bar]:
        """Yield the bars of a longer interval from a time on."""
        joined: Bar | None = None
        for bar in self._since(first):
            start = bar.start // seconds * seconds
            if joined is None or joined.start != start:
                if joined is not None:
                    yield joined
                joined = Bar.flat(start, bar.open)
            joined.add(bar)
        if joined is not None:
            yield joined

    def _since(self, moment: float) -> list[Bar]:
        """Return the minutes from a time on, without iterating over those before it."""
        return list(takewhile(lambda bar: bar.start >= moment, reversed(self._bars)))[::-1]

    def _close_before(self, moment: float) -> Decimal:
        """Return the last price before a time."""
        return next((bar.close for bar in reversed(self._bars) if bar.start < moment), self._first)

"""The market data streams: what is published, when, and to which subscribers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..engine import BookChanged, MarkChanged, Traded
from ..gateway.wire import encode
from . import messages
from .messages import Message
from .subscription_request import INTERVALS, Topic

if TYPE_CHECKING:
    from ..engine import Candle, Event, Exchange
    from ..gateway.clock import Clock

# Seconds between periodic messages. The exchange publishes the periods of level2 and market_stats only.
PERIODS = {
    "bbo": 0.1,
    "level2": 0.5,
    "candle": 1.0,
    "mark_price": 1.0,
    "underlier": 1.0,
    "open_interest": 1.0,
    "minmax_price": 1.0,
    "market_stats": 1.0,
    "funding": 60.0,
}
# These channels are silent while nothing has changed.
ON_CHANGE = frozenset(("bbo", "candle", "open_interest", "minmax_price"))

Deliver = Callable[[bytes], None]


class MarketData:
    """Publishes the engine's state to subscribers, on the simulated clock.

    Trades, the candles that they change, and new mark prices are published at once. Everything else is published
    periodically.

    Parameters
    ----------
    exchange : Exchange
        The engine.
    clock : Clock
        Runs the periodic publications.
    """

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self.exchange = exchange
        self._volumes = DailyVolumes(exchange)
        self._subscribers: dict[str, dict[Topic, dict[Deliver, None]]] = {}
        self._published: dict[Topic, Message] = {}
        self._changed_books: set[str] = set()
        self._funding: dict[str, Message] = {}
        self._set_funding()
        exchange.listen(self._on_event)
        for channel, period in PERIODS.items():
            clock.every(period, partial(self._publish_channel, channel))

    def subscribe(self, topic: Topic, deliver: Deliver) -> None:
        """Pass every message of a stream to ``deliver`` from now on."""
        self._subscribers.setdefault(topic.channel, {}).setdefault(topic, {})[deliver] = None

    def unsubscribe(self, topic: Topic, deliver: Deliver) -> None:
        """Undo `subscribe`; nothing happens if there was no subscription."""
        streams = self._subscribers.get(topic.channel, {})
        receivers = streams.get(topic, {})
        receivers.pop(deliver, None)
        if not receivers:
            streams.pop(topic, None)
            self._published.pop(topic, None)

    def current(self, topic: Topic) -> bytes | None:
        """Return the body of a stream's current value; None for trades, which have no current value."""
        message = self._message(topic)
        return None if message is None else encode(message)

    def _message(self, topic: Topic) -> Message | None:
        channel, symbol, option = topic
        if channel == "trade":
            return None
        if channel == "funding":
            return self._funding[symbol]
        if channel == "market_stats":
            return messages.market_stats(self.exchange, symbol, self._volumes.today())
        if channel == "candle":
            return messages.candle(self._current_candle(symbol, str(option)))
        if channel == "level2":
            return messages.level2(self.exchange, symbol, int(option or 0))
        build: Callable[[Exchange, str], Message] = getattr(messages, channel)
        return build(self.exchange, symbol)

    def _current_candle(self, symbol: str, interval: str) -> Candle:
        now = self.exchange.now
        start = now // INTERVALS[interval] * INTERVALS[interval]
        return self.exchange.candles(symbol, interval, start, now)[-1]

    def _set_funding(self) -> None:
        for symbol in self.exchange.instruments:
            self._funding[symbol] = messages.funding(self.exchange, symbol)

    def _publish_channel(self, channel: str) -> None:
        if channel == "funding":
            self._set_funding()
        for topic in self._due(channel):
            message = self._message(topic)
            if message is not None and (channel not in ON_CHANGE or self._has_changed(topic, message)):
                self._publish(topic, message)

    def _due(self, channel: str) -> Iterator[Topic]:
        """Yield the streams of a channel that may have changed."""
        changed = self._changed_books
        if channel == "bbo":
            self._changed_books = set()
        for topic in list(self._subscribers.get(channel, ())):
            if channel != "bbo" or topic.symbol in changed:
                yield topic

    def _has_changed(self, topic: Topic, message: Message) -> bool:
        """Return whether anything except the time differs from the last published message."""
        published = self._published.get(topic)
        return published is None or {**published, "time": None} != {**message, "time": None}

    def _publish(self, topic: Topic, message: Message) -> None:
        receivers = self._subscribers.get(topic.channel, {}).get(topic)
        if not receivers:
            return
        self._published[topic] = message
        body = encode(message)
        for deliver in list(receivers):
            deliver(body)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, BookChanged):
            self._changed_books.add(event.symbol)
        elif isinstance(event, Traded):
            self._on_trade(event)
        elif isinstance(event, MarkChanged) and self._wanted("mark_price", event.symbol):
            self._publish(Topic("mark_price", event.symbol), messages.mark_price(self.exchange, event.symbol))

    def _on_trade(self, event: Traded) -> None:
        self._volumes.add(event.symbol, event.trade.quantity)
        if self._wanted("trade", event.symbol):
            self._publish(Topic("trade", event.symbol), messages.trade(event.trade))
        for topic in self._subscribers.get("candle", ()):
            if topic.symbol == event.symbol:
                self._publish(topic, messages.candle(self._current_candle(topic.symbol, str(topic.option))))

    def _wanted(self, channel: str, symbol: str) -> bool:
        return Topic(channel, symbol) in self._subscribers.get(channel, ())


RESET = time(20)


def _chicago() -> tzinfo:
    try:
        return ZoneInfo("America/Chicago")
    except ZoneInfoNotFoundError:  # The system has no time zone database.
        return timezone(timedelta(hours=-6))


CHICAGO = _chicago()


def next_reset(moment: float) -> float:
    """Return the end (unix seconds) of the trading day that contains ``moment``: 20:00 in Chicago."""
    local = datetime.fromtimestamp(moment, CHICAGO)
    day = local.date() if local.time() < RESET else local.date() + timedelta(days=1)
    return datetime.combine(day, RESET, CHICAGO).timestamp()


class DailyVolumes:
    """The base quantity traded in each symbol on the current trading day."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._volumes: dict[str, Decimal] = {}
        self._ends = 0.0

    def add(self, symbol: str, quantity: Decimal) -> None:
        """Add a trade."""
        self.today()[symbol] += quantity

    def today(self) -> dict[str, Decimal]:
        """Return the volume of every symbol."""
        now = self._exchange.now
        if now >= self._ends:
            self._volumes = dict.fromkeys(self._exchange.instruments, Decimal(0))
            self._ends = next_reset(now)
        return self._volumes

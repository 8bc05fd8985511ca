"""The market data streams: what is published when, and to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from ..engine import BookChanged, MarkChanged, Traded
from ..gateway.wire import encode
from . import messages
from .daily import DailyVolumes
from .messages import Message
from .subscriptions import INTERVALS, Topic

if TYPE_CHECKING:
    from ..engine import Candle, Event, Exchange
    from ..gateway.clock import Clock

# Seconds between pulses. The exchange publishes those of level2 and market_stats; its "pulsed" bbo and the
# others have no published period.
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
# These pulses say nothing when there is nothing new to say.
ON_CHANGE = frozenset(("bbo", "candle", "open_interest", "minmax_price"))

Deliver = Callable[[bytes], None]


class MarketData:
    """Publishes the engine's state to whoever subscribed, on the simulated clock.

    Trades leave at once, and with each the candles it changed; a new mark price leaves at once too. All else
    leaves with its channel's pulse.

    Parameters
    ----------
    exchange : Exchange
        The engine.
    clock : Clock
        What the pulses run on.
    """

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self.exchange = exchange
        self._volumes = DailyVolumes(exchange)
        self._subscribers: dict[str, dict[Topic, dict[Deliver, None]]] = {}
        self._published: dict[Topic, Message] = {}
        self._moved: set[str] = set()
        self._funding: dict[str, Message] = {}
        self._set_funding()
        exchange.listen(self._on_event)
        for channel, period in PERIODS.items():
            clock.every(period, partial(self._pulse, channel))

    def subscribe(self, topic: Topic, deliver: Deliver) -> None:
        """Send every message of a stream to ``deliver`` from now on."""
        self._subscribers.setdefault(topic.channel, {}).setdefault(topic, {})[deliver] = None

    def unsubscribe(self, topic: Topic, deliver: Deliver) -> None:
        """Stop; a stream that was never subscribed to is no error."""
        streams = self._subscribers.get(topic.channel, {})
        receivers = streams.get(topic, {})
        receivers.pop(deliver, None)
        if not receivers:
            streams.pop(topic, None)
            self._published.pop(topic, None)

    def current(self, topic: Topic) -> bytes | None:
        """Return the body of a stream's present value; None for trades, which have none."""
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
            return messages.candle(self._forming(symbol, str(option)))
        if channel == "level2":
            return messages.level2(self.exchange, symbol, int(option or 0))
        build: Callable[[Exchange, str], Message] = getattr(messages, channel)
        return build(self.exchange, symbol)

    def _forming(self, symbol: str, interval: str) -> Candle:
        now = self.exchange.now
        start = now // INTERVALS[interval] * INTERVALS[interval]
        return self.exchange.candles(symbol, interval, start, now)[-1]

    def _set_funding(self) -> None:
        for symbol in self.exchange.instruments:
            self._funding[symbol] = messages.funding(self.exchange, symbol)

    def _pulse(self, channel: str) -> None:
        if channel == "funding":
            self._set_funding()
        for topic in self._due(channel):
            message = self._message(topic)
            if message is not None and (channel not in ON_CHANGE or self._is_news(topic, message)):
                self._publish(topic, message)

    def _due(self, channel: str) -> Iterator[Topic]:
        """Yield the streams of a channel that may have something to say."""
        moved = self._moved
        if channel == "bbo":
            self._moved = set()
        for topic in list(self._subscribers.get(channel, ())):
            if channel != "bbo" or topic.symbol in moved:
                yield topic

    def _is_news(self, topic: Topic, message: Message) -> bool:
        """Say whether anything but the time differs from what was published last."""
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
            self._moved.add(event.symbol)
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
                self._publish(topic, messages.candle(self._forming(topic.symbol, str(topic.option))))

    def _wanted(self, channel: str, symbol: str) -> bool:
        return Topic(channel, symbol) in self._subscribers.get(channel, ())

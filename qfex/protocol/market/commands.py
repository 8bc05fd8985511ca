"""The commands of the market data gateway, and the streams that they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import attrs
import msgspec

from ...enums import CandleInterval, MarketChannel
from ..command import Command, CommandSpec

EVERY_SYMBOL = "*"

#: The difference between streams of one channel and symbol: a candle's interval, a book's rounding, else nothing.
Option = CandleInterval | int | None

_encode = msgspec.json.Encoder().encode
_OPTIONS = {MarketChannel.CANDLE: "intervals", MarketChannel.LEVEL2: "sig_figs"}


@attrs.frozen
class Topic:
    """One stream of messages."""

    channel: MarketChannel
    symbol: str
    option: Option = None

    @property
    def of_every_symbol(self) -> Topic:
        """The topic that this one is a part of."""
        return Topic(self.channel, EVERY_SYMBOL, self.option)


class MarketSubscribe(Command, frozen=True):
    """Subscription to streams. The exchange acknowledges it, then sends the newest values at once, and later ones."""

    type = "subscribe"
    channel: MarketChannel
    symbols: tuple[str, ...]
    options: tuple[Option, ...] = (None,)

    def params(self) -> dict[str, Any]:
        members: dict[str, Any] = {"channels": [self.channel.value], "symbols": list(self.symbols)}
        if self.channel in _OPTIONS:
            members[_OPTIONS[self.channel]] = [getattr(option, "value", option) for option in self.options]
        return members

    def encode(self) -> bytes:
        """The message as JSON; unlike the trade gateway's it has no ``params``."""
        return _encode({"type": self.type, **self.params()})

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The streams."""
        return tuple(
            Topic(self.channel, symbol, option) for symbol in self.symbols for option in self.options
        )


class MarketUnsubscribe(MarketSubscribe, frozen=True):
    """End of subscriptions."""

    type = "unsubscribe"


SPECS: dict[type[Command], CommandSpec] = {
    MarketSubscribe: CommandSpec(weight=0.0, trading=False),
    MarketUnsubscribe: CommandSpec(weight=0.0, trading=False),
}


def subscriptions(
    topics: Iterable[Topic], kind: type[MarketSubscribe] = MarketSubscribe
) -> Iterator[MarketSubscribe]:
    """Few commands that subscribe, or unsubscribe, many topics: one for each channel and option."""

    def likeness(topic: Topic) -> tuple[str, str]:
        return topic.channel.value, str(topic.option)

    for _, group in groupby(sorted(topics, key=likeness), key=likeness):
        alike = list(group)
        yield kind(alike[0].channel, tuple(topic.symbol for topic in alike), (alike[0].option,))

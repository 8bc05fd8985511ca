"""What is said to the market data gateway, and which acknowledgement answers which of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import attrs
import msgspec

from ..enums import CandleInterval, MarketChannel
from .commands import Command
from .echo import api_error, echoes
from .market import MarketMessage, SubscriptionAck
from .matching import Request
from .messages import Failure

EVERY_SYMBOL = "*"

#: What tells the streams of one channel and symbol apart: a candle's interval, a book's rounding, else nothing.
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
        return attrs.evolve(self, symbol=EVERY_SYMBOL)


class MarketSubscribe(Command, frozen=True):
    """Ask for streams. The exchange acknowledges, then sends what it has at once and what comes later."""

    type = "subscribe"
    trading = False
    weight = 0.0
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
    """End streams."""

    type = "unsubscribe"


def subscriptions(topics: Iterable[Topic]) -> Iterator[MarketSubscribe]:
    """Write few commands that ask for many topics: one for each channel and option."""

    def kind(topic: Topic) -> tuple[str, str]:
        return topic.channel.value, str(topic.option)

    for _, group in groupby(sorted(topics, key=kind), key=kind):
        alike = list(group)
        yield MarketSubscribe(alike[0].channel, tuple(topic.symbol for topic in alike), (alike[0].option,))


class MarketBook:
    """The commands in flight on one line. Not thread-safe: its owner guards it.

    There are no request ids: an acknowledgement repeats what was asked for, as far as it was granted.
    """

    #: Kinds of messages that may answer something.
    answering = frozenset({SubscriptionAck, Failure})

    def __init__(self) -> None:
        self.filed: dict[Request, None] = {}

    def __len__(self) -> int:
        return len(self.filed)

    def __iter__(self) -> Iterator[Request]:
        return iter(list(self.filed))

    def add(self, request: Request) -> None:
        """File a request, before its bytes leave."""
        request.filed = True
        self.filed[request] = None

    def remove(self, request: Request) -> None:
        """Take a request out, answered or never sent."""
        request.filed = False
        self.filed.pop(request, None)

    def give_up(self, request: Request) -> None:
        """Forget a request that nobody waits for: a late acknowledgement of it does no harm."""
        request.given_up = True
        self.remove(request)

    def occupant(self, lanes: Iterable[Hashable]) -> None:
        """Nothing here needs a lane."""

    def answer(self, message: MarketMessage) -> Sequence[tuple[Request, Any]]:
        """The request that a message answers, taken out of the book, with its result or exception."""
        for request in self.filed:
            if isinstance(message, Failure):
                if isinstance(message.echo, dict) and echoes(request.command, message.echo):
                    self.remove(request)
                    return [(request, api_error(message))]
            elif isinstance(message, SubscriptionAck) and _acknowledges(message, request.command):
                self.remove(request)
                return [(request, message)]
        return ()


def _acknowledges(ack: SubscriptionAck, command: Any) -> bool:
    if ack.subscribed is isinstance(command, MarketUnsubscribe):
        return False
    return command.channel.value in ack.channels and set(ack.symbols) <= set(command.symbols)

"""The market data gateway's side of a conversation: which streams are wanted, and what they said last.

Pure: the session lends it a thread and a lock.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from typing import Any

from ..enums import MarketChannel, OpenEnum
from ..errors import QfexError
from ..models.connection import ErrorEvent
from ..models.market import (
    Bbo,
    Candle,
    FundingRate,
    MarketStats,
    MarkPrice,
    MinMaxPrice,
    OpenInterest,
    OrderBook,
    PublicTrade,
    Underlier,
)
from .commands import Command
from .echo import api_error
from .events import Event, Policy
from .market import MarketMessage, SubscriptionAck, decode
from .market_commands import EVERY_SYMBOL, MarketBook, MarketSubscribe, Topic, subscriptions
from .messages import Failure, Undecodable

log = logging.getLogger("qfex")

KEPT_TRADES = 1000  # of each symbol

Conversation = Generator[Sequence[Command], list[Any], None]

#: Which topic a message belongs to.
_TOPICS: dict[type, Callable[[Any], Topic]] = {
    Bbo: lambda bbo: Topic(MarketChannel.BBO, bbo.symbol),
    OrderBook: lambda book: Topic(MarketChannel.LEVEL2, book.symbol, book.sig_figs),
    PublicTrade: lambda trade: Topic(MarketChannel.TRADE, trade.symbol),
    Candle: lambda candle: Topic(MarketChannel.CANDLE, candle.symbol, candle.interval),
    MarkPrice: lambda mark: Topic(MarketChannel.MARK_PRICE, mark.symbol),
    FundingRate: lambda rate: Topic(MarketChannel.FUNDING, rate.symbol),
    OpenInterest: lambda interest: Topic(MarketChannel.OPEN_INTEREST, interest.symbol),
    Underlier: lambda price: Topic(MarketChannel.UNDERLIER, price.symbol),
    MinMaxPrice: lambda band: Topic(MarketChannel.MINMAX_PRICE, band.symbol),
    MarketStats: lambda stats: Topic(MarketChannel.MARKET_STATS, EVERY_SYMBOL),
}


class SequenceCheck:
    """Finds gaps in the numbers that the exchange gives the messages of one line, all streams together."""

    def __init__(self) -> None:
        self._highest: int | None = None

    def missing_before(self, sequence: int) -> int:
        """How many messages are missing between the highest number so far and this one."""
        highest = self._highest
        if highest is None or sequence > highest:
            self._highest = sequence
        return 0 if highest is None else max(0, sequence - highest - 1)


class MarketDialogue:
    """Wanted streams and newest values of one client.

    Parameters
    ----------
    url : str
        The market data gateway.
    """

    errors = MarketChannel.ERRORS
    connection = MarketChannel.CONNECTION
    decode = staticmethod(decode)

    def __init__(self, url: str) -> None:
        self._url = url
        self._wanted: dict[Topic, None] = {}
        self._newest: dict[Topic, Any] = {}
        self._trades: dict[Topic, deque[PublicTrade]] = {}
        self._sequence = SequenceCheck()
        self._held: list[Event] = []
        self.sequence_gaps = 0

    # --- what the session asks --------------------------------------------------------------------------------

    def endpoint(self) -> tuple[str, dict[str, str]]:
        """URL and headers of the next connection."""
        return self._url, {}

    def new_book(self) -> MarketBook:
        """The book for the commands of a new line."""
        return MarketBook()

    def policy_of(self, channel: OpenEnum) -> Policy:
        """Conflate snapshots, drop the oldest trades, keep errors and changes of the connection."""
        if channel in (MarketChannel.ERRORS, MarketChannel.CONNECTION):
            return Policy.KEEP
        return Policy.DROP_OLDEST if channel is MarketChannel.TRADE else Policy.CONFLATE

    def opening(self, clock_skew: Callable[[], float | None]) -> Conversation:
        """Forget what the last line said, for it is stale, and ask again for every wanted stream."""
        self._newest, self._trades, self._sequence = {}, {}, SequenceCheck()
        commands = list(subscriptions(self._wanted))
        if not commands:
            return
        try:
            acks = yield commands
        except QfexError as error:
            self._hold("recovery", f"a subscription could not be restored: {error}", error=error)
            return
        for command, ack in zip(commands, acks, strict=True):
            refused = unconfirmed(command, ack)
            if refused:
                self._hold("recovery", f"not restored: {command.channel} of {', '.join(refused)}")

    def farewell(self) -> Sequence[Command]:
        """Nothing: the exchange keeps nothing for a connection."""
        return ()

    def recovery(self) -> Conversation:
        """Nothing more: every stream begins with its newest value."""
        yield from ()

    def released(self) -> Iterable[Event]:
        """What went wrong while the line was restored."""
        held, self._held = self._held, []
        return held

    # --- wanted streams ---------------------------------------------------------------------------------------

    def lacking(self, topics: Iterable[Topic]) -> list[Topic]:
        """Those of the topics that are not wanted yet, on their own or as a part of every symbol."""
        return [topic for topic in topics if not self.wants(topic)]

    def wants(self, topic: Topic) -> bool:
        """Whether a stream is subscribed, or will be with the next line."""
        return topic in self._wanted or topic.of_every_symbol in self._wanted

    def want(self, topics: Iterable[Topic]) -> None:
        """Note that streams are wanted, on every line from now on."""
        self._wanted.update(dict.fromkeys(topics))

    def drop(self, topics: Iterable[Topic]) -> None:
        """Note that streams are not wanted any more, and forget what they said."""
        for topic in topics:
            ended = [each for each in self._wanted if topic in (each, each.of_every_symbol)]
            for each in (topic, *ended):
                self._wanted.pop(each, None)
                self._newest.pop(each, None)
                self._trades.pop(each, None)

    # --- newest values ----------------------------------------------------------------------------------------

    def newest(self, topic: Topic) -> Any:
        """What a stream said last on this line; None before its first message."""
        return self._newest.get(topic)

    def trades(self, topic: Topic) -> list[PublicTrade]:
        """The newest trades of a stream on this line, oldest first."""
        return list(self._trades.get(topic, ()))

    # --- messages ---------------------------------------------------------------------------------------------

    def receive(self, message: MarketMessage, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        """Take a message into the state; what the user shall hear of it."""
        events = list(self.released())
        topic_of = _TOPICS.get(type(message))
        if topic_of is not None:
            self._check_sequence(message, events)
            events += self._data(topic_of(message), message)
        elif isinstance(message, Failure) and not answered:
            error = api_error(message)
            events.append(_error("exchange", str(error), str(message.echo or ""), error))
        elif isinstance(message, Undecodable):
            events.append(_error("undecodable", message.reason, message.text))
        return events

    def _check_sequence(self, message: Any, events: list[Event]) -> None:
        if message.sequence is None:
            return
        missing = self._sequence.missing_before(message.sequence)
        if missing:
            self.sequence_gaps += 1
            log.warning("%d market data messages are missing before number %d", missing, message.sequence)
            events.append(_error("sequence gap", f"{missing} missing before number {message.sequence}"))

    def _data(self, topic: Topic, message: Any) -> Iterable[Event]:
        if topic.channel is MarketChannel.TRADE:
            self._trades.setdefault(topic, deque(maxlen=KEPT_TRADES)).append(message)
        elif _is_older(message, self._newest.get(topic)):
            return ()
        self._newest[topic] = message
        return (Event(topic.channel, _conflation_key(topic, message), message),)

    def _hold(self, kind: str, message: str, error: BaseException | None = None) -> None:
        log.warning("%s: %s", kind, message)
        self._held.append(_error(kind, message, error=error))


def unconfirmed(command: MarketSubscribe, ack: SubscriptionAck) -> list[str]:
    """Symbols that an acknowledgement leaves out; one without symbols confirms all."""
    return [symbol for symbol in command.symbols if ack.symbols and symbol not in ack.symbols]


def _is_older(message: Any, known: Any) -> bool:
    """Whether a snapshot was overtaken by the one that is known."""
    moment, newest = getattr(message, "time", None), getattr(known, "time", None)
    return moment is not None and newest is not None and moment < newest


def _conflation_key(topic: Topic, message: Any) -> Hashable:
    # A finished candle is not replaced by the next one.
    return (topic, message.start) if isinstance(message, Candle) else topic


def _error(kind: str, message: str, text: str = "", error: BaseException | None = None) -> Event:
    return Event(MarketChannel.ERRORS, None, ErrorEvent(kind, message, text, error))

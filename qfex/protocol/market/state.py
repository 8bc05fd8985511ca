"""What a client knows of the markets: its subscriptions, and the newest value of each stream."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Any

from ...enums import MarketChannel
from ...models.market import (
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
from ..command import Request
from .commands import EVERY_SYMBOL, Topic
from .subscriptions import Subscriptions

KEPT_TRADES = 1000  # of each symbol

#: Seconds that a time may lie ahead of this machine's clock. One that lies further ahead says nothing about order.
_CLOCK_TOLERANCE = 300.0

#: Which topic a message belongs to.
TOPIC_OF: dict[type, Callable[[Any], Topic]] = {
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


class RecentTrades:
    """The newest trades of one symbol."""

    def __init__(self) -> None:
        self._trades: OrderedDict[Hashable, PublicTrade] = OrderedDict()

    def add(self, trade: PublicTrade) -> bool:
        """Add a trade; False if it is a repetition."""
        key = _identity(trade)
        if key in self._trades:
            return False
        self._trades[key] = trade
        if len(self._trades) > KEPT_TRADES:
            self._trades.popitem(last=False)
        return True

    def listed(self) -> list[PublicTrade]:
        """The trades, oldest first."""
        trades = list(self._trades.values())
        if all(trade.sequence is not None for trade in trades):
            trades.sort(key=lambda trade: trade.sequence or 0)
        return trades


def _identity(trade: PublicTrade) -> Hashable:
    if trade.trade_id:
        return trade.trade_id, trade.time, trade.price, trade.size
    return object() if trade.sequence is None else trade


class MarketState:
    """Subscriptions and newest values of one client. It outlives the connections.

    Parameters
    ----------
    now : callable
        The wall clock, in unix seconds.

    Attributes
    ----------
    subscriptions : Subscriptions
    sequence_gaps : int
        Gaps in the numbers of the messages so far.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.subscriptions = Subscriptions()
        self.sequence_gaps = 0
        self.now = now
        self._newest: dict[Topic, Any] = {}
        self._trades: dict[Topic, RecentTrades] = {}

    # --- subscriptions -----------------------------------------------------------------------------------------

    def begin_connection(self, requests: Iterable[Request]) -> None:
        """Forget the values of the last connection, which are stale; see `Subscriptions.begin_connection`."""
        self.subscriptions.begin_connection(requests)
        self._newest, self._trades = {}, {}

    def confirm(self, topics: Iterable[Topic]) -> None:
        """Note that the exchange has confirmed subscriptions."""
        for topic in topics:
            if topic.channel is MarketChannel.TRADE and not self.subscriptions.is_in_force(topic):
                self._forget(topic)  # an earlier trade may not be followed by the next one
            self.subscriptions.confirm(topic)

    def end(self, topics: Iterable[Topic]) -> None:
        """Note that subscriptions have ended, and forget their values."""
        subscriptions = self.subscriptions
        subscriptions.end(topics)
        for topic in list(self._newest):
            if not subscriptions.is_in_force(topic) and topic not in subscriptions.wanted:
                self._forget(topic)

    def lose(self, topics: Iterable[Topic]) -> None:
        """Forget the values of subscriptions that could not be restored."""
        lost = set(topics)
        for topic in list(self._newest):
            if topic in lost or (topic.of_every_symbol in lost and not self.subscriptions.is_in_force(topic)):
                self._forget(topic)

    def _forget(self, topic: Topic) -> None:
        self._newest.pop(topic, None)
        self._trades.pop(topic, None)

    # --- newest values -----------------------------------------------------------------------------------------

    def newest(self, topic: Topic) -> Any:
        """The newest value of a stream that is in force; None before its first message."""
        return self._newest.get(topic) if self.subscriptions.is_in_force(topic) else None

    def trades(self, topic: Topic) -> list[PublicTrade]:
        """The newest trades of a stream since its subscription on this connection, oldest first."""
        trades = self._trades.get(topic)
        return trades.listed() if trades is not None else []

    def store(self, topic: Topic, message: Any) -> bool:
        """Keep a message as the newest of its stream, unless it is older than the one that is known.

        Returns
        -------
        bool
            Whether users are to see it.
        """
        known = self._newest.get(topic)
        if topic.channel is MarketChannel.TRADE:
            if not self._trades.setdefault(topic, RecentTrades()).add(message):
                return False
        elif known is not None and is_stale(message, known, self.now):
            return isinstance(message, Candle) and message.start < known.start
        self._newest[topic] = message
        return True


def is_stale(message: Any, known: Any, now: Callable[[], float]) -> bool:
    """Whether a message is older than the newest known one of its stream, or a repetition of it.

    Candles go by their start: the last correction of a finished candle may come after the first message of the next. The
    exchange numbers its messages; times decide only where there is no number.
    """
    if isinstance(message, Candle) and message.start != known.start:
        return _is_later(known.start, message.start, now)
    if message.sequence is not None and known.sequence is not None:
        is_repeated = message.sequence == known.sequence and message == known
        return bool(message.sequence < known.sequence or is_repeated)
    return not isinstance(message, Candle) and _is_later(known.time, message.time, now)


def _is_later(known: datetime | None, moment: datetime | None, now: Callable[[], float]) -> bool:
    """Whether a known time is later than another, and not only because it is wrong."""
    if known is None or moment is None or known <= moment:
        return False
    return known.timestamp() <= now() + _CLOCK_TOLERANCE

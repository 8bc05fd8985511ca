"""What a client knows of the markets: the streams that it wants, and the newest value of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
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
from .commands import EVERY_SYMBOL, Topic

KEPT_TRADES = 1000  # of each symbol

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


class MarketState:
    """Wanted streams and newest values of one client. It outlives the connections.

    Attributes
    ----------
    wanted : dict
        The streams that are subscribed on every connection.
    sequence_gaps : int
        Gaps in the numbers of the messages so far.
    """

    def __init__(self) -> None:
        self.wanted: dict[Topic, None] = {}
        self._newest: dict[Topic, Any] = {}
        self._trades: dict[Topic, deque[PublicTrade]] = {}
        self.sequence_gaps = 0

    # --- wanted streams ----------------------------------------------------------------------------------------

    def wants(self, topic: Topic) -> bool:
        """Whether a stream is subscribed, or will be on the next connection."""
        return topic in self.wanted or topic.of_every_symbol in self.wanted

    def want(self, topics: Iterable[Topic]) -> list[Topic]:
        """Note that streams are wanted, on every connection from now on; those that were not wanted yet.

        Noted before they are subscribed, so that a connection lost in between restores them.
        """
        lacking = [topic for topic in topics if not self.wants(topic)]
        self.wanted.update(dict.fromkeys(lacking))
        return lacking

    def drop(self, topics: Iterable[Topic]) -> None:
        """Note that streams are not wanted any more, and forget their values."""
        for topic in topics:
            ended = [each for each in self.wanted if topic in (each, each.of_every_symbol)]
            for each in (topic, *ended):
                self.wanted.pop(each, None)
                self._newest.pop(each, None)
                self._trades.pop(each, None)

    # --- newest values -----------------------------------------------------------------------------------------

    def forget_values(self) -> None:
        """Forget the values of the last connection: they are stale."""
        self._newest, self._trades = {}, {}

    def newest(self, topic: Topic) -> Any:
        """The newest value of a stream on this connection; None before its first message."""
        return self._newest.get(topic)

    def trades(self, topic: Topic) -> list[PublicTrade]:
        """The newest trades of a stream on this connection, oldest first."""
        return list(self._trades.get(topic, ()))

    def store(self, topic: Topic, message: Any) -> bool:
        """Keep a message as the newest of its stream; False if it is older than the one that is known."""
        if topic.channel is MarketChannel.TRADE:
            self._trades.setdefault(topic, deque(maxlen=KEPT_TRADES)).append(message)
        elif _is_older(message, self._newest.get(topic)):
            return False
        self._newest[topic] = message
        return True


def _is_older(message: Any, known: Any) -> bool:
    moment, newest = getattr(message, "time", None), getattr(known, "time", None)
    return moment is not None and newest is not None and moment < newest

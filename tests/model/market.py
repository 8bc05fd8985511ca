"""The venue's market data gateway: prices, books, candles and trades of a few symbols."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from .faults import Faults
from .link import Link
from .messages import Message

SYMBOLS = ("AAPL-USD", "GOLD-USD")
CHANNELS = ("bbo", "level2", "mark_price", "trade", "candle")
INTERVAL = "1MIN"
_NOON = datetime(2026, 10, 11, 12, tzinfo=timezone.utc)
_STEP = timedelta(minutes=1)

Topic = tuple[str, str]


@dataclass
class Market:
    """One symbol's market.

    Attributes
    ----------
    price : Decimal
    start : datetime
        Beginning of the candle that is forming.
    candles : dict
        Closing prices by beginning.
    trades : list
        Trade ids and prices, oldest first.
    """

    symbol: str
    price: Decimal = Decimal(100)
    start: datetime = _NOON
    candles: dict[datetime, Decimal] = field(default_factory=lambda: {_NOON: Decimal(100)})
    trades: list[tuple[str, Decimal]] = field(default_factory=list)
    time: datetime = _NOON


class MarketGateway:
    """Subscriptions of the market data connections, and what is sent to them. Used under the venue's lock.

    Attributes
    ----------
    markets : dict of str to Market
    links : list of Link
        The connections; `Link.channels` holds channel and symbol of what is in force on each.
    """

    def __init__(self, faults: Faults) -> None:
        self.markets = {symbol: Market(symbol) for symbol in SYMBOLS}
        self.links: list[Link] = []
        self._faults = faults
        self._numbers = itertools.count(1)

    # --- commands ----------------------------------------------------------------------------------------------

    def receive(self, link: Link, request: Message) -> None:
        """Carry out a subscribe or unsubscribe, refuse it, or say nothing."""
        if link not in self.links:
            self.links.append(link)
        topics = [(channel, symbol) for channel in request["channels"] for symbol in request["symbols"]]
        kind = request["type"]
        if self._faults.happens(self._faults.disturbances.refused_topics):
            if self._faults.choice(3):
                error = {
                    "error_code": "ServerError",
                    "message": "internal error",
                    "incoming_message": request,
                }
                link.send({"err": error}, "replies")
            return
        acknowledged = {"type": f"{kind}d", "channels": request["channels"], "symbols": request["symbols"]}
        if kind == "unsubscribe":
            link.channels.difference_update(topics)
            link.send(acknowledged, "replies")
            return
        link.channels.update(topics)
        link.send(acknowledged, "replies")
        for topic in topics:
            for covered in self._covered(topic):
                self._send_newest(link, covered)

    def dropped(self, link: Link) -> None:
        """Forget a connection."""
        if link in self.links:
            self.links.remove(link)

    @staticmethod
    def _covered(topic: Topic) -> list[Topic]:
        channel, symbol = topic
        return [(channel, each) for each in SYMBOLS] if symbol == "*" else [topic]

    # --- what happens ------------------------------------------------------------------------------------------

    def move(self, symbol: str, price: Decimal) -> None:
        """Trade at another price."""
        market = self.markets[symbol]
        market.price = price
        market.time += timedelta(milliseconds=10)
        market.candles[market.start] = price
        market.trades.append((f"p{next(self._numbers):05}", price))
        for channel in CHANNELS:
            self._publish((channel, symbol))

    def begin_candle(self, symbol: str, correct: bool) -> None:
        """Begin the next candle; send a correction of the last one after it, or not."""
        market = self.markets[symbol]
        market.start += _STEP
        market.candles[market.start] = market.price
        self._publish(("candle", symbol))
        if correct:
            last = market.start - _STEP
            market.candles[last] += Decimal("0.01")
            self._send_all(("candle", symbol), self._candle(market, last))

    def turn_back_the_clock(self, symbol: str) -> None:
        """Let the market's time go backwards; sequence numbers go on."""
        self.markets[symbol].time -= timedelta(seconds=5)

    def pulse(self) -> None:
        """Send the newest values again, as the exchange does."""
        for symbol in SYMBOLS:
            self.markets[symbol].time += timedelta(milliseconds=1)
            for channel in ("bbo", "level2", "mark_price"):
                self._publish((channel, symbol))

    # --- sending -----------------------------------------------------------------------------------------------

    def _publish(self, topic: Topic) -> None:
        self._send_all(topic, self._newest(topic))

    def _send_all(self, topic: Topic, message: Message) -> None:
        for link in self.links:
            if topic in link.channels or (topic[0], "*") in link.channels:
                self._send(link, topic, message)

    def _send_newest(self, link: Link, topic: Topic) -> None:
        if topic[0] != "trade":
            self._send(link, topic, self._newest(topic))

    @staticmethod
    def _send(link: Link, topic: Topic, message: Message) -> None:
        link.send({"sequence": next(link.sequence), **message}, topic[0])

    def _newest(self, topic: Topic) -> Message:
        channel, symbol = topic
        market = self.markets[symbol]
        made: dict[str, Any] = {
            "bbo": self._bbo,
            "level2": self._level2,
            "mark_price": self._mark_price,
            "trade": self._trade,
            "candle": self._candle,
        }
        message: Message = made[channel](market)
        return message

    def _bbo(self, market: Market) -> Message:
        return {"type": "bbo", **self._sides(market), **self._head(market)}

    def _level2(self, market: Market) -> Message:
        return {"type": "level2", "sig_figs": 0, **self._sides(market), **self._head(market)}

    def _mark_price(self, market: Market) -> Message:
        return {"type": "mark_price", "price": str(market.price), **self._head(market)}

    def _trade(self, market: Market) -> Message:
        trade_id, price = market.trades[-1]
        row = {"trade_id": trade_id, "price": str(price), "size": "1", "side": "BUY", "execution_type": "T"}
        return {"type": "trade", **row, **self._head(market)}

    @staticmethod
    def _candle(market: Market, start: datetime | None = None) -> Message:
        begun = start or market.start
        price = str(market.candles[begun])
        prices = dict.fromkeys(("open", "high", "low", "close"), price)
        head = {"type": "candle", "symbol": market.symbol, "start": _text(begun), "resolution": INTERVAL}
        return {**head, **prices, "usdVolume": 1, "trades": 1}

    @staticmethod
    def _sides(market: Market) -> Message:
        tick = Decimal("0.01")
        return {"bid": [[str(market.price - tick), "1"]], "ask": [[str(market.price + tick), "2"]]}

    @staticmethod
    def _head(market: Market) -> Message:
        return {"symbol": market.symbol, "time": _text(market.time)}


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

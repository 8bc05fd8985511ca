"""A market data client of ours, which subscribes and unsubscribes at random."""

from __future__ import annotations

import random
import threading

from qfex import MarketDataClient, QfexError

from .market import CHANNELS, INTERVAL, SYMBOLS, Topic
from .participant import POLICY, TIMEOUT
from .venue import Venue


class Watcher:
    """A client and what it was asked for.

    Attributes
    ----------
    wishes : dict
        Whether each topic is wanted; None where the last call about it failed.
    """

    def __init__(self, name: str, venue: Venue, seed: str) -> None:
        self.name = name
        self.venue = venue
        self.client = MarketDataClient(venue.environment(name), reconnect=POLICY, request_timeout=TIMEOUT)
        self.wishes: dict[Topic, bool | None] = {}
        self._random = random.Random(seed)

    def connect(self) -> None:
        """Connect and subscribe, before anything goes wrong."""
        self.client.connect()
        for channel in CHANNELS:
            self.toggle(channel, SYMBOLS[0], True)

    def run(self, stop: threading.Event) -> None:
        """Make calls until the end."""
        while not stop.wait(self._random.expovariate(4.0)):
            channel, symbol = self._random.choice(CHANNELS), self._random.choice(SYMBOLS)
            self.toggle(channel, symbol, self._random.random() < 0.7)

    def toggle(self, channel: str, symbol: str, wanted: bool) -> None:
        """Subscribe a topic, or unsubscribe it."""
        work = self.client.subscribe if wanted else self.client.unsubscribe
        self.wishes[channel, symbol] = None
        try:
            work(channel, symbol, [INTERVAL] if channel == "candle" else None)
        except QfexError:
            return
        self.wishes[channel, symbol] = wanted

"""A market data exchange without a socket, whose moods a test sets, and a client's pure connection to it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from qfex import Environment, MarketDataClient, RequestTimeout
from qfex.enums import CandleInterval, MarketChannel
from qfex.models.connection import ErrorEvent
from qfex.protocol.command import Request
from qfex.protocol.events import Event
from qfex.protocol.market.commands import EVERY_SYMBOL, Topic
from qfex.protocol.market.connection import MarketConnection, MarketEndpoint

SYMBOLS = ("A", "B", "C")
BBO, CANDLE = MarketChannel.BBO, MarketChannel.CANDLE
A, B, C, EVERY = (Topic(BBO, symbol) for symbol in (*SYMBOLS, EVERY_SYMBOL))
NOWHERE = Environment("ws://127.0.0.1:9/", "ws://127.0.0.1:9/", "http://127.0.0.1:9")

Message = dict[str, Any]
ERRORS = {"refuse": "InvalidParameter", "limit": "RateLimited", "fail": "ServerError"}
#: What it does with a command: obey and confirm, obey only, nothing, an error, or obey and confirm the first symbol only.
MOODS = ("oblige", "obey", "ignore", "part", *ERRORS)


class MarketExchange:
    """The exchange's side of one connection.

    Parameters
    ----------
    expands : bool
        Whether a subscription of every symbol is one of each symbol, which may then be ended one by one; otherwise it is
        a subscription of its own.
    """

    def __init__(self, expands: bool = True) -> None:
        self._expands = expands
        self.mood = "oblige"
        self.moods: dict[str, str] = {}  # of symbols
        self.hint = ""
        self.commands: list[Message] = []
        self.subscribed: dict[Topic, None] = {}
        self.sequence = 0
        self.price = 100

    def connect(self) -> None:
        """Begin a new connection."""
        self.subscribed, self.sequence, self.commands = {}, 0, []

    def take(self, text: bytes) -> list[Message]:
        """Take a command; the messages that follow it."""
        command = json.loads(text)
        self.commands.append(command)
        mood = next((self.moods[name] for name in command["symbols"] if name in self.moods), self.mood)
        if mood == "ignore":
            return []
        if mood in ERRORS:
            return [{"err": {"error_code": ERRORS[mood], "message": self.hint, "incoming_message": command}}]
        symbols = command["symbols"][:1] if mood == "part" else command["symbols"]
        for topic in self._topics(command, symbols):
            if command["type"] == "subscribe":
                self.subscribed[topic] = None
            else:
                self.subscribed.pop(topic, None)
        return [] if mood == "obey" else [{**command, "type": command["type"] + "d", "symbols": symbols}]

    def _topics(self, command: Message, symbols: Iterable[str]) -> list[Topic]:
        channel = MarketChannel(command["channels"][0])
        options = [CandleInterval(text) for text in command.get("intervals", ())] or [None]
        named = [
            each
            for symbol in symbols
            for each in (SYMBOLS if self._expands and symbol == EVERY_SYMBOL else [symbol])
        ]
        return [Topic(channel, symbol, option) for symbol in named for option in options]

    @property
    def delivered(self) -> set[Topic]:
        """The single streams whose messages the client gets."""
        return set(single(self.subscribed))

    def pulse(self) -> list[Message]:
        """A new price of everything, as the client gets it."""
        self.price += 1
        messages = []
        for topic in single(self.subscribed):
            self.sequence += 1
            messages.append(self.data(topic))
        return messages

    def data(self, topic: Topic) -> Message:
        """The message with the price of one stream."""
        price, head = str(self.price), {"sequence": self.sequence, "symbol": topic.symbol}
        if topic.channel is MarketChannel.BBO:
            return {**head, "type": "bbo", "bid": [[price, "1"]], "ask": []}
        prices = dict.fromkeys(("open", "high", "low", "close"), price)
        start = "2026-11-30T17:18:00Z"
        return {**head, **prices, "type": "candle", "start": start, "resolution": topic.option}


def single(topics: Iterable[Topic]) -> list[Topic]:
    """Topics of single symbols, as often as they occur."""
    return [
        Topic(topic.channel, symbol, topic.option)
        for topic in topics
        for symbol in (SYMBOLS if topic.symbol == EVERY_SYMBOL else [topic.symbol])
    ]


class Session:
    """A client's connections to the exchange, one after the other, on a clock that the test moves."""

    def __init__(self, expands: bool = True) -> None:
        self.exchange = MarketExchange(expands)
        self.now = 0.0
        self.endpoint = MarketEndpoint("ws://127.0.0.1:9/", lambda: 2e9)
        self.markets = self.endpoint.markets
        self.known = self.markets.subscriptions
        self.events: list[Event] = []
        self.client = _Client(self)
        self.reconnect()

    def reconnect(self) -> MarketConnection:
        """Lose the connection, if there is one, and make another."""
        self.exchange.connect()
        self.connection = self.endpoint.new_connection(lambda: self.now)
        assert self.connection.start(self.connection.login(lambda: None)).done
        return self.connection

    def pump(self) -> None:
        """Carry messages until nobody has one to send."""
        self.events += self.connection.work()[1]
        while self.connection.outgoing:
            for text in self._outgoing():
                self.receive(*self.exchange.take(text))

    def _outgoing(self) -> list[bytes]:
        texts, self.connection.outgoing = self.connection.outgoing, []
        return texts

    def receive(self, *messages: Message) -> list[tuple[Request, Any]]:
        """Receive messages; the answers of the user's requests among them."""
        answered = []
        for message in messages:
            answers, events = self.connection.receive(json.dumps(message).encode())
            answered += answers
            self.events += events
            if self.connection.has_work:
                self.events += self.connection.work()[1]
        return answered

    def advance(self, seconds: float, *, pulses: bool = True) -> None:
        """Let time pass, with a new price in each quarter of a second."""
        until = self.now + seconds
        while self.now < until:
            self.now += 0.25
            self.pump()
            if pulses:
                self.receive(*self.exchange.pulse())
                self.pump()

    def request(self, command: Any, timeout: float | None = None) -> Any:
        """Send a user's command and wait for its answer, in place of `qfex.session.requests.Requests`."""
        request = Request(command)
        text = self.connection.send(command, request)
        for answered, outcome in self.receive(*self.exchange.take(text)):
            if answered is request:
                self.pump()
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome
        self.connection.give_up(request)
        raise RequestTimeout("no answer", sent=True)

    def asked(self) -> list[list[str]]:
        """The symbols of each command that the exchange has got on this connection."""
        return [command["symbols"] for command in self.exchange.commands]

    def reports(self) -> list[ErrorEvent]:
        """What was reported of lost subscriptions."""
        values = [event.value for event in self.events if event.channel is MarketChannel.ERRORS]
        return [value for value in values if value.kind == "subscription"]


class _Client(MarketDataClient):
    """The client's methods upon a connection without a socket."""

    def __init__(self, session: Session) -> None:
        super().__init__(NOWHERE)
        self._markets = session.markets
        self._requests = session  # type: ignore[assignment]

    def wait_until_ready(self, timeout: float | None = None) -> None:
        pass

"""One connection to the market data socket. Pure: text in, frames out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..gateway.wire import decode, encode
from .market_data import MarketData
from .subscriptions import BadRequest, Request, Topic, parse


class MarketDataSession:
    """Subscriptions and sequence of one connection.

    The sequence starts at 1 with the first data message and counts all channels and symbols together. A
    subscriber gets the present value of every stream that has one right after the acknowledgement.

    Parameters
    ----------
    market_data : MarketData
        The streams.
    send : callable
        Takes one frame's text, as bytes.
    reports_errors : bool
        What the exchange answers to an unknown symbol or channel is not published. The simulator says
        ``{"type": "error", ...}`` in the live dialect and nothing in the documented one; the valid part of
        the request is honoured in both.
    """

    def __init__(
        self, market_data: MarketData, send: Callable[[bytes], None], *, reports_errors: bool = True
    ) -> None:
        self._market_data = market_data
        self._send = send
        self._reports_errors = reports_errors
        self._topics: dict[Topic, None] = {}
        self._sequence = 0

    def receive(self, text: str | bytes) -> None:
        """Obey one message of the client."""
        try:
            request = parse(decode(text), self._market_data.exchange.instruments)
        except msgspec.DecodeError:
            return self._refuse("InvalidJSONFormat", "not JSON", text)
        except BadRequest as error:
            return self._refuse(error.error_code, str(error), text)
        topics = request.topics(self._market_data.exchange.instruments)
        if topics:
            self._apply(request, topics)
        for problem in request.problems:
            self._refuse("InvalidParameter", problem, text)
        return None

    def deliver(self, body: bytes) -> None:
        """Send the body of a data message with the next sequence number in front."""
        self._sequence += 1
        self._send(b'{"sequence":%d,' % self._sequence + body[1:])

    def close(self) -> None:
        """Forget all subscriptions: the connection is over."""
        for topic in self._topics:
            self._market_data.unsubscribe(topic, self.deliver)
        self._topics.clear()

    def _apply(self, request: Request, topics: list[Topic]) -> None:
        self._send(encode(request.acknowledgement()))
        act = self._subscribe if request.kind == "subscribe" else self._unsubscribe
        for topic in topics:
            act(topic)

    def _subscribe(self, topic: Topic) -> None:
        self._topics[topic] = None
        self._market_data.subscribe(topic, self.deliver)
        body = self._market_data.current(topic)
        if body is not None:
            self.deliver(body)

    def _unsubscribe(self, topic: Topic) -> None:
        self._topics.pop(topic, None)
        self._market_data.unsubscribe(topic, self.deliver)

    def _refuse(self, error_code: str, message: str, text: str | bytes) -> None:
        if self._reports_errors:
            echo = text.decode(errors="replace") if isinstance(text, bytes) else text
            error: dict[str, Any] = {"type": "error", "error_code": error_code, "message": message}
            self._send(encode({**error, "incoming_message": echo}))

"""The state of one connection to the market data socket; it does not know the socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..gateway.wire import decode, encode
from .market_data import MarketData
from .subscription_request import BadRequest, SubscriptionRequest, Topic, parse


class MarketDataSession:
    """The subscriptions and the sequence of one connection.

    The sequence starts at 1 with the first data message and counts all channels and symbols together. The
    acknowledgement of a subscription is followed by the current values of its streams.

    Parameters
    ----------
    market_data : MarketData
        The streams.
    send : callable
        Sends one message, given as bytes.
    reports_errors : bool
        Whether to answer invalid requests with ``{"type": "error", ...}``. The exchange does not publish its answer to an
        unknown symbol or channel; the simulator sends the error in the live dialect and nothing in the documented one.
        In both, the valid part of the request is executed.
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
        """Execute one message of the client."""
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
        """Send the body of a data message, with the next sequence number prepended."""
        self._sequence += 1
        self._send(b'{"sequence":%d,' % self._sequence + body[1:])

    def close(self) -> None:
        """Cancel all subscriptions at the end of the connection."""
        for topic in self._topics:
            self._market_data.unsubscribe(topic, self.deliver)
        self._topics.clear()

    def _apply(self, request: SubscriptionRequest, topics: list[Topic]) -> None:
        self._send(encode(request.acknowledgement()))
        change = self._subscribe if request.kind == "subscribe" else self._unsubscribe
        for topic in topics:
            change(topic)

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

"""websocket-client alone, in one thread: one text out, one text in, nothing parsed and nothing matched.

Nobody trades like this, but its times depend on nothing but websocket-client. That makes it a good baseline.
"""

from __future__ import annotations

import json

import websocket

from benchmarks.clients import messages
from benchmarks.server import bursts, session
from benchmarks.timing import Laps, Sample, Stopwatch, repeat


class RawClient:
    """``websocket.create_connection`` with its defaults."""

    skip_utf8_validation = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._order = json.dumps(messages.add_order(session.ORDER))
        self._socket = self._connect()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _connect(self) -> websocket.WebSocket:
        connection = websocket.create_connection(self._url, skip_utf8_validation=self.skip_utf8_validation)
        connection.send(messages.auth())
        connection.recv()
        connection.send(messages.subscribe("order_responses"))
        connection.recv()
        return connection

    def round_trips(self, count: int) -> Sample:
        """Send the same prepared order and read the answer, `count` times."""
        send, recv, order = self._socket.send, self._socket.recv, self._order

        def trade() -> None:
            send(order)
            recv()

        return repeat(trade, count)

    def first_orders(self, count: int) -> Sample:
        """Connect, authenticate, subscribe, place one order."""

        laps = Laps()
        for _ in range(count):
            with laps:
                connection = self._connect()
                connection.send(self._order)
                connection.recv()
            connection.shutdown()  # type: ignore[no-untyped-call]
        return laps.sample()

    def events(self, count: int) -> Sample:
        """Read a burst of `count` pushed messages."""
        recv = self._socket.recv
        for order in (messages.add_order(bursts.FILLED_ORDERS, count), messages.add_order(bursts.FIRE)):
            self._socket.send(json.dumps(order))
            watch = Stopwatch()
            recv()
        for _ in range(count):
            recv()
        return watch.per_operation(count)


class UncheckedRawClient(RawClient):
    """A `RawClient` without websocket-client's UTF-8 validator, which is written in Python."""

    skip_utf8_validation = True

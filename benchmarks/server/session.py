"""One client's connection to the stand-in server."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.server import bursts, frames, replies

ORDER = "BENCH-USD"
WITH_FILL = "FILL-USD"
HOLD = "HOLD-USD"
RELEASE = "RELEASE-USD"

_READ_SIZE = 65536
_SYMBOL = re.compile(rb'"symbol"\s*:\s*"([^"]*)"')
_CLIENT_ORDER_ID = re.compile(rb'"client_order_id"\s*:\s*"([^"]*)"')
_QUANTITY = re.compile(rb'"quantity"\s*:\s*"?([0-9]+)')


class Session:
    """Answers one client until it disconnects.

    The answer to an order depends on its symbol. An order on `HOLD` is answered after the next order on `RELEASE`. An order
    on `WITH_FILL` gets a fill before its answer. The symbols of `bursts` prepare and send a burst. An order on any other
    symbol is acknowledged or, if its time in force is IOC, cancelled. The session waits for `delay` seconds before it
    answers an order.
    """

    def __init__(self, connection: socket.socket, delay: float = 0.0) -> None:
        self._connection = connection
        self._delay = delay
        self._held: list[bytes] = []
        self._burst = b""
        self._special: dict[bytes, Callable[[bytes, bytes], bytes]] = {
            WITH_FILL.encode(): self._fill_and_order,
            HOLD.encode(): self._hold,
            RELEASE.encode(): self._release,
            bursts.FIRE.encode(): self._fire,
            **{kind.encode(): self._prepare for kind in bursts.KINDS},
        }

    def run(self) -> None:
        """Complete the handshake, then answer until the client closes the connection."""
        reader = frames.FrameReader()
        data = self._shake_hands()
        while True:
            answers: list[bytes] = []
            for opcode, payload in reader.feed(data) if data else ():
                if opcode == frames.CLOSE:
                    self._connection.sendall(b"".join(answers) + frames.encode(payload, frames.CLOSE))
                    return
                answers.append(self._answer(opcode, payload))
            if answers:
                self._connection.sendall(b"".join(answers))
            data = self._connection.recv(_READ_SIZE)
            if not data:
                return

    def _shake_hands(self) -> bytes:
        """Answer the upgrade request, and return the bytes that followed it."""
        request = b""
        while b"\r\n\r\n" not in request:
            data = self._connection.recv(_READ_SIZE)
            if not data:
                raise ConnectionError("the client disconnected before the handshake")
            request += data
        head, _, rest = request.partition(b"\r\n\r\n")
        self._connection.sendall(frames.handshake_response(head))
        return rest

    def _answer(self, opcode: int, payload: bytes) -> bytes:
        if opcode == frames.PING:
            return frames.encode(payload, frames.PONG)
        if opcode != frames.TEXT:
            return b""
        if b'"add_order"' in payload:
            if self._delay:
                time.sleep(self._delay)
            return self._answer_order(payload)
        return b"".join(map(frames.encode, _answer_command(json.loads(payload), payload)))

    def _answer_order(self, payload: bytes) -> bytes:
        symbol = _SYMBOL.search(payload)
        client_order_id = _CLIENT_ORDER_ID.search(payload)
        if symbol is None or client_order_id is None:
            return frames.encode(replies.INVALID_ORDER)
        special = self._special.get(symbol[1])
        if special is not None:
            return special(client_order_id[1], payload)
        outcome = replies.order_cancelled if b'"IOC"' in payload else replies.order_ack
        return frames.encode(outcome(symbol[1], client_order_id[1]))

    def _fill_and_order(self, client_order_id: bytes, _payload: bytes) -> bytes:
        symbol = WITH_FILL.encode()
        fill = frames.encode(replies.fill(symbol, client_order_id))
        return fill + frames.encode(replies.order_ack(symbol, client_order_id))

    def _hold(self, client_order_id: bytes, _payload: bytes) -> bytes:
        self._held.append(client_order_id)
        return b""

    def _release(self, client_order_id: bytes, _payload: bytes) -> bytes:
        held, self._held = self._held, []
        answers = [replies.order_ack(HOLD.encode(), each) for each in held]
        answers.append(replies.order_ack(RELEASE.encode(), client_order_id))
        return b"".join(map(frames.encode, answers))

    def _prepare(self, client_order_id: bytes, payload: bytes) -> bytes:
        symbol, quantity = _SYMBOL.search(payload), _QUANTITY.search(payload)
        assert symbol is not None and quantity is not None
        self._burst += bursts.prepare(symbol[1].decode(), int(quantity[1]))
        return frames.encode(replies.order_ack(symbol[1], client_order_id, quantity[1]))

    def _fire(self, client_order_id: bytes, _payload: bytes) -> bytes:
        burst, self._burst = self._burst, b""
        return frames.encode(replies.order_ack(bursts.FIRE.encode(), client_order_id)) + burst


def _answer_command(message: dict[str, Any], payload: bytes) -> Iterator[bytes]:
    """Yield the answers to a command that is not an order. The account has no orders, trades or leverage."""
    kind = message.get("type")
    if kind == "auth":
        yield replies.AUTHENTICATED
    elif kind == "subscribe":
        yield from map(replies.subscribed, message.get("params", {}).get("channels", []))
    elif kind == "get_user_orders":
        yield replies.open_orders(0)
    elif kind == "get_user_trades":
        yield replies.NO_TRADES
    elif kind == "get_user_leverage":
        yield replies.NO_LEVERAGE
    else:
        yield replies.ACKNOWLEDGED % payload

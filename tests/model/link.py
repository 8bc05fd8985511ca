"""One WebSocket connection as the venue sees it: frames over a raw socket, so that it can be cut at any byte."""

from __future__ import annotations

import base64
import hashlib
import heapq
import itertools
import json
import random
import socket
import struct
import threading
from collections.abc import Callable
from decimal import Decimal
from time import monotonic
from typing import Any

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA

Message = dict[str, Any]


class Ended(Exception):
    """The connection is over."""


class Link:
    """A client's connection. A thread of its own reads it, another sends what is due.

    Parameters
    ----------
    sock : socket
    name : str
    delay : float
        Mean delay of a message in seconds.
    crossed : bool
        Whether messages of different channels may overtake each other.
    note : callable
        Takes the name, the direction and the message of everything that is sent and received.

    Attributes
    ----------
    channels : set
        What is subscribed on it.
    armed : bool
        Whether cancel-on-disconnect is armed on it.
    owner : str
        The path that the client asked for.
    """

    def __init__(
        self,
        sock: socket.socket,
        name: str,
        delay: float,
        crossed: bool,
        note: Callable[[str, str, Any], None],
    ) -> None:
        self.name = name
        self._note = note
        self.channels: set[Any] = set()
        self.authenticated = False
        self.armed = False
        self.sequence = itertools.count(1)
        self.over = False
        self.silent = False
        self.owner = ""
        self._sock = sock
        self._random = random.Random(name)
        self._delay = delay
        self._crossed = crossed
        self._buffer = bytearray()
        self._queue: list[tuple[float, int, bytes]] = []
        self._numbers = itertools.count()
        self._due: dict[str, float] = {}
        self._changed = threading.Condition()
        self._write_lock = threading.Lock()
        self._out_left: int | None = None
        self._in_left: int | None = None

    # --- sending -----------------------------------------------------------------------------------------------

    def send(self, message: Message, channel: str = "", late: float | None = None) -> None:
        """Queue a message. It keeps its place in its channel, unless it is `late` by some seconds."""
        self._note(self.name, "late" if late else "out", message)
        channel = channel if self._crossed else ""
        with self._changed:
            due = max(monotonic() + self._random.expovariate(1 / self._delay), self._due.get(channel, 0.0))
            if late is None:
                self._due[channel] = due
            else:
                due += late
            heapq.heappush(self._queue, (due, next(self._numbers), _frame(encode(message))))
            self._changed.notify()

    def stall(self, seconds: float) -> None:
        """Send everything later, in order."""
        with self._changed:
            until = monotonic() + seconds
            self._queue = [(max(due, until), number, data) for due, number, data in self._queue]
            heapq.heapify(self._queue)
            for channel in self._due or {"": 0.0}:
                self._due[channel] = max(until, self._due.get(channel, 0.0))

    def hurry(self) -> None:
        """Send what is queued now."""
        with self._changed:
            self._queue = [(0.0, number, data) for _, number, data in self._queue]
            heapq.heapify(self._queue)
            self._due.clear()
            self._changed.notify()

    def write_until_over(self) -> None:
        """Send what is due; the writing thread's work."""
        try:
            while (data := self._next_due()) is not None:
                self._write(data)
        except Ended:
            pass

    def _next_due(self) -> bytes | None:
        with self._changed:
            while not self.over:
                wait = self._queue[0][0] - monotonic() if self._queue else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._queue)[2]
                self._changed.wait(wait)
            return None

    def _write(self, data: bytes) -> None:
        if self.silent:
            return
        with self._write_lock:
            left = self._out_left
            try:
                self._sock.sendall(data if left is None else data[:left])
            except OSError as error:
                raise Ended from error
            if left is not None:
                self._out_left = left - len(data)
                if self._out_left <= 0:
                    self.cut(reset=False)
                    raise Ended

    # --- receiving ---------------------------------------------------------------------------------------------

    def upgrade(self) -> None:
        """Answer the upgrade request.

        Raises
        ------
        Ended, OSError
            If the connection is over.
        """
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head = self._take(self._buffer.index(b"\r\n\r\n") + 4).decode()
        self.owner = head.split(" ")[1].partition("?")[0].strip("/")
        self.name = f"{self.name}-{self.owner}"
        lines = (line.partition(": ") for line in head.split("\r\n"))
        key = next(value for name, _, value in lines if name.lower() == "sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        self._sock.sendall(answer.encode())

    def read_until_over(self, handle: Callable[[Message], None]) -> None:
        """Hand over each message that arrives whole; the reading thread's work. Ends like `upgrade`."""
        while True:
            opcode, payload = self._read_frame()
            if self.silent:
                continue
            if opcode == _CLOSE:
                self._write(_frame(payload, _CLOSE))
                return
            if opcode == _PING:
                self._write(_frame(payload, _PONG))
            elif opcode == _TEXT:
                message = json.loads(payload, parse_float=Decimal)
                self._note(self.name, "in", message)
                handle(message)

    def _read_frame(self) -> tuple[int, bytes]:
        first, length = self._take(2)
        length &= 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        mask = self._take(4)
        return first & 0x0F, _unmasked(self._take(length), mask)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _fill(self) -> None:
        if self._in_left == 0:
            self.cut(reset=True)
            raise Ended
        data = self._sock.recv(65536 if self._in_left is None else min(65536, self._in_left))
        if not data:
            raise Ended
        if self._in_left is not None:
            self._in_left = max(0, self._in_left - len(data))
        self._buffer += data

    # --- the end -----------------------------------------------------------------------------------------------

    def cut(self, *, reset: bool) -> None:
        """End the connection without a word, with RST or with FIN."""
        try:
            if reset:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._sock.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
        except OSError:
            pass
        self.end()
        if reset:
            self._sock.close()

    def cut_after(self, *, sent: int | None = None, received: int | None = None) -> None:
        """End the connection after some more bytes."""
        self._out_left, self._in_left = sent, received

    def keep(self) -> None:
        """Forget a cut that was planned; a connection that is silent already is cut."""
        self._out_left = self._in_left = None
        if self.silent:
            self.cut(reset=False)

    def end(self) -> None:
        """Stop sending."""
        with self._changed:
            self.over = True
            self._changed.notify_all()

    def close(self) -> None:
        """Release the socket, when both threads are done with it."""
        self._sock.close()


def encode(message: Any) -> bytes:
    """JSON with decimals as plain numbers."""
    return json.dumps(message, default=float).encode()


def _frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    if len(payload) < 126:
        return bytes((0x80 | opcode, len(payload))) + payload
    if len(payload) < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, len(payload)) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, len(payload)) + payload


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    pad = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(payload), "big")

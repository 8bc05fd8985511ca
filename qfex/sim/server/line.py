"""A WebSocket's way out: complete text frames, written at once and in order."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from ..record import Tape

_TEXT = 0x81  # final fragment, text
_CLOSE = 0x88
_SHORT, _MEDIUM = 126, 65536

# A peer that has not taken this much is cut off, as the exchange would do with a slow consumer.
BUFFER_LIMIT = 64 * 1024 * 1024


def frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """Return the unmasked server-to-client frame of RFC 6455 section 5.2."""
    length = len(payload)
    if length < _SHORT:
        return bytes((opcode, length)) + payload
    if length < _MEDIUM:
        return struct.pack("!BBH", opcode, 126, length) + payload
    return struct.pack("!BBQ", opcode, 127, length) + payload


class Line:
    """Writes frames straight to the transport below an aiohttp WebSocket without compression.

    Writing here, not through the response's coroutines, keeps the frames of one command in one piece and
    needs no writer task.

    Parameters
    ----------
    transport : Wire
        The upgraded connection, ``request.transport`` after ``prepare``.
    socket : WebSocketResponse, optional
        Closes the connection with the handshake of the protocol; without it a close frame has to do.
    tape : Tape, optional
        Where the connection is recorded.
    """

    def __init__(
        self, transport: Any, socket: web.WebSocketResponse | None = None, tape: Tape | None = None
    ) -> None:
        self.transport = transport
        self.tape = tape
        self._socket = socket
        self._closing: asyncio.Task[bool] | None = None

    @property
    def open(self) -> bool:
        """False once the connection is closing or gone."""
        return self._closing is None and not self.transport.is_closing()

    @property
    def finished(self) -> bool:
        """True once this side has ended the connection, so that nothing that still arrives on it counts."""
        finished: bool = self._closing is not None or self.transport.finished
        return finished

    def send(self, *payloads: bytes) -> None:
        """Write text messages in one piece; on a closed line nothing happens."""
        if self.tape is not None and self.open:
            for payload in payloads:
                self.tape.note("out", payload)
        self._write(frame(payload) for payload in payloads)

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, and end the connection when the peer has answered it."""
        if not self.open:
            return
        if self._socket is not None:
            closing = self._socket.close(code=code, message=reason.encode())
            self._closing = asyncio.ensure_future(closing)
        else:
            self._write([frame(struct.pack("!H", code) + reason.encode(), _CLOSE)])
            self.transport.close()

    def cut(self, *, reset: bool = False) -> None:
        """End the connection without a close frame: with FIN, or with RST when ``reset``."""
        self.transport.cut(reset=reset)

    def _write(self, frames: Iterable[bytes]) -> None:
        if not self.open:
            return
        self.transport.write(b"".join(frames))
        if self.transport.get_write_buffer_size() > BUFFER_LIMIT:
            self.transport.abort()

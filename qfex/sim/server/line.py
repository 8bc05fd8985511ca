"""A WebSocket's way out: complete text frames, written at once and in order."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable

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

    Writing here, not through the response's coroutines, keeps the frames of one command in one piece, needs
    no writer task, and lets a test send half a frame.

    Parameters
    ----------
    transport : asyncio.Transport
        The upgraded connection, ``request.transport`` after ``prepare``.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    @property
    def open(self) -> bool:
        """False once the connection is closing or gone."""
        return not self._transport.is_closing()

    def send(self, *payloads: bytes) -> None:
        """Write text messages in one piece; on a closed line nothing happens."""
        self.write_raw(frame(payload) for payload in payloads)

    def write_raw(self, frames: Iterable[bytes]) -> None:
        """Write bytes that are frames already, or deliberately are not."""
        if not self.open:
            return
        self._transport.write(b"".join(frames))
        if self._transport.get_write_buffer_size() > BUFFER_LIMIT:
            self._transport.abort()

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame and end the connection once it has left."""
        self.write_raw([frame(struct.pack("!H", code) + reason.encode(), _CLOSE)])
        self._transport.close()

    def cut(self, *, reset: bool = False) -> None:
        """End the connection without a close frame: with FIN, or with RST when ``reset``."""
        if reset:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

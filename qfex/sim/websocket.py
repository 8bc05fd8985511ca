"""The sending side of a WebSocket: whole text frames, written at once and in order."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from .record import ConnectionRecorder

_TEXT = 0x81  # Final fragment, text.
_CLOSE = 0x88
_SHORT, _MEDIUM = 126, 65536

# A peer with more than this waiting for it is disconnected, as the exchange does with slow consumers.
BUFFER_LIMIT = 64 * 1024 * 1024


def frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """Return the unmasked server-to-client frame of RFC 6455 section 5.2."""
    length = len(payload)
    if length < _SHORT:
        return bytes((opcode, length)) + payload
    if length < _MEDIUM:
        return struct.pack("!BBH", opcode, 126, length) + payload
    return struct.pack("!BBQ", opcode, 127, length) + payload


class WebSocketWriter:
    """Writes frames to the transport below an aiohttp WebSocket without compression.

    Writing to the transport, not through the response's coroutines, keeps the frames of one command together and needs
    no writer task.

    Parameters
    ----------
    transport : FaultTransport
        The upgraded connection, ``request.transport`` after ``prepare``.
    socket : WebSocketResponse, optional
        Performs the closing handshake; without it, only a close frame is sent.
    recorder : ConnectionRecorder, optional
        Records the connection.
    """

    def __init__(
        self,
        transport: Any,
        socket: web.WebSocketResponse | None = None,
        recorder: ConnectionRecorder | None = None,
    ) -> None:
        self.transport = transport
        self.recorder = recorder
        self._socket = socket
        self._closing: asyncio.Task[bool] | None = None

    @property
    def open(self) -> bool:
        """False once the connection is closing or closed."""
        return self._closing is None and not self.transport.is_closing()

    @property
    def finished(self) -> bool:
        """True once this side has ended the connection; later input is to be ignored."""
        finished: bool = self._closing is not None or self.transport.finished
        return finished

    def send(self, *payloads: bytes) -> None:
        """Write text messages in one piece; on a closed connection nothing happens."""
        if self.recorder is not None and self.open:
            for payload in payloads:
                self.recorder.record("out", payload)
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
        """End the connection without a close frame: with FIN, or with RST if ``reset``."""
        self.transport.cut(reset=reset)

    def _write(self, frames: Iterable[bytes]) -> None:
        if not self.open:
            return
        self.transport.write(b"".join(frames))
        if self.transport.get_write_buffer_size() > BUFFER_LIMIT:
            self.transport.abort()

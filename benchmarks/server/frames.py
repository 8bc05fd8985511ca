"""The part of WebSocket framing (RFC 6455) that a server on loopback needs."""

from __future__ import annotations

import base64
import hashlib
import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def handshake_response(request: bytes) -> bytes:
    """Return the answer to an upgrade request, given as the bytes up to its empty line."""
    for line in request.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"sec-websocket-key":
            accept = base64.b64encode(hashlib.sha1(value.strip() + _GUID).digest())
            return (
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
    raise ValueError("no Sec-WebSocket-Key in the upgrade request")


def encode(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return one unmasked, final frame."""
    length = len(payload)
    if length < 126:
        return struct.pack("!BB", 0x80 | opcode, length) + payload
    if length < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, length) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, length) + payload


def _unmask(payload: bytes, mask: bytes) -> bytes:
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")


class FrameReader:
    """Parser of a client's byte stream into ``(opcode, payload)`` pairs, for masked, unfragmented frames only."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the frames that `data` completes, and keep the rest for the next call."""
        buffer = self._buffer + data if self._buffer else data
        frames = []
        position = 0
        while (end := _frame_end(buffer, position)) is not None:
            start, stop = end
            payload = _unmask(buffer[start:stop], buffer[start - 4 : start])
            frames.append((buffer[position] & 0x0F, payload))
            position = stop
        self._buffer = buffer[position:]
        return frames


def _frame_end(buffer: bytes, position: int) -> tuple[int, int] | None:
    """Return the start and end of the payload of the frame at `position`, or None while the frame is incomplete."""
    available = len(buffer) - position
    if available < 6:
        return None
    length, start = buffer[position + 1] & 0x7F, position + 6
    if length == 126:
        length, start = int.from_bytes(buffer[position + 2 : position + 4], "big"), position + 8
    elif length == 127:
        if available < 14:
            return None
        length, start = int.from_bytes(buffer[position + 2 : position + 10], "big"), position + 14
    return (start, start + length) if start + length <= len(buffer) else None

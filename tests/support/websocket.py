"""WebSocket as a server speaks it: the reply to an upgrade, frames to the client, and frames from it."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def upgrade_reply(request: str, *headers: str) -> bytes:
    """The head that accepts an upgrade.

    Parameters
    ----------
    request : str
        Request line and headers of the upgrade.
    *headers : str
        Headers that the reply has besides the usual ones.
    """
    keys = (
        header.split(": ")[1] for header in request.split("\r\n") if header.startswith("Sec-WebSocket-Key")
    )
    accept = base64.b64encode(hashlib.sha1((next(keys) + _GUID).encode()).digest()).decode()
    head = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
    return "\r\n".join([*head, f"Sec-WebSocket-Accept: {accept}", *headers, "", ""]).encode()


def server_frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, flags: int = 0, masked: bool = False
) -> bytes:
    """A frame as servers send it: not masked, though `masked` may claim that it is."""
    first, mask = (0x80 if fin else 0) | flags | opcode, 0x80 if masked else 0
    if len(payload) < 126:
        head = bytes((first, mask | len(payload)))
    elif len(payload) < 65536:
        head = struct.pack("!BBH", first, mask | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, mask | 127, len(payload))
    return head + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame of the server."""
    return server_frame(CLOSE, struct.pack("!H", code) + reason.encode())


def read_client_frame(take: Callable[[int], bytes]) -> tuple[int, bytes]:
    """Opcode and payload of the next frame of a client, which must be whole and masked.

    Parameters
    ----------
    take : callable
        Returns the next bytes of the stream, as many as it is asked for.
    """
    first, second = take(2)
    assert first & 0xF0 == 0x80, "a message in parts, or with reserved bits"
    assert second & 0x80, "not masked"
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", take(2))
    elif length == 127:
        (length,) = struct.unpack("!Q", take(8))
    mask = take(4)
    return first & 0x0F, _unmasked(take(length), mask)


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    pad = (mask * (len(payload) // 4 + 1))[: len(payload)]
    plain = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return plain.to_bytes(len(payload), "big")

"""WebSocket frames (RFC 6455) of the client side: bytes to messages, messages to bytes; and how a connection ends.

websocket-client makes the connection: URL, proxy, TLS and handshake. Its frame reader is not used, because three
exact reads and a scan in Python for each message cost more than everything else that this library does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import Struct

from ..protocol.wire.redact import redact_text

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_CONTINUATION = 0x0
_DATA = (TEXT, BINARY)
_CONTROL = (CLOSE, PING, PONG)

MAX_MESSAGE = 64 * 1024 * 1024  # bytes; a longer one is an attack or an error

_WHOLE_TEXT = 0x80 | TEXT  # first byte of a text message in one frame: nearly every frame

_U16, _U64 = Struct("!H"), Struct("!Q")

# Headers of frames with lengths of 7, 16 and 64 bits.
_SHORT, _MEDIUM, _LONG = Struct("!BB"), Struct("!BBH"), Struct("!BBQ")
_MEDIUM_MOST = 65535


# --- what can happen to a connection -------------------------------------------------------------------------------


class ConnectionEnded(Exception):
    """The connection is over.

    Attributes
    ----------
    reason : str
    code : int or None
        The close code, where the peer sent one.
    closed : bool
        Whether the client was closed.
    silent : bool
        Whether it ended because the peer was silent.
    """

    def __init__(
        self, reason: str, code: int | None = None, *, closed: bool = False, silent: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.closed = closed
        self.silent = silent


class SendFailed(Exception):
    """Messages were not sent, or not all of them.

    Attributes
    ----------
    begun : int
        How many of them, the first ones, may have left in part.
    """

    def __init__(self, reason: str, *, begun: int = 0) -> None:
        super().__init__(reason)
        self.begun = begun


class SendRefused(SendFailed):
    """A signal handler interrupted the sending of a message, so that nothing else can be sent until it returns."""


class FrameError(Exception):
    """The peer broke the protocol. `code` is the close code to answer with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


# --- reading -------------------------------------------------------------------------------------------------------


class FrameReader:
    """Splits a byte stream into messages: joins fragments, and gives control frames too.

    Attributes
    ----------
    error : FrameError or None
        How the peer broke the protocol, if whole messages came before that; nothing can be read after it.
    """

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self._rest: list[bytes] = []
        self._held = 0
        self._needed = 2
        self._fragments: list[bytes] = []
        self._fragments_opcode = 0
        self._max = max_message
        self._medium_most = min(max_message, _MEDIUM_MOST)
        self.error: FrameError | None = None

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take received bytes; return the messages that they complete, as opcode and payload, up to a close frame.

        Raises
        ------
        FrameError
            When the peer broke the protocol; the messages before that are given first, with `error` set.
        """
        if self.error is not None:
            raise self.error
        if not self._rest and not self._fragments:
            size = len(data) - 4
            # Nearly every read is one whole text message.
            if 126 <= size <= self._medium_most and data[:4] == _MEDIUM.pack(_WHOLE_TEXT, 126, size):
                return [(TEXT, data[4:])]
        if self._rest:
            self._rest.append(data)
            self._held += len(data)
            if self._held < self._needed:  # keep the parts of a large message apart until all are there
                return []
            data = b"".join(self._rest)
        messages: list[tuple[int, bytes]] = []
        try:
            position = self._cut(data, messages)
        except FrameError as error:
            if not messages:
                raise
            self.error = error
            return messages
        self._rest = [data[position:]] if position < len(data) else []
        self._held = len(data) - position
        return messages

    def _cut(self, data: bytes, messages: list[tuple[int, bytes]]) -> int:
        """Collect the whole messages of `data`; where what is left begins."""
        position, end = 0, len(data)
        while position < end and (frame := self._frame(data, position)) is not None:
            position, first, payload = frame
            if first == _WHOLE_TEXT and not self._fragments:
                messages.append((TEXT, payload))
                continue
            message = self._message(first, payload)
            if message is not None:
                messages.append(message)
                if message[0] == CLOSE:
                    return len(data)
        return position

    def _frame(self, buffer: bytes, start: int) -> tuple[int, int, bytes] | None:
        """Read one frame: where the next begins, the first byte, the payload. None if more bytes are needed."""
        available = len(buffer) - start
        if available < 2:
            self._needed = 2
            return None
        first, length, body = buffer[start], buffer[start + 1], start + 2
        if first != _WHOLE_TEXT or length > 127:
            self._check_header(first, length)
        if length >= 126:
            size = _U16 if length == 126 else _U64
            body += size.size
            if len(buffer) < body:
                self._needed = body - start
                return None
            (length,) = size.unpack_from(buffer, start + 2)
            if length > self._max:
                raise FrameError(1009, "message too big")
        end = body + length
        if len(buffer) < end:
            self._needed = end - start
            return None
        self._needed = 2
        return end, first, buffer[body:end]

    def _check_header(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & 0x70:
            raise FrameError(1002, "reserved bits are set")
        if second & 0x80:
            raise FrameError(1002, "a server frame is masked")
        if opcode in _CONTROL:
            if second > 125 or not first & 0x80:
                raise FrameError(1002, "a control frame is fragmented or too long")
        elif opcode not in _DATA and opcode != _CONTINUATION:
            raise FrameError(1002, "unknown opcode")

    def _message(self, first: int, payload: bytes) -> tuple[int, bytes] | None:
        opcode = first & 0x0F
        if opcode in _CONTROL:
            return opcode, payload
        if (opcode == _CONTINUATION) != bool(self._fragments):
            raise FrameError(1002, "fragments out of order")
        if first & 0x80 and not self._fragments:
            return opcode, payload
        return self._joined(first, opcode, payload)

    def _joined(self, first: int, opcode: int, payload: bytes) -> tuple[int, bytes] | None:
        if opcode in _DATA:
            self._fragments_opcode = opcode
        self._fragments.append(payload)
        if sum(map(len, self._fragments)) > self._max:
            raise FrameError(1009, "message too big")
        if not first & 0x80:
            return None
        message = b"".join(self._fragments)
        self._fragments = []
        return self._fragments_opcode, message


# --- writing -------------------------------------------------------------------------------------------------------


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """Make one masked frame."""
    length = len(payload)
    if length < 126:
        head = _SHORT.pack(0x80 | opcode, 0x80 | length)
    elif length <= _MEDIUM_MOST:
        head = _MEDIUM.pack(0x80 | opcode, 0x80 | 126, length)
    else:
        head = _LONG.pack(0x80 | opcode, 0x80 | 127, length)
    return head + _masked(payload, length)


def _masked(payload: bytes, length: int) -> bytes:
    """A new mask key, followed by the masked payload. One operation on large integers masks all of it."""
    (key,) = next(_keys, None) or _draw_keys()
    words = length // 4 + 1
    masked = int.from_bytes(payload, "little") ^ int.from_bytes(key * words, "little")
    return key + masked.to_bytes(4 * words, "little")[:length]


# Unpredictable mask keys, drawn many at a time: one draw takes as long as the rest of the work on a frame.
_KEYS_AT_ONCE = 256
_KEY = Struct("4s")
_keys: Iterator[tuple[bytes]] = iter(())


def _draw_keys() -> tuple[bytes]:
    """Draw new keys and return the first. Threads that draw at the same time get different keys."""
    global _keys
    drawn: Iterator[tuple[bytes]] = _KEY.iter_unpack(os.urandom(4 * _KEYS_AT_ONCE))
    first = next(drawn)
    _keys = drawn
    return first


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_draw_keys)  # a child must not use its parent's


def encode_close(code: int, reason: str = "") -> bytes:
    """Make a close frame."""
    text = reason.encode()[:120].decode(errors="ignore")  # no character cut in half
    return encode_frame(CLOSE, _U16.pack(code) + text.encode())


def close_code(payload: bytes) -> tuple[int | None, str]:
    """Code and reason of a close frame; the reason without secrets, for it is shown."""
    if len(payload) < 2:
        return None, ""
    return int.from_bytes(payload[:2], "big"), redact_text(payload[2:].decode("utf-8", "replace"))

"""The transport reads what came whole, and only then says that the peer broke the protocol."""

from __future__ import annotations

import pytest

from qfex.net.frames import TEXT, FrameError
from qfex.net.options import TransportOptions
from qfex.net.transport import Transport


class Bytes:
    """A socket that gives what it was made with, and nothing more."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = list(parts)

    def receive(self, timeout: float) -> bytes | None:
        return self._parts.pop(0) if self._parts else None


def test_a_break_is_told_without_waiting_for_more_bytes() -> None:
    transport = Transport("ws://127.0.0.1:1/", {}, TransportOptions())
    transport._socket = Bytes(b"\x81\x01a\x81\x81")  # type: ignore[assignment]  # a message, then a masked frame
    assert transport.receive(0.0) == [(TEXT, b"a")]
    with pytest.raises(FrameError, match="masked"):
        transport.receive(0.0)

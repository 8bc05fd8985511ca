"""Reading the response to the upgrade through websocket-client: nothing after the head is taken, however it arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websocket._exceptions import WebSocketConnectionClosedException
from websocket._http import read_headers

from qfex.net.handshake import HandshakeSocket

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Empty:\r\nDate: now\r\n\r\n"
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nDate: now\r\nContent-Length: 5\r\n\r\n"
HEADERS = {"upgrade": "websocket", "x-empty": "", "date": "now"}


class Arriving:
    """A socket that returns one piece for each read, and then the end."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = deque(pieces)
        self.fileno = self.shutdown = self.close = self.settimeout = lambda *_: None
        self.gettimeout = lambda: 1.0

    def recv(self, _size: int) -> bytes:
        return self._pieces.popleft() if self._pieces else b""


def shaking(pieces: Sequence[bytes]) -> HandshakeSocket:
    return HandshakeSocket(cast(Any, Arriving(pieces)))


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """The data cut at these places."""
    bounds = [0, *sorted({place for place in places if 0 < place < len(data)}), len(data)]
    return [data[start:end] for start, end in zip(bounds, bounds[1:], strict=False)]


@given(
    st.lists(st.integers(1, len(HEAD) + 8), max_size=8),
    st.sampled_from([b"", b"\n", b"\x81\x02{}", b"\r\n\r\n"]),
)
def test_the_head_is_read_and_no_byte_after_it(places: list[int], behind: bytes) -> None:
    pieces = cut(HEAD + behind, places)
    sock = shaking(pieces)
    status, headers, _ = read_headers(sock)  # type: ignore[no-untyped-call]
    assert (status, headers) == (101, HEADERS) and sock.status == 101
    rest = sock.rest
    while more := sock.recv(100):
        rest += more
    assert rest == behind


@pytest.mark.parametrize("length", range(len(HEAD)))
def test_a_truncated_head_is_an_error(length: int) -> None:
    sock = shaking(cut(HEAD[:length], [length // 2]))
    with pytest.raises(WebSocketConnectionClosedException):
        read_headers(sock)  # type: ignore[no-untyped-call]
    assert sock.status is None


@given(st.lists(st.integers(1, len(REFUSAL) + 8), max_size=8), st.integers(0, 5))
def test_the_status_is_known_once_the_head_is_read(places: list[int], length: int) -> None:
    sock = shaking(cut(REFUSAL + b"no!!!"[:length], places))
    assert sock.status is None
    status, *_ = read_headers(sock)  # type: ignore[no-untyped-call]
    assert sock.status == status == 403


@given(st.binary(min_size=1, max_size=40), st.lists(st.integers(1, 40), max_size=5), st.integers(2, 9))
def test_reads_return_no_more_than_they_ask_for(data: bytes, places: list[int], size: int) -> None:
    sock, got = shaking(cut(data, places)), []
    while piece := sock.recv(size):
        got.append(piece)
    assert b"".join(got) == data and all(len(piece) <= size for piece in got)

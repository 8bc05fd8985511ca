"""Sockets: what several threads send leaves together, and nothing that was sent is kept back."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import ReconnectPolicy
from qfex.net.frames import CLOSE, TEXT, ConnectionEnded, FrameError
from qfex.net.transport import PlainSocket, Transport
from qfex.policies import TransportOptions
from qfex.session.reader import Reader
from qfex.threads import Mutex, WaitList

pytestmark = pytest.mark.skipif(not hasattr(socket, "MSG_MORE"), reason="the system holds nothing back")


class Pair:
    """Two ends of a connection on loopback."""

    def __init__(self, kind: Callable[[socket.socket], PlainSocket] = PlainSocket) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._near = socket.create_connection(listener.getsockname())
            self._far, _ = listener.accept()
        self._far.setblocking(False)
        self.near = kind(self._near)

    def arrived(self) -> bytes:
        try:
            return self._far.recv(65536)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self._near.close()
        self._far.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


def test_data_sent_before_the_push_leaves_with_it(pair: Pair) -> None:
    counts: list[int] = []
    pair.near.hold_back()
    pair.near.send(b"one ", counts)
    pair.near.send(b"two ", counts)
    assert pair.arrived() == b"" and counts == [4, 4], "the system has accepted the bytes"
    pair.near.push()
    assert pair.arrived() == b"one two "
    pair.near.send(b"three", counts)
    assert pair.arrived() == b"three"


def test_a_push_after_the_end_of_the_connection_does_nothing(pair: Pair) -> None:
    pair.near.hold_back()
    pair.near.send(b"last", [])
    pair._near.close()
    pair.near.push()


class Interleaved(PlainSocket):
    """A socket on which a reader and a sender may act between any two steps of each other."""

    def __init__(self, sock: socket.socket) -> None:
        self.moves: Iterator[bool] = iter(())
        self._busy: set[str] = set()
        self.sent = 0
        self._flags = {"holding": False, "held": False}
        super().__init__(sock)

    def _step(self) -> None:
        for role, act in (("reader", self._toggle), ("sender", self.send_one)):
            if role not in self._busy and next(self.moves, False):
                act()

    def _toggle(self) -> None:
        self._busy.add("reader")
        self.push() if self._flags["holding"] else self.hold_back()
        self._busy.discard("reader")

    def send_one(self) -> None:
        self._busy.add("sender")
        self.sent += 1
        self.send(b"x", [])
        self._step()
        self._busy.discard("sender")

    def end(self) -> None:
        self.moves = iter(())
        if self._flags["holding"]:
            self.push()

    def _flag(name: str) -> Any:  # type: ignore[misc]
        def get(self: Interleaved) -> bool:
            self._step()
            return self._flags[name]

        def put(self: Interleaved, value: bool) -> None:
            self._step()
            self._flags[name] = value
            self._step()

        return property(get, put)

    _holding = _flag("holding")  # type: ignore[arg-type]
    _held = _flag("held")  # type: ignore[arg-type]


@given(st.lists(st.booleans(), max_size=60))
def test_however_reader_and_senders_interleave_nothing_is_kept_back(moves: list[bool]) -> None:
    pair = Pair(Interleaved)
    try:
        near = cast(Interleaved, pair.near)
        near.moves = iter(moves)
        for _ in range(3):
            near.send_one()
        near.end()
        assert pair.arrived() == b"x" * near.sent
    finally:
        pair.close()


class Ending:
    """A connection that has read several messages, of which the last is a close frame."""

    def __init__(self, *messages: tuple[int, bytes]) -> None:
        self._messages = list(messages)
        self.calls: list[str] = []
        self.transport = self.protocol = self
        self.mutex = Mutex()
        self.requests_changed = WaitList()
        self.has_work = False
        self.throttled: list[Any] = []

    def receive(self, what: Any) -> Any:
        if isinstance(what, float):  # called as the transport, with the time to wait
            return self._messages
        self.calls.append("handle")
        return [], []

    def hold_back(self) -> None:
        self.calls.append("hold back")

    def push(self) -> None:
        self.calls.append("push")

    def send_close(self, code: int) -> None:
        self.calls.append("close")


def reader_of(connection: Ending) -> Reader:
    session = SimpleNamespace(
        events=SimpleNamespace(publish=lambda events: None), state_changed=WaitList(), round_trips=deque()
    )
    return Reader(cast(Any, connection), ReconnectPolicy(), cast(Any, session))


def test_the_reader_pushes_when_all_messages_are_handled_or_the_connection_ends() -> None:
    connection = Ending((TEXT, b"a"), (TEXT, b"b"), (CLOSE, b""))
    with pytest.raises(ConnectionEnded):
        reader_of(connection).read()
    assert connection.calls == ["hold back", "handle", "handle", "close", "push"]


@pytest.mark.parametrize("number", [1, 17])
def test_a_single_message_and_a_burst_hold_nothing_back(number: int) -> None:
    connection = Ending(*[(TEXT, b"a")] * number)
    reader_of(connection).read()
    assert connection.calls == ["handle"] * number


# --- the transport ------------------------------------------------------------------------------------------


class Bytes:
    """A socket that returns the given parts, and then nothing."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = list(parts)

    def receive(self, timeout: float) -> bytes | None:
        return self._parts.pop(0) if self._parts else None


def test_a_protocol_error_is_raised_without_waiting_for_more_bytes() -> None:
    transport = Transport("ws://127.0.0.1:1/", {}, TransportOptions())
    transport._socket = Bytes(b"\x81\x01a\x81\x81")  # type: ignore[assignment]  # a message, then a masked frame
    assert transport.receive(0.0) == [(TEXT, b"a")]
    with pytest.raises(FrameError, match="masked"):
        transport.receive(0.0)

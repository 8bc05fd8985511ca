"""Reading and writing a connected socket, plain or under TLS, without ever blocking: one waits until it is ready."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Protocol

from .handshake import HandshakeSocket
from .tls import Tls

_CHUNK = 65536  # bytes; larger reads make the allocator map memory anew each time


class LineSocket(Protocol):
    """What the transport reads and writes."""

    def fileno(self) -> int:
        """The descriptor."""

    def receive(self) -> bytes | None:
        """Read what is there; None if there is nothing.

        Raises
        ------
        OSError
            When the connection ended.
        """

    def wait_readable(self, timeout: float | None) -> bool:
        """Wait until something can be read, `timeout` seconds at most; whether it can. One thread at a time."""

    def seal(self, data: bytes) -> bytes:
        """The bytes of the line that stand for `data`. What was sealed first must be sent first."""

    def send(self, data: bytes | memoryview) -> int:
        """Write of sealed bytes what can be written at once; how many that was."""

    def wait_writable(self, timeout: float | None) -> bool:
        """Wait until something can be written, `timeout` seconds at most; whether it can. One thread at a time."""


class PlainSocket:
    """A plain TCP socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        sock.setblocking(False)
        self.fileno = sock.fileno
        self.wait_readable = _waiter(sock, write=False)
        self.wait_writable = _waiter(sock, write=True)

    def receive(self) -> bytes | None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        if not data:
            raise ConnectionResetError("the peer closed the connection")
        return data

    def seal(self, data: bytes) -> bytes:
        return data

    def send(self, data: bytes | memoryview) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0


class SealedSocket:
    """A socket under TLS, whose handshake is done."""

    def __init__(self, sock: LineSocket, tls: Tls) -> None:
        self._socket = sock
        self._tls = tls
        self.fileno = sock.fileno
        self.seal = tls.seal
        self.send = sock.send
        self.wait_readable = sock.wait_readable
        self.wait_writable = sock.wait_writable

    def receive(self) -> bytes | None:
        data = self._socket.receive()
        return None if data is None else self._tls.unseal(data) or None


def adopt(shaken: HandshakeSocket) -> LineSocket:
    """Take over a socket whose handshake is done."""
    plain = PlainSocket(shaken.socket)
    return plain if shaken.tls is None else SealedSocket(plain, shaken.tls)


def _waiter(sock: socket.socket, write: bool) -> Callable[[float | None], bool]:
    """What waits until a socket is ready; ``poll`` where there is one, since ``select`` fails on large numbers."""
    if not hasattr(select, "poll"):
        sides = ([], [sock]) if write else ([sock], [])
        return lambda timeout: any(select.select(*sides, [], timeout))
    poll = select.poll()
    poll.register(sock, select.POLLOUT if write else select.POLLIN)
    return lambda timeout: bool(poll.poll(None if timeout is None else timeout * 1000))

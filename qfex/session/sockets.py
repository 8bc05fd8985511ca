"""Reading and writing a connected socket, from two threads at once, without ever blocking for long.

=============  ================================================  ==============================
kind           reading                                           writing
=============  ================================================  ==============================
`PlainSocket`  one blocking ``recv``, which the kernel ends       ``MSG_DONTWAIT``
               after `TICK`
`PolledSocket` ``poll``, then a ``recv`` that cannot block        non-blocking
=============  ================================================  ==============================

The first costs one system call less for each message. The second is for TLS, whose layer may hold decrypted bytes,
and may write in order to read; and for systems without ``MSG_DONTWAIT``.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable

_CHUNK = 65536  # bytes; larger reads make the allocator map memory anew each time
TICK = 0.25  # seconds; how late a reader of a plain socket may notice that its time is up

_BLOCKED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class PlainSocket:
    """A plain TCP socket."""

    #: Whether a write that fails has left nothing of its bytes behind.
    tells_what_left = True

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        sock.settimeout(None)
        seconds, fraction = divmod(TICK, 1.0)
        limit = struct.pack("@ll", int(seconds), int(fraction * 1e6))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._wait_writable = _waiter(sock, write=True)

    def receive(self, timeout: float) -> bytes | None:
        """Wait for bytes, `TICK` at most; None if none came.

        Raises
        ------
        OSError
            When the connection ended.
        """
        try:
            data = self._socket.recv(_CHUNK, 0 if timeout > 0 else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        return _not_ended(data)

    def send(self, data: bytes | memoryview) -> int:
        """Write what can be written at once; how many bytes that was."""
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def wait_writable(self, timeout: float | None) -> bool:
        """Wait until something can be written, `timeout` seconds at most; whether it can."""
        return self._wait_writable(timeout)


class PolledSocket:
    """A TLS socket, or any on a system without ``MSG_DONTWAIT``.

    `_lock` keeps reads and writes apart, because OpenSSL's connection objects do not bear both at once.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._lock = threading.Lock()
        self._pending = sock.pending if isinstance(sock, ssl.SSLSocket) else _nothing_pending
        # A TLS record may have left in part although the call says that nothing did.
        self.tells_what_left = not isinstance(sock, ssl.SSLSocket)
        sock.setblocking(False)
        self._wait_readable = _waiter(sock, write=False)
        self._wait_writable = _waiter(sock, write=True)

    def receive(self, timeout: float) -> bytes | None:
        """Wait for bytes; None if none came. See `PlainSocket.receive`."""
        if not self._pending():  # decrypted bytes that wait in the TLS layer do not show on the socket
            self._wait_readable(timeout)
        try:
            with self._lock:
                data = self._socket.recv(_CHUNK)
        except _BLOCKED:
            return None
        return _not_ended(data)

    def send(self, data: bytes | memoryview) -> int:
        """Write what can be written at once; how many bytes that was."""
        try:
            with self._lock:
                return self._socket.send(data)
        except _BLOCKED:
            return 0

    def wait_writable(self, timeout: float | None) -> bool:
        """Wait until something can be written, `timeout` seconds at most; whether it can."""
        return self._wait_writable(timeout)


def adopt(sock: socket.socket) -> PlainSocket | PolledSocket:
    """Take over a socket whose handshake is done."""
    plain = not isinstance(sock, ssl.SSLSocket) and sys.platform != "win32"
    return PlainSocket(sock) if plain else PolledSocket(sock)


def _not_ended(data: bytes) -> bytes:
    if not data:
        raise ConnectionResetError("the peer closed the connection")
    return data


def _nothing_pending() -> int:
    return 0


def _waiter(sock: socket.socket, write: bool) -> Callable[[float | None], bool]:
    """What waits until a socket is ready; ``poll`` where there is one, since ``select`` fails on large numbers."""
    if not hasattr(select, "poll"):
        sides = ([], [sock]) if write else ([sock], [])
        return lambda timeout: any(select.select(*sides, [], timeout))
    poll = select.poll()
    poll.register(sock, select.POLLOUT if write else select.POLLIN)
    return lambda timeout: bool(poll.poll(None if timeout is None else timeout * 1000))

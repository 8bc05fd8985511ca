"""One WebSocket: made by websocket-client, then read and written here, in bulk and without ever blocking for long.

Only the reader thread reads. Writers take turns under one lock, each with its own deadline; a write that fails or is cut
short ends the connection, since half a frame would corrupt what follows. Sockets are read and written from two threads at
once:

=============  ================================================  ==============================
kind           reading                                           writing
=============  ================================================  ==============================
`PlainSocket`  one blocking ``recv``, which the kernel ends       ``MSG_DONTWAIT``
               after `TICK`
`PolledSocket` ``poll``, then a ``recv`` that cannot block        non-blocking
`TlsSocket`    one of the above, decrypted                       one of the above, sealed before
=============  ================================================  ==============================

The first costs one system call less for each message. The second is for systems without ``MSG_DONTWAIT``.

Threads that wake one shortly after the other, and send at once, can share a packet: between `hold_back` and `push` the
system keeps what is sent. The peer then receives and answers the messages together, which takes a fifth less time for
each order of eight threads. If no push comes, the system sends by itself after 0.2 s (Linux; others hold nothing back).
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate
from time import time
from typing import Protocol
from urllib.parse import urlsplit

from .._version import __version__
from ..errors import NotConnected
from ..policies import TransportOptions
from ..threads import Deadline
from . import frames
from .frames import SendFailed, SendRefused
from .handshake import HandshakeClient, HandshakeSocket, Tls, TlsContext, connect_arguments, connect_error

USER_AGENT = f"qfex-sync/{__version__}"

_NO_WAIT = Deadline(0.0)
_CHUNK = 65536  # bytes; larger reads make the allocator map new memory each time
_AT_ONCE = (getattr(socket, "MSG_DONTWAIT", 0),)
_HELD_BACK = (_AT_ONCE[0] | getattr(socket, "MSG_MORE", 0),)
_ENDED = "the peer closed the connection"
TICK = 0.25  # seconds; how late a reader of a plain socket may notice that its time is up

# --- sockets -------------------------------------------------------------------------------------------------------


class ConnectedSocket(Protocol):
    """What the transport reads and writes."""

    def receive(self, timeout: float) -> bytes | None:
        """Wait for bytes; None if none came.

        Raises
        ------
        OSError
            When the connection ended.
        """

    def seal(self, data: bytes) -> bytes:
        """Encrypt `data`, where the connection is encrypted. What is sealed first must be sent first."""

    def send(self, data: bytes | memoryview, counts: list[int]) -> None:
        """Write as many sealed bytes as can be written at once, and append their number to `counts`.

        Both happen in one step of C code, so that Ctrl-C cannot come between.
        """

    def wait_writable(self, timeout: float | None) -> bool:
        """Wait until something can be written, `timeout` seconds at most; whether it can."""

    def hold_back(self) -> None:
        """Hold back what is sent from now on, until `push`."""

    def push(self) -> None:
        """Send what was held back."""


class PlainSocket:
    """A plain TCP socket. `receive` waits for `TICK` at most."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._send = sock.send
        sock.settimeout(None)
        seconds, fraction = divmod(TICK, 1.0)
        limit = struct.pack("@ll", int(seconds), int(fraction * 1e6))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._wait_writable = _wait_function(sock, write=True)
        self._holding = self._held = False

    def receive(self, timeout: float) -> bytes | None:
        try:
            data = self._socket.recv(_CHUNK, 0 if timeout > 0 else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if not data:
            raise ConnectionResetError(_ENDED)
        return data

    seal = staticmethod(bytes)  # which leaves bytes as they are

    def send(self, data: bytes | memoryview, counts: list[int]) -> None:
        holding = self._holding
        try:
            counts.extend(map(self._send, (data,), _HELD_BACK if holding else _AT_ONCE))
        except BlockingIOError:
            counts.append(0)
        if holding:
            self._held = True  # only now: a push before this had nothing to send
            if not self._holding:
                self._push()

    def wait_writable(self, timeout: float | None) -> bool:
        return self._wait_writable(timeout)

    def hold_back(self) -> None:
        self._holding = True

    def push(self) -> None:
        self._holding = False
        if self._held:
            self._push()

    def _push(self) -> None:
        self._held = False
        with suppress(OSError):  # the connection has ended
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class PolledSocket:
    """A TCP socket on a system without ``MSG_DONTWAIT``."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._send = sock.send
        sock.setblocking(False)
        self._wait_readable = _wait_function(sock, write=False)
        self._wait_writable = _wait_function(sock, write=True)

    def receive(self, timeout: float) -> bytes | None:
        self._wait_readable(timeout)
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        if not data:
            raise ConnectionResetError(_ENDED)
        return data

    seal = staticmethod(bytes)

    def send(self, data: bytes | memoryview, counts: list[int]) -> None:
        try:
            counts.extend(map(self._send, (data,)))
        except BlockingIOError:
            counts.append(0)

    def wait_writable(self, timeout: float | None) -> bool:
        return self._wait_writable(timeout)

    def hold_back(self) -> None:
        pass

    def push(self) -> None:
        pass


class TlsSocket:
    """A socket under TLS, whose handshake is done."""

    def __init__(self, sock: ConnectedSocket, tls: Tls) -> None:
        self._socket = sock
        self._tls = tls
        self.seal = tls.seal
        self.send = sock.send
        self.wait_writable = sock.wait_writable
        self.hold_back = sock.hold_back
        self.push = sock.push

    def receive(self, timeout: float) -> bytes | None:
        data = self._socket.receive(timeout)
        return None if data is None else self._tls.unseal(data) or None


def adopt(handshake: HandshakeSocket) -> ConnectedSocket:
    """The socket for reading and writing, once the handshake is done."""
    sock = handshake.socket
    connected: ConnectedSocket = PolledSocket(sock) if sys.platform == "win32" else PlainSocket(sock)
    return connected if handshake.tls is None else TlsSocket(connected, handshake.tls)


def _wait_function(sock: socket.socket, write: bool) -> Callable[[float | None], bool]:
    """A function that waits until a socket is ready, by ``poll`` if possible: ``select`` fails on large descriptors."""
    if not hasattr(select, "poll"):
        sides = ([], [sock]) if write else ([sock], [])
        return lambda timeout: any(select.select(*sides, [], timeout))
    poll = select.poll()
    poll.register(sock, select.POLLOUT if write else select.POLLIN)
    return lambda timeout: bool(poll.poll(None if timeout is None else timeout * 1000))


# --- the transport -------------------------------------------------------------------------------------------------


class Transport:
    """One connection's socket.

    `_send_lock` guards writing and `_close_sent`. It is a reentrant lock: only its owner can release it. `_writer` is the
    thread that is writing, and `_outgoing` has its frames, their encrypted bytes so far, and how many of those have left.

    Attributes
    ----------
    sent : int
        Messages sent so far, and the close frame.
    """

    def __init__(self, url: str, headers: dict[str, str], options: TransportOptions) -> None:
        self._url = url
        self._headers = [f"{name}: {value}" for name, value in {"User-Agent": USER_AGENT, **headers}.items()]
        self._options = options
        self._send_lock = threading.RLock()
        self._writer: int | None = None
        self._outgoing: tuple[Sequence[bytes], list[bytes], list[int]] = ((), [], [])
        self._close_sent = False
        self.sent = 0
        self._dead = False
        self._frames = frames.FrameReader()
        self._websocket = HandshakeClient(
            sslopt={"context": TlsContext(options.ca_file)}, skip_utf8_validation=True
        )
        self._rest = b""  # bytes that arrived together with the end of the handshake, and follow it
        self._socket: ConnectedSocket | None = None
        self._date: str | None = None
        self._dated_at = 0.0

    # --- connecting --------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect and shake hands.

        Raises
        ------
        AuthenticationError
            If the peer answers 401 or 403.
        NotConnected
            If the connection cannot be made for another reason, which may pass.
        """
        try:
            self._websocket.connect(  # type: ignore[no-untyped-call]
                self._url, header=self._headers, **connect_arguments(self._url, self._options)
            )
            if (status := self._websocket.getstatus()) != 101:
                raise NotConnected(f"{urlsplit(self._url).hostname} refused the connection: HTTP {status}")
        except Exception as error:
            self._websocket.shutdown()  # type: ignore[no-untyped-call]
            raise connect_error(error, self._url, self._websocket.answered) from None
        assert self._websocket.sock is not None
        self._date, self._dated_at = (self._websocket.getheaders() or {}).get("date"), time()
        self._socket, self._rest = adopt(self._websocket.sock), self._websocket.sock.rest

    @property
    def clock_skew(self) -> float | None:
        """Seconds by which the peer's clock is ahead, from its Date header; None where it sent none."""
        # Imported here, since it is needed only if credentials are refused.
        from email.utils import parsedate_to_datetime

        try:
            return parsedate_to_datetime(self._date or "").timestamp() - self._dated_at
        except (TypeError, ValueError):
            return None

    # --- reading: the reader thread only -----------------------------------------------------------------------

    def receive(self, timeout: float) -> list[tuple[int, bytes]]:
        """Wait for bytes; return the messages that they complete, as opcode and payload.

        Raises
        ------
        OSError
            When the connection ended.
        FrameError
            When the peer broke the protocol.
        """
        assert self._socket is not None
        if self._frames.error is not None:
            raise self._frames.error
        if self._rest:
            rest, self._rest = self._rest, b""
            return self._frames.feed(rest)
        data = self._socket.receive(timeout)
        return [] if data is None else self._frames.feed(data)

    def hold_back(self) -> None:
        """Hold back what other threads send from now on, until `push`."""
        assert self._socket is not None
        self._socket.hold_back()

    def push(self) -> None:
        """Send what was held back."""
        assert self._socket is not None
        self._socket.push()

    # --- writing: any thread -----------------------------------------------------------------------------------

    def send_control(self, opcode: int, payload: bytes) -> bool:
        """Send a ping or pong, if nobody is writing and the socket takes it; whether it was sent."""
        if not self._send_lock.acquire(blocking=False):
            return False
        try:
            sock = self._socket
            if self._dead or self._close_sent or sock is None or not sock.wait_writable(0.0):
                return False
            self._write_all(sock, [frames.encode_frame(opcode, payload)], _NO_WAIT)
        except SendFailed:
            return False
        finally:
            self._send_lock.release()
        return True

    def send_close(self, code: int = 1000, reason: str = "") -> None:
        """Send the close frame, once; a connection that cannot take it at once is left to `abort`."""
        with suppress(SendFailed):
            self.write([frames.encode_close(code, reason)], Deadline(0.2), closing=True)

    def write(self, whole: Sequence[bytes], deadline: Deadline, closing: bool = False) -> None:
        """Send frames together. After a `closing` one, no frame can follow.

        Raises
        ------
        SendFailed
            If not all of them were sent; unless none of them was begun, the connection is dead.
        """
        lock, me = self._send_lock, threading.get_ident()
        if self._writer == me and self._is_halfway():
            raise SendRefused("a signal handler interrupted the sending of another message")
        try:
            if not lock.acquire(False) and not lock.acquire(timeout=deadline.wait_time()):
                raise SendFailed("the connection is busy with another message")
            self._writer = me
            if self._dead or self._close_sent or self._socket is None:
                raise SendFailed("the connection is closed")
            self._close_sent = closing
            self._write_all(self._socket, whole, deadline)
            self.sent += len(whole)
        finally:
            # Ctrl-C may have come before or after the lock was acquired. A reentrant lock that this thread does not own
            # cannot be released by it, so trying is safe.
            if self._writer == me:
                self._writer = None
            try:
                lock.release()
            except RuntimeError:
                pass

    def _write_all(self, sock: ConnectedSocket, whole: Sequence[bytes], deadline: Deadline) -> None:
        sealed: list[bytes] = []
        counts: list[int] = []
        self._outgoing = whole, sealed, counts
        try:
            for frame in whole:
                sealed.append(sock.seal(frame))
            data = sealed[0] if len(sealed) == 1 else b"".join(sealed)
            sock.send(data, counts)
            while (sent := sum(counts)) < len(data):
                if deadline.passed or not sock.wait_writable(deadline.remaining()):
                    raise TimeoutError("the peer does not take the message")
                sock.send(memoryview(data)[sent:], counts)
        except OSError as error:
            self.abort()
            raise SendFailed(str(error) or type(error).__name__, begun=_begun(sealed, sum(counts))) from None
        except BaseException:  # Ctrl-C: if half a message has left, what follows would be corrupt
            if self._is_halfway():
                self.abort()
            raise

    def _is_halfway(self) -> bool:
        """Whether a part of what is being written has not left."""
        whole, sealed, counts = self._outgoing
        return len(sealed) < len(whole) or sum(counts) < sum(map(len, sealed))

    # --- the end -----------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """Cut the connection, from any thread; a reader that waits wakes at once."""
        self._dead = True
        sock = self._websocket.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def release(self) -> None:
        """Free the socket. Only after its last user is done."""
        self._dead = True
        sock = self._websocket.sock
        if sock is not None:
            sock.close()
        self._websocket.sock = None


def _begun(sealed: Sequence[bytes], sent: int) -> int:
    """How many frames begin within the first `sent` bytes."""
    starts = accumulate(map(len, sealed), initial=0)
    return sum(start < sent for start, _ in zip(starts, sealed, strict=False))

"""TLS as a codec: encrypted bytes in, plain bytes out, and back. After the handshake it does no I/O.

Python's TLS sockets read and write by themselves. That costs a poll and two reads for each message, makes a reader and a
writer wait for each other, and does not tell how much of a failed write has left. Here OpenSSL works in memory, and the
transport reads and writes the plain socket.
"""

from __future__ import annotations

import socket
import ssl

from ..threads import InnerMutex

_CHUNK = 16384  # bytes: the longest record


class Tls:
    """One TLS connection's client side. `_mutex` keeps threads apart: OpenSSL's objects serve one at a time.

    Messages of TLS itself (the answer to a key update) leave with the next message, as TLS 1.3 asks.
    """

    def __init__(self, context: ssl.SSLContext, hostname: str | None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._connection = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        self._mutex = InnerMutex()
        self._ended = False

    def shake_hands(self, sock: socket.socket) -> None:
        """Shake hands over a connected socket, within its timeout.

        Raises
        ------
        OSError
            When the connection ended, or the peer is not who it should be (`ssl.SSLCertVerificationError`).
        """
        while not self._is_agreed(sock):
            data = sock.recv(_CHUNK)
            if not data:
                raise ConnectionResetError("the peer closed the connection during the TLS handshake")
            self._incoming.write(data)

    def _is_agreed(self, sock: socket.socket) -> bool:
        try:
            self._connection.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:  # an alert too, so that the peer learns why it is refused
            sock.sendall(self._outgoing.read())
        return True

    def seal(self, data: bytes) -> bytes:
        """Encrypt. What is sealed first must be sent first."""
        with self._mutex:
            self._connection.write(data)
            return self._outgoing.read()

    def unseal(self, data: bytes) -> bytes:
        """Decrypt received bytes; empty if no record is whole yet.

        Raises
        ------
        OSError
            When the peer ended the connection, or something was tampered with.
        """
        with self._mutex:
            self._incoming.write(data)
            opened: list[bytes] = []
            try:
                while self._incoming.pending and not self._ended:  # a read takes the whole of a record
                    opened.append(self._connection.read(_CHUNK))
                    self._ended = not opened[-1]
            except ssl.SSLWantReadError:
                pass
            if self._ended and not any(opened):
                raise ConnectionResetError("the peer closed the connection")
            return opened[0] if len(opened) == 1 else b"".join(opened)

"""TLS as a codec: bytes of the line in, bytes of the application out, and back. No input, no output of its own.

Python's TLS sockets read and write by themselves, which costs a poll and two reads for each message, keeps a reader
and a writer apart for as long as the slower takes, and leaves open what of a failed write has left. Here OpenSSL works
in memory, and the plain socket stays in our hands.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading

_CHUNK = 65536  # bytes


class Tls:
    """One TLS connection's client side. `_lock` keeps threads apart: OpenSSL's objects do not bear two at once.

    What OpenSSL wants to say of its own accord (the answer to a key update) leaves with the next message, as TLS 1.3
    asks.
    """

    def __init__(self, context: ssl.SSLContext, hostname: str | None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._connection = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        self._lock = threading.Lock()
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
        finally:  # an alert, too: the peer is told why it is refused
            sock.sendall(self._outgoing.read())
        return True

    def seal(self, data: bytes) -> bytes:
        """Encrypt; what was sealed first must be sent first."""
        with self._lock:
            self._connection.write(data)
            return self._outgoing.read()

    def unseal(self, data: bytes) -> bytes:
        """Decrypt what came; empty where no record is whole yet.

        Raises
        ------
        OSError
            When the peer ended the connection, or something was tampered with.
        """
        with self._lock:
            self._incoming.write(data)
            opened: list[bytes] = []
            try:
                while not self._ended and (self._incoming.pending or self._connection.pending()):
                    opened.append(self._connection.read(_CHUNK))
                    self._ended = not opened[-1]
            except ssl.SSLWantReadError:
                pass
            if self._ended and not any(opened):
                raise ConnectionResetError("the peer closed the connection")
            return b"".join(opened)


class TlsSocket:
    """A socket under TLS, as far as websocket-client needs one for its handshake."""

    def __init__(self, sock: socket.socket, tls: Tls) -> None:
        self.socket = sock
        self.tls = tls
        self.rest = b""  # what was decrypted and not yet read

    def recv(self, size: int) -> bytes:
        """Read up to `size` bytes; none at the end."""
        while not self.rest:
            data = self.socket.recv(_CHUNK)
            if not data:
                return b""
            self.rest = self.tls.unseal(data)
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def send(self, data: bytes) -> int:
        """Write all bytes; how many those are."""
        self.socket.sendall(self.tls.seal(data))
        return len(data)

    def gettimeout(self) -> float | None:
        """Seconds that a read or write may take."""
        return self.socket.gettimeout()

    def settimeout(self, timeout: float | None) -> None:
        """Set how long a read or write may take."""
        self.socket.settimeout(timeout)

    def fileno(self) -> int:
        """The descriptor, to wait on."""
        return self.socket.fileno()

    def shutdown(self, how: int) -> None:
        """Cut the connection."""
        self.socket.shutdown(how)

    def close(self) -> None:
        """Free the socket."""
        self.socket.close()


class TlsContext:
    """Stands in for `ssl.SSLContext` where websocket-client wraps its sockets.

    Parameters
    ----------
    ca_file : str or None
        Certificates to trust; None means ``WEBSOCKET_CLIENT_CA_BUNDLE`` or the system's (``SSL_CERT_FILE``).
    """

    def __init__(self, ca_file: str | None) -> None:
        self._ca_file = ca_file or os.environ.get("WEBSOCKET_CLIENT_CA_BUNDLE") or None

    def wrap_socket(
        self, sock: socket.socket, server_hostname: str | None = None, **_options: object
    ) -> TlsSocket:
        """Shake hands over a connected socket."""
        context = ssl.create_default_context(cafile=self._ca_file)
        context.options |= ssl.OP_NO_RENEGOTIATION  # nobody would answer it
        tls = Tls(context, server_hostname)
        tls.shake_hands(sock)
        return TlsSocket(sock, tls)

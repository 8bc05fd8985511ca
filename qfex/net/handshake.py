"""The sockets on which websocket-client performs its handshake: they read ahead, under TLS where the URL says so.

websocket-client reads the response to the upgrade byte by byte, with a system call or two and several steps of Python for
each. It only joins what it gets until it sees the end of a line, so it is given a line at a time.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from io import SEEK_CUR, BytesIO

import websocket

from .tls import Tls

_CHUNK = 65536  # bytes
_HEAD = re.compile(rb"\S+ (\d+)\b.*?\n\s*\n", re.DOTALL)
_SWITCHING = 101


class HandshakeSocket:
    """A connected socket with the methods that websocket-client's handshake uses."""

    def __init__(self, sock: socket.socket, tls: Tls | None = None) -> None:
        self.socket = sock
        self.tls = tls
        self._ahead = BytesIO()
        self._head = b""  # what was taken line by line
        # Methods of the socket itself. The first one is called for each byte.
        self.gettimeout, self.settimeout = sock.gettimeout, sock.settimeout
        self.fileno, self.shutdown, self.close = sock.fileno, sock.shutdown, sock.close

    @property
    def rest(self) -> bytes:
        """Bytes that were read and decrypted, and not taken yet."""
        return self._ahead.read()

    @property
    def status(self) -> int | None:
        """HTTP status of the response; None until its whole head was taken."""
        found = _HEAD.match(self._head)
        return int(found[1]) if found else None

    def recv(self, size: int) -> bytes:
        """Take up to `size` bytes; none at the end."""
        return self._take(size) or (self._take(size) if self._read_on() else b"")

    def _take(self, size: int) -> bytes:
        """Take bytes that were read already. A reader of single bytes gets a whole line, and then its end."""
        if size > 1:
            return self._ahead.read(size)
        line = self._ahead.readline()
        if len(line) > 1 and line.endswith(b"\n"):
            self._ahead.seek(-1, SEEK_CUR)
            line = line[:-1]
        self._head += line
        return line

    def _read_on(self) -> bool:
        if self.status not in (None, _SWITCHING):
            return False  # the text of a refusal: nobody reads it, and it may never come
        opened = b""
        while not opened:  # under TLS, no record may be whole yet
            data = self.socket.recv(_CHUNK)
            if not data:
                return False
            opened = data if self.tls is None else self.tls.unseal(data)
        self._ahead = BytesIO(opened)
        return True

    def send(self, data: bytes) -> int:
        """Write all bytes; return how many."""
        self.socket.sendall(data if self.tls is None else self.tls.seal(data))
        return len(data)


class HandshakeClient(websocket.WebSocket):
    """websocket-client's handshake on a `HandshakeSocket`."""

    _ahead: HandshakeSocket | None = None
    _last: HandshakeSocket | None = None  # the same, even when websocket-client has given it up

    @property
    def answered(self) -> int | None:
        """HTTP status of the response; None if its head did not arrive whole."""
        return None if self._last is None else self._last.status

    @property  # type: ignore[override]
    def sock(self) -> HandshakeSocket | None:
        """The connection, once it is made."""
        return self._ahead

    @sock.setter
    def sock(self, sock: socket.socket | HandshakeSocket | None) -> None:
        self._ahead = HandshakeSocket(sock) if isinstance(sock, socket.socket) else sock
        self._last = self._ahead or self._last


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
    ) -> HandshakeSocket:
        """Shake hands over a connected socket."""
        context = ssl.create_default_context(cafile=self._ca_file)
        context.options |= ssl.OP_NO_RENEGOTIATION  # nobody would answer it
        tls = Tls(context, server_hostname)
        tls.shake_hands(sock)
        return HandshakeSocket(sock, tls)

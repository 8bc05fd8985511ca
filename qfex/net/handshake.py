"""Making a connection: the proxy, TLS, and the WebSocket handshake, which websocket-client performs.

A WebSocket goes through the proxy that a REST call to the same host goes through. websocket-client's own choice differs:
it lets ``NO_PROXY`` overrule a proxy that was given, does not know ``ALL_PROXY``, takes every proxy of the environment for
an HTTP one, and sends what is meant for this machine through it.

Python's TLS sockets read and write by themselves. That costs a poll and two reads for each message, makes a reader and a
writer wait for each other, and does not tell how much of a failed write has left. Here OpenSSL works in memory, and the
transport reads and writes the plain socket.

websocket-client reads the response to the upgrade byte by byte, with a system call or two and several steps of Python for
each. It only joins what it gets until it sees the end of a line, so it is given a line at a time.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
from io import SEEK_CUR, BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

import websocket

from ..arguments import LONGEST
from ..environment import is_loopback
from ..errors import AuthenticationError, NotConnected
from ..policies import TransportOptions
from ..threads import InnerMutex

_CHUNK = 65536  # bytes
_HEAD = re.compile(rb"\S+ (\d+)\b.*?\n\s*\n", re.DOTALL)
_SWITCHING = 101


# --- the proxy -----------------------------------------------------------------------------------------------------

#: Kinds of proxies that websocket-client can use, and the port of one that names none.
_PORTS = {"http": 80, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}

#: A proxy that no host uses; without one, websocket-client would ask the environment again.
_DIRECT = {"http_proxy_host": "none", "http_proxy_port": 1, "http_no_proxy": ["*"]}


def connect_arguments(url: str, options: TransportOptions) -> dict[str, object]:
    """Keyword arguments of websocket-client's ``connect``."""
    return {
        **_proxy_arguments(url, options.proxy),
        "timeout": min(options.connect_timeout, LONGEST),
        "http_proxy_timeout": min(options.connect_timeout, LONGEST),
        "suppress_origin": True,
        "redirect_limit": 0,  # credentials must not follow to another host
    }


def _proxy_arguments(url: str, given: str | None) -> dict[str, Any]:
    """Keyword arguments of websocket-client's ``connect`` that choose the proxy.

    Parameters
    ----------
    url : str
        What to connect to.
    given : str or None
        The proxy that the user named; None leaves it to the environment.

    Raises
    ------
    NotConnected
        If the proxy is of a kind that WebSockets cannot go through.
    """
    proxy = given or _of_environment(url)
    if proxy is None:
        return _DIRECT
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme not in _PORTS:
        raise NotConnected(f"WebSockets cannot go through a proxy of the kind {parts.scheme}://")
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": parts.port or _PORTS[parts.scheme],
        "http_proxy_auth": user,
        "proxy_type": parts.scheme,
        "http_no_proxy": ["-"],  # not the name of any host: the decision is made already
    }


def _of_environment(url: str) -> str | None:
    """The proxy that the environment, or the system's settings, name for a URL."""
    if not _may_name_a_proxy() or is_loopback(urlsplit(url).hostname or ""):
        return None
    # The functions that decide for REST; imported here, since a script without a proxy does not need them.
    from requests.utils import get_environ_proxies, select_proxy

    same = url.replace("ws", "http", 1)
    return select_proxy(same, get_environ_proxies(same))


def _may_name_a_proxy() -> bool:
    return sys.platform in ("darwin", "win32") or any(name.lower().endswith("_proxy") for name in os.environ)


# --- TLS -----------------------------------------------------------------------------------------------------------

_RECORD = 16384  # bytes: the longest record


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
            data = sock.recv(_RECORD)
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
                    opened.append(self._connection.read(_RECORD))
                    self._ended = not opened[-1]
            except ssl.SSLWantReadError:
                pass
            if self._ended and not any(opened):
                raise ConnectionResetError("the peer closed the connection")
            return opened[0] if len(opened) == 1 else b"".join(opened)


# --- the handshake -------------------------------------------------------------------------------------------------


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


def connect_error(error: Exception, url: str, status: int | None) -> NotConnected | AuthenticationError:
    """What a caller gets for an error of `HandshakeClient.connect`, and the HTTP status that came, if any."""
    host = urlsplit(url).hostname
    if isinstance(error, NotConnected):
        return error
    # The status counts, whether or not the text that goes with it arrived whole.
    if isinstance(error, websocket.WebSocketBadStatusException) or (status or 0) >= 400:
        refused = AuthenticationError if status in (401, 403) else NotConnected
        return refused(f"{host} refused the connection: HTTP {status}")
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "if a proxy inspects TLS, pass its certificate authority as ca_file="
        return NotConnected(f"the certificate of {host} is not trusted ({error.verify_message}); {hint}")
    if "redirect" in str(error).lower():
        return NotConnected(f"{host} redirects elsewhere, where credentials must not follow")
    if isinstance(error, websocket.WebSocketProxyException):
        answer = re.search(r"status: (\d+)", str(error))
        refusal = f"answers HTTP {answer[1]}" if answer else "does not connect"
        return NotConnected(f"cannot connect to {host}: the proxy {refusal}")
    # Texts of other errors may quote headers or the URL, which hold credentials.
    detail = f": {error}" if isinstance(error, OSError) else ""
    return NotConnected(f"cannot connect to {host}: {type(error).__name__}{detail}")

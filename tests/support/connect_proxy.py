"""A proxy on loopback that tunnels (``CONNECT``), whatever the host, to a port of this machine."""

from __future__ import annotations

import base64
import selectors
import socket
import threading
from types import TracebackType

_PATIENCE = 10.0  # seconds


class ConnectProxy:
    """Tunnels, for those who show the right user and password, if one is asked for.

    Attributes
    ----------
    asked : list of str
        The hosts and ports that it was asked for, in their order.
    """

    def __init__(self, user: str = "", password: str = "") -> None:
        self.asked: list[str] = []
        self.user, self.password = user, password
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> ConnectProxy:
        self._start(threading.Thread(target=self._accept, daemon=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            _end(sock)
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _start(self, thread: threading.Thread) -> None:
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(_PATIENCE)
            self._sockets.append(sock)
            self._start(threading.Thread(target=self._serve, args=(sock,), daemon=True))

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                self._answer(sock, _head(sock))
            except OSError:
                pass  # one side has gone

    def _answer(self, sock: socket.socket, head: list[str]) -> None:
        target = head[0].split(" ")[1]
        self.asked.append(target)
        if not self._may_pass(head):
            sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", int(target.rsplit(":", 1)[1])), _PATIENCE) as far:
            self._sockets.append(far)
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _tunnel(sock, far)

    def _may_pass(self, head: list[str]) -> bool:
        proof = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return not self.user or f"proxy-authorization: basic {proof}".lower() in (
            line.lower() for line in head
        )


def _head(sock: socket.socket) -> list[str]:
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = sock.recv(1)
        if not piece:
            raise ConnectionResetError
        data += piece
    return data.decode().split("\r\n")


def _tunnel(near: socket.socket, far: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ, far)
        selector.register(far, selectors.EVENT_READ, near)
        while True:
            for key, _ in selector.select(_PATIENCE):
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                if not data:
                    return
                key.data.sendall(data)


def _end(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # closed already

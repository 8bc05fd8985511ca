"""An HTTP proxy on loopback. It tunnels to ports of this machine, whatever the host is called."""

from __future__ import annotations

import base64
import selectors
import socket
from collections.abc import Callable
from functools import partial

from tests.support.loopback import PATIENCE, LoopbackServer


class ConnectProxy(LoopbackServer):
    """A proxy for ``CONNECT``, which asks for a user and a password if it has them.

    Attributes
    ----------
    targets : list of str
        The hosts and ports of the requests, in their order.
    """

    def __init__(self, user: str = "", password: str = "") -> None:
        super().__init__()
        self.targets: list[str] = []
        self.user, self.password = user, password

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def handler(self, sock: socket.socket) -> Callable[[], None]:
        """Answer the request, and tunnel if it is accepted."""
        return partial(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                self._answer(sock, _head(sock))
            except OSError:
                pass  # one side has disconnected

    def _answer(self, sock: socket.socket, head: list[str]) -> None:
        target = head[0].split(" ")[1]
        self.targets.append(target)
        if not self._may_pass(head):
            sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", int(target.rsplit(":", 1)[1])), PATIENCE) as far:
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
            for key, _ in selector.select(PATIENCE):
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                if not data:
                    return
                key.data.sendall(data)

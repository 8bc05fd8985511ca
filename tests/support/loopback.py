"""A TCP server on loopback with a thread for each connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

PATIENCE = 10.0  # seconds that a server waits for its client

Server = TypeVar("Server", bound="LoopbackServer")


class LoopbackServer:
    """Accepts connections while its block lasts. Then it ends them and waits for their threads."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    @property
    def port(self) -> int:
        """Its port on loopback."""
        return int(self._listener.getsockname()[1])

    def __enter__(self: Server) -> Server:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        # Closed only after the threads have ended: a thread that waits for a socket does not notice that it is closed.
        for sock in self._sockets:
            shut_down(sock)
        for thread in self._threads:
            thread.join(PATIENCE)
        for sock in self._sockets:
            sock.close()

    def handler(self, sock: socket.socket) -> Callable[[], None]:
        """The work of a new connection, which runs on its own thread. Connections come here in their order."""
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(sock)
            self._start(self.handler(sock))

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="loopback-server", daemon=True)
        self._threads.append(thread)
        thread.start()


def shut_down(sock: socket.socket) -> None:
    """End a connection, which wakes the thread that waits for its socket."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # not connected any more

"""The server's process: ``python -m benchmarks.server [DELAY [AUTHORITY_FILE]]``.

It prints the port as its first line. It waits for `DELAY` seconds before it answers an order. It serves plain WebSockets,
or TLS if a file for the authority is named. It ends when its standard input ends, so that it never outlives the run that
started it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from pathlib import Path

from benchmarks.server.certificate import server_context
from benchmarks.server.session import Session


def serve(connection: socket.socket, context: ssl.SSLContext | None, delay: float) -> None:
    """Serve one client. One that disconnects ends its own session only."""
    with contextlib.suppress(ConnectionError, ssl.SSLError), connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            Session(connection, delay).run()
        else:
            with context.wrap_socket(connection, server_side=True) as secured:
                Session(secured, delay).run()


def accept_forever(listener: socket.socket, context: ssl.SSLContext | None, delay: float) -> None:
    """Give each client a thread. All but one are idle while a slice is measured."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, context, delay), daemon=True).start()


def main(arguments: list[str]) -> None:
    """Serve until standard input ends."""
    delay = float(arguments[0]) if arguments else 0.0
    context = server_context(Path(arguments[1])) if len(arguments) > 1 else None
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=accept_forever, args=(listener, context, delay), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])

"""An HTTP server on loopback that sends prepared replies and records the requests."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from qfex.environment import Environment


@attrs.frozen
class Asked:
    """One received request. Header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    port: int


@attrs.frozen
class Reply:
    """One reply.

    `pieces` are sent one by one, with a pause after each: of `pace` seconds, or until `wait` is set. `truncate` closes
    the connection before the announced end.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = attrs.Factory(dict)
    pieces: tuple[bytes, ...] = ()
    pace: float = 0.0
    wait: threading.Event | None = None
    truncate: bool = False


def reply(document: Any, status: int = 200, **headers: str) -> Reply:
    """Return a reply with a JSON body. A keyword such as ``retry_after="1"`` becomes a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = "application/json" if status < 400 else "application/problem+json"
    return Reply(status, json.dumps(document).encode(), {"Content-Type": kind, **named})


#: Closes the connection instead of replying.
HANG_UP = Reply(status=0)

Responder = Callable[[Asked], Reply]


class ScriptedServer:
    """Answers each request with the next reply. The last reply is repeated."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.replies: list[Reply | Responder] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.handle(self)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._http.block_on_close = False
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def environment(self) -> Environment:
        """An environment with the URL of this server."""
        port = self._http.server_address[1]
        return Environment("ws://127.0.0.1:1", "ws://127.0.0.1:1", f"{self._scheme}://127.0.0.1:{port}")

    @contextmanager
    def running(self) -> Iterator[ScriptedServer]:
        self._thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._http.shutdown()
            self._http.server_close()
            self._thread.join(5)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        asked = _read(handler)
        with self._lock:
            self.asked.append(asked)
            chosen = self.replies[min(len(self.asked), len(self.replies)) - 1]
        answer = chosen if isinstance(chosen, Reply) else chosen(asked)
        if answer.status:
            self._answer(handler, answer)
        else:
            handler.close_connection = True

    def _answer(self, handler: BaseHTTPRequestHandler, answer: Reply) -> None:
        pieces = answer.pieces or (answer.body,)
        handler.send_response_only(answer.status)  # without a Date header, which a test may set itself
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.status != 204:
            length = sum(map(len, pieces)) + (1000 if answer.truncate else 0)
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        try:
            for piece in pieces:
                handler.wfile.write(piece)
                handler.wfile.flush()
                self.closing.wait(answer.pace)
                if answer.wait is not None:
                    while not (answer.wait.wait(0.05) or self.closing.is_set()):
                        pass
        except OSError:
            pass  # the client has closed the connection
        handler.close_connection = answer.truncate


def _read(handler: BaseHTTPRequestHandler) -> Asked:
    parts = urlsplit(handler.path)
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    headers = {name.lower(): value for name, value in handler.headers.items()}
    body = handler.rfile.read(int(headers.get("content-length", 0)))
    return Asked(handler.command, parts.path, query, headers, body, handler.client_address[1])

"""The venue's REST interface: positions, trades, finished orders."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .faults import Faults
from .ledger import Ledger
from .link import encode
from .messages import Message, balance_row, historic_row, position_row, rest_trade_row

_PAGE = 100


class RestServer:
    """Serves the account's history on loopback.

    Parameters
    ----------
    ledger : Ledger
    faults : Faults
    lock : Lock
        The venue's.
    newest_first : bool
        The order of trades and orders.
    """

    def __init__(self, ledger: Ledger, faults: Faults, lock: Any, newest_first: bool) -> None:
        self._ledger = ledger
        self._faults = faults
        self._lock = lock
        self._newest_first = newest_first
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.answer))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, target: str) -> tuple[int, Message]:
        """Status and body of the answer to a request."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        with self._lock:
            if self._faults.happens(self._faults.disturbances.rest_errors):
                return 503, {"title": "Service Unavailable", "status": 503}
            if parts.path == "/user/historic-orders":
                return 200, self._list(self._finished(query), query)
            if parts.path == "/user/trade":
                return 200, self._list([rest_trade_row(trade) for trade in self._ledger.trades], query)
            if parts.path == "/user/positions":
                rows = [position_row(self._ledger, symbol) for symbol in self._ledger.positions]
                return 200, {"positions": rows, "balance": balance_row(self._ledger)}
            return 404, {"title": "Not Found", "status": 404}

    def _finished(self, query: dict[str, str]) -> list[Message]:
        symbol, client_order_id = query.get("symbol"), query.get("client_order_id")
        return [
            historic_row(order)
            for order in sorted(self._ledger.orders.values(), key=lambda order: order.time)
            if not order.live
            and order.replaced_by is None
            and symbol in (None, order.symbol)
            and client_order_id in (None, order.client_order_id)
        ]

    def _list(self, rows: list[Message], query: dict[str, str]) -> Message:
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", _PAGE))
        ordered = rows[::-1] if self._newest_first else rows
        page = ordered[offset : offset + limit]
        return {"data": page or None, "count": len(page)}


def _handler(answer: Callable[[str], tuple[int, Message]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, message = answer(self.path)
            body = encode(message)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            try:
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # the client has stopped waiting
                pass

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler

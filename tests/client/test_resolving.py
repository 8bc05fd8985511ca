"""`resolve` on exchanges that answer only part of what it asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest

from qfex import OutcomeUnknown, TradeClient
from qfex.sim import Simulator
from tests.support.exchange import Exchange, Message, Peer, order
from tests.support.helpers import AAPL, QUICK, outcome

FINISHED = {
    "order_id": "h1", "client_order_id": "mine", "symbol": AAPL, "side": "BUY", "type": "LIMIT",
    "time_in_force": "GTC", "terminal_status": "FILLED", "status_ts": "2026-01-01T00:00:00Z",
    "quantity": 1.0, "filled_qty": 1.0, "passive_qty": 0.0, "price": 200.0, "avg_price": 200.0,
    "first_fill_ts": None, "last_fill_ts": None, "execution_state": "FULL",
}  # fmt: skip
OF_ANOTHER = {**FINISHED, "order_id": "h2", "client_order_id": "other"}
Answer = Callable[[Peer, Message], None]
Connect = Callable[..., TradeClient]


@contextmanager
def history(rows: list[Any]) -> Iterator[str]:
    """A REST interface that answers everything with these rows; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": rows, "count": len(rows)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def resolved(answers: dict[str, Answer | None], rows: list[Any], timeout: float = 5.0) -> Any:
    """What `resolve` returns or raises; None as an answer is silence."""

    def script(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            answer = answers.get(request["type"], Peer.oblige)
            if answer is not None:
                answer(peer, request)

    with history(rows) as url, Exchange(script) as exchange:
        environment = attrs.evolve(exchange.environment, rest_url=url)
        with TradeClient(environment, exchange.credentials, reconnect=QUICK) as client:
            found = outcome(lambda: client.resolve("mine", AAPL, timeout=timeout))
        assert len(exchange.peers) == 1, "the line was given up"
    return found


def denies_by_list(peer: Peer, request: Message) -> None:
    peer.send({"all_orders_response": {"orders": [], "twaps": []}})


def lists_it(peer: Peer, request: Message) -> None:
    peer.send({"all_orders_response": {"orders": [order("mine")["order_response"]], "twaps": []}})


def fails(peer: Peer, request: Message) -> None:
    peer.send({"err": {"error_code": "ServerError", "message": None, "incoming_message": request}})


@pytest.mark.parametrize("query", [Peer.oblige, denies_by_list])
@pytest.mark.parametrize("listing", [Peer.oblige, None])
def test_none_needs_the_query_and_the_history_only(query: Answer, listing: Answer | None) -> None:
    assert resolved({"get_order": query, "get_user_orders": listing}, []) is None


def test_a_live_order_that_only_the_list_knows_is_found() -> None:
    assert resolved({"get_user_orders": lists_it}, []).order_id == "id-of-mine"


def test_a_finished_order_is_found_among_others() -> None:
    found = resolved({"get_user_orders": None}, [OF_ANOTHER, FINISHED])
    assert (found.order_id, found.is_done) == ("h1", True)


@pytest.mark.parametrize("query", [None, fails])
def test_without_the_query_nothing_is_denied(query: Answer | None) -> None:
    assert isinstance(resolved({"get_order": query}, [], timeout=1.5), OutcomeUnknown)


def test_a_live_stop_without_a_name_may_be_the_order_that_is_asked_about() -> None:
    def lists_a_stop(peer: Peer, request: Message) -> None:
        stop = order("", type="STOP_LOSS", side="SELL", order_id="s1")["order_response"]
        peer.send({"all_orders_response": {"orders": [stop], "twaps": []}})

    found = resolved({"get_user_orders": lists_a_stop}, [])
    assert isinstance(found, OutcomeUnknown) and "without a client order id" in found.reason


@pytest.mark.parametrize("dialect", ["live", "documented"], indirect=True)
def test_a_stop_that_was_seen_placed_is_found_by_its_name(market: Simulator, connect: Connect) -> None:
    client = connect(market)
    client.place_market_order(AAPL, "BUY", 2, wait=True)
    stops = [
        client.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 100 + number, client_order_id=f"stop-{number}")
        for number in range(2)
    ]
    found = client.resolve("stop-1", AAPL)
    assert found is not None and found.order_id == stops[1].order_id
    assert client.resolve("never", AAPL) is None

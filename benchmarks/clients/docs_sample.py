"""The exchange's documentation sample, grown just enough to place orders from a program.

``WebSocketApp`` runs in a thread; ``on_message`` parses the text and hands the dict to the main thread
through a ``queue.Queue``.
"""

from __future__ import annotations

import json
import queue
import threading
from typing import Any

import websocket

from benchmarks.clients import messages
from benchmarks.memory import resident_bytes
from benchmarks.server import bursts, session
from benchmarks.timing import Laps, Sample, Stopwatch, clock, percentiles, repeat

TIMEOUT = 60.0


class DocsApp:
    """One connection of the sample."""

    def __init__(self, url: str) -> None:
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._app = websocket.WebSocketApp(url, on_open=self._on_open, on_message=self._on_message)
        self._thread = threading.Thread(target=self._app.run_forever, daemon=True)
        self._thread.start()
        self._await("authenticated")
        self.send(messages.subscribe("order_responses", "fills"))
        self._await("subscribed")
        self._await("subscribed")

    def _on_open(self, app: websocket.WebSocketApp) -> None:
        app.send(messages.auth())

    def _on_message(self, _app: websocket.WebSocketApp, text: str) -> None:
        self.messages.put(json.loads(text))

    def _await(self, key: str) -> None:
        while key not in self.messages.get(timeout=TIMEOUT):
            pass

    def send(self, text: str) -> None:
        """Send one text."""
        self._app.send(text)

    def order(self, symbol: str, quantity: int = 1) -> dict[str, Any]:
        """Place an order and return the answer to it."""
        message = messages.add_order(symbol, quantity)
        self._app.send(json.dumps(message))
        client_order_id = message["params"]["client_order_id"]
        while True:
            answer = self.messages.get(timeout=TIMEOUT).get("order_response")
            if answer is not None and answer["client_order_id"] == client_order_id:
                return answer  # type: ignore[no-any-return]

    def close(self) -> None:
        """Ask the server to close, since the thread would sleep for seconds after ``WebSocketApp.close``."""
        assert self._app.sock is not None
        self._app.sock.send_close()
        self._thread.join(TIMEOUT)


class DocsSampleClient:
    """The sample's tasks."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._app = DocsApp(url)

    def close(self) -> None:
        """End the connection."""
        self._app.close()

    def round_trips(self, count: int) -> Sample:
        """Place `count` orders, one after the other."""
        return repeat(lambda: self._app.order(session.ORDER), count)

    def first_orders(self, count: int) -> Sample:
        """Connect, authenticate, subscribe, place one order."""
        laps = Laps()
        for _ in range(count):
            with laps:
                app = DocsApp(self._url)
                app.order(session.ORDER)
            app.close()
        return laps.sample()

    def events(self, count: int) -> Sample:
        """Take a burst of `count` pushed messages from the queue."""
        self._app.order(bursts.FILLED_ORDERS, count)
        get = self._app.messages.get
        watch = Stopwatch()
        self._app.order(bursts.FIRE)
        while get(timeout=TIMEOUT)["order_response"]["symbol"] != bursts.LAST:
            pass
        return watch.per_operation(count)

    def event_latency(self, count: int) -> Sample:
        """Measure from sending an order to the fill that the exchange pushes just before its answer."""
        laps = []
        watch = Stopwatch()
        for _ in range(count):
            started = clock()
            self._app.send(json.dumps(messages.add_order(session.WITH_FILL)))
            self._app.messages.get(timeout=TIMEOUT)["fill_response"]
            laps.append(clock() - started)
            self._app.messages.get(timeout=TIMEOUT)["order_response"]
        return {**watch.per_operation(count), **percentiles(laps)}

    def queued_memory(self, count: int) -> Sample:
        """Measure the memory that `count` order messages take while the program does something else."""
        self._app.order(bursts.FILLED_ORDERS, count)
        before = resident_bytes()
        self._app.order(bursts.FIRE)
        pause = threading.Event()
        while self._app.messages.qsize() < count:
            pause.wait(0.02)
        return {"bytes": (resident_bytes() - before) / count}

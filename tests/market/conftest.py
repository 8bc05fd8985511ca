"""Market data clients of a simulator, and waits that end with what they wait for."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qfex import MarketDataClient, ReconnectPolicy
from qfex.sim import Simulator

from .market_exchange import Session

PATIENCE = 5.0  # seconds: an upper limit of waits, never a delay
FAST = ReconnectPolicy(initial_delay=0.01, max_delay=0.05)

MakeClient = Callable[..., MarketDataClient]


@pytest.fixture
def make_client(market: Simulator) -> Iterator[MakeClient]:
    """Make connected clients of the simulator; they are closed with the test."""
    made: list[MarketDataClient] = []

    def make(**options: Any) -> MarketDataClient:
        options = {"request_timeout": PATIENCE, "reconnect": FAST, **options}
        made.append(MarketDataClient(market.environment, **options))
        made[-1].connect()
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def data(make_client: MakeClient) -> MarketDataClient:
    """A connected client."""
    return make_client()


class Received:
    """A callback that records its events, which a test can wait for."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __call__(self, event: Any) -> None:
        self._events.put(event)

    def next(self, wanted: Callable[[Any], bool] = lambda event: True) -> Any:
        """The next event of a kind, waited for."""
        while True:
            event = self._events.get(timeout=PATIENCE)
            if wanted(event):
                return event

    @property
    def is_empty(self) -> bool:
        return self._events.empty()


@pytest.fixture
def session() -> Session:
    """A client's pure connections to an exchange without a socket."""
    return Session()

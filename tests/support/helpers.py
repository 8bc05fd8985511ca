"""What tests share: constants, quick policies, waiting for events, and what reached the exchange."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from time import monotonic
from typing import Any, TypeVar

import pytest

from qfex import Channel, ConnectionEvent, ConnectionState, ReconnectPolicy, TradeClient
from qfex.sim import Simulator

AAPL, GOLD = "AAPL-USD", "GOLD-USD"
PATIENCE = 5.0  # seconds: an upper limit of waits, never a delay
D = Decimal
Connect = Callable[..., TradeClient]

#: For tests of what is the same in both dialects of the exchange.
live_only = pytest.mark.parametrize("dialect", ["live"], indirect=True)

#: Reconnects at once. Its heartbeat is too slow to matter in a test.
QUICK = ReconnectPolicy(initial_delay=0.001, max_delay=0.02)
#: Reconnects at once, and notices a silent peer within half a second.
ALERT = ReconnectPolicy(initial_delay=0.001, max_delay=0.02, heartbeat_interval=0.25, heartbeat_timeout=0.25)

Result = TypeVar("Result")


def eventually(condition: Callable[[], Any], what: str, patience: float = 2 * PATIENCE) -> Any:
    """Wait until a condition holds, and return it. For what has no event to wait for."""
    pause, until = threading.Event(), monotonic() + patience
    while not (value := condition()):
        assert monotonic() < until, f"never happened: {what}"
        pause.wait(0.005)
    return value


@contextmanager
def background(work: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Run a call on its own thread. The value is a function that waits for its result."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield lambda: future.result(PATIENCE)


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returned, or the exception that it raised."""
    try:
        return call()
    except Exception as error:
        return error


def next_event(
    stream: Any, wanted: Callable[[Any], bool] = lambda event: True, timeout: float = PATIENCE
) -> Any:
    """The next wanted event of a stream; others are skipped. Raises `NoEvent` when none arrives in time."""
    end = monotonic() + timeout
    while True:
        event = stream.get(max(0.0, end - monotonic()))
        if wanted(event):
            return event


def catch_up(client: TradeClient) -> None:
    """Wait until the client has read everything that the exchange has sent so far."""
    client.get_leverage()


def sent(sim: Simulator, command: str) -> list[dict[str, Any]]:
    """The parameters of every command of a type that reached the exchange."""
    return [entry.params for entry in sim.ledger.received if entry.command == command]


def trading_commands(sim: Simulator) -> int:
    """The number of commands that reached the exchange, without those of the login."""
    login = ("auth", "subscribe", "cancel_on_disconnect")
    return sum(entry.command not in login for entry in sim.ledger.received)


class Received:
    """A callback that records the events that it receives."""

    def __init__(self, client: TradeClient | None = None, *channels: Channel) -> None:
        self.events: list[Any] = []
        self.threads: set[str] = set()
        self._read = 0  # events that `next` has returned or skipped
        self._grown = threading.Condition()
        for channel in channels:
            assert client is not None
            client.on(channel, self)

    def __call__(self, event: Any) -> None:
        with self._grown:
            self.threads.add(threading.current_thread().name)
            self.events.append(event)
            self._grown.notify_all()

    def next(self, wanted: Callable[[Any], bool] = lambda event: True) -> Any:
        """The next wanted event, waited for. Events before it are skipped."""
        while True:
            event = self.wait(lambda events: len(events) > self._read)[self._read]
            self._read += 1
            if wanted(event):
                return event

    @property
    def is_empty(self) -> bool:
        """Whether `next` has returned or skipped every event so far."""
        return self._read == len(self.events)

    def wait(self, enough: Callable[[list[Any]], Any], patience: float = PATIENCE) -> list[Any]:
        """Wait until the list of events meets a condition."""
        with self._grown:
            assert self._grown.wait_for(lambda: enough(self.events), patience), f"not enough: {self.events}"
            return list(self.events)

    def count(self, number: int) -> list[Any]:
        """Wait for a number of events."""
        return self.wait(lambda events: len(events) >= number)


def wait_for_reconnects(received: Received, times: int = 1) -> list[ConnectionEvent]:
    """Wait until a client has reconnected a number of times; the events of that."""
    events = received.wait(lambda events: len(_outages(events)) >= times)
    return _outages(events)


def _outages(events: list[ConnectionEvent]) -> list[ConnectionEvent]:
    return [event for event in events if event.state is ConnectionState.READY and event.gap_end]


def new_client(sim: Simulator, credentials: Any = None, **options: Any) -> TradeClient:
    """A client of a simulator that is not connected yet."""
    options = {"request_timeout": PATIENCE, **options}
    return TradeClient(sim.environment, credentials or sim.credentials, **options)

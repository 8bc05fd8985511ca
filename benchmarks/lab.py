"""What a scenario works with: one server and one persistent worker for each client, all placed and pinned."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import clients, pinning, sdk_environment
from benchmarks.contest import Entry
from benchmarks.processes import Server, Worker
from benchmarks.timing import Sample


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes
    ----------
    rounds
        Measured rounds of each comparison; one more is run before them to warm up. Many short ones: a machine whose
        speed changes from second to second then disturbs all contestants of a round alike.
    scale
        Factor on the number of orders and events of a round.
    session_events
        Events in the long session.
    """

    rounds: int = 15
    scale: float = 1.0
    session_events: int = 1_000_000

    @property
    def few_rounds(self) -> int:
        """Rounds of what takes long, or hardly differs from round to round."""
        return min(self.rounds, 7)

    def count(self, full: int, least: int = 16) -> int:
        """Scale a full run's count."""
        return max(least, int(full * self.scale))


class Lab:
    """A server and the clients that were asked for, until the ``with`` block ends."""

    def __init__(self, pin: str = "one", *, tls: bool = False) -> None:
        self._placement = pinning.place(pin)
        self._tls = tls
        self._stack = ExitStack()
        self._workers: dict[str, Worker] = {}
        self._environment: dict[str, str] = {}

    def __enter__(self) -> Lab:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        authority = folder / "authority.pem" if self._tls else None
        self.server = self._stack.enter_context(Server(self._placement.server, authority))
        if authority is not None:
            trust = ("SSL_CERT_FILE", "WEBSOCKET_CLIENT_CA_BUNDLE")
            self._environment = dict.fromkeys(trust, str(authority))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def entry(self, client: str, task: str, *, busy: bool = False, **arguments: Any) -> Entry:
        """Return a contestant: this task, done by the client's persistent worker."""
        return lambda: self.worker(client).call(task, busy=busy, **arguments)

    def fresh_entry(self, client: str, task: str, **arguments: Any) -> Entry:
        """Return a contestant that has a new process in each round."""

        def measure() -> Sample:
            with self._start(client) as worker:
                return worker.call(task, **arguments)

        return measure

    def worker(self, client: str) -> Worker:
        """Return the client's worker, started at the first call."""
        if client not in self._workers:
            self._workers[client] = self._stack.enter_context(self._start(client))
        return self._workers[client]

    def _start(self, client: str) -> Worker:
        python = sdk_environment.python() if client == clients.SDK else None
        return Worker(
            client, self.server.url, self._placement.clients, python=python, environment=self._environment
        )

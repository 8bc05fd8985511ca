"""Cuts of the connection after each byte of an order's messages, and the outcome of each."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from qfex import Channel, Fill, HmacCredentials, OutcomeUnknown, TradeClient
from qfex.sim import Simulator
from tests.support.helpers import AAPL, QUICK, eventually, outcome

Direction = Literal["in", "out"]  # as the exchange sees it: from the client, to the client

_WORKERS = 32  # most of a case is waiting for the grace period of `resolve`
_CASES_OF_A_CLIENT = 8  # then another account takes over, so that its lists stay short


@dataclass
class Case:
    """One cut: where it was, the outcome of the order, and the result of `resolve` where that was unknown."""

    direction: Direction
    after: int
    outcome: Any = None
    resolved: Any = None

    @property
    def client_order_id(self) -> str:
        """The client order id. All have one length, so that all messages do."""
        return f"cut-{self.direction:-<3}-{self.after:06}"


class CutClient:
    """A client with its own account, behind its own network proxy."""

    def __init__(self, sim: Simulator, terms: dict[str, Any]) -> None:
        self._terms = terms
        self.credentials: HmacCredentials = sim.create_account(10_000_000)
        self.fills: list[Fill] = []
        self._cable = sim.cable()
        self._client = TradeClient(
            self._cable.environment, self.credentials, reconnect=QUICK, rate_limit=None
        )
        self._client.on(Channel.FILLS, self.fills.append)
        self._client.connect()

    def play(self, case: Case) -> None:
        """Place an order on a connection that will be cut, and resolve it if its outcome is unknown."""
        client = self._client
        connection = self._current_connection()
        self._cable.cut_after_bytes(case.after, case.direction)
        case.outcome = outcome(lambda: self._place(case.client_order_id))
        if isinstance(case.outcome, OutcomeUnknown):
            case.resolved = outcome(lambda: client.resolve(case.client_order_id, AAPL))
        eventually(lambda: client._session.current is not connection, f"the cut of {case}")
        client.wait_until_ready()

    def measure(self, direction: Direction) -> int:
        """The number of bytes that an order and its replies have in a direction."""
        ample = 1_000_000
        self._current_connection()
        self._cable.cut_after_bytes(ample, direction)
        case = Case(direction, 0)
        self._place(case.client_order_id)
        left: int = self._cable._countdowns[direction].left
        self._cable.flow()
        return ample - left

    def close(self) -> None:
        """Let the callbacks finish, and close the client."""
        self._client.close()

    def _place(self, client_order_id: str) -> Any:
        return self._client.place_order(AAPL, **self._terms, client_order_id=client_order_id)

    def _current_connection(self) -> Any:
        self._client.wait_until_ready()
        return self._client._session.current


def every_cut(lengths: dict[Direction, int]) -> list[Case]:
    """A case for every byte of the messages, in both directions."""
    return [Case(direction, after) for direction, length in lengths.items() for after in range(1, length + 1)]


def play_all(sim: Simulator, terms: dict[str, Any], cases: Iterable[Case]) -> list[CutClient]:
    """Share the cases among clients, several of which work at a time."""
    shared, clients = _Shared(iter(cases)), []

    def work() -> None:
        while batch := shared.take(_CASES_OF_A_CLIENT):
            client = CutClient(sim, terms)
            clients.append(client)
            for case in batch:
                client.play(case)
            client.close()

    with ThreadPoolExecutor(_WORKERS) as pool:
        for finished in [pool.submit(work) for _ in range(_WORKERS)]:
            finished.result()
    return clients


class _Shared:
    """Cases that several threads share."""

    def __init__(self, cases: Iterator[Case]) -> None:
        self._cases = cases
        self._lock = threading.Lock()

    def take(self, number: int) -> list[Case]:
        with self._lock:
            return [case for _, case in zip(range(number), self._cases, strict=False)]

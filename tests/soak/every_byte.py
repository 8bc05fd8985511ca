"""Cuts the line after each byte of an order's conversation, and writes down what the caller was told."""

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

_WORKERS = 32  # most of a case is waiting, for the grace of `resolve`
_CASES_OF_A_CLIENT = 8  # then another account takes over, so that its lists stay short


@dataclass
class Case:
    """One cut: where it was, what the caller was told, and what `resolve` said where that was "unknown"."""

    direction: Direction
    after: int
    told: Any = None
    resolved: Any = None

    @property
    def client_order_id(self) -> str:
        """The order's id; all are of one length, so that all conversations are."""
        return f"cut-{self.direction:-<3}-{self.after:06}"


class Customer:
    """A client on an account of its own, behind a cable of its own."""

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
        """Place an order on a line that will be cut, and find out what became of it."""
        client = self._client
        line = self._current_line()
        self._cable.cut_after_bytes(case.after, case.direction)
        case.told = outcome(lambda: self._place(case.client_order_id))
        if isinstance(case.told, OutcomeUnknown):
            case.resolved = outcome(lambda: client.resolve(case.client_order_id, AAPL))
        eventually(lambda: client._session.current is not line, f"the cut of {case}")
        client.wait_until_ready()

    def measure(self, direction: Direction) -> int:
        """How many bytes the conversation has in a direction."""
        ample = 1_000_000
        self._current_line()
        self._cable.cut_after_bytes(ample, direction)
        case = Case(direction, 0)
        self._place(case.client_order_id)
        left: int = self._cable._countdowns[direction].left
        self._cable.flow()
        return ample - left

    def close(self) -> None:
        """Let the callbacks finish, and leave."""
        self._client.close()

    def _place(self, client_order_id: str) -> Any:
        return self._client.place_order(AAPL, **self._terms, client_order_id=client_order_id)

    def _current_line(self) -> Any:
        self._client.wait_until_ready()
        return self._client._session.current


def every_cut(lengths: dict[Direction, int]) -> list[Case]:
    """A case for every byte of the conversation, in both directions."""
    return [Case(direction, after) for direction, length in lengths.items() for after in range(1, length + 1)]


def play_all(sim: Simulator, terms: dict[str, Any], cases: Iterable[Case]) -> list[Customer]:
    """Share the cases among customers, some of them at work at a time."""
    shared, customers = _Shared(iter(cases)), []

    def work() -> None:
        while batch := shared.take(_CASES_OF_A_CLIENT):
            customer = Customer(sim, terms)
            customers.append(customer)
            for case in batch:
                customer.play(case)
            customer.close()

    with ThreadPoolExecutor(_WORKERS) as pool:
        for finished in [pool.submit(work) for _ in range(_WORKERS)]:
            finished.result()
    return customers


class _Shared:
    """Cases that several threads take from."""

    def __init__(self, cases: Iterator[Case]) -> None:
        self._cases = cases
        self._lock = threading.Lock()

    def take(self, number: int) -> list[Case]:
        with self._lock:
            return [case for _, case in zip(range(number), self._cases, strict=False)]

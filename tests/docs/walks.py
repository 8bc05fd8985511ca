"""Traces of the files of `qfex` that a call passes through, on each thread. ``python -m tests.docs.walks`` prints them.

A trace has one entry for each Python function called. Imports, generated code and the simulator do not count.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import qfex
from qfex import Channel, TradeClient
from qfex.sim import Simulator

PACKAGE = Path(qfex.__file__).parent
SYMBOL = "AAPL-USD"
PATIENCE = 10.0  # seconds
SETTLED = 0.1  # seconds in which the reader thread goes back to its socket

CALLER, READER, DISPATCHER = "the caller's thread", "the reader thread", "the dispatcher thread"
_ROLES = {"qfex-trade-reader": READER, "qfex-trade-dispatcher": DISPATCHER}

#: A walk and a thread -> the files that were passed, in the order of the calls.
Walks = dict[tuple[str, str], list[str]]

FILL = {
    "user_id": "u1", "symbol": SYMBOL, "price": 330.0, "quantity": 0.1, "side": "BUY",
    "aggressor_side": "SELL", "order_id": "o1", "fee": 0.01, "order_type": "LIMIT", "tif": "GTC",
    "order_price": 330.0, "client_order_id": "c1", "remaining_quantity": 0, "take_profit": 0, "stop_loss": 0,
    "execution_type": "TRADE", "timestamp": 1760545414.5, "realised_pnl": 0,
}  # fmt: skip


class Tracer:
    """Records the files of the functions that are called, for each thread that has the hook."""

    def __init__(self) -> None:
        self._calls: list[tuple[str, str]] | None = None

    def hook(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note a call; set with `sys.setprofile` and `threading.setprofile`."""
        calls, code = self._calls, frame.f_code
        if calls is None or event != "call" or code.co_name == "<module>":
            return
        path = Path(code.co_filename)
        if path.is_relative_to(PACKAGE) and not path.is_relative_to(PACKAGE / "sim"):
            calls.append((threading.current_thread().name, f"qfex/{path.relative_to(PACKAGE).as_posix()}"))

    @contextmanager
    def threads(self) -> Iterator[None]:
        """Hook the threads that start from now on, and the calling one."""
        before = sys.getprofile()
        threading.setprofile(self.hook)
        sys.setprofile(self.hook)
        try:
            yield
        finally:
            sys.setprofile(before)
            threading.setprofile(None)

    def record(self, action: Callable[[], object]) -> dict[str, list[str]]:
        """The files passed by each thread during an action, and until the reader thread waits again."""
        self._calls = calls = []
        action()
        own = len(calls)
        threading.Event().wait(SETTLED)
        self._calls = None
        me = threading.current_thread().name
        files: dict[str, list[str]] = {}
        for number, (name, path) in enumerate(calls):
            if name != me or number < own:
                files.setdefault(_ROLES.get(name, CALLER), []).append(path)
        return files


@dataclass(frozen=True)
class ListedWalk:
    """A walk as the page describes it."""

    file_count: int
    changes: int
    files: list[str]


def walks_of(text: str) -> dict[tuple[str, str], ListedWalk]:
    """The walks of a page: a heading with the figures, and a table with one row for each file."""
    walks = {}
    for section in text.split("\n### ")[1:]:
        heading = re.match(r"`?([^`,]+)`?, on (.+ thread): (\d+) files, (\d+) changes\n", section)
        if heading:
            files = re.findall(r"^\| `(\S+)` \|", section, re.M)
            walks[heading[1], heading[2]] = ListedWalk(int(heading[3]), int(heading[4]), files)
    return walks


def changes(files: list[str]) -> int:
    """How often a trace goes from one file to another."""
    return sum(one != other for one, other in pairwise(files))


def measure() -> Walks:
    """Trace an order, a fill that reaches a callback, and a reconnect."""
    tracer, walks = Tracer(), Walks()
    with (
        Simulator(symbols=[SYMBOL]) as exchange,
        tracer.threads(),
        TradeClient(exchange.environment, exchange.credentials) as client,
    ):
        _place(client)  # what is done only once, such as imports, is done now
        _add(walks, "place_order", tracer.record(lambda: _place(client)))

        received = threading.Event()
        client.on(Channel.FILLS, lambda fill: received.set())
        _fill(exchange, received, "t1")
        traced = tracer.record(lambda: _fill(exchange, received, "t2"))
        _add(walks, "a fill", {role: traced[role] for role in (READER, DISPATCHER)})

        with client.stream(Channel.CONNECTION) as events:
            traced = tracer.record(lambda: _reconnect(exchange, events))
        _add(walks, "a reconnect", {READER: traced[READER]})
    return walks


def _add(walks: Walks, walk: str, traced: dict[str, list[str]]) -> None:
    walks.update({(walk, role): files for role, files in traced.items()})


def _place(client: TradeClient) -> None:
    client.place_order(SYMBOL, "BUY", "0.1", "330.00")


def _fill(exchange: Simulator, received: threading.Event, trade_id: str) -> None:
    received.clear()
    exchange.faults.inject({"fill_response": {**FILL, "trade_id": trade_id}})
    received.wait(PATIENCE)


def _reconnect(exchange: Simulator, events: Any) -> None:
    exchange.faults.drop_now()
    while events.get(PATIENCE).gap_end is None:
        pass


def main() -> None:
    """Print what `measure` finds."""
    for (walk, role), files in measure().items():
        passed = list(dict.fromkeys(files))
        print(f"{walk}, on {role}: {len(passed)} files, {changes(files)} changes")
        print("".join(f"  {path}\n" for path in passed))


if __name__ == "__main__":
    main()

"""Counts the function calls that one order costs: ``python -m benchmarks.calls``.

Times change with the machine and its other work; this number changes with the code only. Calls of Python
functions cost several times those of C functions, so they are counted apart.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks import clients
from benchmarks.processes import ROOT, Server

ORDERS = 200
_SHOWN = 60


class CallCounter:
    """Counts calls in the threads that start while it is installed, once it is switched on."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, bool, str]] = Counter()
        self.on = False

    def install(self) -> None:
        """Watch this thread, and threads to come."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    @staticmethod
    def remove() -> None:
        """Watch no more."""
        sys.setprofile(None)
        threading.setprofile(None)  # as it was

    def _note(self, frame: FrameType, event: str, function: Any) -> None:
        if self.on and event in ("call", "c_call"):
            name = _place(frame) if event == "call" else getattr(function, "__qualname__", repr(function))
            self.calls[threading.current_thread().name, event == "call", name] += 1


def _place(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return f"{shown}:{frame.f_code.co_firstlineno} {frame.f_code.co_name}"


def count(task: str = "round_trips", **arguments: Any) -> CallCounter:
    """Count the calls of a task of the library's client."""
    counter = CallCounter()
    with Server(frozenset()) as server:
        counter.install()
        client = clients.create(clients.LIBRARY, server.url)
        try:
            getattr(client, task)(**arguments)
            counter.on = True
            getattr(client, task)(**arguments)
            counter.on = False
        finally:
            client.close()
            counter.remove()
    return counter


def main() -> None:
    """Print the calls of one order, most frequent first."""
    counter = count(count=ORDERS)
    totals: Counter[tuple[str, bool]] = Counter()
    for (thread, python, _), calls in counter.calls.items():
        totals[thread, python] += calls
    for (thread, python), calls in totals.most_common():
        print(f"{calls / ORDERS:8.1f}  {'Python' if python else 'C'} calls an order in {thread}")
    for (thread, python, name), calls in counter.calls.most_common(_SHOWN):
        print(f"{calls / ORDERS:8.1f}  {thread:20} {'' if python else 'C '}{name}")


if __name__ == "__main__":
    main()

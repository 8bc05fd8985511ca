"""The library under a profile function that counts the function calls of its tasks."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from benchmarks.clients.library import LibraryClient
from benchmarks.processes import ROOT
from benchmarks.timing import Sample

_OWN = str(ROOT / "benchmarks")
CALLER = "MainThread"


class Call(NamedTuple):
    """A function, and the thread that called it."""

    thread: str
    is_python: bool
    function: str


class CallCounter:
    """Counts the calls in this thread and in threads that start later, but not those of the benchmarks' functions."""

    def __init__(self) -> None:
        self.calls: Counter[Call] = Counter()
        self.enabled = False

    def install(self) -> None:
        """Install the profile function, in threads to come as well."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    @staticmethod
    def remove() -> None:
        """Remove the profile function from this thread and from threads to come."""
        sys.setprofile(None)
        threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, function: Any) -> None:
        if not self.enabled or event not in ("call", "c_call") or frame.f_code.co_filename.startswith(_OWN):
            return
        is_python = event == "call"
        name = _place(frame) if is_python else getattr(function, "__qualname__", repr(function))
        self.calls[Call(threading.current_thread().name, is_python, name)] += 1


def _place(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return f"{shown}:{frame.f_code.co_firstlineno} {frame.f_code.co_name}"


class CallCounts:
    """Counts the calls of a warm library client."""

    def __init__(self, url: str) -> None:
        self._counter = CallCounter()
        self._counter.install()  # before the library starts its threads
        self._client = LibraryClient(url)

    def close(self) -> None:
        """End the connection and the counting."""
        self._client.close()
        self._counter.remove()

    def calls(self, task: str, **arguments: Any) -> Counter[Call]:
        """Return the calls of a task when it runs for the second time."""
        perform = getattr(self._client, task)
        perform(**arguments)
        self._counter.calls.clear()
        self._counter.enabled = True
        perform(**arguments)
        self._counter.enabled = False
        return self._counter.calls.copy()

    def order(self, count: int) -> Sample:
        """Count the calls of Python functions for each of `count` orders, in the caller's thread and in all others."""
        sides = {"caller_calls": 0, "reader_calls": 0}
        for call, number in self.calls("round_trips", count=count).items():
            if call.is_python:
                sides["caller_calls" if call.thread == CALLER else "reader_calls"] += number
        return {side: number / count for side, number in sides.items()}

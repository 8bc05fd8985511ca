"""Timers on the engine's clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count


class Timer:
    """An action that runs once, unless it is cancelled."""

    __slots__ = ("due", "action", "cancelled")

    def __init__(self, due: float, action: Callable[[], None]) -> None:
        self.due = due
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        """Prevent the action from running."""
        self.cancelled = True


class Timers:
    """A queue of timers by due time; those that are due at the same time run in the order in which they were set."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, Timer]] = []
        self._order = count()

    def at(self, due: float, action: Callable[[], None]) -> Timer:
        """Run `action` when the clock reaches `due`."""
        timer = Timer(due, action)
        heapq.heappush(self._queue, (due, next(self._order), timer))
        return timer

    def next_due(self) -> float | None:
        """Return when the next timer is due."""
        while self._queue and self._queue[0][2].cancelled:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def pop_due(self, until: float) -> Timer | None:
        """Remove and return the next timer that is due at or before `until`."""
        due = self.next_due()
        if due is None or due > until:
            return None
        return heapq.heappop(self._queue)[2]

"""Quantities over time, and the windows in which REST reports them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import Generic, TypeVar

Value = TypeVar("Value")
LIMIT = 100_000


class Series(Generic[Value]):
    """A quantity over time, noted where it changes; the older half is forgotten beyond a limit."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._values: list[Value] = []

    @property
    def start(self) -> float | None:
        """When the first value was noted, unix seconds."""
        return self._times[0] if self._times else None

    @property
    def first(self) -> Value | None:
        """The first value noted."""
        return self._values[0] if self._values else None

    def note(self, moment: float, value: Value) -> None:
        """Note the value at a time that is not before the last one."""
        if self._values and self._values[-1] == value:
            return
        self._times.append(moment)
        self._values.append(value)
        if len(self._times) > LIMIT:
            del self._times[: LIMIT // 2], self._values[: LIMIT // 2]

    def at(self, moment: float) -> Value | None:
        """Return the value in force at a time, None before the first."""
        index = bisect_right(self._times, moment)
        return self._values[index - 1] if index else None

    def within(self, start: float, end: float) -> list[Value]:
        """Return the value in force at ``start`` and those noted from then until before ``end``."""
        first = max(bisect_right(self._times, start) - 1, 0)
        return self._values[first : bisect_left(self._times, end)]


def windows(start: float, end: float, step: float) -> list[float]:
    """Return the starts of the windows that begin in the range or contain its start, aligned to ``step``.

    Parameters
    ----------
    start, end : float
        Unix seconds; a window that begins at ``end`` is not included.
    step : float
        Length of a window.
    """
    first = math.floor(start / step)
    return [index * step for index in range(first, math.ceil(end / step))]

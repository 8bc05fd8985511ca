"""A point in monotonic time that several waits share."""

from __future__ import annotations

import threading
from time import monotonic


class Deadline:
    """The time by which a call must have ended.

    Parameters
    ----------
    timeout : float or None
        Seconds from now; None for no limit.
    """

    __slots__ = ("_end",)

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else monotonic() + timeout

    def remaining(self) -> float | None:
        """Seconds left, not below 0; None for no limit."""
        return None if self._end is None else max(0.0, self._end - monotonic())

    def part(self, share: int) -> Deadline:
        """A deadline after one of `share` equal shares of the time left."""
        left = self.remaining()
        return Deadline(None if left is None else left / share)

    def at_most(self, seconds: float) -> Deadline:
        """A deadline after `seconds`, or this one if it is earlier."""
        left = self.remaining()
        return Deadline(seconds if left is None else min(seconds, left))

    def wait_time(self) -> float:
        """Seconds left, as `threading.Lock.acquire` takes them: -1 for no limit."""
        if self._end is None:
            return -1.0
        return min(max(0.0, self._end - monotonic()), threading.TIMEOUT_MAX)

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and monotonic() >= self._end

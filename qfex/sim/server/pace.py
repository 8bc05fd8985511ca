"""What makes the simulated time pass: real time times a speed, or nothing but `advance`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..gateway.clock import Clock

_LONGEST_SLEEP = 0.25


class RealPace:
    """Moves the clock along with the event loop's time.

    Parameters
    ----------
    clock : Clock
        What to move.
    speed : float
        Simulated seconds for each real one.
    flush : callable
        Sends what has become due.
    """

    def __init__(self, clock: Clock, speed: float, flush: Callable[[], None]) -> None:
        self._clock = clock
        self._speed = speed
        self._flush = flush
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._wake_at = float("inf")
        self._handle: asyncio.TimerHandle | None = None
        self.plan()

    def catch_up(self) -> None:
        """Bring the simulated time up to now."""
        now = self._loop.time()
        elapsed, self._last = now - self._last, now
        self._clock.advance(elapsed * self._speed)

    def plan(self) -> None:
        """Make sure to wake when the next timer is due."""
        due = self._clock.next_due()
        sleep = _LONGEST_SLEEP if due is None else (due - self._clock.now) / self._speed
        wake_at = self._last + min(max(sleep, 0.0), _LONGEST_SLEEP)
        if wake_at >= self._wake_at:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._wake_at = wake_at
        self._handle = self._loop.call_at(wake_at, self._wake)

    def stop(self) -> None:
        """Let the time stand still for good."""
        if self._handle is not None:
            self._handle.cancel()

    def _wake(self) -> None:
        self._wake_at = float("inf")
        try:
            self.catch_up()
            self._flush()
        finally:
            self.plan()


class ManualPace:
    """Leaves the clock alone."""

    def catch_up(self) -> None:
        """Time stands still."""

    def plan(self) -> None:
        """Nothing becomes due by itself."""

    def stop(self) -> None:
        """There is nothing to stop."""

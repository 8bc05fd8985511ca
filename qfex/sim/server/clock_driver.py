"""The drivers of the simulated clock: real time multiplied by a speed, or nothing except `Simulator.advance`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..gateway.clock import Clock

_LONGEST_SLEEP = 0.25


class RealTimeDriver:
    """Advances the clock with the event loop's time.

    Parameters
    ----------
    clock : Clock
        The simulated clock.
    speed : float
        Simulated seconds for each real one.
    flush : callable
        Sends the messages that timers have caused.
    """

    def __init__(self, clock: Clock, speed: float, flush: Callable[[], None]) -> None:
        self._clock = clock
        self._speed = speed
        self._flush = flush
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._wake_at = float("inf")
        self._handle: asyncio.TimerHandle | None = None
        self.schedule()

    def catch_up(self) -> None:
        """Advance the simulated clock to the present."""
        now = self._loop.time()
        elapsed, self._last = now - self._last, now
        self._clock.advance(elapsed * self._speed)

    def schedule(self) -> None:
        """Schedule the next wake-up, at the latest for the next timer."""
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
        """Stop the clock for good."""
        if self._handle is not None:
            self._handle.cancel()

    def _wake(self) -> None:
        self._wake_at = float("inf")
        try:
            self.catch_up()
            self._flush()
        finally:
            self.schedule()


class ManualDriver:
    """Leaves the clock to `Simulator.advance`."""

    def catch_up(self) -> None:
        """Do nothing: real time does not move the clock."""

    def schedule(self) -> None:
        """Do nothing: no timer falls due without a call."""

    def stop(self) -> None:
        """Do nothing: nothing is scheduled."""

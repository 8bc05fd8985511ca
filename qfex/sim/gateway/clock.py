"""The simulated clock: engine timers, periodic publications and deadlines run on it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine import Exchange

# In a jump longer than this many periods, a periodic action is not repeated while nothing else happens.
_LONG_JUMP = 10


def _nothing() -> None:
    """The action of a cancelled timer."""


class ScheduledAction:
    """An action that is due at a time of the simulated clock, once or periodically."""

    __slots__ = ("action", "cancelled", "period")

    def __init__(self, action: Callable[[], None], period: float | None) -> None:
        self.action = action
        self.period = period
        self.cancelled = False

    def cancel(self) -> None:
        """Prevent further runs, and drop the reference to the action."""
        self.cancelled = True
        self.action = _nothing


class Clock:
    """Advances the exchange's time and runs the timers that fall due, in order of time.

    Parameters
    ----------
    exchange : Exchange
        The engine; its ``now`` is the simulated time in unix seconds.

    Notes
    -----
    In a jump of more than ten periods, a periodic action runs only after a timer of the engine has run, and at the
    end of the jump. Otherwise a simulated day would cost 86,400 identical publications.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._heap: list[tuple[float, int, ScheduledAction]] = []
        self._order = itertools.count()

    @property
    def now(self) -> float:
        """The simulated time, unix seconds."""
        return self._exchange.now

    def after(self, delay: float, action: Callable[[], None]) -> ScheduledAction:
        """Run ``action`` once, ``delay`` seconds from now."""
        return self._push(self.now + delay, ScheduledAction(action, None))

    def every(self, period: float, action: Callable[[], None]) -> ScheduledAction:
        """Run ``action`` every ``period`` seconds, the first time one period from now."""
        return self._push(self.now + period, ScheduledAction(action, period))

    def next_due(self) -> float | None:
        """Return when the next timer of the engine or of this clock is due (unix seconds)."""
        engine = self._exchange.next_due()
        own = self._heap[0][0] if self._heap else None
        return min((due for due in (engine, own) if due is not None), default=None)

    def advance(self, seconds: float) -> None:
        """Advance the time by ``seconds`` and run everything that falls due."""
        target = self.now + seconds
        while self._heap and self._heap[0][0] <= target:
            due, _, timer = heapq.heappop(self._heap)
            if timer.cancelled:
                continue
            self._move_exchange(due)
            self._rearm(timer, due, target)
            timer.action()
        self._move_exchange(target)

    def _push(self, due: float, timer: ScheduledAction) -> ScheduledAction:
        heapq.heappush(self._heap, (due, next(self._order), timer))
        return timer

    def _rearm(self, timer: ScheduledAction, due: float, target: float) -> None:
        if timer.period is None:
            return
        following = due + timer.period
        if target - due > _LONG_JUMP * timer.period:
            engine = self._exchange.next_due()
            eventful = target if engine is None else min(engine, target)
            following += max(0.0, (eventful - following) // timer.period) * timer.period
        self._push(following, timer)

    def _move_exchange(self, moment: float) -> None:
        if moment > self._exchange.now:
            self._exchange.advance(moment - self._exchange.now)

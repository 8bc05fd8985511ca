"""The exchange's clock as seen from here, so that a wrong local clock does not spoil signatures."""

from __future__ import annotations

import time
from collections.abc import Callable

from .retries import parse_http_date

TOLERANCE = 5.0  # seconds; a Date header has whole seconds and travels, and the exchange accepts minutes


class ServerClock:
    """Local time, corrected by what ``Date`` headers showed.

    Safe between threads without a lock: each member is one number that is replaced as a whole.
    """

    def __init__(self, local: Callable[[], float] = time.time) -> None:
        self._local = local
        self._offset = 0.0
        self._measured = 0.0

    def now(self) -> float:
        """Unix seconds by the corrected clock."""
        return self._local() + self._offset

    def measure(self, date: str | None) -> None:
        """Compare the local clock with the ``Date`` header of an answer that just came."""
        moment = parse_http_date(date)
        if moment is not None:
            self._measured = moment + 0.5 - self._local()  # the header's second is half over on average

    @property
    def skew(self) -> float:
        """Seconds that the exchange's clock is ahead of the local one, as measured last."""
        return self._measured

    @property
    def is_wrong(self) -> bool:
        """Whether the local clock differs enough to spoil a signature's timestamp."""
        return abs(self._measured) > TOLERANCE

    def correct(self) -> bool:
        """Adopt the newest measurement. Returns False when that changes nothing to speak of."""
        if abs(self._measured - self._offset) <= TOLERANCE:
            return False
        self._offset = self._measured
        return True

"""The exchange's time, so that signatures are valid although the local clock is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

TOLERANCE = (
    5.0  # seconds: more than the error of the measurement, less than the minutes that the exchange accepts
)


class ServerClock:
    """Local time, corrected by the ``Date`` headers of responses.

    Thread-safe without a lock, because each attribute is a number that is replaced as a whole.
    """

    def __init__(self, local: Callable[[], float] = time.time) -> None:
        self._local = local
        self._offset = 0.0
        self._measured = 0.0

    def now(self) -> float:
        """Return the corrected time in unix seconds."""
        return self._local() + self._offset

    def measure(self, date: str | None) -> None:
        """Compare the local clock with the ``Date`` header of a response that has just arrived."""
        moment = parse_http_date(date)
        if moment is not None:
            self._measured = (
                moment + 0.5 - self._local()
            )  # headers have whole seconds: on average half a second has passed

    @property
    def skew(self) -> float:
        """Seconds by which the exchange's clock is ahead of the local one, by the newest measurement."""
        return self._measured

    @property
    def is_wrong(self) -> bool:
        """Whether the local clock is too wrong for signatures."""
        return abs(self._measured) > TOLERANCE

    def correct(self) -> bool:
        """Adopt the newest measurement and return whether that changes the time significantly."""
        if abs(self._measured - self._offset) <= TOLERANCE:
            return False
        self._offset = self._measured
        return True


def parse_http_date(value: str | None) -> float | None:
    """Read an HTTP date as unix seconds. None if there is none or it cannot be read."""
    try:
        return None if value is None else parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None

"""When a read is asked again, and after how long."""

from __future__ import annotations

import math
import random
import time
from email.utils import parsedate_to_datetime

import attrs

from ..errors import QfexConnectionError, RestError

_TOO_MANY_REQUESTS = 429


@attrs.frozen
class RetryPolicy:
    """Exponential backoff with full jitter; what the exchange asks for in ``Retry-After`` is the least.

    Attributes
    ----------
    retries : int
        Attempts after the first.
    base_delay, max_delay : float
        Bounds of the first and of the longest backoff, in seconds.
    max_retry_after : float
        Longest wait that is obeyed, in seconds; when more is asked for, the answer is raised instead.
    """

    retries: int = 3
    base_delay: float = 0.5
    max_delay: float = 8.0
    max_retry_after: float = 60.0

    def delay(self, attempt: int, error: QfexConnectionError | RestError) -> float | None:
        """Seconds to wait after a failed attempt, counted from 0; None when there is no other."""
        if attempt >= self.retries or not is_passing(error):
            return None
        asked = getattr(error, "retry_after", None) or 0.0
        if asked > self.max_retry_after:
            return None
        return max(asked, random.uniform(0.0, min(self.max_delay, self.base_delay * 2**attempt)))


def is_passing(error: QfexConnectionError | RestError) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, RestError):
        if is_never_funded(error):
            return False
        return error.status_code == _TOO_MANY_REQUESTS or error.status_code >= 500
    return not isinstance(error, CertificateRefused)


def is_never_funded(error: RestError) -> bool:
    """Whether this is how the exchange says that an account never had a deposit: a 500 with this detail."""
    return error.status_code == 500 and "position balance not found" in (error.detail or "").lower()


class CertificateRefused(QfexConnectionError):
    """The server's certificate is not trusted here; asking again does not help."""


def parse_retry_after(value: str | None, server_time: float | None = None) -> float | None:
    """Read a ``Retry-After`` header: seconds, or an HTTP date, which is compared with the server's own clock.

    Returns
    -------
    float or None
        Seconds to wait, not negative; None when there is no header or it cannot be read.
    """
    if value is None:
        return None
    seconds = _seconds(value)
    if seconds is None:
        moment = parse_http_date(value)
        if moment is None:
            return None
        seconds = moment - (time.time() if server_time is None else server_time)
    return max(0.0, seconds)


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def parse_http_date(value: str | None) -> float | None:
    """Read an HTTP date as unix seconds; None when there is none or it cannot be read."""
    try:
        return None if value is None else parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None

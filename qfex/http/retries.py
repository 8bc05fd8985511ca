"""Rules for retrying reads: which errors, how often, and after how long."""

from __future__ import annotations

import math
import random
import time

import attrs

from ..errors import QfexConnectionError, RestError
from .clock import parse_http_date

_TOO_MANY_REQUESTS = 429


@attrs.frozen
class RetryPolicy:
    """Exponential backoff with full jitter, and never less than the exchange asks for in ``Retry-After``.

    Attributes
    ----------
    retries : int
        Number of attempts after the first.
    base_delay, max_delay : float
        Upper bounds of the first and of the longest backoff, in seconds.
    max_retry_after : float
        Longest ``Retry-After`` that is obeyed, in seconds. If the exchange asks for more, there is no retry.
    """

    retries: int = 3
    base_delay: float = 0.5
    max_delay: float = 8.0
    max_retry_after: float = 60.0

    def delay(self, attempt: int, error: QfexConnectionError | RestError) -> float | None:
        """Return the seconds to wait after a failed attempt, or None if there is no further one.

        Attempts are counted from 0.
        """
        if attempt >= self.retries or not is_temporary(error):
            return None
        asked = getattr(error, "retry_after", None) or 0.0
        if asked > self.max_retry_after:
            return None
        return max(asked, random.uniform(0.0, min(self.max_delay, self.base_delay * 2**attempt)))


def is_temporary(error: QfexConnectionError | RestError) -> bool:
    """Return whether the same request may succeed later."""
    if isinstance(error, RestError):
        if is_never_funded(error):
            return False
        return error.status_code == _TOO_MANY_REQUESTS or error.status_code >= 500
    return not isinstance(error, CertificateRefused)


def is_never_funded(error: RestError) -> bool:
    """Return whether an error means that the account never had a deposit.

    The exchange reports this as an internal error (500) with a fixed detail.
    """
    return error.status_code == 500 and "position balance not found" in (error.detail or "").lower()


class CertificateRefused(QfexConnectionError):
    """The certificate of the server is not trusted, so a retry will not help."""


def parse_retry_after(value: str | None, server_time: float | None = None) -> float | None:
    """Read a ``Retry-After`` header, which holds seconds or an HTTP date.

    Parameters
    ----------
    value : str or None
        The header.
    server_time : float, optional
        Unix seconds by the server's clock, to compare a date with. By default the local time.

    Returns
    -------
    float or None
        Seconds to wait, never negative. None if there is no header or it cannot be read.
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

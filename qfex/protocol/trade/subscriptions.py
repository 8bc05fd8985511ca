"""Subscriptions of the trade gateway: wanted, in force on this connection, and refused are three things."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ...enums import Channel, ErrorCode
from ...errors import ApiError, QfexError, RateLimited
from ..connection import Procedure
from . import commands as c
from .account import AccountState, error_event

log = logging.getLogger("qfex")

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds between attempts that may succeed later
_REFUSED_PAUSE = 60.0  # seconds after a refusal

#: Errors that may pass; any other is a refusal.
_PASSING = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.SERVER_ERROR})


class Retry:
    """When a channel is asked for again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = 0.0
        self._pause = _FIRST_PAUSE
        self.is_reported = False

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask."""
        return self._clock() >= self._next

    def later(self, error: QfexError) -> None:
        """Ask again after a pause: as long as the exchange says, or growing, or long after a refusal."""
        pause = self._pause
        if isinstance(error, RateLimited) and error.retry_after is not None:
            pause = min(error.retry_after, _LONGEST_PAUSE)
        elif isinstance(error, ApiError) and error.error_code not in _PASSING:
            pause = _REFUSED_PAUSE
        self._next = self._clock() + pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def restore_channel(account: AccountState, channel: Channel, retry: Retry) -> Procedure:
    """Subscribe a wanted channel that is not in force; what goes wrong is reported once, and tried again later."""
    try:
        yield [c.Subscribe((channel,))]
    except QfexError as error:
        retry.later(error)
        log.log(
            logging.DEBUG if retry.is_reported else logging.WARNING,
            "subscription lost: %s: %s",
            channel,
            error,
        )
        if not retry.is_reported:
            retry.is_reported = True
            message = f"the subscription to {channel} could not be restored: {error}"
            account.missed.append(error_event("recovery", message, error=error))

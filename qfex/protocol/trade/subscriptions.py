"""Subscriptions of the trade gateway: wanted, in force on this connection, and refused are three things."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ...enums import Channel, ErrorCode
from ...errors import ApiError, QfexError, RateLimited
from ..events import Event
from ..procedure import Procedure
from . import commands as c
from .account import AccountState, error_event
from .reconcile import attempt, missed_fills

log = logging.getLogger("qfex")

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds between attempts that may succeed later
_REFUSED_PAUSE = 60.0  # seconds after a refusal

#: Errors that may pass; any other is a refusal.
_PASSING = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.SERVER_ERROR})


class Retry:
    """When a channel, or what it missed, is asked for again.

    Attributes
    ----------
    is_needed : bool
        Whether the last attempt failed.
    is_reported : bool
        Whether that was reported.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = 0.0
        self._pause = _FIRST_PAUSE
        self.is_needed = False
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
        self.is_needed = True
        self._next = self._clock() + pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def succeeded(self) -> None:
        """Note that nothing needs to be asked for again."""
        self.is_needed, self._pause = False, _FIRST_PAUSE


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


def catch_up_fills(account: AccountState, retry: Retry) -> Procedure:
    """Deliver what was traded while the channel was not in force, then the fills that were held back meanwhile.

    If the history cannot be read, live fills do not wait for it any longer; it is read later.
    """
    try:
        unread = yield from attempt(account, "missed fills", lambda: missed_fills(account))
        if unread is None:
            retry.succeeded()
        else:
            retry.later(unread)
    finally:
        held = account.fills.release()
        account.missed += [Event(Channel.FILLS, None, fill) for fill in held]

"""Following a TWAP to its end."""

from __future__ import annotations

from collections.abc import Callable

from ..enums import Channel
from ..errors import ConnectionLost, RequestTimeout
from ..models.orders import OpenOrders
from ..models.twaps import Twap
from ..protocol.events import Event
from ..protocol.trade import commands as c
from ..session.requests import Requests
from ..threads import Deadline
from .account import Account
from .history import History, is_same_twap

_POLL_LIMIT = 2.0  # seconds for the answer to one poll
_FIRST_POLL, _SLOWEST_POLL = 0.25, 2.0  # seconds; a poll weighs 5 of the 200 units a second


class TwapFollower:
    """Follows one TWAP. The exchange has no channel for TWAPs, so this asks repeatedly.

    Parameters
    ----------
    requests : Requests
    account : Account
    history : History
        Has the final state.
    publish : callable
        Delivers events to callbacks and streams.
    on_progress : callable or None
        Called in this thread with the `Twap` at each change.
    """

    def __init__(
        self,
        requests: Requests,
        account: Account,
        history: History,
        publish: Callable[[list[Event]], None],
        on_progress: Callable[[Twap], object] | None,
    ) -> None:
        self._requests = requests
        self._account = account
        self._history = history
        self._publish = publish
        self._on_progress = on_progress

    def follow(self, newest: Twap, deadline: Deadline) -> Twap:
        """Wait until the TWAP is no longer active, or the time is up; its newest state."""
        pause = _FIRST_POLL
        while not deadline.passed:
            try:
                seen = self._active(newest, deadline.at_most(_POLL_LIMIT))
            except (RequestTimeout, ConnectionLost):  # one lost answer must not end the wait
                self._account.pause(deadline.at_most(_FIRST_POLL).remaining() or 0.0)
                continue
            if seen is None:
                return self._note_progress(newest, self._history.twap(newest, deadline))
            newest = self._note_progress(newest, seen)
            self._account.pause(deadline.at_most(pause).remaining() or 0.0)
            pause = min(pause * 1.5, _SLOWEST_POLL)
        return newest

    def _active(self, twap: Twap, deadline: Deadline) -> Twap | None:
        page: OpenOrders = self._requests.request(c.GetUserOrders(twap.symbol or None), deadline.remaining())
        return next((row for row in page.twaps if is_same_twap(row, twap)), None)

    def _note_progress(self, before: Twap, now: Twap) -> Twap:
        if (now.filled_quantity, now.status) != (before.filled_quantity, before.status):
            self._publish([Event(Channel.TWAPS, None, now)])
            if self._on_progress is not None:
                self._on_progress(now)
        return now

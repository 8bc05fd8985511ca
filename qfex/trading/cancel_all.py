"""When a cancel of all orders has ended: with the acknowledgement, or without one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import NotConnected, QfexError
from ..models.orders import Order
from ..session.calls import Call
from ..session.deadline import Deadline

if TYPE_CHECKING:
    from .account import AccountMethods

QUIET = 0.5  # seconds without a message after which no acknowledgement is expected any more
LIST_PATIENCE = 1.0  # seconds for the list of open orders, which only confirms


class CancelAllWait:
    """Waits for the end of one cancel of all orders.

    Parameters
    ----------
    known : set of str
        Ids of the orders that were live when it was sent.
    """

    def __init__(self, client: AccountMethods, call: Call, known: set[str], deadline: Deadline) -> None:
        self._client = client
        self._call = call
        self._known = known
        self._deadline = deadline
        self._list_is_silent = False

    def result(self) -> list[Order]:
        """The orders that the exchange said are cancelled."""
        call = self._call
        while not call.answered and not self._deadline.passed:
            before = len(call.collected)
            try:
                self._await_news(before)
            except NotConnected:  # closed: what that means for a command that was sent is not said here
                break
            if call.answered:
                break
            quiet = len(call.collected) == before
            if self._known_are_gone() or (quiet and self._is_nothing_left()):
                return self._settled()
        cancelled: list[Order] = self._client._caller.result(self._call, self._deadline)
        return cancelled

    def _await_news(self, before: int) -> None:
        call, quiet = self._call, Deadline(min(QUIET, self._deadline.remaining() or 0.0))
        if not self._known:
            call.wait(quiet)
            return

        def news() -> bool:
            return call.answered or len(call.collected) > before or not self._is_any_live()

        self._client._wait_for(news, bool, quiet)

    def _is_any_live(self) -> bool:
        """Whether one of the orders is live; the caller holds the state lock."""
        return not self._known.isdisjoint(self._client._dialogue.orders.live_ids())

    def _known_are_gone(self) -> bool:
        with self._client._session.state_lock:
            return bool(self._known) and not self._is_any_live()

    def _is_nothing_left(self) -> bool:
        """After a silence: whether there is nothing to wait for. Where orders are known, the exchange is asked."""
        if not self._known:
            return True
        if not self._list_is_silent:
            patience = min(LIST_PATIENCE, self._deadline.remaining() or 0.0)
            try:
                listed = list(self._client.iter_user_orders(timeout=patience))
            except QfexError:
                self._list_is_silent = True  # once is enough: a second question would renew the line
            else:  # whether stops are cancelled too is not documented
                live = (order.order_id for order in listed if not order.order_type.is_stop)
                return bool(self._call.collected) or self._known.isdisjoint(live)
        return bool(self._call.collected)

    def _settled(self) -> list[Order]:
        """End without an acknowledgement, and see to it that none that comes yet is taken for another's."""
        self._call.line.pending.linger(self._call)
        with suppress(QfexError):
            fence = self._client._submit_fence(Deadline(0.0))
            fence.line.pending.linger(fence)
        return list(self._call.collected.values())

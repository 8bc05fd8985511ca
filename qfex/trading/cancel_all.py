"""When a cancel of all orders has ended: with the acknowledgement, or without one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import QfexError
from ..models.orders import Order
from ..session.calls import Call
from ..session.deadline import Deadline

if TYPE_CHECKING:
    from .account import AccountMethods

QUIET = 0.5  # seconds without a message after which no acknowledgement is expected any more


def wait_until_all_cancelled(
    client: AccountMethods, call: Call, known: set[str], deadline: Deadline
) -> list[Order]:
    """Wait for the end of a cancel of all orders.

    Parameters
    ----------
    known : set of str
        Ids of the orders that were live when it was sent.
    """
    waiter = call.waiter
    collected = waiter.collected
    while not waiter.answered and not deadline.passed:
        before = len(collected)
        _await_news(client, call, known, before, deadline)
        if waiter.answered:
            break
        if known and not _still_live(client, known):
            return _settled(client, call, deadline)
        if len(collected) == before and _nothing_left(client, known, deadline):
            return _settled(client, call, deadline)
    cancelled: list[Order] = client._caller.result(call, deadline)
    return cancelled


def _await_news(client: AccountMethods, call: Call, known: set[str], before: int, deadline: Deadline) -> None:
    quiet = Deadline(min(QUIET, deadline.remaining() or 0.0))
    if not known:
        call.waiter.wait(quiet)
        return

    def news() -> bool:
        return call.waiter.answered or len(call.waiter.collected) > before or not _is_any_live(client, known)

    client._wait_for(news, bool, quiet)


def _is_any_live(client: AccountMethods, known: set[str]) -> bool:
    """Whether one of the orders is live; the caller holds the state lock."""
    return not known.isdisjoint(client._dialogue.orders.live_ids())


def _still_live(client: AccountMethods, known: set[str]) -> bool:
    with client._session.state_lock:
        return _is_any_live(client, known)


def _nothing_left(client: AccountMethods, known: set[str], deadline: Deadline) -> bool:
    """After a silence: whether there is nothing to wait for. Where orders are known, the exchange is asked."""
    if not known:
        return True
    try:
        listed = {order.order_id for order in client.iter_user_orders(timeout=deadline.remaining())}
    except QfexError:
        return False
    return known.isdisjoint(listed)


def _settled(client: AccountMethods, call: Call, deadline: Deadline) -> list[Order]:
    """End the cancel without an acknowledgement, and see to it that none that comes yet is taken for another's."""
    call.line.pending.linger(call.waiter)
    with suppress(QfexError):
        client._caller.result(client._submit_fence(deadline), deadline)
    return list(call.waiter.collected.values())

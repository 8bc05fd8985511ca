"""Order state: what a message changes, whatever the sequence in which messages arrive, and how often.

Two updates of one order are merged by rank, so that any sequence and repetition of the same messages ends in the same
state:

====================  ==============================================================================
the update            outranks
====================  ==============================================================================
that ends the order   every update that does not (`Order.is_done`)
with more filled      one with less filled, among equals so far
MODIFIED              ACK and unknown statuses: an order that has filled cannot be modified any more
an explicit end       FILLED with a remainder (the live exchange reports an IOC's end twice)
the later in time     the earlier, by the exchange's own clock
the later by name     the earlier: two statuses for one end, in either sequence
====================  ==============================================================================

No rule ends an order without a message of the exchange that says so.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timezone
from itertools import chain
from typing import Any

import attrs

from ...models.orders import Order
from ...statuses import OrderStatus

_EPOCH = datetime.fromtimestamp(0, timezone.utc)
_KEPT = 10_000  # finished orders that are remembered, so that late and doubled messages find them

#: Rejections that may end an order that was acknowledged before. All others answer a cancel or a modify.
_LATE_ENDS = frozenset(
    {OrderStatus.REJECTED, OrderStatus.REJECTED_FAILED_TO_PROCESS, OrderStatus.FAILED_MARGIN_CHECK}
)


def rank(order: Order) -> tuple[bool, object, bool, bool, datetime, str]:
    """Precedence of an update among the updates of one order."""
    explicit = order.status.is_terminal or order.status is OrderStatus.MODIFIED
    return (
        order.is_done,
        order.quantity_filled,
        explicit,
        order.status is OrderStatus.FILLED,
        order.update_time or _EPOCH,
        order.status.value,
    )


def merge(known: Order, update: Order) -> Order:
    """The state after `update`, when `known` was the state before."""
    newer, older = (update, known) if rank(update) >= rank(known) else (known, update)
    return completed(newer, older)


def completed(order: Order, other: Any) -> Order:
    """Complete what a message left out, from another state of the order or the command that placed it."""
    if (
        (order.client_order_id or not other.client_order_id)
        and (order.reduce_only or not other.reduce_only)
        and (order.take_profit is not None or other.take_profit is None)
        and (order.stop_loss is not None or other.stop_loss is None)
    ):
        return order
    return attrs.evolve(
        order,
        client_order_id=order.client_order_id or other.client_order_id or "",
        reduce_only=order.reduce_only or other.reduce_only,
        take_profit=other.take_profit if order.take_profit is None else order.take_profit,
        stop_loss=other.stop_loss if order.stop_loss is None else order.stop_loss,
    )


class OrderTracker:
    """The orders of the account, as the messages so far describe them, and the newest 10,000 finished ones."""

    def __init__(self) -> None:
        self._live: dict[str, Order] = {}
        self._done: OrderedDict[str, Order] = OrderedDict()
        self._replaced: OrderedDict[str, str] = OrderedDict()

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._live or order_id in self._done or order_id in self._replaced

    def has_seen(self, name: str) -> bool:
        """Whether an order is known by its order id or its client order id; a search through all of them."""
        if name in self:
            return True
        return any(order.client_order_id == name for order in chain(self._live.values(), self._done.values()))

    @property
    def live(self) -> dict[str, Order]:
        """Orders that can still trade, by order id. A copy."""
        return dict(self._live)

    def live_ids(self) -> Iterable[str]:
        """Ids of the orders that can still trade."""
        return self._live.keys()

    def get(self, order_id: str) -> Order | None:
        """Newest state of an order, its replacements followed."""
        if order_id in self._replaced:
            order_id = self.current_id(order_id)
        return self._live.get(order_id) or self._done.get(order_id)

    def current_id(self, order_id: str) -> str:
        """The id that an order has now."""
        if order_id not in self._replaced:
            return order_id
        seen = {order_id}
        while (following := self._replaced.get(order_id)) is not None and following not in seen:
            seen.add(following)
            order_id = following
        return order_id

    def apply(self, update: Order, rejects_order: bool | None = None) -> Order | None:
        """Apply an update.

        Parameters
        ----------
        update : Order
            The exchange's message.
        rejects_order : bool or None
            For a rejection: whether it refused a new order of this client (True), or another request about an order
            (False); None where it answered no request of this client.

        Returns
        -------
        Order or None
            The order's state afterwards; None where the update says nothing about an order's state.
        """
        order_id = update.order_id
        known = self._live.get(order_id) or self._done.get(order_id)
        if order_id in self._replaced:
            return known
        if update.status.is_rejection and not self._ends_order(update, known, rejects_order):
            return known
        state = update if known is None else merge(known, update)
        self._store(state)
        return state

    @staticmethod
    def _ends_order(update: Order, known: Order | None, rejects_order: bool | None) -> bool:
        if rejects_order is None:
            return known is not None and update.status in _LATE_ENDS
        return rejects_order

    def _store(self, order: Order) -> None:
        order_id = order.order_id
        if not order.is_done:
            self._live[order_id] = order
            return
        self._live.pop(order_id, None)
        self._done[order_id] = order
        while len(self._done) > _KEPT:
            self._done.popitem(last=False)

    def replace(self, old_id: str, new: Order) -> None:
        """Note that a modify gave the order a new id."""
        if old_id == new.order_id:
            return
        self._live.pop(old_id, None)
        self._replaced[old_id] = new.order_id
        while len(self._replaced) > _KEPT:
            self._replaced.popitem(last=False)

    def replaced_by(self, update: Order) -> str | None:
        """Id of the live order that a modify of another session replaced, where that is beyond doubt."""
        if update.status is not OrderStatus.MODIFIED or not update.client_order_id or update.order_id in self:
            return None
        same = [
            order.order_id
            for order in self._live.values()
            if (order.client_order_id, order.symbol, order.side)
            == (update.client_order_id, update.symbol, update.side)
        ]
        return same[0] if len(same) == 1 else None

    def end_unknown(self, order_id: str) -> Order | None:
        """End an order of which the exchange says, in answer to a query, that there is no such order."""
        known = self._live.pop(order_id, None)
        if known is None:
            return None
        ended = attrs.evolve(known, status=OrderStatus.NO_SUCH_ORDER)
        self._done[order_id] = ended
        return ended

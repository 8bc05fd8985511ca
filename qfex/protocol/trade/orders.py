"""Order state: what a message changes, whatever the sequence in which messages arrive, and how often.

Two updates of one order are merged by rank, so that any sequence and repetition of the same messages ends in the same
state:

====================  ==============================================================================
the update            outranks
====================  ==============================================================================
that ends the order   every update that does not (`Order.is_done`)
with more filled      one with less filled, among equals so far
the later in time     the earlier, by the exchange's own clock, while the order is live
MODIFIED              ACK and unknown statuses: an order that has filled cannot be modified any more
an explicit end       FILLED with a remainder (the live exchange reports an IOC's end twice)
the later in time     the earlier, by the exchange's own clock
the later by name     the earlier: two statuses for one end, in either sequence
====================  ==============================================================================

A direct answer (a list, or the reply to a query) that was asked for after the last word about the order outranks that
word while the order is live, and revives an order that was only presumed to have ended, or that a refusal ended: the
refusal may have been that of another request.

An order ends only by the exchange's word about that order. A rejection that answers no request of this client may be the
refusal of another session's request, so it ends nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from itertools import chain, takewhile
from typing import Any

import attrs

from ...models.orders import Order
from ...statuses import OrderStatus

_EPOCH = datetime.fromtimestamp(0, timezone.utc)
_REPLACEMENT_WINDOW = 3.0  # seconds between the two messages of a modify that is done as cancel and replace
_UNLINKED_KEPT = 100  # modified orders whose earlier id is unknown
_KEPT = 10_000  # finished orders that are remembered, so that late and doubled messages find them


def is_blank(order_id: str) -> bool:
    """Whether an order id names no order: it is empty, or a UUID of zeros."""
    return not order_id.strip("0-")


def rank(order: Order, by_time: bool = True) -> tuple[object, ...]:
    """Precedence of an update among the updates of one order; the time counts where both have one."""
    moment = order.update_time if by_time and order.update_time else _EPOCH
    status = order.status
    if not order.is_done:
        return False, order.quantity_filled, moment, status is OrderStatus.MODIFIED, status.value
    explicit = status.is_terminal or status is OrderStatus.MODIFIED
    return True, order.quantity_filled, explicit, status is OrderStatus.FILLED, moment, status.value


def merge(known: Order, update: Order) -> Order:
    """The state after `update`, when `known` was the state before."""
    by_time = update.update_time is not None and known.update_time is not None
    newer, older = (update, known) if rank(update, by_time) >= rank(known, by_time) else (known, update)
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
    """The orders of the account, as the messages so far describe them, and the newest 10,000 finished ones.

    Parameters
    ----------
    clock : callable
        Monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._live: dict[str, Order] = {}
        self._done: OrderedDict[str, Order] = OrderedDict()
        self._replaced: OrderedDict[str, str] = OrderedDict()
        self._updated_at: dict[str, float] = {}
        self._first_seen: dict[str, float] = {}
        self._listed_at: dict[str, float] = {}
        self._successors: set[str] = set()
        self._unlinked: OrderedDict[str, float] = OrderedDict()
        self._modified_at: dict[str, float] = {}
        self._placed: set[str] = set()
        self._presumed: set[str] = set()

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._live or order_id in self._done or order_id in self._replaced

    def has_seen(self, name: str) -> bool:
        """Whether an order is known by its order id or its client order id; a search through all of them."""
        return name in self or bool(self.named(name))

    def named(self, client_order_id: str) -> list[Order]:
        """The known orders with a client order id; a search through all of them."""
        known = chain(self._live.values(), self._done.values())
        return [order for order in known if order.client_order_id == client_order_id]

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

    def updated_at(self, order_id: str) -> float:
        """When the last message about an order arrived, by the clock; 0 for an unknown one."""
        return self._updated_at.get(order_id, 0.0)

    def first_seen(self, order_id: str) -> float:
        """When the first message about an order arrived, by the clock; 0 for an unknown one."""
        return self._first_seen.get(order_id, 0.0)

    # --- changes -----------------------------------------------------------------------------------------------

    def apply(
        self, update: Order, rejects_order: bool | None = None, asked_at: float | None = None
    ) -> Order | None:
        """Apply an update.

        Parameters
        ----------
        update : Order
            The exchange's message.
        rejects_order : bool or None
            For a rejection: whether it refused a new order of this client (True), or another request about an order
            (False); None where it answered no request of this client.
        asked_at : float or None
            For a direct answer (a list, or the reply to a query): when it was asked for, by the clock; 0 where that is
            unknown.

        Returns
        -------
        Order or None
            The order's state afterwards; None where the update says nothing about an order's state.
        """
        order_id = update.order_id
        known = self._live.get(order_id) or self._done.get(order_id)
        if order_id in self._replaced or is_blank(order_id):
            return known
        if update.status.is_rejection and not rejects_order:
            return known
        if known is None and asked_at is None and update.status is OrderStatus.ACK:
            self._placed.add(order_id)
        state = update if known is None else self._merged(known, update, asked_at)
        self._store(state)
        if asked_at and not update.is_done:  # all that are in one list have the same time
            self._first_seen[order_id] = min(self._first_seen[order_id], asked_at)
            self._listed_at[order_id] = max(asked_at, self._listed_at.get(order_id, 0.0))
        return state

    def remember(self, order: Order) -> None:
        """Follow an order of which no message came: it may be older than all that were seen."""
        self.apply(order, asked_at=0.0)
        self._first_seen[order.order_id] = 0.0

    def identify(self, message: Order) -> None:
        """Complete what is known of a live order with what tells which one it is."""
        known = self._live.get(message.order_id)
        if known is not None:
            self._live[message.order_id] = completed(known, message)

    def _merged(self, known: Order, update: Order, asked_at: float | None) -> Order:
        if known.order_id in self._presumed and not update.is_done:
            return completed(update, known)
        is_newer = asked_at is not None and asked_at > self.updated_at(known.order_id)
        if is_newer and known.status.is_rejection and not update.is_done:
            return completed(update, known)
        if is_newer and not known.is_done and _differs(update, known) and not _is_outdated(update, known):
            return completed(update, known)
        return merge(known, update)

    def _store(self, order: Order) -> None:
        order_id = order.order_id
        now = self._updated_at[order_id] = self._clock()
        self._first_seen.setdefault(order_id, now)
        self._presumed.discard(order_id)
        if not order.is_done:
            self._done.pop(order_id, None)
            self._live[order_id] = order
            return
        self._live.pop(order_id, None)
        self._done[order_id] = order
        while len(self._done) > _KEPT:
            self._forget(self._done.popitem(last=False)[0])

    def _forget(self, order_id: str) -> None:
        self._updated_at.pop(order_id, None)
        self._listed_at.pop(order_id, None)
        self._modified_at.pop(order_id, None)
        self._first_seen.pop(order_id, None)
        self._presumed.discard(order_id)
        self._placed.discard(order_id)

    def presume_ended(self, order: Order) -> None:
        """End an order in a way that the exchange did not state; a later word that it is live revives it."""
        self._store(order)
        self._presumed.add(order.order_id)

    def replace(self, old_id: str, new: Order) -> None:
        """Note that a modify gave the order a new id."""
        if old_id == new.order_id:
            return
        self._live.pop(old_id, None)
        self._done.pop(old_id, None)
        if old_id in self._first_seen:
            self._first_seen[new.order_id] = self._first_seen[old_id]
        if old_id in self._placed:
            self._placed.add(new.order_id)
        self._forget(old_id)
        self._replaced[old_id] = new.order_id
        self._successors.add(new.order_id)
        self._unlinked.pop(new.order_id, None)
        if old_id in self._unlinked:  # what this one replaced is still unknown
            self._unlinked[new.order_id] = self._unlinked.pop(old_id)
        while len(self._replaced) > _KEPT:
            self._successors.discard(self._replaced.popitem(last=False)[1])

    def replaced_by(self, update: Order) -> str | None:
        """Id of the order that a modify of another session replaced, where that is beyond doubt.

        It is the only order with the same client order id, symbol and side that is live, or that was just cancelled without
        a fill: an exchange may report the cancel of the old id first.
        """
        update = completed(update, self.get(update.order_id) or update)
        if not update.client_order_id or not self.has_new_id(update):
            return None
        modified_at = self._unlinked.get(update.order_id, self._clock())
        same = [
            order.order_id
            for order in chain(self._live.values(), self._cancelled_around(modified_at))
            if is_same_order(order, update)
            and self._may_precede(order.order_id, update.order_id, modified_at)
        ]
        return same[0] if len(same) == 1 else None

    def has_new_id(self, modified: Order) -> bool:
        """Whether a modified order may have got a new id with it, and the one before is not known yet.

        Fills of the new id, or a list with it, may arrive before the message about the modify. Any other known order was
        modified under its own id.
        """
        order_id = modified.order_id
        known = self.get(order_id)
        if order_id in self._unlinked:
            return True
        is_new = known is None or known.status is OrderStatus.FILLED or self._was_just_listed(known, modified)
        return is_new and order_id not in self._successors

    def _was_just_listed(self, known: Order, modified: Order) -> bool:
        seen = self.first_seen(known.order_id)
        return (
            known.status is OrderStatus.ACK
            and (known.price, known.quantity) == (modified.price, modified.quantity)
            and known.order_id not in self._placed
            and seen > self._clock() - _REPLACEMENT_WINDOW
        )

    def note_unlinked(self, order_id: str) -> None:
        """Note that a modify gave an order this id, and that it is not known which order."""
        self._unlinked.setdefault(order_id, self._clock())
        self._modified_at[order_id] = self._unlinked[order_id]
        if len(self._unlinked) > _UNLINKED_KEPT:
            self._unlinked.popitem(last=False)

    def is_unlinked(self, order_id: str) -> bool:
        """Whether a modify gave some order this id, and it is not known which."""
        return order_id in self._unlinked

    def may_be_replaced(self, cancelled: Order) -> bool:
        """Whether a cancel without a fill may be that of the order that another session just modified.

        It is not known which order that was, and the question about it is open.
        """
        oldest = self._clock() - _REPLACEMENT_WINDOW
        return not cancelled.quantity_filled and any(
            modified_at > oldest
            and (new := self.get(new_id)) is not None
            and not new.client_order_id
            and (new.symbol, new.side) == (cancelled.symbol, cancelled.side)
            and self._may_precede(cancelled.order_id, new_id, modified_at)
            for new_id, modified_at in self._unlinked.items()
        )

    def link(self, order: Order, asked_at: float | None) -> tuple[str, Order] | None:
        """An order that was modified, by its id before and its state now, if a message about `order` tells which.

        The message may be about the old id or about the new one. What was asked for after the modify does not show the old
        id any more.
        """
        for new_id, modified_at in self._unlinked.items():
            new = self.get(new_id)
            is_late = asked_at is None or asked_at <= modified_at or order.order_id == new_id
            if (
                new is not None
                and is_late
                and is_same_order(order, new)
                and (old_id := self.replaced_by(new))
            ):
                return old_id, new
        return None

    def linked(self) -> Iterator[tuple[str, Order]]:
        """Orders that were modified, by their ids before and their states now, as far as all that is known tells which."""
        for new_id in list(self._unlinked):
            new = self.get(new_id)
            if new is not None and (old_id := self.replaced_by(new)):
                yield old_id, new

    def successor(self, order: Order) -> Order | None:
        """The order that a modify made of another one, where only one of those that are known can be it."""
        if not order.client_order_id:
            return None
        found = [
            other
            for other in self.named(order.client_order_id)
            if is_same_order(order, other) and self.may_succeed(order, other)
        ]
        return found[0] if len(found) == 1 else None

    def may_succeed(self, order: Order, other: Order) -> bool:
        """Whether what is known of two orders allows that one or more modifies made one the other.

        An order that was placed is no successor. A successor was not seen before its order, nor live beside it. What is
        known of the first of its ids counts: `replace` passes it on.
        """
        order_id = other.order_id
        if order_id == order.order_id or order_id in self._placed:
            return False
        if order_id not in self:
            return True
        seen = self.first_seen(order_id)
        return seen >= self.first_seen(order.order_id) and seen > self._listed_at.get(order.order_id, -1.0)

    def _may_precede(self, order_id: str, new_id: str, modified_at: float) -> bool:
        placed_at = self.first_seen(order_id) if order_id in self._placed else 0.0
        got_its_id = max(placed_at, self._modified_at.get(order_id, 0.0))
        was_live_later = self._listed_at.get(order_id, 0.0) > modified_at
        return order_id != new_id and got_its_id <= modified_at and not was_live_later

    def _cancelled_around(self, moment: float) -> list[Order]:
        """Orders that were cancelled without a fill within some seconds of a moment."""
        recent = takewhile(
            lambda order: self.updated_at(order.order_id) > moment - _REPLACEMENT_WINDOW,
            reversed(self._done.values()),
        )
        return [
            order
            for order in recent
            if order.status.is_cancellation
            and not order.quantity_filled
            and self.updated_at(order.order_id) < moment + _REPLACEMENT_WINDOW
        ]


class OrderPages:
    """The list of live orders, read page by page while orders end and appear.

    Each page overlaps the one before by a row. Where that row is another one, the list has moved, and is read again from
    its beginning.

    Parameters
    ----------
    full : int
        Rows of a full page, where a shorter page is known to be the last one; 0 where it is not.

    Attributes
    ----------
    offset : int
        Where the next page begins.
    is_complete : bool
        Whether the list was read to its end.
    """

    SMALLEST = 2  # rows of a page: one overlaps
    MAX_RESTARTS = 20  # of a list that never stands still

    def __init__(self, full: int = 0) -> None:
        self._full = full
        self._seen: set[str] = set()
        self._last = ""
        self._restarts = 0
        self.offset = 0
        self.is_complete = False

    def add(self, page: Sequence[Order], unread: int = 0) -> list[Order]:
        """Take a page, and how many of its rows could not be read; the orders in it that were not in another one."""
        overlaps = bool(page) and page[0].order_id == self._last
        if self.offset and not overlaps and self._restarts < self.MAX_RESTARTS:
            self._restarts += 1
            self.offset, self._last = 0, ""
            return []
        new = [order for order in page if order.order_id not in self._seen]
        self._seen.update(order.order_id for order in new)
        size = len(page) + unread
        self.is_complete = size <= (1 if overlaps else 0) or size < self._full
        if page:
            self.offset += size - 1
            self._last = page[-1].order_id
        return new


def is_same_order(order: Order, other: Order) -> bool:
    """Whether two orders may be one to which a modify gave a new id: it keeps client order id, symbol and side."""
    return (order.client_order_id, order.symbol, order.side) == (
        other.client_order_id,
        other.symbol,
        other.side,
    )


def _differs(update: Order, known: Order) -> bool:
    """Whether a direct answer says more than that the order is live: a list may give another word for the same state."""
    return update.is_done or (update.price, update.quantity, update.quantity_remaining) != (
        known.price,
        known.quantity,
        known.quantity_remaining,
    )


def _is_outdated(update: Order, known: Order) -> bool:
    """Whether a direct answer was overtaken, by what it says of fills and time."""
    if update.quantity_filled < known.quantity_filled and update.quantity == known.quantity:
        return True
    return (
        update.update_time is not None
        and known.update_time is not None
        and update.update_time < known.update_time
    )

"""Resync: how the state of an account becomes the exchange's again after a connection was lost.

Fills come first: each order that ended takes a query of its own, for which the time may not suffice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Any

import attrs

from ...enums import Channel
from ...errors import ApiError, NotConnected, OrderRejected, QfexError
from ...models.orders import Order, UserTrade
from ...statuses import OrderStatus
from ..events import Event
from ..procedure import Procedure
from ..wire.command import Command
from . import commands as c
from .account import AccountState, error_event

PAGE = 1000  # rows; the exchange's default limit

_MAX_TRADE_PAGES = 10
_TRIES = 3  # at a part of the resync that the exchange answers with an error
_MAX_ORDERS_ASKED = 200  # orders that vanished during an outage; more are left to the user's own queries


def resync(account: AccountState) -> Procedure:
    """Find out what was missed: fills, and orders that ended."""
    resyncing = _Resync(account)
    unread = yield from resyncing.attempt("missed fills", resyncing.missed_fills)
    yield from resyncing.attempt("missed order ends", resyncing.missed_order_ends)
    if unread is None:
        account.fill_attempts = AccountState.FILL_ATTEMPTS
    elif account.fill_attempts > 0:
        account.fill_attempts -= 1
        yield from resyncing.leave_for_another_connection(unread)


class _Resync:
    """The parts of one resync."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._missed = account.missed

    def attempt(
        self, what: str, part: Callable[[], Procedure]
    ) -> Generator[Sequence[Command], list[Any], QfexError | None]:
        """Run a part, again if the exchange answers with an error, which may pass; the last error."""
        for attempt in range(_TRIES):
            try:
                yield from part()
                return None
            except QfexError as error:
                if isinstance(error, ApiError) and attempt < _TRIES - 1:
                    continue
                self._missed.append(error_event("recovery", f"{what}: {error}", error=error))
                return error
        return None

    def leave_for_another_connection(self, unread: QfexError) -> Procedure:
        """Give the connection up: live fills that are delivered before older ones are read would be out of order."""
        if self._account.cancel_on_disconnect:
            # Disarmed, so that the account's orders live on; the confirmed subscription proves that it was processed.
            with suppress(QfexError):
                yield [c.SetCancelOnDisconnect(False), c.Subscribe(tuple(self._account.channels))]
        raise NotConnected(f"what was traded meanwhile could not be read: {unread}")

    # --- fills -------------------------------------------------------------------------------------------------

    def missed_fills(self) -> Procedure:
        """Read the trade history back to a fill that is known."""
        fills = self._account.fills
        if Channel.FILLS not in self._account.channels:
            return
        rows: list[UserTrade] = []
        for page_number in range(_MAX_TRADE_PAGES):
            (page,) = yield [c.GetUserTrades(limit=PAGE, offset=page_number * PAGE)]
            rows += page
            if len(page) < PAGE or any(fills.knows(row) for row in page):
                break
        self._missed += [Event(Channel.FILLS, None, fill) for fill in fills.missed(rows)]
        if not fills.has_baseline:
            fills.set_baseline(rows)

    # --- orders ------------------------------------------------------------------------------------------------

    def missed_order_ends(self) -> Procedure:
        """Ask for each order that was live and is no longer listed."""
        orders = self._account.orders
        before = {order.order_id: order for order in orders.live.values()}
        listed = yield from self._listed_orders()
        gone = [order for order_id, order in before.items() if order_id not in listed and order.symbol]
        self._follow_modified(gone, [order for order_id, order in listed.items() if order_id not in before])
        try:
            for order in gone[:_MAX_ORDERS_ASKED]:
                yield from self._ask_for(order)
        finally:
            for order_id, order in before.items():
                self._report_if_changed(order_id, order)

    def _listed_orders(self) -> Generator[Sequence[Command], list[Any], dict[str, Order]]:
        listed: dict[str, Order] = {}
        for offset in itertools.count(step=PAGE):
            (page,) = yield [c.GetUserOrders(limit=PAGE, offset=offset)]
            listed.update((order.order_id, order) for order in page.orders)
            if len(page.orders) < PAGE:
                break
        return listed

    def _follow_modified(self, gone: list[Order], new: list[Order]) -> None:
        """Find orders to which a modify gave a new id during the outage, and take them out of those that are gone."""
        for order in list(gone):
            same = [other for other in new if order.client_order_id and _may_be_same(order, other)]
            if len(same) == 1:
                self._account.orders.replace(order.order_id, same[0])
                new.remove(same[0])
                gone.remove(order)

    def _ask_for(self, order: Order) -> Procedure:
        try:
            yield [c.GetOrder(order.symbol, order.order_id)]
        except ApiError as error:  # which says nothing about the order: it stays as it was
            self._missed.append(error_event("recovery", f"order {order.order_id}: {error}", error=error))
        except OrderRejected as error:
            if error.status not in (OrderStatus.NO_SUCH_ORDER, OrderStatus.NOT_FOUND):
                return
            # Not among the open orders, and not known by its id: it ended. Its trades say how.
            (rows,) = yield [c.GetUserTrades(order_id=order.order_id, limit=PAGE)]
            self._end_by_trades(order, rows)

    def _end_by_trades(self, order: Order, rows: Sequence[UserTrade]) -> None:
        traded = sum(
            (row.quantity for row in rows if row.order_id == order.order_id), start=order.quantity * 0
        )
        remaining = order.quantity - traded
        ended = self._account.orders.end_unknown(order.order_id)
        if ended is not None:
            status = OrderStatus.FILLED if remaining <= 0 else OrderStatus.NO_SUCH_ORDER
            self._account.orders.apply(
                attrs.evolve(ended, status=status, quantity_remaining=remaining), rejects_order=True
            )

    def _report_if_changed(self, order_id: str, before: Order) -> None:
        now = self._account.orders.get(order_id)
        if now is not None and _terms(now) != _terms(before):
            self._missed.append(Event(Channel.ORDERS, None, now))


def _may_be_same(order: Order, other: Order) -> bool:
    """Whether two orders may be one to which a modify gave a new id."""
    return (order.client_order_id, order.symbol, order.side) == (
        other.client_order_id,
        other.symbol,
        other.side,
    )


def _terms(order: Order) -> tuple[Any, ...]:
    return order.order_id, order.status, order.quantity, order.quantity_remaining, order.price

"""The state of an account, as the exchange's messages describe it. It outlives the connections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from ...enums import Channel
from ...models.account import Balance, Position
from ...models.connection import ErrorEvent
from ...models.orders import Order
from ...models.twaps import Twap
from ...statuses import OrderStatus
from ..events import Event
from . import commands as c
from .fills import FillLog
from .orders import OrderTracker, is_blank
from .questions import OpenQuestions
from .requests import ExchangeQuirks

_TWAPS_KEPT = 10_000  # the newest ones, which can be cancelled by their TWAP id alone


#: What had been reported at some time: the number of changes of each symbol, and of all.
Mark = tuple[dict[str, int], int]


class Freshness:
    """Whether positions and the balance are as new as the fills and ends of orders that were reported.

    A position or balance message reflects every trade that was reported before it on the same connection.
    """

    def __init__(self) -> None:
        self._changes: dict[str, int] = {}
        self._as_of: dict[str, int] = {}
        self._total = 0
        self._balance_as_of = 0

    def changed(self, symbol: str) -> None:
        """Note that a trade or the end of an order in a symbol was reported."""
        self._changes[symbol] = self._changes.get(symbol, 0) + 1
        self._total += 1

    def mark(self) -> Mark:
        """What has been reported so far; for `refreshed`."""
        return dict(self._changes), self._total

    def refreshed(self, mark: Mark) -> None:
        """Note that all positions and the balance were read after `mark`."""
        changes, total = mark
        for symbol, count in changes.items():
            self._as_of[symbol] = max(count, self._as_of.get(symbol, 0))
        self._balance_as_of = max(total, self._balance_as_of)

    def position(self, symbol: str) -> None:
        """Note a position message."""
        if symbol in self._changes:
            self._as_of[symbol] = self._changes[symbol]

    def balance(self) -> None:
        """Note a balance message."""
        self._balance_as_of = self._total

    def stale_symbols(self) -> set[str]:
        """Symbols whose position is older than a trade or an end that was reported."""
        return {symbol for symbol, count in self._changes.items() if self._as_of.get(symbol, 0) < count}

    @property
    def balance_is_stale(self) -> bool:
        """Whether the balance is older than a trade or an end that was reported."""
        return self._balance_as_of < self._total


class AccountState:
    """What is known of an account, and what its user wants of every connection.

    Parameters
    ----------
    clock : callable
        Monotonic time in seconds.

    Attributes
    ----------
    channels : dict
        The channels that are wanted on every connection.
    in_force : set
        Those that the exchange has confirmed on the connection in use.
    cancel_on_disconnect : bool
        Whether it is armed on every connection.
    orders_listed : bool
        Whether the list of live orders was read once; before, orders of other sessions may be unknown.
    wants_list : bool
        Whether it is to be read.
    positions_known : bool
        Whether the positions were read, or reported, since the channel was subscribed; then an empty dict means flat.
    missed : list of Event
        What was found out and not delivered yet.
    fill_attempts : int
        On how many further connections missed fills are asked for before the client goes on without them.
    patience : float
        Seconds for the answer to a question of the client's own.
    """

    FILL_ATTEMPTS = 2
    FIRST_PATIENCE, LONGEST_PATIENCE = 1.5, 24.0

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.channels: dict[Channel, None] = {Channel.ORDERS: None}
        self.in_force: set[Channel] = set()
        self.cancel_on_disconnect = False
        self.orders = OrderTracker(clock)
        self.orders_listed = False
        self.wants_list = False
        self.questions = OpenQuestions(clock)
        self.fills = FillLog()
        self.freshness = Freshness()
        self.positions: dict[str, Position] = {}
        self.positions_known = False
        self.balance: Balance | None = None
        self.twaps: dict[str, Twap] = {}
        self.quirks = ExchangeQuirks()
        self.missed: list[Event] = []
        self.fill_attempts = self.FILL_ATTEMPTS
        self.patience = self.FIRST_PATIENCE

    def note_twaps(self, twaps: Iterable[Twap]) -> None:
        """Remember TWAPs."""
        self.twaps.update((twap.twap_id, twap) for twap in twaps)
        while len(self.twaps) > _TWAPS_KEPT:
            del self.twaps[next(iter(self.twaps))]

    def take_snapshot(self, mark: Mark, positions: dict[str, Position], balance: Balance) -> None:
        """Take all positions and the balance, which were read after `mark`, where nothing newer was reported."""
        stale = self.freshness.stale_symbols()
        for symbol in {*positions, *self.positions}:
            if symbol in stale or symbol not in self.positions:
                self.positions[symbol] = positions.get(symbol) or Position(symbol)
        if self.balance is None or self.freshness.balance_is_stale:
            self.balance = balance
        self.positions_known = True
        self.freshness.refreshed(mark)

    def forget_positions(self) -> None:
        """Note that positions are not reported any more: what is known of them grows old."""
        self.positions.clear()
        self.positions_known = False

    # --- orders ------------------------------------------------------------------------------------------------

    def take_order(
        self, order: Order, rejects_order: bool | None = None, asked_at: float | None = None
    ) -> bool:
        """Apply a message about an order; whether it changed what is known. See `OrderTracker.apply`."""
        before = self.orders.get(order.order_id)
        after = self.orders.apply(order, rejects_order, asked_at)
        if after is None:
            return False
        if replaced := self.orders.link(after, asked_at):
            self.note_replaced(*replaced)
        if after is before:
            return False
        if after.is_done or self._settles(order.order_id, asked_at):
            self.questions.settle(order.order_id)
        changed = before is None or _terms(before) != _terms(after)
        if changed and (after.is_done or after.quantity_filled):
            self.freshness.changed(after.symbol)
        return changed

    def identify_order(self, order: Order) -> None:
        """Take from a message only what tells which order it is about."""
        self.orders.identify(order)
        if replaced := self.orders.link(order, None):
            self.note_replaced(*replaced)

    def link_modified(self) -> None:
        """Follow modifies of other sessions, as far as a complete list tells which orders they changed."""
        for old_id, new in self.orders.linked():
            self.note_replaced(old_id, new)

    def _settles(self, order_id: str, asked_at: float | None) -> bool:
        """Whether an answer that was asked for at some time settles the question about an order."""
        question = self.questions.get(order_id)
        return question is not None and asked_at is not None and asked_at >= question.since

    def is_newest(self, order: Order) -> bool:
        """Whether a message says what is known of an order."""
        known = self.orders.get(order.order_id)
        return known is None or _terms(known) == _terms(order)

    def end_order(self, ended: Order) -> None:
        """End an order in a way that the exchange did not state, and deliver the news."""
        self.orders.presume_ended(ended)
        self.questions.settle(ended.order_id)
        self.questions.unanswered_modifies.pop(ended.order_id, None)
        self.freshness.changed(ended.symbol)
        self.missed.append(Event(Channel.ORDERS, None, ended))

    def follow_order(self, old_id: str, new: Order) -> None:
        """Note that a modify gave an order a new id, and deliver the news."""
        self.note_replaced(old_id, new)
        self.missed.append(Event(Channel.ORDERS, None, new))

    def note_replaced(self, old_id: str, new: Order) -> None:
        """Note that a modify gave an order a new id."""
        self.orders.replace(old_id, new)
        self.questions.settle(old_id)
        self.questions.unanswered_modifies.pop(old_id, None)

    def note_unlinked(self, modified: Order) -> None:
        """Note that another session modified an order, and that nothing tells which; one of these has a new id."""
        self.orders.note_unlinked(modified.order_id)
        for other in self.orders.live.values():
            if (other.symbol, other.side) == (modified.symbol, modified.side):
                self.question(other.order_id, "an order was modified by another session")

    def question_unlinked(self, modified: Order) -> None:
        """Ask about an order that was modified, where nothing tells which one it was before."""
        if not modified.client_order_id and self.orders.is_unlinked(modified.order_id):
            self.question(modified.order_id, "nothing tells which order was modified")

    def question(self, order_id: str, reason: str, delay: float = 0.0) -> None:
        """Ask the exchange about an order that is believed to be live, after a delay in seconds."""
        known = self.orders.get(order_id)
        if known is not None and known.is_live and not is_blank(order_id) and known.symbol:
            self.questions.ask(known, reason, delay)

    def change_stops(self, answered: Iterable[tuple[Any, Any]]) -> Iterator[Event]:
        """Apply cancels and modifies of stops that the exchange confirmed without describing the order."""
        for request, outcome in answered:
            if outcome is not None or not isinstance(request.command, (c.CancelStopOrder, c.ModifyStopOrder)):
                continue
            known = self.orders.get(request.command.order_id)
            if known is None or not known.is_live:
                continue
            is_modify = isinstance(request.command, c.ModifyStopOrder)
            if is_modify and self.orders.updated_at(known.order_id) > request.sent_at:
                self.question(
                    known.order_id, "a modify was acknowledged after a newer message about the stop"
                )
            else:
                changed = _changed_stop(known, request.command)
                self.take_order(changed)
                self.questions.settle(changed.order_id)
                yield Event(Channel.ORDERS, None, changed)


def _changed_stop(known: Order, command: c.CancelStopOrder | c.ModifyStopOrder) -> Order:
    if isinstance(command, c.CancelStopOrder):
        return attrs.evolve(known, status=OrderStatus.CANCELLED)
    return attrs.evolve(
        known,
        status=OrderStatus.MODIFIED,
        price=command.price,
        quantity=command.quantity,
        quantity_remaining=command.quantity,
    )


def _terms(order: Order) -> tuple[Any, ...]:
    return order.order_id, order.status, order.quantity, order.quantity_remaining, order.price


def error_event(kind: str, message: str, text: str = "", error: BaseException | None = None) -> Event:
    """An event for the errors channel."""
    return Event(Channel.ERRORS, None, ErrorEvent(kind, message, text, error))

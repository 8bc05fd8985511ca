"""The state of an account, as the exchange's messages describe it. It outlives the connections.

An open question is about what may have changed without a word, until the exchange has been asked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs

from ...enums import Channel
from ...models.account import Balance, Position
from ...models.connection import ErrorEvent
from ...models.orders import Order
from ...models.twaps import Twap
from ...statuses import OrderStatus
from ..connection import Inquiry
from ..events import Event
from . import commands as c
from .answers import has_terms_of
from .fills import FillLog, Freshness, Mark
from .orders import OrderTracker, is_blank
from .requests import ExchangeQuirks

_TWAPS_KEPT = 10_000  # the newest ones, which can be cancelled by their TWAP id alone
_CLOCK_TOLERANCE = timedelta(seconds=10)  # between the exchange's clock and this machine's
_REMEMBERED = 1000  # commands with an unknown outcome
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 4.0  # seconds between two rounds of questions that found no answer


# --- open questions about orders -----------------------------------------------------------------------------------


class ReadHistory(Inquiry, frozen=True):
    """A question to the REST history of finished orders.

    Answered with the finished orders that were found, as a list of `Order`.
    """

    type = "read_history"
    order_ids: frozenset[str]
    symbol: str | None = None
    client_order_id: str | None = None


@attrs.frozen
class UnansweredOrder:
    """A new order whose outcome is unknown: what tells it from others with the same client order id.

    Attributes
    ----------
    earlier_ids : frozenset
        Ids of the orders that had its client order id before.
    sent : datetime
        When it was sent, by this machine's clock.
    """

    command: c.AddOrder | c.ClosePosition
    earlier_ids: frozenset[str]
    sent: datetime

    def may_be(self, order: Order) -> bool:
        """Whether an order with its client order id may be the one that was sent, and not an older one."""
        if order.order_id in self.earlier_ids or not has_terms_of(order, self.command):
            return False
        ended = order.update_time if order.is_done else None
        return ended is None or ended >= self.sent - _CLOCK_TOLERANCE


@attrs.define
class Question:
    """An order whose state has to be asked for.

    Attributes
    ----------
    reason : str
        Why, in words.
    since : float
        When the question arose, by the clock.
    is_absent : bool
        A complete list that was asked for since then does not have the order.
    is_denied : bool
        The exchange says that it has no such order.
    unread : int
        How often the history of finished orders could not be read for it.
    """

    order: Order
    reason: str
    since: float
    is_absent: bool = False
    is_denied: bool = False
    unread: int = 0


class OpenQuestions:
    """The open questions of an account, and when they are asked next.

    Parameters
    ----------
    clock : callable
        Monotonic time in seconds.

    Attributes
    ----------
    by_order_id : dict
        The open questions, oldest first.
    wants_list : bool
        Whether the list of live orders is to be read even without a question: it may have orders that nobody knows.
    unanswered_modifies : dict
        Modifies whose outcome is unknown, by order id: they may have given the order a new id.
    unanswered_orders : dict
        New orders whose outcome is unknown, by client order id.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.by_order_id: dict[str, Question] = {}
        self.wants_list = False
        self._next_round = 0.0
        self._pause = _FIRST_PAUSE
        self.is_reported = False
        self.unanswered_modifies: OrderedDict[str, c.ModifyOrder] = OrderedDict()
        self.unanswered_orders: OrderedDict[str, UnansweredOrder] = OrderedDict()

    def __len__(self) -> int:
        return len(self.by_order_id)

    def __contains__(self, order_id: str) -> bool:
        return order_id in self.by_order_id

    def get(self, order_id: str) -> Question | None:
        """The question about an order, if it is open."""
        return self.by_order_id.get(order_id)

    def open(self) -> list[Question]:
        """The questions that are open, oldest first."""
        return list(self.by_order_id.values())

    @property
    def are_due(self) -> bool:
        """Whether there is a question, or the list is wanted, and it is time to ask."""
        return bool(self.by_order_id or self.wants_list) and self._clock() >= self._next_round

    def want_list(self) -> None:
        """Ask for the list of live orders, now and until it was read."""
        if not self.wants_list:
            self.wants_list, self._next_round, self._pause = True, 0.0, _FIRST_PAUSE

    def ask(self, order: Order, reason: str, delay: float = 0.0) -> Question:
        """Open a question about an order, unless there is one; it is asked after a delay in seconds."""
        question = self.by_order_id.get(order.order_id)
        if question is None:
            now = self._clock()
            question = self.by_order_id[order.order_id] = Question(order, reason, now)
            self._next_round, self._pause = now + delay, _FIRST_PAUSE
        return question

    def note_modify(self, command: c.ModifyOrder) -> None:
        """Note that the outcome of a modify is unknown."""
        self.unanswered_modifies[command.order_id] = command
        if len(self.unanswered_modifies) > _REMEMBERED:
            self.unanswered_modifies.popitem(last=False)

    def note_order(
        self, command: c.AddOrder | c.ClosePosition, earlier_ids: frozenset[str], sent: datetime
    ) -> None:
        """Note that the outcome of a new order is unknown."""
        self.unanswered_orders[command.client_order_id] = UnansweredOrder(command, earlier_ids, sent)
        if len(self.unanswered_orders) > _REMEMBERED:
            self.unanswered_orders.popitem(last=False)

    def settle(self, order_id: str) -> None:
        """Close the question about an order: the exchange has said what there is to know."""
        self.by_order_id.pop(order_id, None)
        if not self.by_order_id:
            self.is_reported = False

    def postpone(self) -> None:
        """Ask what is still open again after a pause that grows."""
        self._next_round = self._clock() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


# --- the account ---------------------------------------------------------------------------------------------------


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

    def question_overtaken(self, modified: Order, sent_at: float) -> None:
        """Ask about an order if another modify of it was reported before the answer to ours, and no time orders them."""
        known = self.orders.get(modified.order_id)
        if known is None or known.status is not OrderStatus.MODIFIED or modified.update_time is not None:
            return
        if self.orders.updated_at(modified.order_id) > sent_at and _terms(known) != _terms(modified):
            self.question(modified.order_id, "it was modified by another session meanwhile")

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

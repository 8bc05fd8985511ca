"""What may have changed without a word, until the exchange has been asked: the open questions about orders."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs

from ...models.orders import Order
from ..connection import Inquiry
from . import commands as c
from .answers import has_terms_of

_CLOCK_TOLERANCE = timedelta(seconds=10)  # between the exchange's clock and this machine's
_REMEMBERED = 1000  # commands with an unknown outcome
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 4.0  # seconds between two rounds of questions that found no answer


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
    unanswered_modifies : dict
        Modifies whose outcome is unknown, by order id: they may have given the order a new id.
    unanswered_orders : dict
        New orders whose outcome is unknown, by client order id.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, Question] = {}
        self._next_round = 0.0
        self._pause = _FIRST_PAUSE
        self.is_reported = False
        self.unanswered_modifies: OrderedDict[str, c.ModifyOrder] = OrderedDict()
        self.unanswered_orders: OrderedDict[str, UnansweredOrder] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._open

    def get(self, order_id: str) -> Question | None:
        """The question about an order, if it is open."""
        return self._open.get(order_id)

    def open(self) -> list[Question]:
        """The questions that are open, oldest first."""
        return list(self._open.values())

    @property
    def are_due(self) -> bool:
        """Whether there is a question, and it is time to ask."""
        return bool(self._open) and self._clock() >= self._next_round

    def ask(self, order: Order, reason: str, delay: float = 0.0) -> Question:
        """Open a question about an order, unless there is one; it is asked after a delay in seconds."""
        question = self._open.get(order.order_id)
        if question is None:
            now = self._clock()
            question = self._open[order.order_id] = Question(order, reason, now)
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
        self._open.pop(order_id, None)
        if not self._open:
            self.is_reported = False

    def postpone(self) -> None:
        """Ask what is still open again after a pause that grows."""
        self._next_round = self._clock() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

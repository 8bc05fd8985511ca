"""What may have changed without a word, until the exchange has been asked: the open questions about orders."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ...models.orders import Order
from ..procedure import Inquiry
from . import commands as c

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0  # seconds between two rounds of questions that found no answer


class ReadHistory(Inquiry, frozen=True):
    """A question to the REST history of finished orders.

    Answered with the finished orders that were found, as a list of `Order`.
    """

    type = "read_history"
    order_ids: frozenset[str]
    symbol: str | None = None
    client_order_id: str | None = None


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
    """

    order: Order
    reason: str
    since: float
    is_absent: bool = False
    is_denied: bool = False


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
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, Question] = {}
        self._next_round = 0.0
        self._pause = _FIRST_PAUSE
        self.is_reported = False
        self.unanswered_modifies: dict[str, c.ModifyOrder] = {}

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

    def settle(self, order_id: str) -> None:
        """Close the question about an order: the exchange has said what there is to know."""
        self._open.pop(order_id, None)
        if not self._open:
            self.is_reported = False

    def postpone(self) -> None:
        """Ask what is still open again after a pause that grows."""
        self._next_round = self._clock() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

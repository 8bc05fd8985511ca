"""The requests in flight on one line, and the callers that wait for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from time import monotonic
from typing import Any, ClassVar, Protocol

from ..errors import RequestTimeout
from ..protocol.commands import Keys
from ..protocol.matching import Request
from .bells import Bell, ring_all, sleep_until
from .deadline import Deadline

#: Seconds for which an overdue reply may still come before its lane is given up and the line renewed.
LATE_REPLY_GRACE = 2.0


class LineDown(Exception):
    """The line ended before a request was sent on it."""


class LineLost(Exception):
    """What a request gets whose line ended before its answer."""

    def __init__(
        self, reason: str, code: int | None = None, *, closed: bool = False, silent: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.closed = closed
        self.silent = silent


class SendFailed(Exception):
    """Messages did not leave, or not all of them. `begun` tells of how many, the first ones, bytes may have left."""

    def __init__(self, reason: str, *, begun: int = 0) -> None:
        super().__init__(reason)
        self.begun = begun


class LaneOverdue(Exception):
    """A lane waits for a late reply that does not come."""


class Waiter(Request, eq=False):
    """A request whose callers can wait for it.

    Attributes
    ----------
    bells : list
        How to wake who waits.
    answered : bool
        Whether the answer came; then `outcome` has it.
    """

    #: Seconds after which a request that no caller waits for counts as given up.
    patience: ClassVar[float] = float("inf")

    bells: list[Bell] = []
    answered: bool = False
    outcome: Any = None
    sent_at: float = 0.0
    given_up_at: float = 0.0

    def wait(self, deadline: Deadline) -> bool:
        """Wait for the answer; whether it came in time."""
        return self.answered or sleep_until(self.is_answered, self.bells, deadline)

    def is_answered(self) -> bool:
        """Whether the answer came."""
        return self.answered

    def resolve(self, outcome: Any) -> None:
        """Hand over the result, or the exception that the caller shall get."""
        self.outcome = outcome
        self.answered = True
        if self.bells:
            ring_all(self.bells)


class Book(Protocol):
    """What decides which message answers which request; see `qfex.protocol.matching.RequestBook`."""

    @property
    def filed(self) -> Mapping[Any, Any]:
        """The requests, those given up included, however they are kept."""

    @property
    def answering(self) -> Set[type]:
        """Kinds of messages that may answer something."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Any: ...
    def add(self, request: Any) -> None: ...
    def remove(self, request: Any) -> None: ...
    def give_up(self, request: Any) -> None: ...
    def occupant(self, lanes: Iterable[Hashable]) -> Any: ...
    def answer(self, message: Any) -> Sequence[tuple[Any, Any]]: ...


class PendingTable:
    """The book of one line's requests, made safe for threads.

    `_lock` guards everything but `_bells`, those of who waits for a lane or for the end of all requests.
    """

    def __init__(self, book: Book, round_trips: deque[float]) -> None:
        self._book = book
        self._answering = book.answering
        self._round_trips = round_trips
        self._lock = threading.Lock()
        self._bells: list[Bell] = []
        self._refusal: LineLost | None = None
        self._draining = False

    def __len__(self) -> int:
        return len(self._book)

    def add(self, waiter: Waiter, deadline: Deadline) -> None:
        """File a request, once its lanes are free.

        Raises
        ------
        LineDown
            If the line ended or is being renewed.
        LaneOverdue
            If a lane waits for a reply that is later than the grace.
        RequestTimeout
            If no lane became free in time; nothing was sent.
        """
        lanes = waiter.command.lanes()
        while (occupant := self._file(waiter, lanes)) is not None:
            self._await_lane(occupant, deadline)

    def _file(self, waiter: Waiter, lanes: Keys) -> Waiter | None:
        """File a request, unless another one occupies a lane of it: that one is given."""
        with self._lock:
            if self._over:
                raise LineDown
            occupant: Waiter | None = self._book.occupant(lanes) if lanes else None
            if occupant is None:
                waiter.sent_at = monotonic()
                self._book.add(waiter)
            return occupant

    @property
    def _over(self) -> bool:
        """Whether new requests are refused."""
        return self._refusal is not None or self._draining

    def _await_lane(self, occupant: Waiter, deadline: Deadline) -> None:
        """Wait until there is news of a lane's occupant, or of the line."""
        with self._lock:
            patience = self._patience_with(occupant, deadline)
            given_up = occupant.given_up
        sleep_until(
            lambda: not occupant.filed or occupant.given_up is not given_up or self._over,
            self._bells,
            Deadline(patience),
        )

    def _patience_with(self, occupant: Waiter, deadline: Deadline) -> float | None:
        """Seconds after which to look after a lane's occupant again."""
        patience = deadline.remaining()
        if not occupant.given_up and monotonic() > occupant.sent_at + occupant.patience:
            occupant.given_up_at = monotonic()
            self._book.give_up(occupant)
        if occupant.given_up:
            grace = occupant.given_up_at + LATE_REPLY_GRACE - monotonic()
            if occupant.lingering and (grace <= 0 or deadline.passed):
                self._book.remove(occupant)
                return 0.0
            if grace <= 0:
                raise LaneOverdue
            patience = grace if patience is None else min(patience, grace)
        if deadline.passed:
            raise RequestTimeout(
                f"another {occupant.command.type} is still waiting for its reply", sent=False
            )
        return patience

    def withdraw(self, waiter: Waiter) -> None:
        """Take out a request that was never sent."""
        with self._lock:
            self._book.remove(waiter)
        ring_all(self._bells)

    def give_up(self, waiter: Waiter) -> bool:
        """Stop waiting for a request; its late reply will be swallowed.

        Returns
        -------
        bool
            False when the answer has just come: then it is the outcome after all.
        """
        with self._lock:
            if not waiter.filed:
                return False
            waiter.given_up_at = monotonic()
            self._book.give_up(waiter)
        ring_all(self._bells)
        return True

    def linger(self, waiter: Waiter) -> None:
        """Note that a request has ended without its reply, which may yet come and will be swallowed."""
        with self._lock:
            waiter.given_up_at = monotonic()
            waiter.lingering = True
            self._book.give_up(waiter)
        ring_all(self._bells)

    def answer(self, message: Any) -> Sequence[tuple[Waiter, Any]]:
        """The requests that a message answers. The caller resolves them, after the state shows the message."""
        # A request is filed before its bytes leave, so its answer finds it here.
        if not self._book.filed or type(message) not in self._answering:
            return ()
        with self._lock:
            answers = self._book.answer(message)
            if answers:
                now = monotonic()
                for waiter, _ in answers:
                    self._round_trips.append(now - waiter.sent_at)
                    if waiter.lingering:
                        waiter.given_up_at = now
        if self._bells:
            ring_all(self._bells)
        return answers

    def drain(self, deadline: Deadline) -> None:
        """Refuse new requests and wait until those in flight are answered or given up."""
        with self._lock:
            self._draining = True
        ring_all(self._bells)
        sleep_until(lambda: not len(self._book) or self._refusal is not None, self._bells, deadline)

    def fail_all(self, lost: LineLost) -> None:
        """End every request: the line is gone."""
        with self._lock:
            self._refusal = lost
            waiters: list[Waiter] = [waiter for waiter in self._book if not waiter.lingering]
            for waiter in list(self._book):
                self._book.remove(waiter)
        ring_all(self._bells)
        for waiter in waiters:
            waiter.resolve(lost)

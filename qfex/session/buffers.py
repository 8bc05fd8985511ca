"""The queue in front of a consumer of events."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from ..enums import OpenEnum
from ..protocol.events import Event, Policy
from .bells import Bell, ring_all, sleep_until
from .deadline import Deadline

# Members by names of their own: looking one up in its class takes longer than the comparison.
_CONFLATE, _DROP_OLDEST = Policy.CONFLATE, Policy.DROP_OLDEST


class EventBuffer:
    """A queue of events under their channels' policies.

    `_lock` guards everything, the bells of waiting consumers included. They are rung without it, so that who wakes
    does not have to wait for it.

    Parameters
    ----------
    policy_of : callable
        The policy of a channel.
    limit : int
        Events that are held at most; with `force` there may be more.
    """

    def __init__(self, policy_of: Callable[[OpenEnum], Policy], limit: int) -> None:
        self._policy_of = policy_of
        self._policies: dict[OpenEnum, Policy] = {}
        self._limit = limit
        self._lock = threading.Lock()
        self._bells: list[Bell] = []
        self._queue: deque[Event | tuple[OpenEnum, Hashable]] = deque()
        self._newest: dict[tuple[OpenEnum, Hashable], Event] = {}
        self._closed = False
        self.dropped = 0
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, events: Iterator[Event]) -> Event | None:
        """Add events up to the first for which there is no room, and whose policy allows no loss: that one is given."""
        with self._lock:
            refused = None if self._closed else self._add(events)
        ring_all(self._bells)
        return refused

    def _add(self, events: Iterator[Event]) -> Event | None:
        for event in events:
            policy = self._policies.get(event.channel) or self._policy(event.channel)
            if policy is _CONFLATE:
                self._conflate(event)
            elif len(self._queue) < self._limit or (policy is _DROP_OLDEST and self._drop_oldest()):
                self._queue.append(event)
            else:
                return event
        return None

    def _policy(self, channel: OpenEnum) -> Policy:
        policy = self._policies[channel] = self._policy_of(channel)
        return policy

    def _conflate(self, event: Event) -> None:
        place = (event.channel, event.key)
        if place in self._newest:
            self.conflated += 1
        else:
            self._queue.append(place)
        self._newest[place] = event

    def _drop_oldest(self) -> bool:
        """Make room by dropping the oldest event that may be dropped; normally the first of the queue."""
        for index, held in enumerate(self._queue):
            if isinstance(held, Event) and self._policy_of(held.channel) is _DROP_OLDEST:
                del self._queue[index]
                self.dropped += 1
                return True
        return False

    def force(self, event: Event) -> None:
        """Add an event beyond the limit: nothing is lost while the session stops the inflow."""
        with self._lock:
            self._queue.append(event)
        ring_all(self._bells)

    def get(self, timeout: float | None = None) -> Event | None:
        """Take the oldest event; None when none came in time, or the buffer was closed and is empty."""
        taken = self.get_many(1, timeout)
        return taken[0] if taken else None

    def get_many(self, most: int, timeout: float | None = None) -> Sequence[Event]:
        """Wait for events and take the oldest, as far as no newer one can replace them.

        None, when none came in time, or the buffer was closed and is empty.
        """
        deadline = Deadline(timeout)
        taken: list[Event] = []
        try:
            while True:
                with self._lock:
                    if self._has_news():
                        self._take(most, taken)
                        return taken
                if not sleep_until(self._has_news, self._bells, deadline):
                    return taken
        except BaseException:  # Ctrl-C: nobody got them
            self._put_back(taken)
            raise

    def _has_news(self) -> bool:
        return bool(self._queue) or self._closed

    def _take(self, most: int, taken: list[Event]) -> None:
        queue = self._queue
        while queue and len(taken) < most and isinstance(held := queue[0], Event):
            taken.append(held)  # first, so that Ctrl-C loses none in between
            queue.popleft()
        if queue and not taken:  # one that newer ones replace
            place: Any = queue[0]
            queue[0] = self._newest[place]
            del self._newest[place]
            self._take(1, taken)

    def _put_back(self, taken: list[Event]) -> None:
        with self._lock:
            if taken and self._queue and self._queue[0] is taken[-1]:  # it is still there
                taken.pop()
            self._queue.extendleft(reversed(taken))

    def close(self, *, discard: bool = False) -> None:
        """Take nothing more, and wake the consumer; what is queued can still be taken unless discarded."""
        with self._lock:
            self._closed = True
            if discard:
                self._queue.clear()
        ring_all(self._bells)

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

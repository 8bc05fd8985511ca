"""Iterable queues of events, for those who prefer a loop to callbacks. The reader thread fills them."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, TypeVar

from ..arguments import seconds
from ..enums import OpenEnum
from ..errors import ForkedClientError, RequestTimeout, SlowConsumer
from ..protocol.events import Event, Policy
from ..threads import Deadline, Mutex, WaitList

DEFAULT_SIZE = 10_000

_EventT = TypeVar("_EventT", covariant=True)


class EventBuffer:
    """A queue of events under their channels' policies.

    `_mutex` guards everything but `closed` and the wait list of the consumers. They are woken without it, so that they do
    not have to wait for it.

    Parameters
    ----------
    policy_of : callable
        The policy of a channel.
    limit : int
        Events that are held at most; with `force` there may be more.

    Attributes
    ----------
    dropped, conflated : int
        Events lost because they were not taken in time, and events replaced by a newer one of the same symbol.
    closed : bool
        Whether nothing more will come.
    """

    def __init__(self, policy_of: Callable[[OpenEnum], Policy], limit: int) -> None:
        self._policy_of = policy_of
        self._policies: dict[OpenEnum, Policy] = {}
        self._limit = limit
        self._mutex = Mutex()
        self._consumers = WaitList()
        self._queue: deque[Event | tuple[OpenEnum, Hashable]] = deque()
        self._newest: dict[tuple[OpenEnum, Hashable], Event] = {}
        self.closed = False
        self.dropped = 0
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, events: Iterator[Event]) -> Event | None:
        """Add events up to the first that has no room and must not be lost; return that event, or None."""
        with self._mutex:
            refused = None if self.closed else self._add(events)
        self._consumers.notify_all()
        return refused

    def _add(self, events: Iterator[Event]) -> Event | None:
        for event in events:
            policy = self._policies.get(event.channel) or self._policy(event.channel)
            if policy is Policy.CONFLATE:
                self._conflate(event)
            elif len(self._queue) < self._limit or (policy is Policy.DROP_OLDEST and self._drop_oldest()):
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
            if isinstance(held, Event) and self._policy_of(held.channel) is Policy.DROP_OLDEST:
                del self._queue[index]
                self.dropped += 1
                return True
        return False

    def force(self, event: Event) -> None:
        """Add an event beyond the limit: nothing is lost while the session stops the inflow."""
        with self._mutex:
            self._queue.append(event)
        self._consumers.notify_all()

    def get(self, timeout: float | None = None) -> Event | None:
        """Take the oldest event; None when none came in time, or the buffer was closed and is empty."""
        taken = self.get_many(1, timeout)
        return taken[0] if taken else None

    def get_many(self, most: int, timeout: float | None = None) -> Sequence[Event]:
        """Wait for events and take the oldest, as far as no newer one can replace them.

        Returns
        -------
        sequence of Event
            Empty if none came in time, or the buffer was closed and is empty.
        """
        deadline = Deadline(timeout)
        taken: list[Event] = []
        try:
            while True:
                with self._mutex:
                    if self._has_news():
                        self._take(most, taken)
                        return taken
                if not self._consumers.wait_until(self._has_news, deadline):
                    return taken
        except BaseException:  # Ctrl-C: these events did not reach the caller
            if taken:
                self._put_back(taken)
            raise

    def _has_news(self) -> bool:
        return bool(self._queue) or self.closed

    def _take(self, most: int, taken: list[Event]) -> None:
        queue = self._queue
        while queue and len(taken) < most and isinstance(held := queue[0], Event):
            taken.append(held)  # before it leaves the queue, so that Ctrl-C in between loses none
            queue.popleft()
        if queue and not taken:  # the place of a conflated event
            place: Any = queue[0]
            queue[0] = self._newest[place]
            del self._newest[place]
            self._take(1, taken)

    def _put_back(self, taken: list[Event]) -> None:
        with self._mutex:
            if self._queue and self._queue[0] is taken[-1]:  # it never left the queue
                taken.pop()
            self._queue.extendleft(reversed(taken))

    def close(self) -> None:
        """Take nothing more, and wake the consumer; what is queued can still be taken.

        Enters no mutex: a signal handler closes the client wherever it interrupted it, and so does the garbage collector.
        """
        self.closed = True
        self._consumers.notify_all()


class StreamQueue(EventBuffer):
    """The queue of one stream. The reader thread fills it, and knows only the queue: it keeps no stream alive.

    Attributes
    ----------
    overflowed : bool
        Whether an event was lost that must not be dropped.
    """

    def __init__(
        self, channels: frozenset[OpenEnum], policy_of: Callable[[OpenEnum], Policy], maxsize: int
    ) -> None:
        super().__init__(policy_of, maxsize)
        self.channels = channels
        self.overflowed = False

    def offer(self, events: Sequence[Event]) -> None:
        """Add those events that are of the stream's channels."""
        if self.put(event for event in events if event.channel in self.channels) is not None:
            self.overflowed = True
            self.dropped += 1
            self.close()


class NoEvent(RequestTimeout, queue.Empty):
    """No event came in time."""

    def __init__(self) -> None:
        super().__init__("no event within the time allowed", sent=False)


class Stream(Generic[_EventT]):
    """Events of some channels, oldest first: ``for event in stream``, or `get`.

    Ends when it is closed or the client is. Events of channels that may not lose any are kept up to the stream's
    size; if they are not taken by then, the stream yields what it holds and then raises `SlowConsumer`.
    """

    def __init__(self, hub: StreamHub, events: StreamQueue, client: object) -> None:
        self._hub = hub
        self._events = events
        self._client = client  # a client whose stream is in use is not garbage

    def __enter__(self) -> Stream[_EventT]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[_EventT]:
        return self

    def __next__(self) -> _EventT:
        event = self._take(None)
        if event is None:
            raise StopIteration
        value: _EventT = event.value
        return value

    def get(self, timeout: float | None = None) -> _EventT:
        """Take the next event.

        Parameters
        ----------
        timeout : float or None
            Seconds to wait; None waits for ever.

        Raises
        ------
        NoEvent
            If none came in time, or the stream has ended (a `RequestTimeout`, and a `queue.Empty`).
        SlowConsumer
            If events were lost because the stream was full.
        """
        event = self._take(None if timeout is None else seconds(timeout))
        if event is None:
            raise NoEvent
        value: _EventT = event.value
        return value

    def _take(self, timeout: float | None) -> Event | None:
        event = self._events.get(timeout)
        if event is None and self._events.overflowed:
            raise SlowConsumer("the stream was full; events that may not be dropped were lost")
        return event

    def __len__(self) -> int:
        return len(self._events)

    @property
    def dropped(self) -> int:
        """Events lost because they were not taken in time."""
        return self._events.dropped

    @property
    def conflated(self) -> int:
        """Events replaced by a newer one of the same symbol."""
        return self._events.conflated

    def close(self) -> None:
        """Take nothing more. What is queued can still be read."""
        with suppress(ForkedClientError):  # nothing is delivered to a child
            self._hub.remove(self._events)
        self._events.close()


class StreamHub:
    """The queues of the open streams. `_mutex` guards changes; the reader thread takes the current tuple without it."""

    def __init__(self) -> None:
        self._mutex = Mutex()
        self.opened: tuple[StreamQueue, ...] = ()
        self._dropped = 0
        self._conflated = 0

    def open(
        self,
        channels: frozenset[OpenEnum],
        policy_of: Callable[[OpenEnum], Policy],
        maxsize: int,
        client: object = None,
    ) -> Stream[Any]:
        """Make a stream. It keeps `client` alive."""
        events = StreamQueue(channels, policy_of, maxsize)
        with self._mutex:
            self.opened = (*self.opened, events)
        return Stream(self, events, client)

    def remove(self, queue: StreamQueue) -> None:
        """Forget the queue of a stream, but not what it lost."""
        with self._mutex:
            if queue in self.opened:
                self._dropped += queue.dropped
                self._conflated += queue.conflated
                self.opened = tuple(each for each in self.opened if each is not queue)

    def publish(self, events: Sequence[Event]) -> None:
        """Offer events to the streams."""
        for each in self.opened:
            each.offer(events)

    def close(self) -> None:
        """End all streams; what is queued can still be read."""
        for each in self.opened:
            each.close()

    @property
    def dropped(self) -> int:
        """Events that streams lost, closed ones included."""
        return self._dropped + sum(queue.dropped for queue in self.opened)

    @property
    def conflated(self) -> int:
        """Events that streams conflated, closed ones included."""
        return self._conflated + sum(queue.conflated for queue in self.opened)

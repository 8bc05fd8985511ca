"""Iterable queues of events, for those who prefer a loop to callbacks. The reader thread fills them."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

from ..arguments import seconds
from ..deadline import Deadline
from ..enums import OpenEnum
from ..errors import RequestTimeout, SlowConsumer
from ..protocol.events import Event, Policy
from .wait import WaitList

DEFAULT_SIZE = 10_000

_EventT = TypeVar("_EventT", covariant=True)


class EventBuffer:
    """A queue of events under their channels' policies.

    `_lock` guards everything but the wait list of its consumers. They are woken without it, so that they do not have to
    wait for it.

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
        self._consumers = WaitList()
        self._queue: deque[Event | tuple[OpenEnum, Hashable]] = deque()
        self._newest: dict[tuple[OpenEnum, Hashable], Event] = {}
        self._closed = False
        self.dropped = 0
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, events: Iterator[Event]) -> Event | None:
        """Add events, up to the first that has no room and must not be lost; that event, or None."""
        with self._lock:
            refused = None if self._closed else self._add(events)
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
        with self._lock:
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
                with self._lock:
                    if self._has_news():
                        self._take(most, taken)
                        return taken
                if not self._consumers.wait_until(self._has_news, deadline):
                    return taken
        except BaseException:  # Ctrl-C: these events did not reach the caller
            self._put_back(taken)
            raise

    def _has_news(self) -> bool:
        return bool(self._queue) or self._closed

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
        with self._lock:
            if taken and self._queue and self._queue[0] is taken[-1]:  # it never left the queue
                taken.pop()
            self._queue.extendleft(reversed(taken))

    def close(self, *, discard: bool = False) -> None:
        """Take nothing more, and wake the consumer; what is queued can still be taken unless discarded."""
        with self._lock:
            self._closed = True
            if discard:
                self._queue.clear()
        self._consumers.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed


class NoEvent(RequestTimeout, queue.Empty):
    """No event came in time."""

    def __init__(self) -> None:
        super().__init__("no event within the time allowed", sent=False)


class Stream(Generic[_EventT]):
    """Events of some channels, oldest first: ``for event in stream``, or `get`.

    Ends when it is closed or the client is. Events of channels that may not lose any are kept up to the stream's
    size; if they are not taken by then, the stream yields what it holds and then raises `SlowConsumer`.
    """

    def __init__(
        self,
        hub: StreamHub,
        channels: frozenset[OpenEnum],
        policy_of: Callable[[OpenEnum], Policy],
        maxsize: int,
    ) -> None:
        self._hub = hub
        self.channels = channels
        self._buffer = EventBuffer(policy_of, maxsize)
        self._broken = False

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
        event = self._buffer.get(timeout)
        if event is None and self._broken:
            raise SlowConsumer("the stream was full; events that may not be dropped were lost")
        return event

    def __len__(self) -> int:
        return len(self._buffer)

    @property
    def dropped(self) -> int:
        """Events lost because they were not taken in time."""
        return self._buffer.dropped

    @property
    def conflated(self) -> int:
        """Events replaced by a newer one of the same symbol."""
        return self._buffer.conflated

    def offer(self, events: Sequence[Event]) -> None:
        """Add those events that are of its channels; called by the client's reader thread."""
        if self._buffer.put(event for event in events if event.channel in self.channels) is not None:
            self._broken = True
            self._buffer.dropped += 1
            self._buffer.close()

    def close(self) -> None:
        """Take nothing more. What is queued can still be read."""
        self._hub.remove(self)
        self._buffer.close()


class StreamHub:
    """The open streams. `_lock` guards changes; the reader thread takes the current tuple without it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.opened: tuple[Stream[Any], ...] = ()
        self._dropped = 0
        self._conflated = 0

    def open(
        self, channels: frozenset[OpenEnum], policy_of: Callable[[OpenEnum], Policy], maxsize: int
    ) -> Stream[Any]:
        """Make a stream."""
        stream: Stream[Any] = Stream(self, channels, policy_of, maxsize)
        with self._lock:
            self.opened = (*self.opened, stream)
        return stream

    def remove(self, stream: Stream[Any]) -> None:
        """Forget a stream, but not what it lost."""
        with self._lock:
            if stream in self.opened:
                self._dropped += stream.dropped
                self._conflated += stream.conflated
                self.opened = tuple(each for each in self.opened if each is not stream)

    def publish(self, events: Sequence[Event]) -> None:
        """Offer events to the streams."""
        for stream in self.opened:
            stream.offer(events)

    def close(self) -> None:
        """Close all streams."""
        for stream in self.opened:
            stream.close()

    @property
    def dropped(self) -> int:
        """Events that streams lost, closed ones included."""
        return self._dropped + sum(stream.dropped for stream in self.opened)

    @property
    def conflated(self) -> int:
        """Events that streams conflated, closed ones included."""
        return self._conflated + sum(stream.conflated for stream in self.opened)

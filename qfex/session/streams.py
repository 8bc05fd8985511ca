"""Iterable queues of events, for those who prefer a loop to callbacks. The reader thread fills them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

from ..enums import OpenEnum
from ..errors import RequestTimeout, SlowConsumer
from ..protocol.events import Event, Policy
from ..protocol.numbers import seconds
from .buffers import EventBuffer

DEFAULT_SIZE = 10_000

_EventT = TypeVar("_EventT", covariant=True)


class NoEvent(RequestTimeout, queue.Empty):
    """No event came in time."""

    def __init__(self) -> None:
        super().__init__("no event within the time allowed", sent=False)


class Stream(Generic[_EventT]):
    """Events of some channels, oldest first: ``for event in stream``, or `get`.

    Ends when it is closed or the client is. Events of channels that may not lose any are kept up to the stream's
    size; if they are not taken by then, the stream gives what it holds and then raises `SlowConsumer`.
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

"""Streams: events as a loop takes them, for those who prefer one to callbacks."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

from ..arguments import seconds
from ..errors import ForkedClientError, RequestTimeout, SlowConsumer
from ..protocol.events import Event
from .events import StreamHub, StreamQueue

DEFAULT_SIZE = 10_000

_EventT = TypeVar("_EventT", covariant=True)


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

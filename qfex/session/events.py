"""Delivery of events: the queues of streams and callbacks, and the one thread that runs callbacks.

Callbacks never run on the reader thread, so a callback may call any blocking method of the client.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from time import monotonic
from typing import Any

from ..enums import OpenEnum
from ..models.connection import ErrorEvent
from ..protocol.connection import Endpoint
from ..protocol.events import Event, Policy
from ..threads import Deadline, Mutex, WaitList

log = logging.getLogger("qfex")

QUEUE_LIMIT = 100_000
_AT_ONCE = 32  # events taken off the queue in one go
_CAUGHT_UP = 50_000  # events; callbacks that fell too far behind have caught up when fewer wait
_LOG_INTERVAL = 1.0  # seconds between log lines about one failing callback

Callback = Callable[[Any], object]


# --- queues --------------------------------------------------------------------------------------------------------


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
    ) -> StreamQueue:
        """Open the queue of a new stream."""
        events = StreamQueue(channels, policy_of, maxsize)
        with self._mutex:
            self.opened = (*self.opened, events)
        return events

    def remove(self, queue: StreamQueue) -> None:
        """Forget the queue of a stream, but not what it lost."""
        with self._mutex:
            if queue in self.opened:
                self._dropped += queue.dropped
                self._conflated += queue.conflated
                self.opened = tuple(each for each in self.opened if each is not queue)

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


# --- callbacks -----------------------------------------------------------------------------------------------------


class Registration:
    """A callback on a channel. `cancel` removes it."""

    __slots__ = ("_client", "_registry", "callback", "channel", "logged_at")

    def __init__(
        self, registry: CallbackRegistry, channel: OpenEnum, callback: Callback, client: object
    ) -> None:
        self._registry = registry
        self._client = client  # a client that has a callback to run is not garbage
        self.channel = channel
        self.callback = callback
        self.logged_at = float("-inf")

    def cancel(self) -> None:
        """Remove the callback; calling it twice does no harm."""
        self._registry.remove(self)

    def __repr__(self) -> str:
        return f"<{self.callback!r} on {self.channel}>"


class CallbackRegistry:
    """Callbacks by channel. `_mutex` guards changes; readers take the current tuple without it.

    Attributes
    ----------
    by_channel : dict
        The callbacks of each channel, in the order of their registration.
    """

    def __init__(self) -> None:
        self._mutex = Mutex()
        self.by_channel: dict[OpenEnum, tuple[Registration, ...]] = {}

    def add(self, channel: OpenEnum, callback: Callback, client: object) -> Registration:
        """Register a callback of a client. Registering it twice calls it twice."""
        registration = Registration(self, channel, callback, client)
        with self._mutex:
            self.by_channel[channel] = (*self.by_channel.get(channel, ()), registration)
        return registration

    def remove(self, registration: Registration) -> None:
        """Remove a callback."""
        with self._mutex:
            registered = self.by_channel.get(registration.channel, ())
            kept = tuple(each for each in registered if each is not registration)
            if kept:
                self.by_channel[registration.channel] = kept
            else:
                self.by_channel.pop(registration.channel, None)


class Dispatcher:
    """The queue between the reader thread and the callbacks, and the thread that empties it.

    The thread starts with the first callback: a client without one does not pay for it. `_mutex` guards its start, and
    `buffer` is the queue.
    """

    def __init__(
        self,
        name: str,
        policy_of: Callable[[OpenEnum], Policy],
        errors: OpenEnum,
        on_death: Callable[[BaseException], None],
        emit: Callable[[Sequence[Event]], None],
        registry: CallbackRegistry,
    ) -> None:
        self.registry = registry
        self._emit = emit
        self._name = name
        self._errors = errors
        self._on_death = on_death
        self.buffer = EventBuffer(policy_of, QUEUE_LIMIT)
        self._abandoned = False
        self._mutex = Mutex()
        self._started = False
        self._thread: threading.Thread | None = None
        self.callback_errors = 0

    def start(self) -> None:
        """Run callbacks from now on; with a new thread, where an earlier one died."""
        with self._mutex:
            self._started = True
            if self._thread is not None and not self._thread.is_alive():
                self._thread = None
        if self.registry.by_channel:
            self._start_thread()

    def register(self, channel: OpenEnum, callback: Callback, client: object = None) -> Registration:
        """Register a callback. It keeps `client` alive."""
        registration = self.registry.add(channel, callback, client)
        if self._started:
            self._start_thread()
        return registration

    def _start_thread(self) -> None:
        with self._mutex:
            if self._thread is None or self._thread.ident is None:  # Ctrl-C may have kept it from starting
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def publish(self, events: Sequence[Event]) -> bool:
        """Queue the events that a callback wants; False when the queue is full and may lose nothing."""
        registered = self.registry.by_channel
        wanted = [event for event in events if registered.get(event.channel)]
        if not wanted:
            return True
        remaining, roomy = iter(wanted), True
        while (refused := self.buffer.put(remaining)) is not None:
            self.buffer.force(refused)
            roomy = False
        return roomy

    def stop(self, patience: float) -> None:
        """Run the callbacks of what is queued for at most `patience` seconds, then end.

        A callback that is running may finish; the thread runs no other after it. Called in a callback, `stop` returns at
        once.
        """
        end = monotonic() + patience
        self.buffer.close()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            self._abandoned = thread is not None
            return
        if thread.is_alive():  # one that is only being started cannot be joined
            thread.join(max(0.0, end - monotonic()))
        self._abandoned = True

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller runs inside a callback."""
        return self._thread is threading.current_thread()

    def _run(self) -> None:
        try:
            self._empty_the_queue()
        except BaseException as error:  # such as SystemExit in a callback: nobody may wait for a dead thread
            self._on_death(error)

    def _empty_the_queue(self) -> None:
        while events := self.buffer.get_many(_AT_ONCE):
            for event in events:
                if self._abandoned:
                    return
                self._run_callbacks(event)

    def _run_callbacks(self, event: Event) -> None:
        # In a function of its own: a thread that waits for the next event must not keep the last callback alive.
        for registration in self.registry.by_channel.get(event.channel, ()):
            self._call(registration, event)

    def _call(self, registration: Registration, event: Event) -> None:
        try:
            registration.callback(event.value)
        except Exception as error:  # the user's code may raise anything; the others still run
            self.callback_errors += 1
            self._report(registration, event, error)

    def _report(self, registration: Registration, event: Event, error: Exception) -> None:
        if monotonic() - registration.logged_at >= _LOG_INTERVAL:
            registration.logged_at = monotonic()
            log.error("callback %r failed", registration, exc_info=error)
        if event.channel is not self._errors:  # an error callback that fails does not get its own failure
            message = f"callback on {event.channel} raised {type(error).__name__}: {_text(error)}"
            self._emit([Event(self._errors, None, ErrorEvent("callback", message, error=error))])


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # it is the user's exception, and so is its text
        return "(no text)"


# --- everything ----------------------------------------------------------------------------------------------------


class EventHub:
    """Everything that events are delivered to: streams, and callbacks on the dispatcher thread.

    Parameters
    ----------
    name : str
        How the dispatcher thread is named.
    endpoint : Endpoint
        The channels and their policies.
    on_death : callable
        Called with the exception that ended the dispatcher thread.
    on_overflow : callable
        Called with the number of events that callbacks are behind, when that is too many.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        on_death: Callable[[BaseException], None],
        on_overflow: Callable[[int], None],
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._on_death = on_death
        self._on_overflow = on_overflow
        self.streams = StreamHub()
        self.dispatcher = self._new_dispatcher(CallbackRegistry())

    def _new_dispatcher(self, registry: CallbackRegistry) -> Dispatcher:
        return Dispatcher(
            f"{self._name}-dispatcher",
            policy_of=self._endpoint.policy_of,
            errors=self._endpoint.errors,
            on_death=self._on_death,
            emit=self.publish,
            registry=registry,
        )

    def start(self) -> None:
        """Run callbacks from now on."""
        self.dispatcher.start()

    def restart(self, patience: float) -> None:
        """End the dispatcher thread and prepare another one for the same callbacks."""
        self.dispatcher.stop(patience)
        self.dispatcher = self._new_dispatcher(self.dispatcher.registry)

    def close(self, patience: float) -> None:
        """End all streams and, after at most `patience` seconds, the dispatcher thread."""
        self.streams.close()
        self.dispatcher.stop(patience)

    def end(self) -> None:
        """End all streams and, when its queue is empty, the dispatcher thread. Enters no mutex, and does not wait."""
        self.streams.close()
        self.dispatcher.buffer.close()

    def publish(self, events: Sequence[Event]) -> None:
        """Deliver events to streams and callbacks, where there are any."""
        for queue in self.streams.opened:
            queue.offer(events)
        dispatcher = self.dispatcher
        if dispatcher.registry.by_channel and not dispatcher.publish(events):
            self._on_overflow(len(dispatcher.buffer))

    def report(self, kind: str, message: str, text: str = "", error: BaseException | None = None) -> None:
        """Report on the errors channel what belongs to no call."""
        log.debug("%s: %s", kind, message)
        self.publish([Event(self._endpoint.errors, None, ErrorEvent(kind, message, text, error))])

    def await_callbacks(self, ended: Callable[[], bool], pause: Callable[[float], None]) -> None:
        """Wait until callbacks that fell too far behind have caught up."""
        buffer = self.dispatcher.buffer
        while len(buffer) > _CAUGHT_UP and not ended():
            pause(0.05)

"""Callbacks: their registry, and the one thread that runs them.

Callbacks never run on the reader thread, so a callback may call any blocking method of the client.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from ..enums import OpenEnum
from ..models.connection import ErrorEvent
from ..protocol.events import Event, Policy
from .buffers import EventBuffer

log = logging.getLogger("qfex")

QUEUE_LIMIT = 100_000
_AT_ONCE = 32  # events taken off the queue in one go
_LOG_INTERVAL = 1.0  # seconds between log lines about one failing callback

Callback = Callable[[Any], object]


class Registration:
    """A callback on a channel. `cancel` removes it."""

    __slots__ = ("_registry", "callback", "channel", "logged_at")

    def __init__(self, registry: CallbackRegistry, channel: OpenEnum, callback: Callback) -> None:
        self._registry = registry
        self.channel = channel
        self.callback = callback
        self.logged_at = float("-inf")

    def cancel(self) -> None:
        """Remove the callback; calling it twice does no harm."""
        self._registry.remove(self)

    def __repr__(self) -> str:
        return f"<{self.callback!r} on {self.channel}>"


class CallbackRegistry:
    """Callbacks by channel. `_lock` guards changes; readers take the current tuple without it.

    Attributes
    ----------
    by_channel : dict
        The callbacks of each channel, in the order of their registration.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.by_channel: dict[OpenEnum, tuple[Registration, ...]] = {}

    def add(self, channel: OpenEnum, callback: Callback) -> Registration:
        """Register a callback. Registering it twice calls it twice."""
        registration = Registration(self, channel, callback)
        with self._lock:
            self.by_channel[channel] = (*self.by_channel.get(channel, ()), registration)
        return registration

    def remove(self, registration: Registration) -> None:
        """Remove a callback."""
        with self._lock:
            registered = self.by_channel.get(registration.channel, ())
            kept = tuple(each for each in registered if each is not registration)
            if kept:
                self.by_channel[registration.channel] = kept
            else:
                self.by_channel.pop(registration.channel, None)


class Dispatcher:
    """The queue between the reader thread and the callbacks, and the thread that empties it.

    The thread starts with the first callback: whoever has none does not pay for it. `_lock` guards its start.
    """

    def __init__(
        self,
        name: str,
        policy_of: Callable[[OpenEnum], Policy],
        errors: OpenEnum,
        on_death: Callable[[BaseException], None],
        tell: Callable[[Sequence[Event]], None],
    ) -> None:
        self.registry = CallbackRegistry()
        self._tell = tell
        self._name = name
        self._errors = errors
        self._on_death = on_death
        self._buffer = EventBuffer(policy_of, QUEUE_LIMIT)
        self._abandoned = False
        self._lock = threading.Lock()
        self._started = False
        self._thread: threading.Thread | None = None
        self.callback_errors = 0

    @property
    def buffer(self) -> EventBuffer:
        """The queue."""
        return self._buffer

    def start(self) -> None:
        """Run callbacks from now on; with a new thread, where an earlier one died."""
        with self._lock:
            self._started = True
            if self._thread is not None and not self._thread.is_alive():
                self._thread = None
        if self.registry.by_channel:
            self._start_thread()

    def register(self, channel: OpenEnum, callback: Callback) -> Registration:
        """Register a callback."""
        registration = self.registry.add(channel, callback)
        if self._started:
            self._start_thread()
        return registration

    def _start_thread(self) -> None:
        with self._lock:
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
        while (refused := self._buffer.put(remaining)) is not None:
            self._buffer.force(refused)
            roomy = False
        return roomy

    def stop(self, patience: float) -> None:
        """Run the callbacks of what is queued for at most `patience` seconds, then end.

        A callback that is under way is left to finish by itself; it is the thread's last. From a callback, `stop`
        returns at once.
        """
        end = monotonic() + patience
        self._buffer.close()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            self._abandoned = thread is not None
            return
        thread.join(max(0.0, end - monotonic()))
        self._abandoned = True
        self._buffer.close(discard=True)

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller runs inside a callback."""
        return self._thread is threading.current_thread()

    def _run(self) -> None:
        try:
            self._empty_the_queue()
        except (
            BaseException
        ) as error:  # SystemExit in a callback, for instance: nobody may wait for a dead thread
            self._on_death(error)

    def _empty_the_queue(self) -> None:
        while events := self._buffer.get_many(_AT_ONCE):
            for event in events:
                if self._abandoned:
                    return
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
        if event.channel is not self._errors:  # an error callback that fails is not told about itself
            message = f"callback on {event.channel} raised {type(error).__name__}: {_text(error)}"
            self._tell([Event(self._errors, None, ErrorEvent("callback", message, error=error))])


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # it is the user's exception, and so is its text
        return "(no text)"

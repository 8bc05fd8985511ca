"""How a thread waits for others: it adds its wake-up to a wait list, and looks again when the wake-up fires.

No thread sleeps while it holds a lock, and a lock is released only by the ``with`` block that acquired it.
`threading.Condition`, and everything built on it, does otherwise, in Python code that Ctrl-C can interrupt: then a lock
stays held for ever, or a lock is released that another thread holds.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from typing import Protocol

from ..deadline import Deadline
from ..mutex import refuse_in_critical_section

_LONGEST = 86400.0  # seconds of one sleep; systems refuse much longer ones


class WakeUp(Protocol):
    """Wakes the thread that owns it. `in_use` says whether a wait of that thread relies on it."""

    in_use: bool

    def fire(self) -> None:
        """Wake the owner, or keep it from falling asleep next time; from any thread."""

    def wait(self, timeout: float | None) -> None:
        """Sleep until it fires or the time is up; the owner only. It may wake for nothing."""


class _EventfdWakeUp:
    """A wake-up by an eventfd. It is polled for edges, so it never needs to be read.

    A lock would work too. But releasing a lock wakes the other thread while this one still holds the interpreter, so that
    the woken thread goes back to sleep at once: seven thread switches for each order. Writing to an eventfd releases the
    interpreter first, which leaves four. Only Linux has eventfds.
    """

    in_use = False

    def __init__(self) -> None:
        self._edges = select.epoll()
        # This epoll only owns the descriptor, and closes it from C: Ctrl-C could fall into a destructor in Python.
        self._owner = select.epoll.fromfd(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))
        self._event = self._owner.fileno()
        self._edges.register(self._event, select.EPOLLIN | select.EPOLLET)
        self._poll = self._edges.poll

    def fire(self) -> None:
        os.eventfd_write(self._event, 1)

    def wait(self, timeout: float | None) -> None:
        self._poll(timeout, 1)


class _LockWakeUp:
    """A wake-up by a lock that is held until it fires; for systems without eventfd."""

    in_use = False

    def __init__(self) -> None:
        self._sleeping = threading.Lock()
        self._sleeping.acquire()

    def fire(self) -> None:
        try:
            self._sleeping.release()
        except RuntimeError:  # it has fired already
            pass

    def wait(self, timeout: float | None) -> None:
        self._sleeping.acquire(timeout=-1 if timeout is None else timeout)


def new_wake_up() -> WakeUp:
    """The best kind of wake-up that this system has."""
    try:
        return _EventfdWakeUp()
    except (AttributeError, OSError):  # another system, or no descriptors left
        return _LockWakeUp()


_owned = threading.local()


def _begin_child() -> None:
    """Give a forked child wake-ups of its own: with its parent's descriptors it would take the parent's events."""
    global _owned
    _owned = threading.local()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)


def own_wake_up() -> WakeUp:
    """The wake-up of the calling thread."""
    wake_up: WakeUp | None = getattr(_owned, "wake_up", None)
    if wake_up is None:
        wake_up = _owned.wake_up = new_wake_up()
    return wake_up


class WaitList:
    """The threads that wait for one thing."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[WakeUp] = []

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def notify_all(self) -> None:
        """Wake all threads that wait, after a change of what they wait for."""
        for wake_up in tuple(self._waiting):  # a thread that wakes removes its own
            wake_up.fire()

    def wait_until(self, look: Callable[[], object], deadline: Deadline) -> bool:
        """Wait until `look` returns something true; return whether it did in time.

        Parameters
        ----------
        look : callable
            Looks at what is waited for. May raise, which ends the wait.
        deadline : Deadline

        Raises
        ------
        ReentrantCall
            In a signal handler that interrupted a critical section, if the wait would not be over at once.
        """
        waiting, wake_up = self._waiting, own_wake_up()
        interrupted = wake_up.in_use
        try:
            wake_up.in_use = True
            waiting.append(wake_up)  # before the first look: what changes from now on fires it
            while not look():
                left = deadline.remaining()
                if left is not None and left <= 0:
                    return False
                refuse_in_critical_section()
                wake_up.wait(None if left is None else min(left, _LONGEST))
            return True
        finally:
            wake_up.in_use = interrupted
            if wake_up in waiting:  # Ctrl-C may have come before
                waiting.remove(wake_up)
            # In a signal handler that interrupted another wait of this thread, the wake-up may have fired for that one.
            if interrupted:
                wake_up.fire()


class Latch:
    """A flag that is set once and waited for by any number of threads."""

    def __init__(self) -> None:
        self._set = False
        self._waiting = WaitList()

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._set

    def set(self) -> None:
        """Set it, and wake all who wait for it."""
        self._set = True
        self._waiting.notify_all()

    def clear(self) -> None:
        """Unset it, to be used again."""
        self._set = False

    def wait(self, timeout: float | None) -> bool:
        """Wait at most `timeout` seconds; whether it is set."""
        return self._waiting.wait_until(self.is_set, Deadline(timeout))

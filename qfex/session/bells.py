"""How a thread waits for an answer: it lends the request its bell.

A lock would do, but its release wakes the other thread while this one still holds the interpreter, and so the woken
one goes to sleep again at once: seven changes of thread for each order. Writing to an eventfd lets go of the
interpreter first, and four are left. Only Linux has it; elsewhere the bell is a lock.
"""

from __future__ import annotations

import os
import select
import threading
from typing import Protocol

from . import process


class Bell(Protocol):
    """Wakes the thread that owns it."""

    def ring(self) -> None:
        """Wake the owner, or keep it from falling asleep next time; from any thread."""

    def wait(self, timeout: float | None) -> None:
        """Sleep until the bell rings or the time is up; the owner only. It may wake for nothing."""


class _EventBell:
    """An eventfd. It is polled for edges, so that it never needs to be read."""

    def __init__(self) -> None:
        self._edges = select.epoll()
        # No epoll, but an owner that closes the descriptor from C: Ctrl-C could fall into a destructor of our own.
        self._owner = select.epoll.fromfd(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))
        self._event = self._owner.fileno()
        self._edges.register(self._event, select.EPOLLIN | select.EPOLLET)
        self._poll = self._edges.poll

    def ring(self) -> None:
        os.eventfd_write(self._event, 1)

    def wait(self, timeout: float | None) -> None:
        self._poll(timeout, 1)


class _LockBell:
    """A lock that is held until the bell rings."""

    def __init__(self) -> None:
        self._silent = threading.Lock()
        self._silent.acquire()

    def ring(self) -> None:
        try:
            self._silent.release()
        except RuntimeError:  # it has rung already
            pass

    def wait(self, timeout: float | None) -> None:
        self._silent.acquire(timeout=-1 if timeout is None else timeout)


def new_bell() -> Bell:
    """The best bell that can be had."""
    try:
        return _EventBell()
    except (AttributeError, OSError):  # another system, or no descriptors left
        return _LockBell()


_owned = threading.local()
_NONE: tuple[int, Bell | None] = (0, None)


def own_bell() -> Bell:
    """The bell of the calling thread."""
    # A forked child has its parent's descriptors, and must not be woken in its stead.
    forks, bell = getattr(_owned, "bell", _NONE)
    if bell is None or forks != process.forks:
        bell = new_bell()
        _owned.bell = process.forks, bell
    return bell

"""How a thread waits for what others do: it lends its bell, and looks again when that rings.

Nobody sleeps while holding a lock, and no lock is let go of but by its own ``with``. `threading.Condition` and all that
is made of it do both in Python code, where Ctrl-C may fall: then a lock stays held for ever, or one is let go of that
another thread holds.

For a bell, a lock would do, but its release wakes the other thread while this one still holds the interpreter, and so
the woken one goes to sleep again at once: seven changes of thread for each order. Writing to an eventfd lets go of the
interpreter first, and four are left. Only Linux has it; elsewhere the bell is a lock.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from . import process
from .deadline import Deadline

_LONGEST = 86400.0  # seconds of one sleep; systems refuse much longer ones


class Bell(Protocol):
    """Wakes the thread that owns it. `lent` says whether a wait of that thread relies on it."""

    lent: bool

    def ring(self) -> None:
        """Wake the owner, or keep it from falling asleep next time; from any thread."""

    def wait(self, timeout: float | None) -> None:
        """Sleep until the bell rings or the time is up; the owner only. It may wake for nothing."""


class _EventBell:
    """An eventfd. It is polled for edges, so that it never needs to be read."""

    lent = False

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

    lent = False

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


def ring_all(bells: Iterable[Bell]) -> None:
    """Have those who wait look again, after what they wait for has changed."""
    for bell in tuple(bells):  # who wakes takes its own away
        bell.ring()


def sleep_until(look: Callable[[], object], bells: list[Bell], deadline: Deadline) -> bool:
    """Wait until a look says that something is so; whether it is, or the time is up.

    Parameters
    ----------
    look : callable
        Says whether it is so. May raise, which ends the wait.
    bells : list
        Where the caller's bell hangs meanwhile; rung by whoever changes what `look` sees.
    """
    bell = own_bell()
    interrupted = bell.lent
    try:
        bell.lent = True
        bells.append(bell)  # before the first look: what changes from now on rings it
        while not look():
            left = deadline.remaining()
            if left is not None and left <= 0:
                return False
            bell.wait(None if left is None else min(left, _LONGEST))
        return True
    finally:
        bell.lent = interrupted
        if bell in bells:  # Ctrl-C may have come before
            bells.remove(bell)
        if interrupted:  # by a signal whose handler waited here: the bell may have rung for the wait before
            bell.ring()


class Flag:
    """Something that is so from some time on, and that can be waited for."""

    def __init__(self) -> None:
        self._raised = False
        self._bells: list[Bell] = []

    def is_set(self) -> bool:
        """Whether it is so."""
        return self._raised

    def set(self) -> None:
        """Make it so, and wake all who wait for it."""
        self._raised = True
        ring_all(self._bells)

    def clear(self) -> None:
        """Make it not so any more."""
        self._raised = False

    def wait(self, timeout: float | None) -> bool:
        """Wait at most `timeout` seconds; whether it is so."""
        return sleep_until(self.is_set, self._bells, Deadline(timeout))

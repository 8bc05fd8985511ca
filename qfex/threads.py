"""How threads take turns and wait for each other: deadlines, mutexes, wait lists.

Python runs a signal handler on the main thread, between two steps of the code that it interrupts. If that code is in a
critical section, the section continues only after the handler has returned. A handler that entered the section a second
time would wait for itself, and one that waited for an answer could wait for a reader thread that needs the lock. So a
thread that holds a mutex is refused another one, and is refused to wait: both raise `ReentrantCall` at once. Only a call
from a handler is affected, because all other code holds one mutex at a time and waits with none.

Locks do not survive a fork either: a thread of the parent may hold them that does not exist in the child. There they
raise `ForkedClientError`.

To wait, a thread adds its wake-up to a wait list, and looks again when the wake-up fires. No thread sleeps while it holds a
lock, and a lock is released only by the ``with`` block that acquired it. `threading.Condition`, and everything built on it,
does otherwise, in Python code that Ctrl-C can interrupt: then a lock stays held for ever, or one is released that another
thread holds.
"""

from __future__ import annotations

import os
import select
import threading
from _thread import get_ident
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, NoReturn, Protocol

from .errors import ForkedClientError, RequestTimeout

# --- deadlines ---------------------------------------------------------------------------------------------------


class Deadline:
    """The time by which a call must have ended.

    Parameters
    ----------
    timeout : float or None
        Seconds from now; None for no limit.
    """

    __slots__ = ("_end",)

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else monotonic() + timeout

    def remaining(self) -> float | None:
        """Seconds left, not below 0; None for no limit."""
        return None if self._end is None else max(0.0, self._end - monotonic())

    def part(self, share: int) -> Deadline:
        """A deadline after one of `share` equal shares of the time left."""
        left = self.remaining()
        return Deadline(None if left is None else left / share)

    def at_most(self, seconds: float) -> Deadline:
        """A deadline after `seconds`, or this one if it is earlier."""
        left = self.remaining()
        return Deadline(seconds if left is None else min(seconds, left))

    def wait_time(self) -> float:
        """Seconds left, as `threading.Lock.acquire` takes them: -1 for no limit."""
        if self._end is None:
            return -1.0
        return min(max(0.0, self._end - monotonic()), threading.TIMEOUT_MAX)

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and monotonic() >= self._end


# --- mutexes -----------------------------------------------------------------------------------------------------


if TYPE_CHECKING:  # the stubs declare the class final, and leave out `_is_owned`

    class _RLock:
        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...
        def release(self) -> None: ...
        def _is_owned(self) -> bool: ...
        def __exit__(self, *exc_info: object) -> None: ...

else:
    from _thread import RLock as _RLock


class ReentrantCall(RequestTimeout):
    """A signal handler called the client while it interrupted a critical section of the client."""

    def __init__(self) -> None:
        super().__init__(
            "a signal handler interrupted the client where it cannot be called; nothing was sent", sent=False
        )


_forks = 0
_main_thread = threading.main_thread().ident
_held = _RLock()  # the mutex that the main thread entered last, not counting those inside of it
_owned = threading.local()  # the wake-up of each thread


def _begin_child() -> None:
    """Give a forked child its own locks and wake-ups: with its parent's descriptors it would take the parent's events."""
    global _forks, _main_thread, _held, _owned
    _forks, _main_thread, _held, _owned = _forks + 1, get_ident(), _RLock(), threading.local()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)


def fork_count() -> int:
    """Number of forks between the first import and this process; cheaper to compare than process ids."""
    return _forks


def refuse_in_critical_section() -> None:
    """Raise `ReentrantCall` if the calling thread is a signal handler's and interrupted a critical section."""
    if _held._is_owned():
        raise ReentrantCall


class Mutex(_RLock):
    """The usual mutex: refused to a thread that holds any.

    A ``with`` block must begin at the moment the lock is acquired. If an exception from a signal handler came between the
    two, the lock would stay held for ever, and an `__enter__` in Python has such a gap. Here only the checks are Python
    code: the ``with`` statement evaluates the property, and then calls what it gets, which is the acquisition in C.
    """

    __slots__ = ("_made_after",)

    def __init__(self) -> None:
        self._made_after = _forks

    @property
    def __enter__(self) -> Callable[[], bool]:
        global _held
        # Other threads than the main one are interrupted by destructors, which may come back to the same mutex.
        if _held._is_owned() or self._is_owned() or self._made_after != _forks:
            self._refuse()
        # No handler can run between this call and the acquisition, so `_held` is never wrong about the lock held.
        if get_ident() == _main_thread:
            _held = self
        return self.acquire

    def _refuse(self) -> NoReturn:
        if self._made_after != _forks:
            raise ForkedClientError("this client belongs to the parent process; make a new one in the child")
        raise ReentrantCall


class InnerMutex(Mutex):
    """A mutex that may also be entered while another one is held. Nothing else is entered while this one is."""

    __slots__ = ()

    @property
    def __enter__(self) -> Callable[[], bool]:
        global _held
        if self._is_owned() or self._made_after != _forks:
            self._refuse()
        if not _held._is_owned() and get_ident() == _main_thread:
            _held = self
        return self.acquire


class ReentrantMutex(_RLock):
    """A mutex that a signal handler may enter wherever it interrupted the client, this mutex included."""

    __slots__ = ()

    @property
    def __enter__(self) -> Callable[[], bool]:
        global _held
        if not _held._is_owned() and get_ident() == _main_thread:
            _held = self
        return self.acquire


# --- waiting -----------------------------------------------------------------------------------------------------


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

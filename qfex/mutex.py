"""Locks on which a signal handler cannot deadlock.

Python runs a signal handler on the main thread, between two steps of the code that it interrupts. If that code is in a
critical section, the section continues only after the handler has returned. A handler that entered the section a second
time would wait for itself, and one that waited for an answer could wait for a reader thread that needs the lock. So a
thread that holds a mutex is refused another one, and is refused to wait: both raise `ReentrantCall` at once. Only a call
from a handler is affected, because all other code holds one mutex at a time and waits with none.

Locks do not survive a fork either: a thread of the parent may hold them that does not exist in the child. There they
raise `ForkedClientError`.
"""

from __future__ import annotations

import os
import threading
from _thread import get_ident
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from .errors import ForkedClientError, RequestTimeout

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


def _begin_child() -> None:
    global _forks, _main_thread, _held
    _forks, _main_thread, _held = _forks + 1, get_ident(), _RLock()


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

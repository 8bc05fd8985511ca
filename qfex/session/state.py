"""Reading the state that the session's mutex guards, and waiting for it to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..threads import Deadline
from .session import Session

_ValueT = TypeVar("_ValueT")


class StateReader:
    """Reads the state of the account or the markets, from any thread.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def is_closed(self) -> bool:
        """Whether the client is closed."""
        return self._session.closing.is_set()

    def read(self, look: Callable[[], _ValueT]) -> _ValueT:
        """Call `look` while nothing changes, and return its result."""
        with self._session.mutex:
            return look()

    def wait_until(
        self, look: Callable[[], _ValueT], enough: Callable[[_ValueT], object], deadline: Deadline
    ) -> _ValueT:
        """Wait until a reading of the state is enough, or the time is up; return the newest reading.

        Raises
        ------
        NotConnected
            If the client is closed or its connection is over.
        """
        self._session.refuse_if_closed()
        readings: list[_ValueT] = []

        def is_enough() -> bool:
            readings[:] = [self.read(look)]
            if enough(readings[0]):
                return True
            if not deadline.passed:
                self._session.refuse_if_over()
            return False

        self._session.state_changed.wait_until(is_enough, deadline)
        return readings[0]

    def pause(self, seconds: float) -> None:
        """Let time pass between two questions; ends at once, with `NotConnected`, when the client is closed."""
        self._session.closing.wait(seconds)
        self._session.refuse_if_over()

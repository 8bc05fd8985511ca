"""Who reads a line: its reader thread, or a caller that waits for an answer anyway.

The answer to a call wakes the reader, and the reader wakes the caller. A caller that reads its answer itself saves the
hop between the threads, a sixth of a round trip. While it does, the reader sleeps on: the line is taken off the list
of what may wake it. It looks all the same whenever it has slept for its longest, so that no message is ever left lying
because a caller was held up.

Only Linux can change what another thread waits for. Elsewhere callers leave the reading to the reader.
"""

from __future__ import annotations

import select
import threading

from .sockets import LineSocket

_LEAVING = 1.0  # seconds that a caller may take to leave a line that has ended


class Watch:
    """Keeps apart those who might read one line.

    Attributes
    ----------
    turn : threading.Lock
        Held while reading and taking what was read.
    """

    def __init__(self, sock: LineSocket) -> None:
        self._socket = sock
        self.turn = threading.Lock()
        self._caller: dict[str, int] = {}  # the thread that reads in place of the reader, if one does
        self._alarm = _Alarm(sock.fileno()) if hasattr(select, "epoll") else None

    def stand_by(self, timeout: float) -> bool:
        """Wait for bytes, as the reader thread; whether there are any."""
        if self._alarm is None:
            return self._socket.wait_readable(timeout)
        return self._alarm.wait(timeout)

    def begin(self) -> bool:
        """Take the reading over from the reader thread, until `finish`; whether that is possible."""
        thread = threading.get_ident()
        # One step, so that no two threads can both succeed; one that Ctrl-C kept from finishing may begin again.
        if self._alarm is None or self._caller.setdefault("thread", thread) != thread:
            return False
        self._alarm.set(armed=False)
        return True

    def finish(self) -> None:
        """Give the reading back."""
        self.rearm()
        self._caller.pop("thread", None)

    def rearm(self) -> None:
        """Wake the reader by bytes again."""
        if self._alarm is not None:
            self._alarm.set(armed=True)

    def close(self) -> None:
        """Wait until nobody reads any more. The line has ended."""
        left = self.turn.acquire(timeout=_LEAVING)
        if self._alarm is not None:
            self._alarm.close()
        if left:
            self.turn.release()


class _Alarm:
    """Wakes a thread when there is something to read, and can be turned off by another."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._epoll = select.epoll()
        self._epoll.register(descriptor, select.EPOLLIN)

    def wait(self, timeout: float) -> bool:
        return bool(self._epoll.poll(timeout, 1))

    def set(self, *, armed: bool) -> None:
        try:
            self._epoll.modify(self._descriptor, select.EPOLLIN if armed else 0)
        except (OSError, ValueError):  # the line has ended, and its descriptor is gone
            pass

    def close(self) -> None:
        self._epoll.close()

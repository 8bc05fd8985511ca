"""One connection from handshake to end, with all state that must not outlive it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from ..policies import ReconnectPolicy
from ..protocol.commands import Command
from . import frames
from .deadline import Deadline
from .frames import TEXT, encode_frame
from .pending import Book, LineLost, PendingTable

if TYPE_CHECKING:
    from .transport import Transport

_CONTROLS_HELD = 8  # control frames that wait for a busy socket; older ones are out of date by then
_LONGEST_WAIT = 0.5  # seconds; how late a deadline of the reader's own may be noticed


def written(command: Command) -> bytes:
    """A command as it goes on the line. Made before its request is filed: should it fail, nothing is left behind."""
    return encode_frame(TEXT, command.encode())


class Line:
    """One connection: its transport, its requests in flight, and when it was last heard."""

    def __init__(
        self, transport: Transport, book: Book, policy: ReconnectPolicy, round_trips: deque[float]
    ) -> None:
        self.transport = transport
        self.pending = PendingTable(book, round_trips)
        self._interval = policy.heartbeat_interval
        self._patience = policy.heartbeat_timeout
        self._check_every = min(_LONGEST_WAIT, self._interval / 8, self._patience / 8)
        self._heard = monotonic()
        self._pinged: float | None = None
        self._last_pong = self._heard
        self._next_check = self._heard + self._check_every
        self._due: deque[tuple[int, bytes]] = deque(maxlen=_CONTROLS_HELD)
        self.lost: LineLost | None = None
        self.renewing = ""  # why this client ends the line, if it does
        self.sent = 0

    # --- any thread --------------------------------------------------------------------------------------------

    def send(self, messages: Sequence[bytes], deadline: Deadline) -> None:
        """Send what `written` made of commands, whose requests are filed already, together.

        Raises
        ------
        SendFailed
            See `Transport.write`.
        """
        self.transport.write(messages, deadline)
        self.sent += len(messages)

    # --- the reader thread -------------------------------------------------------------------------------------

    def receive(self, until: float) -> list[tuple[int, bytes]]:
        """Wait for messages, at most until a monotonic time; those that came, as opcode and payload.

        Raises
        ------
        LineLost
            When the connection is over.
        """
        now = monotonic()
        due = now >= self._next_check
        try:
            messages = self.transport.receive(0.0 if due else max(0.0, min(self._next_check, until) - now))
        except frames.FrameError as error:
            self.transport.send_close(error.code, str(error))
            raise LineLost(f"protocol error: {error}", error.code) from None
        except (OSError, ValueError) as error:
            raise LineLost(str(error) or type(error).__name__) from None
        if messages:
            self._heard = monotonic()
        elif due:  # and all that came is read, however long the reader was held up
            self._heartbeat(now)
        return messages

    def _heartbeat(self, now: float) -> None:
        """Ping, or declare the line dead; both a silent peer and one that does not read are noticed."""
        if self._pinged is not None and now - self._pinged >= self._patience:
            silent = now - min(self._heard, self._last_pong)
            raise LineLost(f"the peer was silent for {silent:.1f} s", silent=True)
        # Pinged in traffic too: a peer may go on sending and yet read nothing.
        if self._pinged is None and now - self._last_pong >= self._interval:
            self._due.append((frames.PING, b""))
            self._pinged = now
        self._send_due()
        self._next_check = now + self._check_every

    def take_control(self, opcode: int, payload: bytes) -> None:
        """Answer a ping or a farewell.

        Raises
        ------
        LineLost
            When it is a farewell.
        """
        if opcode == frames.PING:
            self._due.append((frames.PONG, payload))
            self._send_due()
        elif opcode == frames.PONG:
            self._pinged, self._last_pong = None, monotonic()
        else:
            code, reason = frames.close_code(payload)
            self.transport.send_close(code if code in _ECHOED_CODES else 1000)
            raise LineLost(reason or "the peer closed the connection", code)

    def _send_due(self) -> None:
        """Send pings and pongs; those that find the socket busy are tried again with the next heartbeat."""
        while self._due and self.transport.send_control(*self._due[0]):
            self._due.popleft()

    @property
    def silent_for(self) -> float:
        """Seconds since the peer was last heard."""
        return monotonic() - self._heard

    def end(self, lost: LineLost) -> None:
        """Fail what is in flight and free the socket."""
        self.lost = lost
        self.transport.abort()
        self.pending.fail_all(lost)
        self.transport.release()


_ECHOED_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011})

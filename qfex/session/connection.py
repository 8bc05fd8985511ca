"""One connection as all threads share it: its socket, its requests in flight, and its end.

What only the reader thread does with it is in `reader`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import RequestTimeout
from ..net.frames import TEXT, ConnectionEnded, SendFailed, encode_frame
from ..protocol.command import Command, Request
from ..protocol.connection import LATE_REPLY_GRACE, ProtocolConnection, Step
from ..threads import Deadline, Mutex, WaitList

if TYPE_CHECKING:
    from ..net.transport import Transport

GOODBYE = (
    0.7  # seconds for the closing handshake; a call that renews the connection may last so much too long
)
_FORGOTTEN_PATIENCE = (
    1.0  # seconds for which a connection that is replaced waits for answers that nobody waits for
)


class NotUsable(Exception):
    """The connection ended, or is being renewed, before a request was sent on it."""


class ReplyOverdue(Exception):
    """An exclusive key is held by a request whose late reply does not come."""


class PendingRequest(Request, eq=False, kw_only=True):
    """A request whose callers can wait for it.

    Attributes
    ----------
    deadline : Deadline
        By when the answer is expected.
    detached : bool
        Whether the call that sent it has returned: somebody may ask for the answer later, or never.
    answered : bool
        Whether the answer came; then `outcome` has it.
    """

    waiting: WaitList
    deadline: Deadline = Deadline(None)
    detached: bool = False
    answered: bool = False
    outcome: Any = None

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody waits for it, at least now."""
        return self.detached and not self.waiting

    def wait(self, deadline: Deadline) -> bool:
        """Wait for the answer; whether it came in time."""
        return self.answered or self.waiting.wait_until(self.is_answered, deadline)

    def is_answered(self) -> bool:
        """Whether the answer came."""
        return self.answered

    def resolve(self, outcome: Any) -> None:
        """Set the result, or the exception that the caller gets, and wake the threads that wait for it."""
        self.outcome = outcome
        self.answered = True
        if self.waiting:
            self.waiting.notify_all()


class ClientConnection:
    """One connection, from its handshake to its end.

    Parameters
    ----------
    transport : Transport
    protocol : ProtocolConnection
        What the bytes mean.
    mutex : Mutex
        Guards `protocol`, and with it the requests in flight. It is the session's, since the state of the account
        outlives the connection.

    Attributes
    ----------
    requests_changed : WaitList
        The threads that wait for an exclusive key, or for the requests in flight to end.
    renewing : str
        Why this client is replacing the connection, if it is.
    renewed_by : int or None
        The thread that is replacing it.
    stopping : bool
        Whether the reader thread is to end it.
    """

    def __init__(self, transport: Transport, protocol: ProtocolConnection, mutex: Mutex) -> None:
        self.transport = transport
        self.protocol = protocol
        self._table = protocol.table
        self.mutex = mutex
        self.requests_changed = WaitList()
        self._ended: ConnectionEnded | None = None
        self._draining = False
        self.renewing = ""
        self.renewed_by: int | None = None
        self.stopping = False

    # --- requests: any thread ----------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """Requests without an answer yet."""
        with self.mutex:
            return self.protocol.pending

    def file(self, request: Request, deadline: Deadline) -> bytes:
        """File a request once its exclusive keys are free; the frame to send.

        Raises
        ------
        NotUsable
            If the connection ended or is being renewed.
        ReplyOverdue
            If a holder of a key waits for a reply that is later than the grace.
        RequestTimeout
            If no key became free in time; nothing was sent.
        """
        while True:
            with self.mutex:
                if self._refuses:
                    raise NotUsable
                holder = self._table.holder(request.command)
                if holder is None:
                    message = self.protocol.send(request.command, request)
                    break
            self._await_holder(holder, deadline)
        return encode_frame(TEXT, message)

    @property
    def _refuses(self) -> bool:
        """Whether new requests are refused."""
        return self._ended is not None or self._draining

    def _await_holder(self, holder: Request, deadline: Deadline) -> None:
        """Wait until something changes about the holder of an exclusive key, or about the connection."""
        with self.mutex:
            patience = self._patience_with(holder, deadline)
            given_up = holder.given_up
        self.requests_changed.wait_until(
            lambda: not holder.filed or holder.given_up is not given_up or self._refuses,
            Deadline(patience),
        )

    def _patience_with(self, holder: Request, deadline: Deadline) -> float | None:
        """Seconds after which to look at the holder of a key again."""
        self._give_up_if_forgotten(holder)
        limits = [deadline.remaining()]
        if holder.given_up:
            grace = holder.given_up_at + LATE_REPLY_GRACE - monotonic()
            if holder.awaits_late_reply and (grace <= 0 or deadline.passed):
                self._table.remove(holder)
                return 0.0
            if grace <= 0:
                raise ReplyOverdue
            limits.append(grace)
        elif isinstance(holder, PendingRequest) and holder.detached:
            limits.append(holder.deadline.remaining())
        if deadline.passed:
            raise RequestTimeout(f"another {holder.command.type} is still waiting for its reply", sent=False)
        return min((limit for limit in limits if limit is not None), default=None)

    def _give_up_if_forgotten(self, holder: Request) -> None:
        """Give up a request in the place of a caller that does not come back for its answer."""
        if holder.given_up or not isinstance(holder, PendingRequest):
            return
        if holder.is_forgotten and holder.deadline.passed:
            self.protocol.give_up(holder)

    def send(self, frames: Sequence[bytes], deadline: Deadline) -> None:
        """Send frames together; the requests in them are filed already.

        Raises
        ------
        SendFailed
            See `Transport.write`.
        """
        self.transport.write(frames, deadline)

    def withdraw(self, request: Request) -> None:
        """Remove a request that was never sent."""
        with self.mutex:
            self._table.remove(request)
        self.requests_changed.notify_all()

    def give_up(self, request: Request) -> bool:
        """Stop waiting for a request; its late reply will answer nobody else.

        Returns
        -------
        bool
            False if the answer has just come: then it is the outcome after all.
        """
        with self.mutex:
            if not request.filed:
                return False
            if request.given_up:  # the grace for its late reply has begun
                return True
            self.protocol.give_up(request)
        self.requests_changed.notify_all()
        return True

    def expect_late_reply(self, request: Request) -> None:
        """Note that a request has ended without its reply, which may still arrive and will answer nobody else."""
        with self.mutex:
            request.awaits_late_reply = True
            self._table.give_up(request)
        self.requests_changed.notify_all()

    def drain(self, deadline: Deadline) -> None:
        """Refuse new requests, and wait until those in flight are answered or given up.

        Requests of which no caller waits for the answer hold it up for a second at most.
        """
        with self.mutex:
            self._draining = True
        changed = self.requests_changed
        changed.notify_all()
        if not changed.wait_until(self._is_drained, deadline.at_most(_FORGOTTEN_PATIENCE)):
            changed.wait_until(lambda: self._is_drained() or not self._is_awaited(), deadline)

    def _is_drained(self) -> bool:
        return not len(self._table) or self._ended is not None

    def _is_awaited(self) -> bool:
        """Whether a caller waits for one of the requests in flight."""
        with self.mutex:
            return any(
                isinstance(request, PendingRequest) and not (request.given_up or request.is_forgotten)
                for request in self._table
            )

    def answer_inquiry(self, step: Step, outcome: Any) -> None:
        """Take the answer to an inquiry of a procedure."""
        with self.mutex:
            self.protocol.answer_inquiry(step, outcome)

    # --- the end -----------------------------------------------------------------------------------------------

    def teardown(self, deadline: Deadline) -> None:
        """End the connection on purpose, in the way that leaves the account as it is: disarm, then the close frame."""
        with self.mutex:
            commands: Sequence[Command] = self.protocol.teardown()
        if commands:
            with suppress(SendFailed):
                self.send([encode_frame(TEXT, command.encode()) for command in commands], deadline)
        self.transport.send_close(1000, "renewed")

    def end(self, ended: ConnectionEnded) -> None:
        """Fail what is in flight and free the socket."""
        self.transport.abort()
        with self.mutex:
            self._ended = ended
            self.protocol.ended()
            requests: list[Any] = [request for request in self._table if not request.awaits_late_reply]
            for request in list(self._table):
                self._table.remove(request)
        self.requests_changed.notify_all()
        for request in requests:
            if isinstance(request, PendingRequest):
                request.resolve(ended)
        self.transport.release()

    @property
    def why_ended(self) -> ConnectionEnded | None:
        """Why the connection is over, if it is."""
        return self._ended

"""Requests: message budget, connection, exclusive key, bytes, answer, and what each failure on that way means.

A trading command is on the wire at most once. As long as nothing of it has left, it may wait for another connection; once
a byte may have left, the call ends with the answer or with `OutcomeUnknown`.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import get_ident
from typing import Any, NoReturn

from ..enums import ConnectionState
from ..errors import ConnectionLost, NotConnected, QfexError, RequestTimeout
from ..net.frames import ConnectionEnded, SendFailed, SendRefused
from ..protocol.command import Command, outcome_unknown
from ..threads import Deadline, ReentrantCall, WaitList
from .connection import ClientConnection, NotUsable, PendingRequest, ReplyOverdue
from .events import log
from .session import Session

_HAND_OVER = 0.5  # seconds that the reader may take from finding an answer to handing it over
_MOST = 64  # commands in one write: the first must not wait long for the last


class SentRequest(PendingRequest, eq=False, kw_only=True):
    """A request that was sent, or is about to be, and the connection that it went by."""

    connection: ClientConnection


class Requests:
    """Sends commands over a session and waits for their answers.

    Parameters
    ----------
    session : Session
        Provides the connection and the message budget.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._limiter = session.limiter
        self._specs = session.endpoint.specs

    # --- one command -------------------------------------------------------------------------------------------

    def request(self, command: Command, timeout: float | None) -> Any:
        """Send a command and wait for its answer. A read whose connection is lost is sent again while its time lasts.

        Raises
        ------
        NotConnected, RequestTimeout, OutcomeUnknown, ConnectionLost, ApiError, OrderRejected
            As the table "what a call can end in" says.
        """
        deadline = Deadline(timeout)
        lost: ConnectionLost | None = None
        while True:
            try:
                return self.complete(command, deadline)
            except ConnectionLost as error:
                if deadline.passed or self._session.state is ConnectionState.CLOSED:
                    raise
                lost = error
            except (NotConnected, RequestTimeout) as error:
                if lost is None or getattr(error, "sent", False):
                    raise
                raise lost from None  # it was sent once already: "never sent" would not be true

    def complete(self, command: Command, deadline: Deadline) -> Any:
        """Send a command once and wait for its answer."""
        return self.result(self.submit(command, deadline), deadline)

    def submit(self, command: Command, deadline: Deadline) -> SentRequest:
        """Send a command once, waiting in the caller's thread for budget, connection and exclusive key."""
        session = self._session
        if self._limiter is not None:
            spec = self._specs[type(command)]
            self._limiter.acquire(spec.weight, spec.bucket, deadline, session.closing)
        while True:
            connection = session.connection_in_use or self._ready_connection(deadline)
            try:
                return self._send_on(connection, command, deadline)
            except NotUsable:
                self._await_other(connection, deadline)
            except ReplyOverdue:
                session.renew(connection, deadline)
                self._await_other(connection, deadline)

    def _send_on(self, connection: ClientConnection, command: Command, deadline: Deadline) -> SentRequest:
        """Send on a connection; afterwards the request is filed if and only if its bytes may have left."""
        request, filed = self.new(command, connection, deadline), False
        try:
            frame = connection.file(request, deadline)
            filed = True
            connection.send((frame,), deadline)
            return request
        except BaseException as error:  # Ctrl-C among them, after which nobody will wait for the answer
            if not filed:
                connection.withdraw(request)
                raise
            connection.give_up(request)
            if isinstance(error, SendFailed):
                self._settle_failed(request, error)
            raise

    @staticmethod
    def new(command: Command, connection: ClientConnection, deadline: Deadline) -> SentRequest:
        """A request that is to be filed and sent."""
        return SentRequest(command, waiting=WaitList(), connection=connection, deadline=deadline)

    def _settle_failed(self, request: SentRequest, failed: SendFailed) -> NoReturn:
        """Raise what a failed write means for a request: the connection is lost, or the request may be sent again."""
        if failed.begun:
            self._raise_lost(request.command, ConnectionEnded(str(failed)))
        request.connection.withdraw(request)
        if request.deadline.passed or isinstance(failed, SendRefused):
            raise RequestTimeout(f"the message could not be sent: {failed}", sent=False) from None
        raise NotUsable from None

    def _ready_connection(self, deadline: Deadline) -> ClientConnection:
        try:
            return self._session.ready_connection(deadline)
        except TimeoutError as error:
            raise RequestTimeout(f"no connection within the time allowed: {error}", sent=False) from None

    def _await_other(self, connection: ClientConnection, deadline: Deadline) -> None:
        # A signal handler that interrupted the renewal would wait for itself.
        if connection.renewed_by == get_ident():
            raise ReentrantCall
        self._session.await_other(connection, deadline)
        if deadline.passed:
            raise RequestTimeout("no other connection within the time allowed", sent=False)

    # --- answers -----------------------------------------------------------------------------------------------

    def result(self, request: SentRequest, deadline: Deadline) -> Any:
        """Wait for the answer of a submitted command."""
        try:
            answered = request.wait(deadline) or self._is_handed_over(request)
        except ReentrantCall:  # a signal handler asks for the answer to what was sent before
            answered = False
        except BaseException:  # Ctrl-C
            request.connection.give_up(request)
            raise
        if not answered:
            self._raise_unanswered(request.command)
        outcome = request.outcome
        if isinstance(outcome, ConnectionEnded):
            self._raise_lost(request.command, outcome)
        if isinstance(outcome, Exception):
            log.debug("%s was refused: %.500s", request.command.type, str(outcome))
            raise outcome
        return outcome

    @staticmethod
    def _is_handed_over(request: SentRequest) -> bool:
        """Give up a request, unless its answer has come and is being handed over; whether it has."""
        # A request that was given up before gets no answer after the end of its connection.
        return not request.connection.give_up(request) and request.wait(Deadline(_HAND_OVER))

    def _raise_unanswered(self, command: Command) -> NoReturn:
        """Raise what a command without an answer in time ends in."""
        if self._specs[type(command)].trading:
            raise outcome_unknown(command, "timeout")
        raise RequestTimeout(f"no answer to {command.type} within the time allowed", sent=True)

    def _raise_lost(self, command: Command, ended: ConnectionEnded) -> NoReturn:
        """Raise what a connection that ended before the answer means for a command."""
        if self._specs[type(command)].trading:
            raise outcome_unknown(command, "closed" if ended.closed else "connection lost")
        raise ConnectionLost(f"{command.type}: {ended.reason}", ended.code)

    # --- several commands --------------------------------------------------------------------------------------

    def submit_all(self, commands: Iterable[Command], deadline: Deadline) -> list[SentRequest | QfexError]:
        """Send commands in few writes; return for each its request, or the error that kept it from being sent."""
        self._session.check_process()
        return _Burst(self, deadline).submit(commands)

    @staticmethod
    def abandon(submitted: Iterable[SentRequest | QfexError]) -> None:
        """Stop waiting for any of these."""
        for each in submitted:
            if not isinstance(each, QfexError):
                each.connection.give_up(each)

    def may_go_at_once(self, command: Command) -> bool:
        """Whether a command can be sent without any wait. If so, its share of the message budget is taken."""
        spec = self._specs[type(command)]
        if spec.exclusive(command):
            return False
        return self._limiter is None or self._limiter.takes(spec.weight, spec.bucket)

    @property
    def connection_in_use(self) -> ClientConnection | None:
        """The connection, if it can be used at once."""
        return self._session.connection_in_use


class _Burst:
    """Several commands in one write. Each of them ends as it would alone.

    Collects commands that need to wait for nothing and sends them together; the others it sends in their turn. The first
    `_sent` of `_ends` are settled; the others are requests that are filed and not sent yet, as `_frames`.
    """

    def __init__(self, requests: Requests, deadline: Deadline) -> None:
        self._requests = requests
        self._deadline = deadline
        self._connection: ClientConnection | None = None
        self._sent = 0
        self._frames: list[bytes] = []
        self._ends: list[SentRequest | QfexError] = []

    def submit(self, commands: Iterable[Command]) -> list[SentRequest | QfexError]:
        """Send commands in the order given; return for each its request, or the error that kept it from being sent."""
        try:
            for command in commands:
                self._add(command)
            self._flush()
        except BaseException:  # Ctrl-C: what was not sent never will be, and nobody waits for the others
            _withdraw(self._filed_from(self._sent))
            self._requests.abandon(self._ends[: self._sent])
            raise
        return self._ends

    def _filed_from(self, first: int) -> list[SentRequest]:
        return self._ends[first:]  # type: ignore[return-value]

    def _add(self, command: Command) -> None:
        if not self._file(command):
            self._flush()
            self._sent += 1
            self._ends.append(self._alone(command))
        elif len(self._ends) - self._sent == _MOST:
            self._flush()

    def _file(self, command: Command) -> bool:
        """File a command on the connection in use; False if it has to wait for something."""
        connection = self._requests.connection_in_use
        if connection is not self._connection:
            self._flush()
            self._connection = connection
        if connection is None or not self._requests.may_go_at_once(command):
            return False
        request = self._requests.new(command, connection, self._deadline)
        self._ends.append(request)  # before it is filed: Ctrl-C in between must leave no filed request behind
        try:
            self._frames.append(connection.file(request, self._deadline))
        except NotUsable:
            self._ends.pop()
            return False
        return True

    def _flush(self) -> None:
        requests, settled = self._filed_from(self._sent), len(self._ends)
        if not requests:
            return
        frames, self._frames = self._frames, []
        try:
            requests[0].connection.send(frames, self._deadline)
        except SendFailed as failed:
            self._sent = settled
            self._resend(requests[failed.begun :])
        except BaseException:
            self._sent = settled  # `submit` abandons them
            raise
        self._sent = settled

    def _resend(self, requests: list[SentRequest]) -> None:
        """Resend the commands of which no byte was written. The others fail with the connection."""
        _withdraw(requests)  # all of them first: sending each again may take long, and be cut short by Ctrl-C
        for place, request in enumerate(requests, self._sent - len(requests)):
            self._ends[place] = self._alone(request.command)

    def _alone(self, command: Command) -> SentRequest | QfexError:
        try:
            return self._requests.submit(command, self._deadline)
        except QfexError as error:
            return error


def _withdraw(requests: Iterable[SentRequest]) -> None:
    for request in requests:
        request.connection.withdraw(request)

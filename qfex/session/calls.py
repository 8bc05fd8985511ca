"""The way of a call: budget, line, lane, bytes, answer, and what each failure on that way means.

A trading command is on the wire at most once. As long as nothing of it left, it may wait for another line; once a
byte may have left, the call ends with the answer or with `OutcomeUnknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from ..enums import ConnectionState
from ..errors import ConnectionLost, NotConnected, OutcomeUnknown, QfexError, RequestTimeout
from ..protocol.commands import Command
from ..protocol.rules import nothing_known
from .bursts import Burst
from .deadline import Deadline
from .line import Line, written
from .pending import LaneOverdue, LineDown, LineLost, SendFailed, Waiter
from .rate_limit import RateLimiter
from .session import Session

_READY = (
    ConnectionState.READY
)  # by a name of its own: its lookup in the class takes longer than the comparison
_HAND_OVER = 0.5  # seconds that another thread may take from finding an answer to handing it over


class Call(Waiter, eq=False, kw_only=True):
    """A command that is on its way, and the line that it went by."""

    line: Line
    deadline: Deadline


class Caller:
    """Sends commands over a session and waits for their answers.

    Parameters
    ----------
    session : Session
        Provides the line.
    limiter : RateLimiter or None
        The account's message budget. What the exchange says of it, it is told by the dialogue.
    known_orders : callable
        What is known of an order, by order id; one that is known is not the answer to a new one.
    """

    def __init__(
        self,
        session: Session,
        limiter: RateLimiter | None = None,
        known_orders: Callable[[str], object] = nothing_known,
    ) -> None:
        self._session = session
        self._limiter = limiter
        self._known_orders = known_orders

    def request(self, command: Command, timeout: float | None) -> Any:
        """Send a command and wait for its answer. A read whose line is lost is asked again while its time lasts.

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
                raise lost from None  # asked once already: "never sent" would not be true

    def complete(self, command: Command, deadline: Deadline) -> Any:
        """Send a command once and wait for its answer."""
        return self.result(self.submit(command, deadline), deadline)

    def submit(self, command: Command, deadline: Deadline) -> Call:
        """Send a command once, waiting for budget, line and lane in the caller's thread."""
        self._session.check_process()
        if self._limiter is not None:
            self._limiter.acquire(command.weight, command.bucket, deadline, self._session.closing)
        while True:
            line = self.line_in_use() or self._line(deadline)
            try:
                return self._put_on(line, command, deadline)
            except LineDown:
                self._await_other(line, deadline)
            except LaneOverdue:
                self._session.renew(line, deadline)
                self._await_other(line, deadline)

    def _put_on(self, line: Line, command: Command, deadline: Deadline) -> Call:
        """Send on a line; afterwards the request is filed if and only if its bytes may have left."""
        call, message = None, written(command)
        try:
            call = self.file(command, line, deadline)
            line.send((message,), deadline)
            return call
        except BaseException as error:  # Ctrl-C among them: nobody will wait for the answer
            if call is not None:
                line.pending.give_up(call)
                if isinstance(error, SendFailed):
                    _settle_failed(call, error)
            raise

    def submit_all(self, commands: Iterable[Command], deadline: Deadline) -> list[Call | QfexError]:
        """Send commands, in few writes; for each its call, or why it was not sent."""
        self._session.check_process()
        return Burst(self, deadline).submit(commands)

    def file(self, command: Command, line: Line, deadline: Deadline) -> Call:
        """File a command's request, so that its answer will find it. Raises what `PendingTable.add` does."""
        call = Call(command, self._known_orders, line=line, deadline=deadline)
        try:
            line.pending.add(call, deadline)
            return call
        except BaseException:  # Ctrl-C, after it was filed perhaps
            line.pending.withdraw(call)
            raise

    def takes_budget(self, command: Command) -> bool:
        """Take a command's share of the message budget, if it is there at once."""
        return self._limiter is None or self._limiter.takes(command.weight, command.bucket)

    def line_in_use(self) -> Line | None:
        """The line, if it can be used at once."""
        line = self._session.current_line
        return line if self._session.state is _READY else None

    def _line(self, deadline: Deadline) -> Line:
        try:
            return self._session.ready_line(deadline)
        except TimeoutError as error:
            raise RequestTimeout(f"no connection within the time allowed: {error}", sent=False) from None

    def _await_other(self, line: Line, deadline: Deadline) -> None:
        self._session.await_other(line, deadline)
        if deadline.passed:
            raise RequestTimeout("no other connection within the time allowed", sent=False)

    def result(self, call: Call, deadline: Deadline) -> Any:
        """Wait for the answer of a submitted command."""
        try:
            answered = call.wait(deadline)
        except BaseException:  # Ctrl-C
            call.line.pending.give_up(call)
            raise
        if not answered:
            _stop_waiting(call)
        outcome = call.outcome
        if isinstance(outcome, Exception):
            _raise(outcome, call.command)
        return outcome


def _settle_failed(call: Call, failed: SendFailed) -> NoReturn:
    """Say what a failed write means for a request that was given up: the same as a lost line, or it may be sent again."""
    if failed.begun:
        raise_lost(call.command, LineLost(str(failed)))
    call.line.pending.withdraw(call)
    if call.deadline.passed:
        raise RequestTimeout(f"the message could not be sent: {failed}", sent=False) from None
    raise LineDown from None


def _stop_waiting(call: Call) -> None:
    """Give up, unless an answer that came at the last moment is still being handed over."""
    # None comes after the line's end to a request that was given up before.
    if call.line.pending.give_up(call) or not call.wait(Deadline(_HAND_OVER)):
        raise_timeout(call.command)


def _raise(outcome: Exception, during: Command) -> NoReturn:
    if isinstance(outcome, LineLost):
        raise_lost(during, outcome)
    raise outcome


def raise_timeout(command: Command) -> NoReturn:
    """Say that no answer came in time."""
    if command.trading:
        raise unknown(command, "timeout")
    raise RequestTimeout(f"no answer to {command.type} within the time allowed", sent=True)


def raise_lost(command: Command, lost: LineLost) -> NoReturn:
    """Say that the line ended before the answer."""
    if command.trading:
        raise unknown(command, "closed" if lost.closed else "connection lost")
    raise ConnectionLost(f"{command.type}: {lost.reason}", lost.code)


def unknown(command: Command, reason: str) -> OutcomeUnknown:
    """What the sender of a trading command without a known answer gets."""
    return OutcomeUnknown(
        command.type,
        reason,
        client_order_id=getattr(command, "client_order_id", None),
        order_id=getattr(command, "order_id", None),
        symbol=getattr(command, "symbol", None),
    )

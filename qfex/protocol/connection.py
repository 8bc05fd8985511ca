"""The pure side of one connection: bytes in, answers and events out; commands in, bytes out.

What both gateways have in common. `TradeConnection` and `MarketConnection` say what the messages mean.

Login, resync and reconciliation are procedures: sequences of commands and answers, written as generators. A procedure
yields commands, gets the list of their results, and yields the next. A `ProcedureRun` moves it on, step by step, as the
answers arrive.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any

from ..credentials import Proof
from ..enums import OpenEnum
from ..errors import RequestTimeout
from ..models.connection import ErrorEvent
from .command import Command, CommandSpec, Request
from .events import Event, Policy

log = logging.getLogger("qfex")

#: Seconds after which a procedure is informed that a command of it could not be sent.
BLOCKED_LIMIT = 5.0

#: Seconds for a second reply to a request that was answered by an update, before a procedure goes on.
SECOND_REPLY_GRACE = 0.3

#: Seconds for which an overdue reply may still arrive before its exclusive key is given up and the connection renewed.
LATE_REPLY_GRACE = 2.0

#: The same for the reply to a procedure, which has waited for it patiently.
_STEP_GRACE = 1.0

Answer = tuple[Any, Any]  # a request, and its result or the exception that its sender gets


# --- procedures --------------------------------------------------------------------------------------------------

#: Yields commands to send at once, gets the list of their results. An error of one of them is thrown into it.
Procedure = Generator[Sequence[Command], list[Any], Any]


class Inquiry(Command, frozen=True):
    """A question that is not sent on the socket: a worker thread of the client answers it."""


class Step(Request, eq=False, kw_only=True):
    """A command of a procedure, and how it ended."""

    run: ProcedureRun
    answered: bool = False
    outcome: Any = None


class ProcedureRun:
    """One run of a procedure on one connection.

    Parameters
    ----------
    procedure : generator
    send : callable
        Takes the commands of a step; it files them, and queues their bytes, at once or later.
    patience : float or None
        Seconds for the answers to one step; then `RequestTimeout` is raised in the procedure. None: no limit.
    urgent : bool
        Whether it is sent even when the message budget is spent.

    Attributes
    ----------
    done : bool
    error : Exception or None
        What ended the procedure, if not its last line.
    steps : list of Step
        The commands that are not answered as a whole.
    """

    def __init__(
        self,
        procedure: Procedure,
        send: Callable[[ProcedureRun], None],
        patience: float | None = None,
        urgent: bool = False,
    ) -> None:
        self._procedure = procedure
        self._send = send
        self.patience = patience
        self.urgent = urgent
        self.due = float("inf")
        self.steps: list[Step] = []
        self.done = False
        self.error: Exception | None = None

    def start(self) -> None:
        """Send the first commands."""
        self._move(lambda: next(self._procedure))

    def answer(self, step: Step, outcome: Any) -> None:
        """Take the answer to one command; go on when all commands of the step are answered."""
        step.answered, step.outcome = True, outcome
        if self.done or step not in self.steps or not all(each.answered for each in self.steps):
            return
        outcomes = [each.outcome for each in self.steps]
        error = next((outcome for outcome in outcomes if isinstance(outcome, Exception)), None)
        if error is None:
            self._move(lambda: self._procedure.send(outcomes))
        else:
            self.fail(error)

    def expire(self) -> None:
        """Raise a timeout in the procedure: the answers to its commands do not come, or a command could not be sent."""
        sent = all(step.filed or step.answered for step in self.steps)
        self.fail(RequestTimeout("no answer" if sent else "it could not be sent in time", sent=sent))

    def stop(self) -> None:
        """End the procedure where it is."""
        self._procedure.close()
        self.done = True

    def fail(self, error: Exception) -> None:
        """Raise an error in the procedure, which may go on with something else."""
        self._move(lambda: self._procedure.throw(error))

    def _move(self, advance: Callable[[], Sequence[Command]]) -> None:
        try:
            self.steps = [Step(command, run=self) for command in advance()]
            self._send(self)
        except StopIteration:
            self.done = True
        except Exception as error:  # whatever the procedure raises is its result
            self.done, self.error = True, error


# --- connections -------------------------------------------------------------------------------------------------


class ProtocolConnection(ABC):
    """The state of one connection. Not thread-safe: whoever owns it guards it with a mutex.

    Parameters
    ----------
    clock : callable
        Monotonic time in seconds.
    may_send : callable
        Takes a command's share of the message budget; False if it is not there now.

    Attributes
    ----------
    table
        The requests in flight.
    outgoing : list of bytes
        Messages of procedures that wait to be sent. The owner takes and sends them after each call.
    inquiries : list of Step
        Questions of procedures that are not for the socket. The owner takes them, and calls `answer_inquiry`.
    is_overdue : bool
        Whether a procedure cannot go on, because a reply that it or a caller gave up does not come. The owner then
        replaces the connection: another one owes no replies.
    throttled : list
        What the exchange said of the message budget: which bucket is empty, None where it did not say, and for how many
        seconds, None likewise. The owner takes and obeys it after each call.
    """

    table: Any
    errors: OpenEnum

    def __init__(self, clock: Callable[[], float], may_send: Callable[[Command], bool]) -> None:
        self.clock = clock
        self._may_send = may_send
        self.outgoing: list[bytes] = []
        self.is_overdue = False
        self.throttled: list[tuple[str | None, float | None]] = []
        self._runs: list[ProcedureRun] = []
        self._unsent: list[ProcedureRun] = []
        self._late_answers: list[Answer] = []
        self.inquiries: list[Step] = []

    @property
    def pending(self) -> int:
        """Requests of callers without an answer yet."""
        return sum(not request.given_up and not isinstance(request, Step) for request in self.table)

    # --- requests ----------------------------------------------------------------------------------------------

    def send(self, command: Command, request: Request | None = None) -> bytes:
        """File the request of a command and give the bytes to send.

        Parameters
        ----------
        command : Command
        request : Request, optional
            The request to file, for a caller that waits for it; a plain one is made otherwise.
        """
        message = command.encode()  # first: if this fails, nothing is filed
        self.table.add(Request(command) if request is None else request)
        return message

    def receive(self, frame: bytes) -> tuple[list[Answer], list[Event]]:
        """Take one message frame.

        Returns
        -------
        answers : list
            The requests that the frame answers, each with its result or exception.
        events : list of Event
            What users see of the frame. It is delivered before the callers learn of the answers.
        """
        answers: list[Answer] = []
        events: list[Event] = []
        for message in self._decode(frame):
            try:
                self._take(message, answers, events)
            except Exception as error:  # an odd message must not end the reader
                log.exception("a message could not be handled")
                event = ErrorEvent("internal", str(error), repr(message), error)
                events.append(Event(self.errors, None, event))
        return answers + self._take_late_answers(), events

    def _take_late_answers(self) -> list[Answer]:
        """Answers to callers' requests that were found out in another way than by a reply."""
        late, self._late_answers = self._late_answers, []
        return late

    def _take(self, message: Any, answers: list[Answer], events: list[Event]) -> None:
        table = self.table
        answered: Sequence[Answer] = ()
        # A request is filed before its bytes leave, so its answer finds it here.
        if table.filed and type(message) in table.answering:
            answered = table.answer(message)
            answers.extend(answered)
        try:
            events.extend(self._apply(message, answered))
        finally:  # an odd message must leave no procedure without its answer
            if answered:
                self._move_procedures(answers)

    def give_up(self, request: Request) -> None:
        """Note that nobody waits for a request any more; its late reply will answer nobody else."""
        self.table.give_up(request)

    # --- procedures --------------------------------------------------------------------------------------------

    def start(
        self, procedure: Procedure, patience: float | None = None, *, urgent: bool = False
    ) -> ProcedureRun:
        """Begin a procedure; answers move it on. Its messages appear in `outgoing`.

        Parameters
        ----------
        procedure : generator
        patience : float or None
            Seconds for the answers to each of its steps.
        urgent : bool
            Whether it is sent even when the message budget is spent.
        """
        run = ProcedureRun(procedure, self._send_steps, patience, urgent)
        self._runs.append(run)
        run.start()
        self._forget_finished()
        return run

    def expire(self, run: ProcedureRun) -> None:
        """Stop waiting for the answers that a procedure waits for."""
        self._give_up_steps(run)
        run.expire()
        self._forget_finished()

    def stop(self, run: ProcedureRun) -> None:
        """End a procedure, whatever it waits for."""
        self._give_up_steps(run)
        run.stop()
        self._forget_finished()

    def _give_up_steps(self, run: ProcedureRun) -> None:
        if run in self._unsent:
            self._unsent.remove(run)
        for step in run.steps:
            if isinstance(step.command, Inquiry):
                step.given_up = True
            elif not step.answered:
                self._abandon(step)

    def _abandon(self, step: Step) -> None:
        """Stop waiting for the answer to a command of a procedure."""
        self.table.give_up(step)

    def answer_inquiry(self, step: Step, outcome: Any) -> None:
        """Take the answer to an inquiry, unless it was given up."""
        if step.filed and not step.given_up:
            step.filed = False
            step.run.answer(step, outcome)
            self._forget_finished()

    def work(self, may_ask: bool = True) -> tuple[list[Answer], list[Event]]:
        """Do what is due by the clock: send steps that had to wait, stop waiting for those that are overdue.

        The owner calls it after each message and at least twice a second, once the connection is in use.

        Parameters
        ----------
        may_ask : bool
            Whether new questions may be asked; not while a caller waits for its turn.

        Returns
        -------
        answers : list
            Requests of callers that are answered by it.
        events : list of Event
            What users see of it.
        """
        now = self.clock()
        for run in [run for run in self._runs if run.due <= now]:
            self.expire(run)
        if may_ask:
            unsent, self._unsent = self._unsent, []
            for run in unsent:
                try:
                    self._send_steps(run)
                except Exception as error:  # whatever it is, the procedure has to know
                    run.fail(error)
            self._begin_work()
        events = self._found()
        return self._take_late_answers(), events

    @property
    def has_work(self) -> bool:
        """Whether `work` may have something to do."""
        return bool(self._runs)

    def _begin_work(self) -> None:  # noqa: B027 - a gateway may have none
        """Start the procedures that are due; the gateways say which."""

    def _found(self) -> list[Event]:
        """Events that procedures found; the gateways say which."""
        return []

    def _send_steps(self, run: ProcedureRun) -> None:
        """File the commands of a step and queue their bytes, once their exclusive keys and the budget allow it."""
        for step in run.steps:
            if step.filed or step.answered:
                continue
            if isinstance(step.command, Inquiry):
                step.filed = True
                self.inquiries.append(step)
                continue
            if self._is_held(step.command) or not (run.urgent or self._may_send(step.command)):
                self._unsent.append(run)
                run.due = min(run.due, self.clock() + BLOCKED_LIMIT)
                return
            self.outgoing.append(self.send(step.command, step))
        run.due = float("inf") if run.patience is None else self.clock() + run.patience

    def _is_held(self, command: Command) -> bool:
        """Whether an exclusive key of a command is held, by more than a request that was answered a while ago."""
        holder = self.table.holder(command)
        if holder is None:
            return False
        now = self.clock()
        if holder.awaits_late_reply and now >= holder.given_up_at + SECOND_REPLY_GRACE:
            self.table.remove(holder)
            return self.table.holder(command) is not None
        grace = _STEP_GRACE if isinstance(holder, Step) else LATE_REPLY_GRACE
        if holder.given_up and now >= holder.given_up_at + grace:
            self._note_overdue()
        return True

    def _note_overdue(self) -> None:
        """Note that a reply for which a procedure has to wait does not come."""
        self.is_overdue = True

    def _move_procedures(self, answers: list[Answer]) -> None:
        """Hand procedures their answers, which are nobody else's."""
        steps = [answer for answer in answers if isinstance(answer[0], Step)]
        for answer in steps:
            answers.remove(answer)
            answer[0].run.answer(*answer)
        self._forget_finished()

    def _forget_finished(self) -> None:
        self._runs = [run for run in self._runs if not run.done]

    # --- what a gateway's own connection says ------------------------------------------------------------------

    @abstractmethod
    def _decode(self, frame: bytes) -> Iterable[Any]:
        """Messages of a frame."""

    @abstractmethod
    def _apply(self, message: Any, answered: Sequence[Answer]) -> Iterable[Event]:
        """Change the state by a message; what users see of it."""

    @abstractmethod
    def login(self, clock_skew: Callable[[], float | None]) -> Procedure:
        """Commands that begin a connection. `clock_skew` gives by how many seconds the peer's clock is ahead, if known."""

    @abstractmethod
    def resync(self) -> Procedure:
        """Commands that find out what was missed, on a connection that follows a lost one."""

    @abstractmethod
    def release(self) -> Sequence[Event]:
        """Events that were held back until the end of login and resync."""

    def ended(self) -> None:  # noqa: B027 - a gateway may have nothing to note
        """Note that the connection is over, before its requests fail."""

    @abstractmethod
    def teardown(self) -> Sequence[Command]:
        """Commands to send before the connection is ended on purpose; nobody waits for the answers."""


class Endpoint(ABC):
    """A gateway, and the state that all connections to it share.

    Attributes
    ----------
    errors : OpenEnum
        The channel for errors that belong to no call.
    connection : OpenEnum
        The channel for changes of the connection.
    specs : mapping
        The row of each command.
    proof : Proof or None
        Who the caller is, if the gateway asks for that.
    """

    proof: Proof | None = None
    errors: OpenEnum
    connection: OpenEnum
    specs: Mapping[type[Command], CommandSpec]

    @abstractmethod
    def address(self) -> tuple[str, dict[str, str]]:
        """URL and headers of the next connection."""

    @abstractmethod
    def new_connection(
        self, clock: Callable[[], float], may_send: Callable[[Command], bool]
    ) -> ProtocolConnection:
        """The pure side of a new connection.

        Parameters
        ----------
        clock : callable
            Monotonic time in seconds.
        may_send : callable
            Takes a command's share of the message budget; False if it is not there now.
        """

    @abstractmethod
    def policy_of(self, channel: OpenEnum) -> Policy:
        """What becomes of events of a channel that are not taken in time."""

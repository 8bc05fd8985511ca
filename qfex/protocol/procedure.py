"""Procedures: sequences of commands and answers, written as generators.

Login, resync and reconciliation are such sequences: a generator yields commands, gets the list of their results, and
yields the next. A `ProcedureRun` moves it on, step by step, as the answers arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from ..errors import RequestTimeout
from .request import Request
from .wire.command import Command

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

"""Runs a conversation that the protocol wrote as a generator: it yields commands and gets their answers.

The opening of a line and the recovery after an outage are such conversations. They run on the reader thread, step by
step as answers come, so that nothing of the user's can hold them up.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from ..errors import RequestTimeout
from ..protocol.commands import Command
from .deadline import Deadline
from .pending import PendingTable, Waiter

#: What the protocol writes: yields commands to send at once, gets the list of their results.
Conversation = Generator[Sequence[Command], list[Any], Any]


class _Step(Waiter, eq=False, kw_only=True):
    """A command of a script; its answer moves the script on."""

    patience = 5.0

    script: Script

    def resolve(self, outcome: Any) -> None:
        super().resolve(outcome)
        self.script.step_answered()


class Script:
    """One run of a conversation on one line. Used by one thread at a time: the reader's, or the starter's."""

    def __init__(
        self, conversation: Conversation, pending: PendingTable, send: Callable[[Command], None]
    ) -> None:
        self._conversation = conversation
        self._pending = pending
        self._send = send
        self._steps: list[_Step] = []
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def start(self) -> None:
        """Send the first commands."""
        self._move(lambda: self._conversation.send(None))  # type: ignore[arg-type]

    def step_answered(self) -> None:
        """Go on once every command of the step is answered."""
        if self.done or not all(step.answered for step in self._steps):
            return
        outcomes = [step.outcome for step in self._steps]
        error = next((outcome for outcome in outcomes if isinstance(outcome, Exception)), None)
        if error is not None:
            self._move(lambda: self._conversation.throw(error))
        else:
            self._move(lambda: self._conversation.send(outcomes))

    def expire(self) -> None:
        """Tell the conversation that its answer does not come."""
        for step in self._steps:
            self._pending.give_up(step)
        self._move(lambda: self._conversation.throw(RequestTimeout("no answer", sent=True)))

    def _move(self, advance: Callable[[], Sequence[Command]]) -> None:
        try:
            commands = advance()
            self._steps = [_Step(command, script=self) for command in commands]
            for step in self._steps:
                self._pending.add(step, Deadline(0.0))
                self._send(step.command)
        except StopIteration as end:
            self.done, self.result = True, end.value
        except Exception as error:  # whatever it is, the reader thread must go on
            self.done, self.error = True, error

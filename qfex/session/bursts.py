"""Several commands in one write. What each of them ends in is what it would end in alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import QfexError
from ..protocol.commands import Command
from .deadline import Deadline
from .line import Line
from .pending import LineDown
from .transport import SendFailed

if TYPE_CHECKING:
    from .calls import Call, Caller

_MOST = 64  # commands in one write: the first shall not wait long for the last


class Burst:
    """Collects commands that need to wait for nothing, and sends them together; the others it sends in their turn.

    `_held` are the places, in `_ends`, of the calls that are filed and not sent yet.
    """

    def __init__(self, caller: Caller, deadline: Deadline) -> None:
        self._caller = caller
        self._deadline = deadline
        self._line: Line | None = None
        self._held: list[int] = []
        self._ends: list[Call | QfexError] = []

    def submit(self, commands: Iterable[Command]) -> list[Call | QfexError]:
        """Send commands in the order given; for each its call, or why it was not sent."""
        try:
            for command in commands:
                self._add(command)
            self._flush()
        except BaseException:  # Ctrl-C: what is filed and not sent never will be
            for call in self._calls():
                call.line.pending.withdraw(call.waiter)
            raise
        return self._ends

    def _calls(self) -> list[Call]:
        return [self._ends[place] for place in self._held]  # type: ignore[misc]

    def _add(self, command: Command) -> None:
        call = self._file(command)
        if call is None:
            self._flush()
            self._ends.append(self._alone(command))
            return
        self._held.append(len(self._ends))
        self._ends.append(call)
        if len(self._held) == _MOST:
            self._flush()

    def _file(self, command: Command) -> Call | None:
        """File a command on the line in use; None if it has to wait, for a line, its lane or the message budget."""
        line = self._caller.line_in_use()
        if line is not self._line:
            self._flush()
            self._line = line
        if line is None or command.lanes or not self._caller.takes_budget(command):
            return None
        try:
            return self._caller.file(command, line, self._deadline)
        except LineDown:
            return None

    def _flush(self) -> None:
        calls = self._calls()
        if not calls:
            return
        try:
            calls[0].line.send(*[call.command for call in calls], deadline=self._deadline)
        except SendFailed as failed:
            self._send_anew(calls, failed.begun)
        except BaseException:
            self._held.clear()
            for call in calls:
                call.line.pending.give_up(call.waiter)
            raise
        self._held.clear()

    def _send_anew(self, calls: list[Call], begun: int) -> None:
        """Send those of which nothing left. To the others the end of the line tells what it means for them."""
        for place, call in list(zip(self._held, calls, strict=True))[begun:]:
            call.line.pending.withdraw(call.waiter)
            self._ends[place] = self._alone(call.command)

    def _alone(self, command: Command) -> Call | QfexError:
        try:
            return self._caller.submit(command, self._deadline)
        except QfexError as error:
            return error

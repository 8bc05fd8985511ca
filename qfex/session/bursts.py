"""Several commands in one write. What each of them ends in is what it would end in alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import QfexError
from ..protocol.commands import Command
from .deadline import Deadline
from .line import Line, written
from .pending import LineDown, SendFailed

if TYPE_CHECKING:
    from .calls import Call, Caller

_MOST = 64  # commands in one write: the first shall not wait long for the last


class Burst:
    """Collects commands that need to wait for nothing, and sends them together; the others it sends in their turn.

    The first `_sent` of `_ends` are settled; the others are calls that are filed and not sent yet, as `_messages`.
    """

    def __init__(self, caller: Caller, deadline: Deadline) -> None:
        self._caller = caller
        self._deadline = deadline
        self._line: Line | None = None
        self._sent = 0
        self._messages: list[bytes] = []
        self._ends: list[Call | QfexError] = []

    def submit(self, commands: Iterable[Command]) -> list[Call | QfexError]:
        """Send commands in the order given; for each its call, or why it was not sent."""
        try:
            for command in commands:
                self._add(command)
            self._flush()
        except (
            BaseException
        ):  # Ctrl-C: what is filed and not sent never will be, and nobody waits for the others
            _withdraw(self._calls(self._sent))
            abandon(self._ends[: self._sent])
            raise
        return self._ends

    def _calls(self, first: int) -> list[Call]:
        return self._ends[first:]  # type: ignore[return-value]

    def _add(self, command: Command) -> None:
        if not self._file(command):
            self._flush()
            self._sent += 1
            self._ends.append(self._alone(command))
        elif len(self._ends) - self._sent == _MOST:
            self._flush()

    def _file(self, command: Command) -> bool:
        """File a command on the line in use; False if it has to wait, for a line, its lane or the message budget."""
        line = self._caller.line_in_use()
        if line is not self._line:
            self._flush()
            self._line = line
        if line is None or command.lanes() or not self._caller.takes_budget(command):
            return False
        message = written(command)
        try:
            self._ends.append(self._caller.file(command, line, self._deadline))
        except LineDown:
            return False
        self._messages.append(message)
        return True

    def _flush(self) -> None:
        calls, settled = self._calls(self._sent), len(self._ends)
        if not calls:
            return
        messages, self._messages = self._messages, []
        try:
            calls[0].line.send(messages, self._deadline)
        except SendFailed as failed:
            self._sent = settled
            self._send_anew(calls[failed.begun :])
        except BaseException:
            self._sent = settled  # `submit` abandons them
            raise
        self._sent = settled

    def _send_anew(self, calls: list[Call]) -> None:
        """Send those of which nothing left. To the others the end of the line tells what it means for them."""
        _withdraw(calls)  # all of them first: each may wait for long, until Ctrl-C perhaps
        for place, call in enumerate(calls, self._sent - len(calls)):
            self._ends[place] = self._alone(call.command)

    def _alone(self, command: Command) -> Call | QfexError:
        try:
            return self._caller.submit(command, self._deadline)
        except QfexError as error:
            return error


def abandon(ends: Iterable[Call | QfexError]) -> None:
    """Wait for none of these any more."""
    for end in ends:
        if not isinstance(end, QfexError):
            end.line.pending.give_up(end)


def _withdraw(calls: Iterable[Call]) -> None:
    for call in calls:
        call.line.pending.withdraw(call)

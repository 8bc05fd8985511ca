"""When a fault strikes: rules over commands and over frames, with a count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...gateway.session import Frame
    from ..trade import Connection

Message = dict[str, Any]
Predicate = Callable[[Message], bool]
# Gets the frames a rule selected, returns those to be sent now.
Transform = Callable[["Connection", "list[Frame]"], "list[Frame]"]
# Gets a command, returns True when it has been dealt with and is not to be processed.
Interception = Callable[["Connection", Message, str], bool]


@dataclass(eq=False)
class Rule:
    """What all rules have in common.

    Attributes
    ----------
    kind : str, optional
        The type of the command, or the top-level key of the frame; None for any.
    when : callable, optional
        Further condition on the decoded message.
    connection : int, optional
        Only this connection.
    left : int or None
        How often it may still strike; None means until it is cleared.
    spared : int
        How many that it fits are spared before.
    """

    kind: str | None
    when: Predicate | None
    connection: int | None
    left: int | None
    spared: int

    def __post_init__(self) -> None:
        if self.left is not None and self.left < 1:
            raise ValueError(f"a fault strikes at least once, not {self.left} times")

    def strikes(self, connection: Connection, kind: str | None, message: Message) -> bool:
        """Say whether the rule strikes here, and count."""
        if not self._fits(connection, kind, message):
            return False
        if self.spared:
            self.spared -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def _fits(self, connection: Connection, kind: str | None, message: Message) -> bool:
        if self.kind not in (None, kind):
            return False
        if self.connection not in (None, connection.session.id):
            return False
        return self.when is None or self.when(message)


@dataclass(eq=False)
class CommandRule(Rule):
    """Strikes when a command arrives: keeps it from being processed, or does something to its replies.

    Attributes
    ----------
    intercept : callable, optional
        Instead of processing.
    transform : callable, optional
        What to do to the frames that answer the command on its connection.
    """

    intercept: Interception | None = None
    transform: Transform | None = None


@dataclass(eq=False)
class FrameRule(Rule):
    """Strikes when a frame is to be sent.

    Attributes
    ----------
    transform : callable
        What to do to the frame.
    """

    transform: Transform

"""The audit trail: what the exchange received and did. Tests compare a client's view with it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..engine import FillRow, OrderRow

_CLIENT_IDS = ("client_order_id", "client_twap_id", "order_id", "stop_order_id")


@dataclass(frozen=True, slots=True)
class ReceivedCommand:
    """A well-formed command as it was received.

    Attributes
    ----------
    time : float
        Simulated time, unix seconds.
    connection : int
        The connection's number.
    account_id : str or None
        The account; None before authentication.
    command : str
        The command's type.
    params : dict
        The command's parameters; those of ``auth`` are left out.
    """

    time: float
    connection: int
    account_id: str | None
    command: str
    params: dict[str, Any]

    @property
    def identifier(self) -> str | None:
        """The client order id, client TWAP id or order id that the command names."""
        return next((self.params[name] for name in _CLIENT_IDS if self.params.get(name)), None)


class AuditTrail:
    """A record of every command received, every order change and every fill.

    Parameters
    ----------
    limit : int, optional
        How many entries of each kind to keep, the newest ones; None keeps all.

    Attributes
    ----------
    received : deque of ReceivedCommand
        The commands that reached the exchange, in order.
    changes : deque of OrderRow
        A row for every change of an order, in order.
    fills : deque of FillRow
        Both sides of every trade, in order.
    frames_in, frames_out : int
        How many messages were received from and sent to clients.
    authentication_failures : list of str
        The reason of each refused authentication.
    errors : list of Exception
        Failures of the simulator itself. Each one is a bug in it, or in a condition that a test passed to a fault.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.received: deque[ReceivedCommand] = deque(maxlen=limit)
        self.changes: deque[OrderRow] = deque(maxlen=limit)
        self.fills: deque[FillRow] = deque(maxlen=limit)
        self.frames_in = 0
        self.frames_out = 0
        self.authentication_failures: list[str] = []
        self.errors: list[Exception] = []

    def count(self, command: str, identifier: str | None = None) -> int:
        """Return how often a command was received, in all or with one id (see `ReceivedCommand.identifier`)."""
        return sum(
            entry.command == command and identifier in (None, entry.identifier) for entry in self.received
        )

    def counts(self, command: str) -> Counter[str | None]:
        """Return how often a command was received with each id."""
        return Counter(entry.identifier for entry in self.received if entry.command == command)

    def orders(self, client_order_id: str | None = None) -> dict[str, OrderRow]:
        """Return the newest row of each order by order id: of all orders, or of those with a client order id."""
        wanted = (row for row in self.changes if client_order_id in (None, row.client_order_id))
        return {row.order_id: row for row in wanted}

    def fills_of(self, account_id: str) -> list[FillRow]:
        """Return an account's fills, oldest first."""
        return [fill for fill in self.fills if fill.account_id == account_id]

    def copy(self) -> AuditTrail:
        """Return a snapshot that does not change any more."""
        copy = AuditTrail()
        copy.received, copy.changes, copy.fills = deque(self.received), deque(self.changes), deque(self.fills)
        copy.frames_in, copy.frames_out = self.frames_in, self.frames_out
        copy.authentication_failures, copy.errors = list(self.authentication_failures), list(self.errors)
        return copy

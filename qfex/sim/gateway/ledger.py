"""What really happened: the truth that tests compare a client's story with."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..engine import FillRow, OrderRow

_CLIENT_IDS = ("client_order_id", "client_twap_id", "order_id", "stop_order_id")


@dataclass(frozen=True, slots=True)
class Received:
    """A well-formed command as it arrived.

    Attributes
    ----------
    time : float
        Simulated time, unix seconds.
    connection : int
        The connection's number.
    account_id : str or None
        The account, None before authentication.
    command : str
        Its type.
    params : dict
        Its parameters; those of ``auth`` are left out.
    """

    time: float
    connection: int
    account_id: str | None
    command: str
    params: dict[str, Any]

    @property
    def identifier(self) -> str | None:
        """The client order id, client TWAP id or order id it names."""
        return next((self.params[name] for name in _CLIENT_IDS if self.params.get(name)), None)


class Ledger:
    """Everything that arrived, was done and was sent.

    Parameters
    ----------
    limit : int, optional
        Entries kept of each kind, the newest; None keeps all.

    Attributes
    ----------
    received : deque of Received
        Commands that reached the exchange, in order.
    changes : deque of OrderRow
        Every order after every change, in order.
    fills : deque of FillRow
        Every side of every trade, in order.
    frames_in, frames_out : int
        Messages from and to all clients.
    authentication_failures : list of str
        Why each refused authentication was refused.
    errors : list of Exception
        Failures of the simulator itself; anything but empty is a bug in it.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.received: deque[Received] = deque(maxlen=limit)
        self.changes: deque[OrderRow] = deque(maxlen=limit)
        self.fills: deque[FillRow] = deque(maxlen=limit)
        self.frames_in = 0
        self.frames_out = 0
        self.authentication_failures: list[str] = []
        self.errors: list[Exception] = []

    def count(self, command: str, identifier: str | None = None) -> int:
        """Return how often a command came, for one client order id (or whatever id it names) or in all."""
        return sum(
            entry.command == command and identifier in (None, entry.identifier) for entry in self.received
        )

    def counts(self, command: str) -> Counter[str | None]:
        """Return how often a command came for each id."""
        return Counter(entry.identifier for entry in self.received if entry.command == command)

    def orders(self, client_order_id: str | None = None) -> dict[str, OrderRow]:
        """Return the newest row of each order by order id, of one client order id or of all."""
        wanted = (row for row in self.changes if client_order_id in (None, row.client_order_id))
        return {row.order_id: row for row in wanted}

    def fills_of(self, account_id: str) -> list[FillRow]:
        """Return an account's fills, oldest first."""
        return [fill for fill in self.fills if fill.account_id == account_id]

    def copy(self) -> Ledger:
        """Return a snapshot that does not change any more."""
        twin = Ledger()
        twin.received, twin.changes, twin.fills = deque(self.received), deque(self.changes), deque(self.fills)
        twin.frames_in, twin.frames_out = self.frames_in, self.frames_out
        twin.authentication_failures, twin.errors = list(self.authentication_failures), list(self.errors)
        return twin

"""What the tests of the client share: names, waits for events, and what really arrived."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from time import monotonic
from typing import Any

from qfex import TradeClient
from qfex.sim import Simulator

AAPL, GOLD = "AAPL-USD", "GOLD-USD"
PATIENCE = 5.0  # seconds: an upper limit of waits, never a delay
D = Decimal
Connect = Callable[..., TradeClient]


def until(stream: Any, wanted: Callable[[Any], bool] = lambda event: True, timeout: float = PATIENCE) -> Any:
    """The first event of a stream that is wanted; raises `NoEvent` when none comes in time."""
    end = monotonic() + timeout
    while True:
        event = stream.get(max(0.0, end - monotonic()))
        if wanted(event):
            return event


def fence(client: TradeClient) -> None:
    """Wait until everything that the exchange has sent to this client was read."""
    client.get_leverage()


def sent(sim: Simulator, command: str) -> list[dict[str, Any]]:
    """Parameters of every command of a kind that reached the exchange."""
    return [entry.params for entry in sim.ledger.received if entry.command == command]


def trading_commands(sim: Simulator) -> int:
    """How many commands reached the exchange, those that open a line left out."""
    opening = ("auth", "subscribe", "cancel_on_disconnect")
    return sum(entry.command not in opening for entry in sim.ledger.received)

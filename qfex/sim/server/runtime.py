"""What the servers of one simulator share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qfex.sim.engine import Exchange
    from qfex.sim.gateway.accounts import Accounts
    from qfex.sim.gateway.clock import Clock
    from qfex.sim.server.line import Line


@dataclass(eq=False)
class Runtime:
    """The one exchange behind all sockets, and the means to serve it.

    Everything here belongs to the event loop's thread; nothing is to be touched from another one.

    Attributes
    ----------
    exchange : Exchange
        The engine. ``exchange.listen`` reports every event, synchronously.
    clock : Clock
        The simulated time: ``now``, ``every``, ``after``. Pulses belong on it.
    accounts : Accounts
        Keys and subaccounts; ``authenticate_headers`` checks a REST request.
    dialect : str
        "live" or "documented".
    lines : set of Line
        Every open WebSocket's way out. ``Line.send`` queues a frame and never blocks; a socket's handler adds its
        line here and takes it out when it ends. ``advance`` and ``set_mark_price`` return when all are flushed,
        and the server closes them when it stops.
    """

    exchange: Exchange
    clock: Clock
    accounts: Accounts
    dialect: str = "live"
    lines: set[Line] = field(default_factory=set)

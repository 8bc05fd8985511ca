"""What the servers of one simulator share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..feeds.faults import FeedPlan
from .pace import ManualPace

if TYPE_CHECKING:
    from ..engine import Exchange
    from ..gateway.accounts import Accounts
    from ..gateway.clock import Clock
    from ..gateway.gateway import TradeGateway
    from ..record import Recorder, Socket, Tape
    from .line import Line
    from .pace import RealPace


def _nothing() -> None:
    """Stand in for a flush while there is no server."""


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
    gateway : TradeGateway
        The trade gateway.
    dialect : str
        "live" or "documented".
    ping_interval : float
        Real seconds between WebSocket pings; a peer that does not pong for half of that is cut off.
    lines : set of Line
        Every open WebSocket's way out. ``Line.send`` writes at once and never blocks, so what an event causes
        has been written when the call that caused it returns. A socket's handler adds its line here and takes
        it out when it ends; the server closes what is left when it stops.
    pace : RealPace or ManualPace
        Makes the time pass. ``catch_up()`` comes before work that a request causes.
    flush : callable
        Writes what waits for trade connections; comes after work that a request causes.
    recorder : Recorder, optional
        Where the sessions are recorded.
    feed_plan : FeedPlan
        What is to go wrong with market data and REST.
    """

    exchange: Exchange
    clock: Clock
    accounts: Accounts
    gateway: TradeGateway
    dialect: str = "live"
    ping_interval: float = 20.0
    lines: set[Line] = field(default_factory=set)
    pace: RealPace | ManualPace = field(default_factory=ManualPace)
    flush: Callable[[], None] = _nothing
    recorder: Recorder | None = None
    feed_plan: FeedPlan = field(default_factory=FeedPlan)

    def tape(self, socket: Socket) -> Tape | None:
        """Return where a new connection is recorded, if it is."""
        return None if self.recorder is None else self.recorder.tape(socket)

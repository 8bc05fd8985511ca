"""A client of ours: what was asked of it, and what it delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from time import monotonic
from typing import Any

from qfex import Channel, ErrorEvent, Fill, Order, QfexError, ReconnectPolicy, TradeClient

from .venue import Venue

#: Reconnects at once, and notices a silent peer within a second.
POLICY = ReconnectPolicy(initial_delay=0.01, max_delay=0.05, heartbeat_interval=0.4, heartbeat_timeout=0.4)
TIMEOUT = 1.0  # seconds for a call

CHANNELS = (Channel.FILLS, Channel.POSITIONS, Channel.BALANCES, Channel.STOP_ORDERS)


@dataclass
class Call:
    """One call and how it ended.

    Attributes
    ----------
    key : str
        What it is known by at the venue: a client order id, or an order id and a price.
    outcome : object
        What was returned, or the exception.
    """

    client: str
    command: str
    key: str
    asked: dict[str, Any]
    outcome: Any = None
    begun: float = field(default_factory=monotonic)
    ended: float = 0.0


@dataclass
class Wish:
    """Whether a channel is wanted: True, False, or None where the last call failed."""

    wanted: bool | None
    since: float


class Participant:
    """A client, its threads, and what its callbacks got.

    Attributes
    ----------
    calls : list of Call
    seen : dict of str to Order
        Every order that a call returned, by order id.
    others_orders : list of Order
        Orders of another client, for which this one is asked in the end.
    positions : list of (str, Decimal)
        What the position was, as read when a fill was delivered, by trade id.
    armed : bool or None
        Whether cancel-on-disconnect is wanted; None where the last call failed.
    wishes : dict of Channel to list of Wish
        All that was asked for of each channel, in order.
    """

    def __init__(self, name: str, venue: Venue, seed: int, armed: bool = False) -> None:
        self.name = name
        self.venue = venue
        self.client = TradeClient(
            venue.environment(name),
            venue.credentials(name),
            reconnect=POLICY,
            request_timeout=TIMEOUT,
            cancel_on_disconnect=armed,
        )
        self.calls: list[Call] = []
        self.seen: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.orders: list[Order] = []
        self.errors: list[ErrorEvent] = []
        self.others_orders: list[Order] = []
        self.positions: list[tuple[str, Decimal]] = []
        self.armed: bool | None = armed
        self.wishes: dict[Channel, list[Wish]] = {channel: [] for channel in CHANNELS}
        client = self.client
        self._steps: list[Callable[[], object]] = [
            client.connect,
            lambda: client.on(Channel.ORDERS, self.orders.append),
            lambda: client.on(Channel.ERRORS, self.errors.append),
            lambda: client.subscribe(Channel.POSITIONS, Channel.BALANCES),
            lambda: client.on(Channel.FILLS, self._take_fill),
        ]

    def connect(self) -> None:
        """Connect and subscribe; what failed may be called again, and goes on where it failed."""
        self.wishes[Channel.FILLS].append(Wish(None, monotonic()))
        while self._steps:
            self._steps[0]()
            self._steps.pop(0)
        for channel in (Channel.FILLS, Channel.POSITIONS, Channel.BALANCES):
            self.wishes[channel].append(Wish(True, monotonic()))

    def _take_fill(self, fill: Fill) -> None:
        self.fills.append(fill)
        if self.venue.options.disturbances.toggled:  # reading would subscribe again
            return
        try:
            position = self.client.positions.get(fill.symbol)
        except QfexError:  # they could not be asked for in time
            return
        self.positions.append((fill.trade_id, position.position if position else Decimal(0)))

    def record(self, call: Call, work: Callable[[], Any]) -> Any:
        """Make a call; what it returned, or the exception that it raised."""
        self.calls.append(call)
        try:
            call.outcome = work()
        except QfexError as error:
            call.outcome = error
        call.ended = monotonic()
        if isinstance(call.outcome, Order):
            self.seen[call.outcome.order_id] = call.outcome
        return call.outcome

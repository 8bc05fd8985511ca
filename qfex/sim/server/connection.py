"""One trade connection: its session, its WebSocket, and the faults that affect it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..gateway.session import OutboundMessage

if TYPE_CHECKING:
    from ..gateway.session import TradeSession
    from ..websocket import WebSocketWriter
    from .faults.plan import FaultPlan, Transform


@dataclass(frozen=True)
class ConnectionInfo:
    """A trade connection as listed by `Simulator.connections`."""

    id: int
    account_id: str | None
    channels: frozenset[str]
    cancel_on_disconnect: bool
    frames_in: int
    frames_out: int


class Connection:
    """One client's connection.

    Parameters
    ----------
    session : TradeSession
        The connection's state in the gateway.
    socket : WebSocketWriter
        The sending side of its WebSocket.
    plan : FaultPlan
        The armed faults.

    Attributes
    ----------
    transform : callable or None
        What a fault does to the reply to the current command.
    """

    def __init__(self, session: TradeSession, socket: WebSocketWriter, plan: FaultPlan) -> None:
        self.session = session
        self.socket = socket
        self.transform: Transform | None = None
        self.frames_in = 0
        self.frames_out = 0
        self._plan = plan

    def send(self, messages: list[OutboundMessage]) -> None:
        """Send messages, subject to the armed faults; then close the connection if the gateway requests it."""
        if self.transform is not None or self._plan.frames:
            messages = self._plan.outgoing(self, messages)
        self.write(messages)
        if self.session.closing is not None:
            self.socket.close(*self.session.closing)

    def write(self, messages: list[OutboundMessage]) -> None:
        """Write messages in one piece, up to the one after which the connection is to be cut."""
        countdown = self._plan.countdown("out", self.session.id)
        if countdown is not None:
            messages = messages[: countdown.take(len(messages))]
        if messages:
            self.frames_out += len(messages)
            self.socket.send(*(message.data for message in messages))
        if countdown is not None and countdown.spent:
            del self._plan.frame_countdown["out"]
            self.cut(reset=countdown.reset)

    def count_received(self) -> None:
        """Count a processed message; cut the connection if it was the last one before a cut."""
        countdown = self._plan.countdown("in", self.session.id)
        if countdown is not None and countdown.take(1) and countdown.spent:
            del self._plan.frame_countdown["in"]
            self.cut(reset=countdown.reset)

    def cut(self, *, reset: bool) -> None:
        """End the connection without a close frame."""
        self.socket.cut(reset=reset)

    def info(self) -> ConnectionInfo:
        """Return the connection's current state."""
        session = self.session
        return ConnectionInfo(
            id=session.id,
            account_id=session.acting_for,
            channels=frozenset(session.channels),
            cancel_on_disconnect=session.cancel_on_disconnect,
            frames_in=self.frames_in,
            frames_out=self.frames_out,
        )

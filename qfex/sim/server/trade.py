"""The trade socket: upgrade, frames in, frames out, and the end of a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from ..gateway.accounts import AuthenticationRefused
from ..gateway.session import Frame
from .line import Line

if TYPE_CHECKING:
    from ..gateway.session import TradeSession
    from .faults.plan import FaultPlan
    from .faults.rules import Transform
    from .runtime import Runtime

_MAX_MESSAGE = 1024 * 1024


@dataclass(frozen=True)
class ConnectionInfo:
    """What `Simulator.connections` tells of a trade connection."""

    id: int
    account_id: str | None
    channels: frozenset[str]
    cancel_on_disconnect: bool
    frames_in: int
    frames_out: int


class Connection:
    """One client's connection: its session, its line, and the faults on it."""

    def __init__(self, session: TradeSession, line: Line, plan: FaultPlan) -> None:
        self.session = session
        self.line = line
        self.transform: Transform | None = None
        self.frames_in = 0
        self.frames_out = 0
        self._plan = plan

    def send(self, frames: list[Frame]) -> None:
        """Write frames, as far as no fault strikes; then close if the gateway wants it."""
        if self.transform is not None or self._plan.frames:
            frames = self._plan.outgoing(self, frames)
        self.write(frames)
        if self.session.closing is not None:
            self.line.close(*self.session.closing)

    def tell(self, kind: str, data: bytes) -> None:
        """Write one message of a fault's own."""
        self.write([Frame(kind, data)])

    def write(self, frames: list[Frame]) -> None:
        """Write frames in one piece, up to the one after which the line is to be cut."""
        countdown = self._plan.countdown("out", self.session.id)
        if countdown is not None:
            frames = frames[: countdown.take(len(frames))]
        if frames:
            self.frames_out += len(frames)
            self.line.send(*(frame.data for frame in frames))
        if countdown is not None and countdown.spent:
            del self._plan.frame_countdown["out"]
            self.cut(reset=countdown.reset)

    def cut(self, *, reset: bool) -> None:
        """End the line without a word."""
        self.line.cut(reset=reset)

    def info(self) -> ConnectionInfo:
        """Return what may be told about it."""
        session = self.session
        return ConnectionInfo(
            id=session.id,
            account_id=session.acting_for,
            channels=frozenset(session.channels),
            cancel_on_disconnect=session.cancel_on_disconnect,
            frames_in=self.frames_in,
            frames_out=self.frames_out,
        )


class TradeServer:
    """Connects sockets and gateway.

    Parameters
    ----------
    runtime : Runtime
        The simulator's parts.
    plan : FaultPlan
        What is to go wrong.
    """

    def __init__(self, runtime: Runtime, plan: FaultPlan) -> None:
        self._runtime = runtime
        self._plan = plan
        self.connections: dict[TradeSession, Connection] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from its upgrade to its end."""
        await self._admit(request)
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=_MAX_MESSAGE, heartbeat=self._runtime.ping_interval
        )
        await socket.prepare(request)
        line = Line(request.transport, socket, self._runtime.tape("trade"))
        connection = Connection(self._runtime.gateway.connect(), line, self._plan)
        self.connections[connection.session] = connection
        self._runtime.lines.add(connection.line)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(connection, message.data)
                elif message.type is WSMsgType.BINARY:
                    self._receive(connection, message.data.decode(errors="replace"))
        except Exception as error:
            # A bug here, or a condition of a test's fault that failed: the ledger is where a test finds it.
            self._runtime.gateway.ledger.errors.append(error)
            raise
        finally:
            self.end(connection)
        return socket

    def flush(self) -> None:
        """Write what waits for any connection."""
        for session, frames in self._runtime.gateway.drain():
            connection = self.connections.get(session)
            if connection is not None:
                self._send(connection, frames)

    def end(self, connection: Connection) -> None:
        """Let go of a connection that is over, however that came about."""
        self._runtime.lines.discard(connection.line)
        if self.connections.pop(connection.session, None) is not None:
            connection.session.end()
            self.flush()

    def _receive(self, connection: Connection, text: str) -> None:
        """Let the gateway handle a message and send what follows from it."""
        if connection.line.finished:
            return
        connection.frames_in += 1
        if connection.line.tape is not None:
            connection.line.tape.note("in", text)
        self._runtime.pace.catch_up()
        if not self._plan.intercepts(connection, text):
            self._send(connection, connection.session.feed(text))
        self._count_in(connection)
        if connection.line.finished:
            self.end(connection)
        self.flush()
        self._runtime.pace.plan()

    def _send(self, connection: Connection, frames: list[Frame]) -> None:
        self._runtime.gateway.ledger.frames_out += len(frames)
        connection.send(frames)
        if connection.line.finished:
            self.end(connection)

    def _count_in(self, connection: Connection) -> None:
        countdown = self._plan.countdown("in", connection.session.id)
        if countdown is not None and countdown.take(1) and countdown.spent:
            del self._plan.frame_countdown["in"]
            connection.cut(reset=countdown.reset)

    async def _admit(self, request: web.Request) -> None:
        """Turn away what is to be turned away; a bare upgrade may authenticate in-band."""
        if self._plan.refuses_connection():
            Line(request.transport).cut(reset=True)
            raise web.HTTPServiceUnavailable
        await self._plan.stall_connection()
        if request.transport is None:
            raise web.HTTPServiceUnavailable
        accounts = self._runtime.accounts
        try:
            accounts.authenticate_headers(request.headers)
            if "jwt" in request.query:
                accounts.authenticate_token(request.query["jwt"])
        except AuthenticationRefused as refusal:
            raise web.HTTPUnauthorized(text=str(refusal)) from refusal
        public_key = request.query.get("api_key")
        if public_key is not None and accounts.key(public_key) is None:
            raise web.HTTPUnauthorized(text="unknown api key")

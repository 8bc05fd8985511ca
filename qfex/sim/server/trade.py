"""The trade socket: upgrade, frames in, frames out, and the end of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from ..gateway.accounts import AuthenticationRefused
from .line import Line

if TYPE_CHECKING:
    from ..gateway.session import Frame, TradeSession
    from .runtime import Runtime

_MAX_MESSAGE = 1024 * 1024


class Connection:
    """One client's connection: its session and its line."""

    def __init__(self, session: TradeSession, line: Line) -> None:
        self.session = session
        self.line = line

    def send(self, frames: list[Frame]) -> None:
        """Write frames in one piece, then close if the gateway wants it."""
        if frames:
            self.line.send(*(frame.data for frame in frames))
        if self.session.closing is not None:
            self.line.close(*self.session.closing)


class TradeServer:
    """Connects sockets and gateway.

    Parameters
    ----------
    runtime : Runtime
        The simulator's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.connections: dict[TradeSession, Connection] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from its upgrade to its end."""
        self._check_upgrade(request)
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=_MAX_MESSAGE, heartbeat=self._runtime.ping_interval
        )
        await socket.prepare(request)
        assert request.transport is not None
        connection = Connection(self._runtime.gateway.connect(), Line(request.transport))
        self.connections[connection.session] = connection
        self._runtime.lines.add(connection.line)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self.receive(connection, message.data)
        finally:
            self.end(connection)
        return socket

    def receive(self, connection: Connection, text: str) -> None:
        """Let the gateway handle a message and send what follows from it."""
        if not connection.line.open:
            return
        self._runtime.pace.catch_up()
        self._runtime.gateway.receive(connection.session, text)
        self.flush()
        self._runtime.pace.plan()

    def flush(self) -> None:
        """Write what waits for any connection."""
        for session, frames in self._runtime.gateway.drain():
            connection = self.connections.get(session)
            if connection is not None:
                self._runtime.gateway.ledger.frames_out += len(frames)
                connection.send(frames)

    def end(self, connection: Connection) -> None:
        """Let go of a connection that is over, however that came about."""
        self._runtime.lines.discard(connection.line)
        if self.connections.pop(connection.session, None) is not None:
            connection.session.end()
            self.flush()

    def _check_upgrade(self, request: web.Request) -> None:
        """Refuse keys, headers and tokens that prove nothing; a bare upgrade may authenticate in-band."""
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

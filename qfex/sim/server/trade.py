"""The trade socket: upgrades requests, passes messages to the gateway, and sends what the gateway returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from ..gateway.accounts import AuthenticationRefused
from ..websocket import WebSocketWriter
from .connection import Connection

if TYPE_CHECKING:
    from ..gateway.session import OutboundMessage, TradeSession
    from .faults.plan import FaultPlan
    from .runtime import Runtime

_MAX_MESSAGE = 1024 * 1024


class TradeServer:
    """Serves the trade connections.

    Parameters
    ----------
    runtime : Runtime
        The simulator's parts.
    plan : FaultPlan
        The armed faults.

    Attributes
    ----------
    connections : dict of TradeSession to Connection
        The open connections, oldest first.
    """

    def __init__(self, runtime: Runtime, plan: FaultPlan) -> None:
        self._runtime = runtime
        self._plan = plan
        self.connections: dict[TradeSession, Connection] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from its upgrade to its end."""
        await self._admit(request)
        response = web.WebSocketResponse(
            compress=False, max_msg_size=_MAX_MESSAGE, heartbeat=self._runtime.ping_interval
        )
        await response.prepare(request)
        socket = WebSocketWriter(request.transport, response, self._runtime.connection_recorder("trade"))
        connection = Connection(self._runtime.gateway.connect(), socket, self._plan)
        self.connections[connection.session] = connection
        self._runtime.sockets.add(socket)
        try:
            async for message in response:
                if message.type is WSMsgType.TEXT:
                    self._receive(connection, message.data)
                elif message.type is WSMsgType.BINARY:
                    self._receive(connection, message.data.decode(errors="replace"))
        except Exception as error:
            # This is a bug in the simulator, or the failed condition of a fault. Tests find it in the audit trail.
            self._runtime.gateway.audit.errors.append(error)
            raise
        finally:
            self.end(connection)
        return response

    def flush(self) -> None:
        """Write the messages that wait for any connection."""
        for session, messages in self._runtime.gateway.drain():
            connection = self.connections.get(session)
            if connection is not None:
                self._send(connection, messages)

    def end(self, connection: Connection) -> None:
        """Forget a connection that has ended, for whatever reason."""
        self._runtime.sockets.discard(connection.socket)
        if self.connections.pop(connection.session, None) is not None:
            self._runtime.gateway.disconnect(connection.session)
            self.flush()

    def _receive(self, connection: Connection, text: str) -> None:
        """Pass a message to the gateway and send the replies and events that it causes."""
        socket = connection.socket
        if socket.finished:
            return
        connection.frames_in += 1
        if socket.recorder is not None:
            socket.recorder.record("in", text)
        self._runtime.clock_driver.catch_up()
        if not self._plan.intercepts(connection, text):
            self._send(connection, self._runtime.gateway.receive(connection.session, text))
        connection.count_received()
        if socket.finished:
            self.end(connection)
        # Write into the transports' buffers only. They are flushed at the end of the event loop's turn, so the replies
        # to pipelined commands leave together; see `FlushScheduler`.
        self.flush()
        self._runtime.clock_driver.schedule()

    def _send(self, connection: Connection, messages: list[OutboundMessage]) -> None:
        self._runtime.gateway.audit.frames_out += len(messages)
        connection.send(messages)
        if connection.socket.finished:
            self.end(connection)

    async def _admit(self, request: web.Request) -> None:
        """Refuse connections with wrong credentials; without any, the client authenticates after the upgrade."""
        if self._plan.refuses_connection():
            WebSocketWriter(request.transport).cut(reset=True)
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

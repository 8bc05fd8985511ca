"""The market data socket: upgrades requests, passes messages to the session, and sends what the session returns."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from ..websocket import WebSocketWriter
from .market_data import MarketData
from .market_data_session import MarketDataSession

if TYPE_CHECKING:
    from ..server.runtime import Runtime

_MAX_MESSAGE = 1024 * 1024


def market_data_routes(runtime: Runtime, path: str) -> list[web.RouteDef]:
    """Return the routes of the market data socket, with and without a final slash."""
    server = MarketDataServer(runtime)
    return [web.get(path, server.handle), web.get(f"{path.rstrip('/')}/", server.handle)]


class MarketDataServer:
    """Serves the market data connections, which need no authentication.

    Parameters
    ----------
    runtime : Runtime
        The simulator's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._market_data = MarketData(runtime.exchange, runtime.clock)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from its upgrade to its end."""
        runtime = self._runtime
        response = web.WebSocketResponse(
            compress=False, max_msg_size=_MAX_MESSAGE, heartbeat=runtime.ping_interval
        )
        await response.prepare(request)
        assert request.transport is not None
        socket = WebSocketWriter(request.transport, response, runtime.connection_recorder("market_data"))
        runtime.sockets.add(socket)
        runtime.feed_plan.sockets.add(socket)
        send = partial(runtime.feed_plan.send, socket)
        session = MarketDataSession(self._market_data, send, reports_errors=runtime.dialect == "live")
        try:
            async for message in response:
                if message.type is WSMsgType.TEXT:
                    self._receive(session, socket, message.data)
        finally:
            session.close()
            runtime.sockets.discard(socket)
            runtime.feed_plan.sockets.discard(socket)
        return response

    def _receive(self, session: MarketDataSession, socket: WebSocketWriter, text: str) -> None:
        if socket.recorder is not None:
            socket.recorder.record("in", text)
        with self._runtime.step():
            session.receive(text)

"""The market data socket: upgrade, frames in, frames out, and the end of a connection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from ..server.line import Line
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
    """Connects sockets and streams. There is nothing to authenticate.

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
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=_MAX_MESSAGE, heartbeat=runtime.ping_interval
        )
        await socket.prepare(request)
        assert request.transport is not None
        line = Line(request.transport, socket, runtime.tape("market_data"))
        runtime.lines.add(line)
        runtime.feed_plan.lines.add(line)
        send = partial(runtime.feed_plan.send, line)
        session = MarketDataSession(self._market_data, send, reports_errors=runtime.dialect == "live")
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(session, line, message.data)
        finally:
            session.close()
            runtime.lines.discard(line)
            runtime.feed_plan.lines.discard(line)
        return socket

    def _receive(self, session: MarketDataSession, line: Line, text: str) -> None:
        if line.tape is not None:
            line.tape.note("in", text)
        self._runtime.pace.catch_up()
        session.receive(text)
        self._runtime.flush()
        self._runtime.pace.plan()

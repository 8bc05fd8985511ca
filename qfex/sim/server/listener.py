"""The listening socket, its connections, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from .line import Line

HOST = "127.0.0.1"
_GOING_AWAY = 1001
_PATIENCE = 0.5


class Listener:
    """Serves an application on a loopback port.

    Parameters
    ----------
    app : Application
        The routes.
    tapped : callable
        Wraps aiohttp's protocol of each connection.
    """

    def __init__(self, app: web.Application, tapped: Callable[[asyncio.Protocol], asyncio.Protocol]) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        self._tapped = tapped
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen; port 0 lets the system choose one."""
        await self._runner.setup()
        assert self._runner.server is not None
        inner, loop = self._runner.server, asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: self._tapped(inner()), HOST, port)
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self, lines: set[Line]) -> None:
        """Accept nobody any more, say good-bye on every line, and let go of everything."""
        assert self._server is not None and self._runner.server is not None
        self._server.close()
        for line in list(lines):
            line.close(_GOING_AWAY, "the simulator stops")
        await self._runner.server.shutdown(_PATIENCE)
        await self._runner.cleanup()

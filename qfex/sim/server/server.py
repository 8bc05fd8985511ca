"""The simulator's server: one loopback port for the trade socket, the market data socket and REST."""

from __future__ import annotations

import asyncio

from aiohttp import web

from qfex.environment import Environment

from ..feeds import market_data_routes, rest_routes
from ..record import Recorder
from .clock_driver import ManualDriver, RealTimeDriver
from .faults.plan import FaultPlan
from .faults.transport import FaultProtocol, FlushScheduler
from .network_proxy import NetworkProxy
from .runtime import HOST, Options, Runtime
from .trade import TradeServer

_TRADE_PATH = "/trade"
_MARKET_DATA_PATH = "/mds"
_GOING_AWAY = 1001
_SHUTDOWN_TIMEOUT = 0.5


class Server:
    """Serves the parts of a simulator; everything runs on the event loop.

    Parameters
    ----------
    runtime : Runtime
        The parts.

    Attributes
    ----------
    plan : FaultPlan
        The armed faults of the trade socket.
    trade : TradeServer
        The trade socket.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.plan = FaultPlan()
        self.trade = TradeServer(runtime, self.plan)
        self._flusher = FlushScheduler()
        self._proxies: list[NetworkProxy] = []
        app = web.Application()
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        self._listening: asyncio.Server | None = None
        self._port = 0

    def environment(self) -> Environment:
        """Return the URLs."""
        address = f"{HOST}:{self._port}"
        return Environment(
            f"ws://{address}{_TRADE_PATH}", f"ws://{address}{_MARKET_DATA_PATH}", f"http://{address}"
        )

    async def start(self, options: Options) -> None:
        """Listen, and start the clock.

        Raises
        ------
        OSError
            The port is taken.
        """
        self._runtime.flush = self._flush
        self._runtime.recorder = Recorder.to(options.record) if options.record is not None else None
        await self._listen(options.port)
        if options.clock == "real":
            self._runtime.clock_driver = RealTimeDriver(self._runtime.clock, options.speed, self._flush)

    async def stop(self) -> None:
        """Stop the clock, close every connection, and stop listening."""
        self.plan.clear()
        for proxy in self._proxies:
            await proxy.close()
        self._runtime.clock_driver.stop()
        self._runtime.clock_driver = ManualDriver()
        await self._stop_listening()
        if self._runtime.recorder is not None:
            self._runtime.recorder.close()

    async def add_proxy(self, proxy: NetworkProxy) -> None:
        """Open a network proxy that is closed with the server."""
        await proxy.open()
        self._proxies.append(proxy)

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get(_TRADE_PATH, self.trade.handle),
            web.get(f"{_TRADE_PATH}/", self.trade.handle),
            *market_data_routes(self._runtime, _MARKET_DATA_PATH),
            *rest_routes(self._runtime),
        ]

    async def _listen(self, port: int) -> None:
        """Listen on a port; 0 lets the system choose one."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(self._protocol, HOST, port)
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._listening.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        assert self._listening is not None and self._runner.server is not None
        self._listening.close()
        for socket in list(self._runtime.sockets):
            socket.close(_GOING_AWAY, "the simulator stops")
        await self._runner.server.shutdown(_SHUTDOWN_TIMEOUT)
        await self._runner.cleanup()

    def _protocol(self) -> asyncio.Protocol:
        """Return aiohttp's protocol for a new connection, wrapped so that faults can be injected."""
        assert self._runner.server is not None
        prefix = f"GET {_TRADE_PATH}".encode()
        return FaultProtocol(self._runner.server(), self.plan.byte_countdown, self._flusher, prefix)

    def _flush(self) -> None:
        """Write the messages that wait for trade connections, to the socket and not only to a buffer."""
        self.trade.flush()
        self._flusher.flush()

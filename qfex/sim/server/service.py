"""Everything that listens, from start to stop, on the event loop."""

from __future__ import annotations

import asyncio

from qfex.environment import Environment

from ..record import Recorder
from .app import MARKET_DATA_PATH, TRADE_PATH, application
from .cable import Cable
from .faults.plan import FaultPlan
from .listener import Listener
from .options import Options
from .pace import ManualPace, RealPace
from .runtime import Runtime
from .tap import Outlet, Tap
from .trade import TradeServer


class Service:
    """The simulator's servers."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.plan = FaultPlan()
        self.trade = TradeServer(runtime, self.plan)
        self._outlet = Outlet()
        self._cables: list[Cable] = []
        self._listener = Listener(application(runtime, self.trade), self._tapped)

    async def start(self, options: Options) -> None:
        """Listen, and let the time pass."""
        self._runtime.flush = self._flush
        self._runtime.recorder = Recorder.to(options.record) if options.record is not None else None
        await self._listener.start(options.port)
        if options.clock == "real":
            self._runtime.pace = RealPace(self._runtime.clock, options.speed, self._flush)

    async def stop(self) -> None:
        """Let the time stand still and end every connection."""
        self.plan.clear()
        for cable in self._cables:
            await cable.close()
        self._runtime.pace.stop()
        self._runtime.pace = ManualPace()
        await self._listener.stop(self._runtime.lines)
        if self._runtime.recorder is not None:
            self._runtime.recorder.close()

    async def lay(self, cable: Cable) -> None:
        """Open a cable that lives as long as the servers."""
        await cable.open()
        self._cables.append(cable)

    def _flush(self) -> None:
        """Write what waits, and let it leave."""
        self.trade.flush()
        self._outlet.flush()

    def _tapped(self, inner: asyncio.Protocol) -> asyncio.Protocol:
        return Tap(inner, self.plan.byte_countdown, self._outlet, f"GET {TRADE_PATH}".encode())

    def environment(self, host: str) -> Environment:
        """Return the URLs."""
        address = f"{host}:{self._listener.port}"
        return Environment(
            f"ws://{address}{TRADE_PATH}", f"ws://{address}{MARKET_DATA_PATH}", f"http://{address}"
        )

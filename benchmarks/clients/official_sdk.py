"""The exchange's own asynchronous SDK, in its own virtual environment; only its URLs are replaced."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from importlib import import_module
from typing import Any

from benchmarks.clients.messages import PUBLIC_KEY, SECRET_KEY
from benchmarks.server import session
from benchmarks.timing import Sample, Stopwatch, clock, percentiles

#: Not this library, which has the same import name: this module runs in the SDK's own environment only.
sdk: Any = import_module("qfex")

QUANTITY, PRICE = Decimal("1"), Decimal("251.25")


class _Silent(sdk.TakerStrategy):  # type: ignore[misc]
    """A strategy that ignores everything."""

    async def on_bbo(self, bbo: Any) -> None: ...
    async def on_trade(self, trade: Any) -> None: ...
    async def on_fill(self, fill: Any) -> None: ...


class _Taker(sdk.QFEXTakerClient):  # type: ignore[misc]
    url = ""

    def _trade_url(self) -> str:
        return self.url

    _mds_url = _trade_url


class OfficialSdkClient:
    """The SDK on an event loop that runs while a task does."""

    def __init__(self, url: str) -> None:
        # The loop stands still between tasks, which a heartbeat would mistake for a dead connection.
        config = sdk.QFEXConfig(
            is_prod=False,
            symbol_list=[session.ORDER],
            public_key=PUBLIC_KEY,
            secret_key=SECRET_KEY,
            heartbeat_interval_s=3600.0,
        )
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._open(config, url))

    async def _open(self, config: Any, url: str) -> None:
        self._taker = _Taker(config, _Silent(None))
        self._taker.url = url
        await self._taker.__aenter__()
        await self._order()

    def close(self) -> None:
        """End the connection."""
        self._loop.run_until_complete(self._taker.__aexit__(None, None, None))
        self._loop.close()

    async def _order(self) -> None:
        await self._taker.send_ioc_limit(session.ORDER, sdk.Side.BUY, QUANTITY, PRICE)

    async def _orders(self, laps: list[float], count: int) -> None:
        for _ in range(count):
            before = clock()
            await self._order()
            laps.append(clock() - before)

    def gathered(self, tasks: int, count: int) -> Sample:
        """Place `count` orders from several tasks under ``asyncio.gather``."""

        async def trade() -> Sample:
            laps: list[float] = []
            watch = Stopwatch()
            await asyncio.gather(*(self._orders(laps, count // tasks) for _ in range(tasks)))
            return {**watch.per_operation(len(laps)), **percentiles(laps)}

        return self._loop.run_until_complete(trade())

# ruff: noqa: I001 (whose modules these are depends on the environment)
"""One trading session of the exchange's own Python SDK, unmodified except for its URLs.

Runs inside the SDK's own virtual environment: it has the same import name as this project. Prints one line of JSON.

Usage: python official_sdk_session.py TRADE_URL MARKET_DATA_URL PUBLIC_KEY SECRET_KEY SYMBOL
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from qfex.config import QFEXConfig
from qfex.strategy import TakerStrategy

from qfex.client import QFEXTakerClient
from qfex.models import BBO, Side

TIMEOUT = 20.0
QUANTITY = Decimal(1)


class Watcher(TakerStrategy):
    """Stores what the SDK reports and notifies waiting coroutines."""

    def __init__(self) -> None:
        self.bbos: list[BBO] = []
        self.trades: list[dict[str, Any]] = []
        self.fills: list[dict[str, Any]] = []
        self.changed = asyncio.Event()

    async def on_bbo(self, bbo: BBO) -> None:
        self.bbos.append(bbo)
        self.changed.set()

    async def on_trade(self, trade_msg: dict[str, Any]) -> None:
        self.trades.append(trade_msg)
        self.changed.set()

    async def on_fill(self, fill: dict[str, Any]) -> None:
        self.fills.append(fill)
        self.changed.set()


class Client(QFEXTakerClient):
    """The SDK's client with other URLs; every message notifies the watcher."""

    def __init__(self, config: QFEXConfig, watcher: Watcher, trade_url: str, market_data_url: str) -> None:
        super().__init__(config, watcher)
        self.watcher = watcher
        self.urls = (trade_url, market_data_url)

    def _trade_url(self) -> str:
        return f"{self.urls[0]}?api_key={self.cfg.public_key}"

    def _mds_url(self) -> str:
        return self.urls[1]

    async def _handle_trade_message(self, raw: str | bytes) -> None:
        await super()._handle_trade_message(raw)
        self.watcher.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a message makes the condition true."""
        while not condition():
            self.watcher.changed.clear()
            await asyncio.wait_for(self.watcher.changed.wait(), TIMEOUT)


async def session(client: Client, symbol: str) -> dict[str, Any]:
    """Stream prices, fill one order, have one cancelled, and follow position and balance."""
    watcher = client.watcher
    async with client:
        await client.until(lambda: bool(watcher.bbos) and bool(client.balance.deposit))
        deposit = client.balance.available_balance
        best = client.bbo_by_symbol[symbol]
        filled = await client.send_ioc_limit(symbol, Side.BUY, QUANTITY, best.ask_px)
        await client.until(lambda: client.get_position(symbol).position == QUANTITY)
        await client.until(lambda: client.balance.position_margin > 0 and bool(watcher.trades))
        unfilled = await client.send_ioc_limit(symbol, Side.BUY, QUANTITY, best.bid_px)
        closed = await client.send_ioc_limit(symbol, Side.SELL, QUANTITY, best.bid_px)
        await client.until(lambda: client.get_position(symbol).position == 0)
        await client.until(lambda: client.balance.position_margin == 0)
        return {
            "bid": str(best.bid_px),
            "ask": str(best.ask_px),
            "filled": filled["final_order_response"],
            "unfilled": unfilled["final_order_response"],
            "closed": closed["final_order_response"],
            "fills": [str(fill["filled_qty_delta"]) for fill in watcher.fills],
            "trades": len(watcher.trades),
            "lost": str(deposit - client.balance.available_balance),
        }


def main(arguments: list[str]) -> None:
    """Run one session and print its outcome."""
    trade_url, market_data_url, public_key, secret_key, symbol = arguments
    config = QFEXConfig(is_prod=False, symbol_list=[symbol], public_key=public_key, secret_key=secret_key)

    async def run() -> dict[str, Any]:
        return await session(Client(config, Watcher(), trade_url, market_data_url), symbol)

    print(json.dumps(asyncio.run(run())))


if __name__ == "__main__":
    main(sys.argv[1:])

"""One port for all roles: trade and market data sockets and REST, told apart by their paths."""

from __future__ import annotations

from aiohttp import web

from ..feeds import market_data_routes, rest_routes
from .runtime import Runtime
from .trade import TradeServer

TRADE_PATH = "/trade"
MARKET_DATA_PATH = "/mds"


def application(runtime: Runtime, trade: TradeServer) -> web.Application:
    """Return the application with every route."""
    app = web.Application()
    app.add_routes([web.get(TRADE_PATH, trade.handle), web.get(f"{TRADE_PATH}/", trade.handle)])
    app.add_routes(market_data_routes(runtime, MARKET_DATA_PATH))
    app.add_routes(rest_routes(runtime))
    return app

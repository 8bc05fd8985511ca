"""Commands that read orders and trades: answered on the asking connection alone, subscribed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..engine import FillRow
from . import payloads

if TYPE_CHECKING:
    from . import commands
    from .gateway import TradeGateway
    from .session import TradeSession

_MILLISECONDS = 1e11  # no time in seconds is this large before the year 5138
_Row = TypeVar("_Row")


def page(rows: list[_Row], params: commands.Page) -> list[_Row]:
    """Return the slice that was asked for."""
    start = max(params.offset, 0)
    return rows[start : start + max(params.limit, 0)]


def get_order(gateway: TradeGateway, session: TradeSession, params: commands.GetOrder) -> None:
    """Tell one order."""
    row = gateway.exchange.order(session.account_id, params.symbol, params.order_id)
    session.tell(gateway.dialect.found(row, params.symbol, params.order_id))


def get_user_orders(gateway: TradeGateway, session: TradeSession, params: commands.GetUserOrders) -> None:
    """Tell open orders, stops among them, and active TWAPs; the page applies to the orders."""
    orders = page(gateway.exchange.open_orders(session.account_id, params.symbol), params)
    twaps = gateway.exchange.twaps(session.account_id, params.symbol, active=True)
    listed = [gateway.dialect.order(row) for row in orders]
    session.tell({"all_orders_response": {"orders": listed, "twaps": [payloads.twap(row) for row in twaps]}})


def get_user_trades(gateway: TradeGateway, session: TradeSession, params: commands.GetUserTrades) -> None:
    """Tell trades, newest first. Bounds are taken as seconds, or as milliseconds when they are that large."""
    rows = [row for row in gateway.exchange.trades(session.account_id) if _wanted(row, params)]
    session.tell(gateway.dialect.trades(page(rows, params)))


def _wanted(row: FillRow, params: commands.GetUserTrades) -> bool:
    if params.order_id is not None and row.order_id != params.order_id:
        return False
    return _seconds(params.start_ts, 0.0) <= row.timestamp <= _seconds(params.end_ts, float("inf"))


def _seconds(bound: int | None, default: float) -> float:
    if bound is None:
        return default
    return bound / 1000 if bound > _MILLISECONDS else float(bound)

"""Commands about leverage."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from . import payloads
from .handle_queries import page

if TYPE_CHECKING:
    from . import commands
    from .gateway import TradeGateway
    from .session import TradeSession


def get_user_leverage(gateway: TradeGateway, session: TradeSession, params: commands.Page) -> None:
    """Tell the leverage of each symbol."""
    rows = page(gateway.exchange.leverage(session.account_id), params)
    session.tell({"user_leverage_response": [payloads.leverage(row) for row in rows]})


def get_available_leverage(gateway: TradeGateway, session: TradeSession, params: commands.Page) -> None:
    """Tell the levels that can be chosen, several for each symbol."""
    rows = page(gateway.exchange.available_leverage(session.account_id), params)
    session.tell({"available_leverage_levels_response": [payloads.leverage(row) for row in rows]})


def set_user_leverage(gateway: TradeGateway, session: TradeSession, params: commands.SetUserLeverage) -> None:
    """Choose a symbol's leverage."""
    gateway.exchange.set_leverage(session.account_id, params.symbol, Decimal(params.leverage))
    gateway.acknowledge(session, params)

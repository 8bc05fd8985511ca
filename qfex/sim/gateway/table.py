"""The commands of the trade gateway: schema, handler, weight, permission. A new one is a new row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import commands, handle_account, handle_orders, handle_queries, handle_session

if TYPE_CHECKING:
    from .gateway import TradeGateway
    from .session import TradeSession

    Handler = Callable[[TradeGateway, TradeSession, Any], None]


@dataclass(frozen=True, slots=True)
class Command:
    """One row.

    Attributes
    ----------
    schema : type of Params
        What its parameters must look like.
    handler : callable
        Does it: ``handler(gateway, session, params)``.
    weight : float
        What it costs of the message budget. The exchange publishes none for close_position and add_twap; they
        cost what other orders cost.
    bucket : str
        "general" or "cancel".
    trades : bool
        Needs a key that may trade.
    """

    schema: type[commands.Params]
    handler: Handler
    weight: float
    bucket: str = "general"
    trades: bool = False


COMMANDS: dict[str, Command] = {
    "auth": Command(commands.Auth, handle_session.auth, 0.0),
    "subscribe": Command(commands.Channels, handle_session.subscribe, 0.1),
    "unsubscribe": Command(commands.Channels, handle_session.unsubscribe, 0.1),
    "cancel_on_disconnect": Command(commands.CancelOnDisconnect, handle_session.cancel_on_disconnect, 0.1),
    "add_order": Command(commands.AddOrder, handle_orders.add_order, 1.0, trades=True),
    "modify_order": Command(commands.ModifyOrder, handle_orders.modify_order, 1.0, trades=True),
    "cancel_order": Command(commands.CancelOrder, handle_orders.cancel_order, 1.0, "cancel", trades=True),
    "cancel_all_orders": Command(commands.Empty, handle_orders.cancel_all_orders, 2.0, "cancel", trades=True),
    "cancel_stop_order": Command(
        commands.CancelStopOrder, handle_orders.cancel_stop_order, 1.0, "cancel", trades=True
    ),
    "modify_stop_order": Command(commands.ModifyStopOrder, handle_orders.modify_stop_order, 1.0, trades=True),
    "close_position": Command(commands.ClosePosition, handle_orders.close_position, 1.0, trades=True),
    "add_twap": Command(commands.AddTwap, handle_orders.add_twap, 1.0, trades=True),
    "get_order": Command(commands.GetOrder, handle_queries.get_order, 2.0),
    "get_user_orders": Command(commands.GetUserOrders, handle_queries.get_user_orders, 5.0),
    "get_user_trades": Command(commands.GetUserTrades, handle_queries.get_user_trades, 0.5),
    "get_user_leverage": Command(commands.Page, handle_account.get_user_leverage, 0.1),
    "get_available_leverage_levels": Command(commands.Page, handle_account.get_available_leverage, 0.1),
    "set_user_leverage": Command(
        commands.SetUserLeverage, handle_account.set_user_leverage, 0.1, trades=True
    ),
}

"""The table of the trade gateway's commands: schema, handler, weight, permission. A new command is a new row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import commands, handlers

if TYPE_CHECKING:
    from .context import CommandContext

    Handler = Callable[[CommandContext, Any], None]


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table.

    Attributes
    ----------
    schema : type of Params
        The schema of its parameters.
    handler : callable
        Executes it: ``handler(context, params)``.
    weight : float
        How much of the message budget it uses. The exchange publishes no weight for close_position and add_twap; the
        simulator gives them that of other orders.
    bucket : str
        The message budget it draws on, "general" or "cancel".
    trades : bool
        Whether it requires a key that may trade.
    """

    schema: type[commands.Params]
    handler: Handler
    weight: float
    bucket: str = "general"
    trades: bool = False


COMMANDS: dict[str, Command] = {
    "auth": Command(commands.Auth, handlers.auth, 0.0),
    "subscribe": Command(commands.Channels, handlers.subscribe, 0.1),
    "unsubscribe": Command(commands.Channels, handlers.unsubscribe, 0.1),
    "cancel_on_disconnect": Command(commands.CancelOnDisconnect, handlers.cancel_on_disconnect, 0.1),
    "add_order": Command(commands.AddOrder, handlers.add_order, 1.0, trades=True),
    "modify_order": Command(commands.ModifyOrder, handlers.modify_order, 1.0, trades=True),
    "cancel_order": Command(commands.CancelOrder, handlers.cancel_order, 1.0, "cancel", trades=True),
    "cancel_all_orders": Command(commands.Empty, handlers.cancel_all_orders, 2.0, "cancel", trades=True),
    "cancel_stop_order": Command(
        commands.CancelStopOrder, handlers.cancel_stop_order, 1.0, "cancel", trades=True
    ),
    "modify_stop_order": Command(commands.ModifyStopOrder, handlers.modify_stop_order, 1.0, trades=True),
    "close_position": Command(commands.ClosePosition, handlers.close_position, 1.0, trades=True),
    "add_twap": Command(commands.AddTwap, handlers.add_twap, 1.0, trades=True),
    "get_order": Command(commands.GetOrder, handlers.get_order, 2.0),
    "get_user_orders": Command(commands.GetUserOrders, handlers.get_user_orders, 5.0),
    "get_user_trades": Command(commands.GetUserTrades, handlers.get_user_trades, 0.5),
    "get_user_leverage": Command(commands.Page, handlers.get_user_leverage, 0.1),
    "get_available_leverage_levels": Command(commands.Page, handlers.get_available_leverage, 0.1),
    "set_user_leverage": Command(commands.SetUserLeverage, handlers.set_user_leverage, 0.1, trades=True),
}

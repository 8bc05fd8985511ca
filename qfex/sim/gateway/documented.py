"""The dialect of the exchange's documentation pages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import payloads
from .commands import Params
from .dialect import Message
from .payloads import Payload
from .wire import number

if TYPE_CHECKING:
    from ..engine import FillRow, OrderRow

_SPELLING = {
    "INVALID_TAKEPROFIT_PRICE": "INVALID_TAKE_PROFIT_PRICE",
    "INVALID_STOPLOSS_PRICE": "INVALID_STOP_LOSS_PRICE",
    "IOC_CANCELLED": "CANCELLED",
    "IOC_PARTIALLY_FILLED": "FILLED",
}
_SNAKE_CASE = {"InvalidParameter": "invalid_parameter"}
_STOPS = ("TAKE_PROFIT", "STOP_LOSS")


class Documented:
    """Typed success envelopes, order responses for everything, and no status the pages do not list."""

    modify_keeps_order_id = True
    refusals: Mapping[str, str] = {}

    def authenticated(self, success: bool) -> Message:
        """``{"type": "auth", "result": "success"}``."""
        return {"type": "auth", "result": "success" if success else "failed"}

    def announces(self, row: OrderRow) -> bool:
        """Everything, but the rest of a partly filled IOC goes silently."""
        return row.status != "IOC_PARTIALLY_FILLED"

    def order(self, row: OrderRow) -> Payload:
        """The pages' statuses and spelling."""
        payload = payloads.order(row, _SPELLING.get(row.status, row.status))
        if row.order_type in _STOPS:
            payload["client_order_id"] = ""
            if row.status == "CANCELLED":
                payload["quantity"] = payload["quantity_remaining"] = number(Decimal(0))
        return payload

    def found(self, row: OrderRow | None, symbol: str, order_id: str) -> Message:
        """A list of one order, or of none."""
        orders = [self.order(row)] if row else []
        return {"all_orders_response": {"orders": orders, "stop_orders": []}}

    def trades(self, rows: list[FillRow]) -> Message:
        """Rows with the time in whole seconds, and their count."""
        return {"user_trades": [_trade(row) for row in rows], "count": len(rows)}

    def acknowledgement(self, command: str, params: Params) -> Message | None:
        """Only setting the leverage is acknowledged."""
        return {"ack_response": True} if command == "set_user_leverage" else None

    def reports_stop(self, command: str) -> bool:
        """An ``order_response`` answers every stop command."""
        return True

    def error_code(self, command: str | None, code: str) -> str:
        """PascalCase, apart from the page on TWAPs."""
        return _SNAKE_CASE.get(code, code) if command == "add_twap" else code

    def echo(self, message: Any, text: str, command: str | None, params: Params | None) -> Any:
        """The object that came, or the raw text of what is none."""
        return message if isinstance(message, dict) else text


def _trade(row: FillRow) -> Payload:
    return {
        **payloads.trade(row),
        "side": row.side,
        "aggressor_side": row.aggressor_side,
        "client_order_id": row.client_order_id,
        "timestamp": int(row.timestamp),
    }

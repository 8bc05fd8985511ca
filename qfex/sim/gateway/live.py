"""The dialect that clients and captures show."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from . import payloads
from .commands import NUMBERS, Params
from .dialect import Message
from .payloads import Payload
from .wire import number

if TYPE_CHECKING:
    from ..engine import FillRow, OrderRow

_ACKNOWLEDGED = {
    "cancel_all_orders",
    "set_user_leverage",
    "cancel_stop_order",
    "modify_stop_order",
    "cancel_on_disconnect",
}


class Live:
    """Bare success flags, acks with an echo, IOC statuses of their own, and ``err`` for malformed orders."""

    modify_keeps_order_id = False

    # These never become an order: they are answered with an err alone.
    refusals: Mapping[str, str] = {
        "INVALID_ORDER_TYPE": "InvalidOrder",
        "INVALID_TIME_IN_FORCE": "InvalidOrder",
        "BAD_SYMBOL": "InvalidParameter",
        "INVALID_TICK_SIZE_PRECISION_PRICE": "InvalidPrice",
        "INVALID_TICK_SIZE_PRECISION_QUANTITY": "InvalidParameter",
        "QUANTITY_LESS_THAN_MIN_QUANTITY": "InvalidParameter",
        "QUANTITY_GREATER_THAN_MAX_QUANTITY": "InvalidParameter",
    }

    def authenticated(self, success: bool) -> Message:
        """``{"authenticated": true}``."""
        return {"authenticated": success}

    def announces(self, row: OrderRow) -> bool:
        """Everything but the refusals."""
        return row.status not in self.refusals

    def order(self, row: OrderRow) -> Payload:
        """Every status as it is, and the ``reduce_only`` flag."""
        return {**payloads.order(row, row.status), "reduce_only": row.reduce_only}

    def found(self, row: OrderRow | None, symbol: str, order_id: str) -> Message:
        """An ``order_response``; NO_SUCH_ORDER with blank members when there is none."""
        return {"order_response": self.order(row) if row else _no_such_order(symbol, order_id)}

    def trades(self, rows: list[FillRow]) -> Message:
        """Rows without a timestamp."""
        return {"user_trades_response": [{**payloads.trade(row), "side": row.side} for row in rows]}

    def acknowledgement(self, command: str, params: Params) -> Message | None:
        """An ack that repeats the command."""
        if command not in _ACKNOWLEDGED:
            return None
        return {"ack": {"incoming_message": typed_echo(command, params)}}

    def reports_stop(self, command: str) -> bool:
        """Only the ack answers the two stop commands; other ends of a stop are reported."""
        return command not in ("cancel_stop_order", "modify_stop_order")

    def error_code(self, command: str | None, code: str) -> str:
        """PascalCase throughout."""
        return code

    def echo(self, message: Any, text: str, command: str | None, params: Params | None) -> Any:
        """The command as the server understood it, or the raw text where it did not."""
        return text if command is None or params is None else typed_echo(command, params)


def typed_echo(command: str, params: Params) -> Message:
    """Return a command as a typed server writes it again: absent members null, numbers as floats."""
    return {"type": command, "params": {name: _typed(name, value) for name, value in asdict(params).items()}}


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in NUMBERS:
        return number(Decimal(value))
    return bool(value) if name == "reduce_only" else value


def _no_such_order(symbol: str, order_id: str) -> Payload:
    zero = number(Decimal(0))
    return {
        "order_id": order_id,
        "symbol": symbol,
        "status": "NO_SUCH_ORDER",
        "quantity": zero,
        "price": zero,
        "take_profit": zero,
        "stop_loss": zero,
        "side": "BUY",
        "type": "LIMIT",
        "time_in_force": "GTC",
        "user_id": "",
        "client_order_id": "",
        "quantity_remaining": zero,
        "update_time": 0.0,
        "trade_id": None,
        "reduce_only": False,
    }

"""The two dialects of the trade socket: where the exchange's documentation and its observed behaviour differ.

A `Dialect` writes the messages in which they differ. `Live` follows clients and captures, `Documented` the exchange's
pages. Everything that is not here is the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import asdict

from . import payloads
from .commands import NUMBERS, Params
from .payloads import Message, Payload
from .wire import number

if TYPE_CHECKING:
    from ..engine import FillRow, OrderRow

_ZERO = number(Decimal(0))


class Dialect(Protocol):
    """One way of writing messages. A None means that nothing is sent.

    Attributes
    ----------
    modify_keeps_order_id : bool
        Whether a modified order keeps its id; a rule for the engine.
    refusals : mapping of str to str
        Order statuses that are answered by an ``err`` with that code and by no ``order_response``.
    """

    modify_keeps_order_id: bool
    refusals: Mapping[str, str]

    def authenticated(self, success: bool) -> Message:
        """The reply to ``auth``."""

    def announces(self, row: OrderRow) -> bool:
        """Whether an ``order_response`` reports the order's change at all."""

    def order(self, row: OrderRow) -> Payload:
        """An order as in ``order_response`` and in lists."""

    def found(self, row: OrderRow | None, symbol: str, order_id: str) -> Message:
        """The reply to ``get_order``."""

    def trades(self, rows: list[FillRow]) -> Message:
        """The reply to ``get_user_trades``."""

    def acknowledgement(self, command: str, params: Params) -> Message | None:
        """The confirmation of a command that has no other reply."""

    def reports_stop(self, command: str | None) -> bool:
        """Whether an ``order_response`` reports a stop order that this command changed."""

    def error_code(self, command: str | None, code: str) -> str:
        """The spelling of an ``err``'s code."""

    def echo(self, message: Any, text: str, command: str | None, params: Params | None) -> Any:
        """The ``incoming_message`` of an ``err``."""


class Live:
    """The observed dialect.

    Authentication answers with a bare flag, acknowledgements repeat the command, IOC orders have statuses of their own,
    and malformed orders are answered by an ``err``.
    """

    modify_keeps_order_id = False

    # Orders with these statuses never come into being; the err is the only reply.
    refusals: Mapping[str, str] = {
        "INVALID_ORDER_TYPE": "InvalidOrder",
        "INVALID_TIME_IN_FORCE": "InvalidOrder",
        "BAD_SYMBOL": "InvalidParameter",
        "INVALID_TICK_SIZE_PRECISION_PRICE": "InvalidPrice",
        "INVALID_TICK_SIZE_PRECISION_QUANTITY": "InvalidParameter",
        "QUANTITY_LESS_THAN_MIN_QUANTITY": "InvalidParameter",
        "QUANTITY_GREATER_THAN_MAX_QUANTITY": "InvalidParameter",
    }
    _acknowledged = frozenset(
        (
            "cancel_all_orders",
            "set_user_leverage",
            "cancel_stop_order",
            "modify_stop_order",
            "cancel_on_disconnect",
        )
    )

    def authenticated(self, success: bool) -> Message:
        """``{"authenticated": true}``."""
        return {"authenticated": success}

    def announces(self, row: OrderRow) -> bool:
        """Everything except the refusals."""
        return row.status not in self.refusals

    def order(self, row: OrderRow) -> Payload:
        """Every status unchanged, and the ``reduce_only`` flag."""
        return {**payloads.order(row, row.status), "reduce_only": row.reduce_only}

    def found(self, row: OrderRow | None, symbol: str, order_id: str) -> Message:
        """An ``order_response``; for an unknown order NO_SUCH_ORDER with blank members."""
        return {"order_response": self.order(row) if row else _no_such_order(symbol, order_id)}

    def trades(self, rows: list[FillRow]) -> Message:
        """Rows without a timestamp."""
        return {"user_trades_response": [{**payloads.trade(row), "side": row.side} for row in rows]}

    def acknowledgement(self, command: str, params: Params) -> Message | None:
        """An ack that repeats the command."""
        if command not in self._acknowledged:
            return None
        return {"ack": {"incoming_message": _typed_echo(command, params)}}

    def reports_stop(self, command: str | None) -> bool:
        """The ack is the only reply to the two stop commands; every other change of a stop order is reported."""
        return command not in ("cancel_stop_order", "modify_stop_order")

    def error_code(self, command: str | None, code: str) -> str:
        """PascalCase throughout."""
        return code

    def echo(self, message: Any, text: str, command: str | None, params: Params | None) -> Any:
        """The command as the server parsed it, or the raw text where it could not."""
        return text if command is None or params is None else _typed_echo(command, params)


class Documented:
    """The documented dialect.

    Success is a typed message, every change of an order is an ``order_response``, and only the statuses of the pages
    occur.
    """

    modify_keeps_order_id = True
    refusals: Mapping[str, str] = {}

    _spelling: Mapping[str, str] = {
        "INVALID_TAKEPROFIT_PRICE": "INVALID_TAKE_PROFIT_PRICE",
        "INVALID_STOPLOSS_PRICE": "INVALID_STOP_LOSS_PRICE",
        "IOC_CANCELLED": "CANCELLED",
        "IOC_PARTIALLY_FILLED": "FILLED",
    }

    def authenticated(self, success: bool) -> Message:
        """``{"type": "auth", "result": "success"}``."""
        return {"type": "auth", "result": "success" if success else "failed"}

    def announces(self, row: OrderRow) -> bool:
        """Everything except the cancelled remainder of a partly filled IOC order."""
        return row.status != "IOC_PARTIALLY_FILLED"

    def order(self, row: OrderRow) -> Payload:
        """The statuses of the pages, in their spelling."""
        payload = payloads.order(row, self._spelling.get(row.status, row.status))
        if row.order_type in ("TAKE_PROFIT", "STOP_LOSS"):
            payload["client_order_id"] = ""
            if row.status == "CANCELLED":
                payload["quantity"] = payload["quantity_remaining"] = _ZERO
        return payload

    def found(self, row: OrderRow | None, symbol: str, order_id: str) -> Message:
        """A list with the order; empty for an unknown one."""
        orders = [self.order(row)] if row else []
        return {"all_orders_response": {"orders": orders, "stop_orders": []}}

    def trades(self, rows: list[FillRow]) -> Message:
        """Rows with the time in whole seconds, and their count."""
        return {"user_trades": [_documented_trade(row) for row in rows], "count": len(rows)}

    def acknowledgement(self, command: str, params: Params) -> Message | None:
        """Only setting the leverage is acknowledged."""
        return {"ack_response": True} if command == "set_user_leverage" else None

    def reports_stop(self, command: str | None) -> bool:
        """An ``order_response`` answers every command about a stop order."""
        return True

    def error_code(self, command: str | None, code: str) -> str:
        """PascalCase; the page on TWAPs writes snake_case."""
        return "invalid_parameter" if (command, code) == ("add_twap", "InvalidParameter") else code

    def echo(self, message: Any, text: str, command: str | None, params: Params | None) -> Any:
        """The object that was received, or the raw text of anything else."""
        return message if isinstance(message, dict) else text


def _typed_echo(command: str, params: Params) -> Message:
    """Return a command as a typed server serialises it: absent members are null, numbers are floats."""
    return {"type": command, "params": {name: _typed(name, value) for name, value in asdict(params).items()}}


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in NUMBERS:
        return number(Decimal(value))
    return bool(value) if name == "reduce_only" else value


def _documented_trade(row: FillRow) -> Payload:
    return {
        **payloads.trade(row),
        "side": row.side,
        "aggressor_side": row.aggressor_side,
        "client_order_id": row.client_order_id,
        "timestamp": int(row.timestamp),
    }


def _no_such_order(symbol: str, order_id: str) -> Payload:
    return {
        "order_id": order_id,
        "symbol": symbol,
        "status": "NO_SUCH_ORDER",
        "quantity": _ZERO,
        "price": _ZERO,
        "take_profit": _ZERO,
        "stop_loss": _ZERO,
        "side": "BUY",
        "type": "LIMIT",
        "time_in_force": "GTC",
        "user_id": "",
        "client_order_id": "",
        "quantity_remaining": _ZERO,
        "update_time": 0.0,
        "trade_id": None,
        "reduce_only": False,
    }

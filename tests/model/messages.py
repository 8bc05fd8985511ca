"""The venue's messages, made from its ledger in the shapes of a history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from .ledger import DEPOSIT, Ledger, LedgerOrder, LedgerTrade
from .link import encode
from .options import Shapes

USER_ID = "5b9f7f4e-3f5e-4a3e-9a39-6a4d3a2f7c10"
NIL = "00000000-0000-0000-0000-000000000000"

Message = dict[str, Any]


class Messages:
    """Makes messages.

    Parameters
    ----------
    shapes : Shapes
    """

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    # --- orders ------------------------------------------------------------------------------------------------

    def order(self, order: LedgerOrder, status: str | None = None, trade_id: str | None = None) -> Message:
        """An ``order_response``."""
        return {"order_response": self.row(order, status or order.status, trade_id)}

    def modified(self, order: LedgerOrder) -> Message:
        """The ``order_response`` that answers a modify."""
        row = self.row(order, "MODIFIED")
        if not self._shapes.modified_client_id:
            row["client_order_id"] = ""
        return {"order_response": row}

    def old_leg(self, order: LedgerOrder) -> Message:
        """The ``order_response`` that says that the replaced id is gone."""
        return {"order_response": self.row(order, "CANCELLED")}

    def row(self, order: LedgerOrder, status: str, trade_id: str | None = None) -> Message:
        """An order, as messages and lists show it."""
        named = self._shapes.stop_client_id or not order.is_stop
        row = {
            "order_id": order.order_id,
            "symbol": order.symbol,
            "status": status,
            "quantity": order.quantity,
            "quantity_remaining": order.remaining,
            "price": order.price,
            "side": order.side,
            "type": order.type,
            "time_in_force": order.time_in_force,
            "user_id": USER_ID,
            "client_order_id": order.client_order_id if named else "",
            "trade_id": trade_id,
        }
        if self._shapes.update_time:
            row["update_time"] = order.time
        return row

    def stop(self, order: LedgerOrder) -> Message:
        """A ``stop_order_response``. One with no quantity left is a cancelled stop."""
        row = {
            "stop_order_id": order.order_id,
            "user_id": USER_ID,
            "symbol": order.symbol,
            "price": order.price,
            "quantity": order.remaining if order.live else 0,
            "direction": order.side,
            "stop_order_type": order.type,
            "client_order_id": order.client_order_id if self._shapes.stop_client_id else "",
            "update_time": datetime.fromtimestamp(order.time, timezone.utc).isoformat(),
        }
        return {"stop_order_response": row}

    def refusal(self, status: str, params: Message, known: LedgerOrder | None = None) -> Message:
        """An ``order_response`` that refuses a request."""
        asked = str(params.get("order_id", ""))
        named = {"same": asked, "blank": "", "nil": NIL}[self._shapes.refusal_id]
        client_order_id = params.get("client_order_id") or (known.client_order_id if known else "")
        row = {
            "order_id": named if asked else "",
            "symbol": params.get("symbol", ""),
            "status": status,
            "quantity": params.get("quantity", 0),
            "quantity_remaining": params.get("quantity", 0),
            "price": params.get("price", 0),
            "side": params.get("side", "BUY"),
            "type": params.get("order_type", "LIMIT"),
            "time_in_force": params.get("order_time_in_force", "GTC"),
            "user_id": USER_ID,
            "client_order_id": client_order_id,
            "trade_id": None,
        }
        return {"order_response": row}

    def unknown(self, order_id: str, symbol: str) -> Message:
        """The answer to a query for an order that the venue does not know."""
        if self._shapes.query == "list":
            return self.orders([])
        row = {"order_id": order_id, "symbol": symbol, "status": self._shapes.unknown, "side": "BUY"}
        row |= {"quantity": 0, "quantity_remaining": 0, "price": 0, "type": "LIMIT", "time_in_force": "GTC"}
        return {"order_response": {**row, "user_id": USER_ID, "client_order_id": "", "trade_id": None}}

    def found(self, order: LedgerOrder) -> Message:
        """The answer to a query for one order."""
        return self.orders([order]) if self._shapes.query == "list" else self.order(order)

    def orders(self, orders: Iterable[LedgerOrder]) -> Message:
        """An ``all_orders_response``."""
        rows = [self.row(order, self._listed_status(order)) for order in orders]
        return {"all_orders_response": {"orders": rows, "twaps": []}}

    def _listed_status(self, order: LedgerOrder) -> str:
        return "ACK" if self._shapes.listed_as_ack and order.live and not order.filled else order.status

    # --- trades ------------------------------------------------------------------------------------------------

    def fill(self, trade: LedgerTrade) -> Message:
        """A ``fill_response``."""
        order = trade.order
        row = {
            "trade_id": trade.trade_id,
            "user_id": USER_ID,
            "symbol": order.symbol,
            "price": trade.price,
            "quantity": trade.quantity,
            "side": trade.side,
            "aggressor_side": trade.side,
            "order_id": order.order_id,
            "fee": 0.0001,
            "order_type": order.type,
            "tif": order.time_in_force,
            "order_price": order.price,
            "client_order_id": order.client_order_id,
            "remaining_quantity": trade.remaining,
            "take_profit": 0,
            "stop_loss": 0,
            "execution_type": "NEW",
            "timestamp": trade.time,
            "realised_pnl": 0,
        }
        return {"fill_response": row}

    def trades(self, trades: list[LedgerTrade], offset: int, limit: int) -> Message:
        """A page of the answer to ``get_user_trades``."""
        ordered = trades[::-1] if self._shapes.newest_trades_first else trades
        rows = [self._trade_row(trade) for trade in ordered[offset : offset + limit]]
        key = self._shapes.trades_key
        return {key: rows} if key == "user_trades_response" else {key: rows, "count": len(rows)}

    def _trade_row(self, trade: LedgerTrade) -> Message:
        row = {
            "trade_id": trade.trade_id,
            "symbol": trade.order.symbol,
            "price": trade.price,
            "quantity": trade.quantity,
            "side": trade.side,
            "order_id": trade.order.order_id,
            "fee": 0.0001,
            "order_type": trade.order.type,
            "tif": trade.order.time_in_force,
        }
        if self._shapes.trade_times != "none":
            row["timestamp"] = trade.time if self._shapes.trade_times == "exact" else int(trade.time)
        return row

    # --- account -----------------------------------------------------------------------------------------------

    def position(self, ledger: Ledger, symbol: str) -> Message:
        """A ``position_response``."""
        return {"position_response": {**position_row(ledger, symbol), "id": "p", "user_id": USER_ID}}

    def balance(self, ledger: Ledger) -> Message:
        """A ``balance_response``."""
        return {"balance_response": {**balance_row(ledger), "id": "b", "user_id": USER_ID}}

    def error(self, code: str, text: str, request: Message) -> Message:
        """An error that echoes the request that it answers."""
        echo: Any = encode(request).decode() if self._shapes.text_echo else request
        return {"err": {"error_code": code, "message": text, "incoming_message": echo}}


def position_row(ledger: Ledger, symbol: str) -> Message:
    """A position, as the socket and REST show it."""
    return {
        "symbol": symbol,
        "position": ledger.positions.get(symbol, Decimal(0)),
        "margin_alloc": 0,
        "realised_pnl": 0,
        "unrealised_pnl": 0,
        "net_funding": 0,
        "open_orders": 0,
        "open_quantity": 0,
        "leverage": 1,
        "initial_margin": 1,
        "maintenance_margin": 0.6,
        "average_price": 100,
    }


def balance_row(ledger: Ledger) -> Message:
    """The balance, as the socket and REST show it."""
    return {
        "deposit": ledger.deposit,
        "realised_pnl": 0,
        "order_margin": 0,
        "position_margin": 0,
        "unrealised_pnl": 0,
        "net_funding": 0,
        "available_balance": DEPOSIT,
    }


def historic_row(order: LedgerOrder) -> Message:
    """A finished order, as REST shows it."""
    moment = datetime.fromtimestamp(order.time, timezone.utc).isoformat()
    return {
        "order_id": order.order_id,
        "terminal_status": order.status,
        "status_ts": moment,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "quantity": order.quantity,
        "price": order.price,
        "client_order_id": order.client_order_id,
        "passive_qty": 0,
        "filled_qty": order.filled,
        "avg_price": None,
        "first_fill_ts": None,
        "last_fill_ts": None,
        "execution_state": "DONE",
    }


def rest_trade_row(trade: LedgerTrade) -> Message:
    """A trade, as REST shows it."""
    return {
        "id": trade.trade_id,
        "order_timestamp": trade.time,
        "symbol": trade.order.symbol,
        "price": trade.price,
        "quantity": trade.quantity,
        "side": trade.side,
        "fee": 0.0001,
        "margin_used": 0,
        "order_type": trade.order.type,
        "tif": trade.order.time_in_force,
        "order_id": trade.order.order_id,
        "realised_pnl_change": 0,
    }

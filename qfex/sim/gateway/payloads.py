"""Engine rows as the exchange's JSON objects, where both dialects agree."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .wire import number, optional_number

if TYPE_CHECKING:
    from ..engine import BalanceRow, Exchange, FillRow, LeverageRow, OrderRow, PositionRow, StopRow, TwapRow

Payload = dict[str, Any]  # An object inside a message.
Message = dict[str, Any]  # A whole message.


def position_messages(exchange: Exchange, account_id: str) -> list[Message]:
    """Return an account's positions, one message for each symbol."""
    return [{"position_response": position(row)} for row in exchange.positions(account_id)]


def balance_message(exchange: Exchange, account_id: str) -> Message:
    """Return an account's balance."""
    return {"balance_response": balance(exchange.balance(account_id))}


def order(row: OrderRow, status: str) -> Payload:
    """``order_response``; ``price`` is the price of the order, never that of an execution."""
    return {
        "order_id": row.order_id,
        "symbol": row.symbol,
        "status": status,
        "quantity": number(row.quantity),
        "price": number(row.price),
        "take_profit": optional_number(row.take_profit),
        "stop_loss": optional_number(row.stop_loss),
        "side": row.side,
        "type": row.order_type,
        "time_in_force": row.time_in_force,
        "user_id": row.account_id,
        "client_order_id": row.client_order_id,
        "quantity_remaining": number(row.quantity_remaining),
        "update_time": row.updated,
        "trade_id": row.trade_id,
    }


def fill(row: FillRow) -> Payload:
    """``fill_response``, with the members of the exchange's sample."""
    return {
        "trade_id": row.trade_id,
        "user_id": row.account_id,
        "symbol": row.symbol,
        "price": number(row.price),
        "quantity": number(row.quantity),
        "side": row.side,
        "aggressor_side": row.aggressor_side,
        "order_id": row.order_id,
        "fee": number(row.fee),
        "order_type": row.order_type,
        "tif": row.time_in_force,
        "order_price": number(row.order_price),
        "client_order_id": row.client_order_id,
        "remaining_quantity": number(row.remaining_quantity),
        "take_profit": optional_number(row.take_profit),
        "stop_loss": optional_number(row.stop_loss),
        "execution_type": row.execution_type,
        "timestamp": row.timestamp,
        "realised_pnl": number(row.realised_pnl),
    }


def trade(row: FillRow) -> Payload:
    """A row of the account's trades: the members that both dialects have."""
    return {
        "trade_id": row.trade_id,
        "symbol": row.symbol,
        "price": number(row.price),
        "quantity": number(row.quantity),
        "order_id": row.order_id,
        "fee": number(row.fee),
        "order_type": row.order_type,
        "tif": row.time_in_force,
        "execution_type": row.execution_type,
    }


def stop(row: StopRow) -> Payload:
    """``stop_order_response``; unlike all other times on this socket, its time is ISO 8601 text."""
    return {
        "stop_order_id": row.stop_order_id,
        "user_id": row.account_id,
        "symbol": row.symbol,
        "price": number(row.price),
        "quantity": number(row.quantity),
        "direction": row.side,
        "stop_order_type": row.stop_order_type,
        "client_order_id": row.client_order_id,
        "update_time": datetime.fromtimestamp(row.updated, timezone.utc).isoformat(),
    }


def twap(row: TwapRow) -> Payload:
    """``twap_response``."""
    return {
        "twap_id": row.twap_id,
        "client_twap_id": row.client_twap_id,
        "user_id": row.account_id,
        "status": row.status,
        "symbol": row.symbol,
        "total_quantity": number(row.total_quantity),
        "filled_quantity": number(row.filled_quantity),
        "average_fill_price": number(row.average_fill_price),
        "total_num_orders": row.total_num_orders,
        "order_interval_secs": row.order_interval_secs,
        "reduce_only": row.reduce_only,
        "side": row.side,
        "updated_at": row.updated,
        "created_at": row.created,
    }


def position(row: PositionRow) -> Payload:
    """``position_response``; ``open_orders`` is a count, sent as a float."""
    return {
        "id": row.id,
        "symbol": row.symbol,
        "user_id": row.account_id,
        "position": number(row.position),
        "margin_alloc": number(row.margin_alloc),
        "realised_pnl": number(row.realised_pnl),
        "unrealised_pnl": number(row.unrealised_pnl),
        "net_funding": number(row.net_funding),
        "open_orders": number(Decimal(row.open_orders)),
        "open_quantity": number(row.open_quantity),
        "leverage": number(row.leverage),
        "initial_margin": number(row.initial_margin),
        "maintenance_margin": number(row.maintenance_margin),
        "average_price": number(row.average_price),
    }


def balance(row: BalanceRow) -> Payload:
    """``balance_response``."""
    return {
        "id": row.id,
        "user_id": row.account_id,
        "deposit": number(row.deposit),
        "realised_pnl": number(row.realised_pnl),
        "order_margin": number(row.order_margin),
        "position_margin": number(row.position_margin),
        "unrealised_pnl": number(row.unrealised_pnl),
        "net_funding": number(row.net_funding),
        "available_balance": number(row.available_balance),
        "fees": number(row.fees),
        "referral_rewards": number(row.referral_rewards),
    }


def leverage(row: LeverageRow) -> Payload:
    """A row of both leverage lists; ``leverage`` is text."""
    return {
        "id": row.id,
        "symbol": row.symbol,
        "initial_margin": number(row.initial_margin),
        "maintenance_margin": number(row.maintenance_margin),
        "max_notional": number(row.max_notional),
        "leverage": format(row.leverage.normalize(), "f"),
    }

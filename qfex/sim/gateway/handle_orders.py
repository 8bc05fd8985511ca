"""Commands that trade. Their answers are mostly the engine's events, told to whoever subscribed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ..engine import OrderEntry, OrderRow, Refused, TwapEntry, TwapRow
from . import payloads

if TYPE_CHECKING:
    from . import commands
    from .gateway import TradeGateway
    from .session import TradeSession


def add_order(gateway: TradeGateway, session: TradeSession, params: commands.AddOrder) -> None:
    """Enter an order or a stop."""
    entry = OrderEntry(
        symbol=params.symbol,
        side=params.side,
        order_type=params.order_type,
        time_in_force=params.order_time_in_force,
        quantity=Decimal(params.quantity),
        price=Decimal(params.price),
        take_profit=_optional(params.take_profit),
        stop_loss=_optional(params.stop_loss),
        reduce_only=bool(params.reduce_only),
        client_order_id=params.client_order_id or "",
    )
    _refuse_malformed(gateway, gateway.exchange.add_order(session.account_id, entry))


def modify_order(gateway: TradeGateway, session: TradeSession, params: commands.ModifyOrder) -> None:
    """Replace an order; what is not given stays."""
    current = gateway.exchange.order(session.account_id, params.symbol, params.order_id)
    row = gateway.exchange.modify_order(
        session.account_id,
        params.symbol,
        params.order_id,
        params.side,
        params.order_type,
        Decimal(_given(params.price, current, "price") or 0),
        Decimal(_given(params.quantity, current, "quantity") or 0),
        _given(params.take_profit, current, "take_profit"),
        _given(params.stop_loss, current, "stop_loss"),
        bool(params.reduce_only),
    )
    _refuse_malformed(gateway, row)


def cancel_order(gateway: TradeGateway, session: TradeSession, params: commands.CancelOrder) -> None:
    """Cancel by any of the four kinds of id; a TWAP answers with itself."""
    rows = gateway.exchange.cancel_order(
        session.account_id, params.symbol, params.cancel_order_id_type, params.order_id
    )
    for row in rows:
        if isinstance(row, TwapRow):
            session.tell({"twap_response": payloads.twap(row)})


def cancel_all_orders(gateway: TradeGateway, session: TradeSession, params: commands.Empty) -> None:
    """Cancel every open order of the account, on all symbols."""
    gateway.exchange.cancel_all_orders(session.account_id)
    gateway.acknowledge(session, params)


def cancel_stop_order(gateway: TradeGateway, session: TradeSession, params: commands.CancelStopOrder) -> None:
    """Cancel one stop."""
    row = gateway.exchange.cancel_stop_order(session.account_id, params.stop_order_id)
    _acknowledge_stop(gateway, session, params, row)


def modify_stop_order(gateway: TradeGateway, session: TradeSession, params: commands.ModifyStopOrder) -> None:
    """Change a stop's trigger and size."""
    row = gateway.exchange.modify_stop_order(
        session.account_id,
        params.stop_order_id,
        params.symbol,
        Decimal(params.price),
        Decimal(params.quantity),
    )
    _refuse_malformed(gateway, row)
    _acknowledge_stop(gateway, session, params, row)


def close_position(gateway: TradeGateway, session: TradeSession, params: commands.ClosePosition) -> None:
    """Send the order that closes a position."""
    gateway.exchange.close_position(session.account_id, params.symbol, params.client_order_id or "")


def add_twap(gateway: TradeGateway, session: TradeSession, params: commands.AddTwap) -> None:
    """Start a TWAP."""
    entry = TwapEntry(
        symbol=params.symbol,
        side=params.side,
        total_quantity=Decimal(params.total_quantity),
        num_orders=params.num_orders,
        order_interval_secs=params.order_interval_secs,
        reduce_only=params.reduce_only,
        client_twap_id=params.client_twap_id,
        start_time=None if params.start_time is None else float(params.start_time),
        worst_price=_optional(params.worst_price),
    )
    gateway.expect_twap(session)
    gateway.exchange.add_twap(session.account_id, entry)


def _given(value: commands.Number | None, current: OrderRow | None, name: str) -> Decimal | None:
    """Return a number that is given, else what the order has."""
    return getattr(current, name, None) if value is None else Decimal(value)


def _optional(value: commands.Number | None) -> Decimal | None:
    """Return a number that is set; the exchange reads 0 as "none"."""
    return Decimal(value) if value else None


def _refuse_malformed(gateway: TradeGateway, row: OrderRow) -> None:
    code = gateway.dialect.refusals.get(row.status)
    if code is not None:
        raise Refused(code, row.status.lower().replace("_", " "))


def _acknowledge_stop(
    gateway: TradeGateway,
    session: TradeSession,
    params: commands.CancelStopOrder | commands.ModifyStopOrder,
    row: OrderRow,
) -> None:
    if row.status in ("CANCELLED", "MODIFIED"):
        gateway.acknowledge(session, params)

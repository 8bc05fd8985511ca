"""One handler for each command: ``handler(context, params)``.

A handler that trades usually sends no reply of its own: the engine's events, published to the subscribers, are the
answer. Queries are answered on the connection that asked, subscribed or not.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from ..engine import FillRow, OrderEntry, OrderRow, Refused, TwapEntry, TwapRow
from . import payloads
from .accounts import AuthenticationRefused, Identity

if TYPE_CHECKING:
    from . import commands
    from .context import CommandContext
    from .payloads import Message

_MILLISECONDS = 1e11  # Times in seconds stay below this until the year 5138.
_Row = TypeVar("_Row")


# ---------------------------------------------------------------------- the connection


def auth(context: CommandContext, params: commands.Auth) -> None:
    """Authenticate the connection. After a refusal it stays open and its deadline keeps running."""
    session = context.session
    if session.identity is not None:
        raise Refused("AlreadyAuthenticated", "this connection is authenticated already")
    try:
        session.identity = _identify(context, params)
    except AuthenticationRefused as refusal:
        context.audit.authentication_failures.append(str(refusal))
        context.reply(context.dialect.authenticated(False))
    else:
        session.deadline.cancel()
        context.reply(context.dialect.authenticated(True))


def _identify(context: CommandContext, params: commands.Auth) -> Identity:
    if params.jwt is not None:
        return context.accounts.authenticate_token(params.jwt, params.account_id)
    proof = params.hmac
    assert proof is not None  # The schema requires exactly one of the two.
    return context.accounts.authenticate_hmac(
        proof.public_key, proof.nonce, proof.unix_ts, proof.signature, params.account_id
    )


def subscribe(context: CommandContext, params: commands.Channels) -> None:
    """Confirm each channel with a frame of its own, followed by the channel's current values."""
    session = context.session
    for channel in params.channels:
        if channel == "leaderboard" and channel in session.channels:
            raise Refused("AlreadySubscribedToLeaderboard", "already subscribed to leaderboard")
        session.channels.add(channel)
        context.subscriptions.add(context.account_id, channel, session)
        context.reply({"subscribed": channel})
        for message in _snapshot(context, channel):
            context.reply(message)


def _snapshot(context: CommandContext, channel: str) -> list[Message]:
    """Return the current values of a periodic channel; channels driven by events have none."""
    if channel == "positions":
        return payloads.position_messages(context.exchange, context.account_id)
    return [payloads.balance_message(context.exchange, context.account_id)] if channel == "balances" else []


def unsubscribe(context: CommandContext, params: commands.Channels) -> None:
    """Confirm each channel with a frame of its own, whether it was subscribed or not."""
    for channel in params.channels:
        context.session.channels.discard(channel)
        context.subscriptions.remove(context.account_id, channel, context.session)
        context.reply({"unsubscribed": channel})


def cancel_on_disconnect(context: CommandContext, params: commands.CancelOnDisconnect) -> None:
    """Set this connection's cancel-on-disconnect flag."""
    context.session.cancel_on_disconnect = params.cancel_on_disconnect
    context.acknowledge(params)


# ---------------------------------------------------------------------- orders


def add_order(context: CommandContext, params: commands.AddOrder) -> None:
    """Enter an order or a stop order."""
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
    _refuse_malformed(context, context.exchange.add_order(context.account_id, entry))


def modify_order(context: CommandContext, params: commands.ModifyOrder) -> None:
    """Replace an order; terms that are not given stay as they are."""
    current = context.exchange.order(context.account_id, params.symbol, params.order_id)
    terms = OrderEntry(
        symbol=params.symbol,
        side=params.side,
        order_type=params.order_type,
        time_in_force="GTC",
        quantity=Decimal(_given(params.quantity, current, "quantity") or 0),
        price=Decimal(_given(params.price, current, "price") or 0),
        take_profit=_given(params.take_profit, current, "take_profit"),
        stop_loss=_given(params.stop_loss, current, "stop_loss"),
        reduce_only=bool(params.reduce_only),
    )
    _refuse_malformed(context, context.exchange.modify_order(context.account_id, params.order_id, terms))


def cancel_order(context: CommandContext, params: commands.CancelOrder) -> None:
    """Cancel by any of the four kinds of id; a cancelled TWAP is the reply itself."""
    rows = context.exchange.cancel_order(
        context.account_id, params.symbol, params.cancel_order_id_type, params.order_id
    )
    for row in rows:
        if isinstance(row, TwapRow):
            context.reply({"twap_response": payloads.twap(row)})


def cancel_all_orders(context: CommandContext, params: commands.Empty) -> None:
    """Cancel every open order of the account, on all symbols."""
    context.exchange.cancel_all_orders(context.account_id)
    context.acknowledge(params)


def cancel_stop_order(context: CommandContext, params: commands.CancelStopOrder) -> None:
    """Cancel one stop order."""
    row = context.exchange.cancel_stop_order(context.account_id, params.stop_order_id)
    _acknowledge_stop(context, params, row)


def modify_stop_order(context: CommandContext, params: commands.ModifyStopOrder) -> None:
    """Change the trigger price and the quantity of a stop order."""
    row = context.exchange.modify_stop_order(
        context.account_id,
        params.stop_order_id,
        params.symbol,
        Decimal(params.price),
        Decimal(params.quantity),
    )
    _refuse_malformed(context, row)
    _acknowledge_stop(context, params, row)


def close_position(context: CommandContext, params: commands.ClosePosition) -> None:
    """Enter the order that closes a position."""
    context.exchange.close_position(context.account_id, params.symbol, params.client_order_id or "")


def add_twap(context: CommandContext, params: commands.AddTwap) -> None:
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
    # The engine sends the first child order before it returns. The reply has to precede the child's events, so the
    # gateway sends it on the TWAP's own event.
    context.session.awaits_twap = True
    context.exchange.add_twap(context.account_id, entry)


def _given(value: commands.Number | None, current: OrderRow | None, name: str) -> Decimal | None:
    """Return a number that was given, otherwise the order's current one."""
    return getattr(current, name, None) if value is None else Decimal(value)


def _optional(value: commands.Number | None) -> Decimal | None:
    """Return a number that was set; the exchange reads 0 as "not set"."""
    return Decimal(value) if value else None


def _refuse_malformed(context: CommandContext, row: OrderRow) -> None:
    code = context.dialect.refusals.get(row.status)
    if code is not None:
        raise Refused(code, row.status.lower().replace("_", " "))


def _acknowledge_stop(
    context: CommandContext, params: commands.CancelStopOrder | commands.ModifyStopOrder, row: OrderRow
) -> None:
    if row.status in ("CANCELLED", "MODIFIED"):
        context.acknowledge(params)


# ---------------------------------------------------------------------- queries


def get_order(context: CommandContext, params: commands.GetOrder) -> None:
    """Send one order."""
    row = context.exchange.order(context.account_id, params.symbol, params.order_id)
    context.reply(context.dialect.found(row, params.symbol, params.order_id))


def get_user_orders(context: CommandContext, params: commands.GetUserOrders) -> None:
    """Send a page of the open orders, stop orders among them, and all active TWAPs."""
    orders = _page(context.exchange.open_orders(context.account_id, params.symbol), params)
    twaps = context.exchange.twaps(context.account_id, params.symbol, active=True)
    listed = [context.dialect.order(row) for row in orders]
    context.reply({"all_orders_response": {"orders": listed, "twaps": [payloads.twap(row) for row in twaps]}})


def get_user_trades(context: CommandContext, params: commands.GetUserTrades) -> None:
    """Send trades, newest first. Bounds are read as seconds, or as milliseconds where they are that large."""
    rows = [row for row in context.exchange.trades(context.account_id) if _wanted(row, params)]
    context.reply(context.dialect.trades(_page(rows, params)))


def get_user_leverage(context: CommandContext, params: commands.Page) -> None:
    """Send the leverage of each symbol."""
    rows = _page(context.exchange.leverage(context.account_id), params)
    context.reply({"user_leverage_response": [payloads.leverage(row) for row in rows]})


def get_available_leverage(context: CommandContext, params: commands.Page) -> None:
    """Send the leverage levels on offer, several for each symbol."""
    rows = _page(context.exchange.available_leverage(context.account_id), params)
    context.reply({"available_leverage_levels_response": [payloads.leverage(row) for row in rows]})


def set_user_leverage(context: CommandContext, params: commands.SetUserLeverage) -> None:
    """Set the leverage of a symbol."""
    context.exchange.set_leverage(context.account_id, params.symbol, Decimal(params.leverage))
    context.acknowledge(params)


def _page(rows: list[_Row], params: commands.Page) -> list[_Row]:
    """Return the requested slice."""
    start = max(params.offset, 0)
    return rows[start : start + max(params.limit, 0)]


def _wanted(row: FillRow, params: commands.GetUserTrades) -> bool:
    if params.order_id is not None and row.order_id != params.order_id:
        return False
    return _seconds(params.start_ts, 0.0) <= row.timestamp <= _seconds(params.end_ts, float("inf"))


def _seconds(bound: int | None, default: float) -> float:
    if bound is None:
        return default
    return bound / 1000 if bound > _MILLISECONDS else float(bound)

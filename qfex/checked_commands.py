"""What callers ask for, checked, as commands of the exchange. Nothing is sent before every argument is."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from .arguments import Number, flag, positive, text, to_decimal, whole
from .decimals import EXACT
from .enums import CancelIdType, Channel, OrderType, Side
from .errors import ValidationError
from .models.orders import Order, StopOrder
from .models.twaps import Twap
from .order_request import OrderRequest
from .protocol.trade import commands as c
from .workflows.account import Account

if TYPE_CHECKING:
    from .models.instruments import Instrument


def stop_request(
    symbol: str,
    side: Side | str,
    stop_type: OrderType | str,
    quantity: Number,
    trigger_price: Number,
    client_order_id: str | None,
) -> OrderRequest:
    """The order request of a stop that stands alone."""
    kind = OrderType.parse(stop_type, "stop_type")
    if not kind.is_stop:
        raise ValidationError("stop_type", kind.value, "must be TAKE_PROFIT or STOP_LOSS")
    trigger = positive(trigger_price, "trigger_price")
    return OrderRequest(symbol, side, quantity, trigger, kind, client_order_id=client_order_id)


def modify_command(
    known: Order,
    *,
    price: Number | None,
    quantity: Number | None,
    take_profit: Number | None,
    stop_loss: Number | None,
    reduce_only: bool | None,
) -> c.ModifyOrder:
    """A modify of an order; what is None keeps the order's own value."""
    return c.ModifyOrder(
        symbol=text(known.symbol, "order.symbol"),
        order_id=text(known.order_id, "order.order_id"),
        side=Side.parse(known.side, "order.side"),
        order_type=OrderType.parse(known.order_type, "order.order_type"),
        price=_price(known) if price is None else positive(price, "price"),
        quantity=positive(known.quantity, "order.quantity")
        if quantity is None
        else positive(quantity, "quantity"),
        reduce_only=flag(known.reduce_only if reduce_only is None else reduce_only, "reduce_only"),
        take_profit=_attached(known.take_profit, "order.take_profit")
        if take_profit is None
        else positive(take_profit, "take_profit"),
        stop_loss=_attached(known.stop_loss, "order.stop_loss")
        if stop_loss is None
        else positive(stop_loss, "stop_loss"),
        client_order_id=known.client_order_id or None,
    )


def _price(known: Order) -> Decimal:
    if known.price is None:
        raise ValidationError("price", None, "is needed, because the price of the order is not known")
    return positive(known.price, "order.price")


def _attached(price: Decimal | None, argument: str) -> Decimal | None:
    """The trigger price of a stop that an order has attached; it has none where that is 0 or None."""
    return to_decimal(price, argument) if price else None


def cancel_command(
    account: Account, order: Order | str, symbol: str | None, id_type: CancelIdType | str
) -> c.CancelOrder:
    """A cancel of an order by one of its ids."""
    kind = CancelIdType.parse(id_type, "id_type")
    if isinstance(order, Order):
        symbol = order.symbol if symbol is None else symbol
        return c.CancelOrder(text(symbol, "symbol"), text(_id_of(account, order, kind), "order"), kind)
    order_id = text(order, "order")
    if kind is CancelIdType.ORDER_ID:
        known = account.seen_order(
            order_id if symbol is None else Order(order_id, symbol=text(symbol, "symbol"))
        )
        return c.CancelOrder(text(known.symbol or symbol, "symbol"), text(known.order_id, "order"), kind)
    if symbol is None:
        raise ValidationError("symbol", None, "is needed to cancel by this kind of id")
    return c.CancelOrder(text(symbol, "symbol"), order_id, kind)


def _id_of(account: Account, order: Order, kind: CancelIdType) -> str:
    if kind is CancelIdType.CLIENT_ORDER_ID:
        return order.client_order_id
    if kind is not CancelIdType.ORDER_ID:
        raise ValidationError("id_type", kind.value, "an Order has no such id")
    return account.seen_order(order).order_id


def modify_stop_command(
    account: Account,
    stop_order: Order | StopOrder | str,
    *,
    trigger_price: Number,
    quantity: Number,
    symbol: str | None,
) -> c.ModifyStopOrder:
    """A modify of a stop; the symbol is needed with an id that the client has not seen."""
    if isinstance(stop_order, StopOrder):
        symbol = stop_order.symbol if symbol is None else symbol
    elif symbol is None:
        symbol = account.seen_order(stop_order, "stop_order").symbol
    return c.ModifyStopOrder(
        order_id=_stop_id(account, stop_order),
        symbol=text(symbol, "symbol"),
        price=positive(trigger_price, "trigger_price"),
        quantity=positive(quantity, "quantity"),
    )


def cancel_stop_command(account: Account, stop_order: Order | StopOrder | str) -> c.CancelStopOrder:
    """A cancel of a stop."""
    return c.CancelStopOrder(_stop_id(account, stop_order))


def _stop_id(account: Account, stop_order: Order | StopOrder | str) -> str:
    """The id that a stop has now."""
    stop_id = stop_order.order_id if isinstance(stop_order, Order) else stop_order
    stop_id = stop_id.stop_order_id if isinstance(stop_id, StopOrder) else stop_id
    return text(account.current_id(text(stop_id, "stop_order")), "stop_order")


def twap_command(
    symbol: str,
    side: Side | str,
    total_quantity: Number,
    num_orders: int,
    order_interval_secs: int,
    *,
    reduce_only: bool,
    client_twap_id: str,
    instruments: dict[str, Instrument] | None,
) -> c.AddTwap:
    """A new TWAP, its child orders checked against the instrument's minimum quantity where that is known."""
    command = c.AddTwap(
        symbol=text(symbol, "symbol"),
        side=Side.parse(side, "side"),
        total_quantity=positive(total_quantity, "total_quantity"),
        num_orders=whole(num_orders, "num_orders", 2),
        order_interval_secs=whole(order_interval_secs, "order_interval_secs", 30),
        reduce_only=flag(reduce_only, "reduce_only"),
        client_twap_id=text(client_twap_id, "client_twap_id"),
    )
    instrument = (instruments or {}).get(command.symbol)
    if instrument is not None and command.total_quantity < EXACT.multiply(
        instrument.min_quantity, command.num_orders
    ):
        rule = f"child orders would be below the minimum quantity of {instrument.min_quantity}"
        raise ValidationError("total_quantity", command.total_quantity, rule)
    return command


def cancel_twap_command(twap: Twap | str, symbol: str | None) -> c.CancelOrder:
    """A cancel of a TWAP, by its TWAP id, or by the client TWAP id that was passed."""
    if isinstance(twap, Twap):
        symbol = twap.symbol if symbol is None else symbol
        return c.CancelOrder(text(symbol, "symbol"), text(twap.twap_id, "twap"), CancelIdType.TWAP_ID)
    if symbol is None:
        raise ValidationError("symbol", None, "is needed to cancel by id")
    return c.CancelOrder(text(symbol, "symbol"), text(twap, "twap"), CancelIdType.CLIENT_TWAP_ID)


def exchange_channels(channels: tuple[Channel | str, ...]) -> list[Channel]:
    """Channels that the exchange has, each once.

    Raises
    ------
    ValidationError
        If a channel is unknown, or exists in this client only.
    """
    named = list(dict.fromkeys(Channel.parse(channel, "channels") for channel in channels))
    if not named or any(channel.is_local for channel in named):
        raise ValidationError("channels", channels, "must name channels of the exchange")
    return named

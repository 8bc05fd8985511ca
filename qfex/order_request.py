"""An order to place, as a value, and the checks that it must pass before it is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from .arguments import Number, flag, positive, text
from .enums import ALLOWED_TIMES_IN_FORCE, OrderType, Side, TimeInForce
from .errors import ValidationError
from .protocol.trade.commands import AddOrder

if TYPE_CHECKING:
    from .models.instruments import Instrument

_ZERO = Decimal(0)


@attrs.frozen
class OrderRequest:
    """The arguments of `TradeClient.place_order` as one value.

    Parameters
    ----------
    symbol : str
        Such as ``"AAPL-USD"``.
    side : Side or str
        ``BUY`` or ``SELL``.
    quantity : int, str, Decimal or float
        In the instrument's base unit. A float is converted through its shortest decimal text.
    price : int, str, Decimal or float, optional
        Limit price, or the trigger price of a stop, in the quote unit.
    order_type : OrderType or str, optional
        By default LIMIT with a price and MARKET without one.
    time_in_force : TimeInForce or str, optional
        By default IOC for a market order and GTC for every other type.
    reduce_only : bool
        Whether the order may only reduce a position.
    take_profit, stop_loss : number, optional
        Trigger prices of the stops to attach to the order.
    client_order_id : str, optional
        The caller's own id of the order. Generated if left out.
    """

    symbol: str
    side: Side | str
    quantity: Number
    price: Number | None = None
    order_type: OrderType | str | None = None
    time_in_force: TimeInForce | str | None = None
    reduce_only: bool = False
    take_profit: Number | None = None
    stop_loss: Number | None = None
    client_order_id: str | None = None

    def to_command(self, new_id: str, instruments: dict[str, Instrument] | None = None) -> AddOrder:
        """Check the request and return its command. See `order_command`."""
        return order_command(
            self.symbol,
            self.side,
            self.quantity,
            self.price,
            self.order_type,
            self.time_in_force,
            self.reduce_only,
            self.take_profit,
            self.stop_loss,
            new_id if self.client_order_id is None else self.client_order_id,
            instruments,
        )


def order_command(
    symbol: str,
    side: Side | str,
    quantity: Number,
    price: Number | None,
    order_type: OrderType | str | None,
    time_in_force: TimeInForce | str | None,
    reduce_only: bool,
    take_profit: Number | None,
    stop_loss: Number | None,
    client_order_id: str,
    instruments: dict[str, Instrument] | None = None,
) -> AddOrder:
    """Check the arguments of an order and return its command.

    Parameters
    ----------
    instruments : dict of str to Instrument, optional
        By symbol. If given, the order is also checked against the rules of its instrument.

    Raises
    ------
    ValidationError
        If an argument breaks a rule. The error names the argument, the value and the rule.
    """
    kind = _order_type(order_type, price)
    command = AddOrder(
        text(symbol, "symbol"),
        Side.parse(side, "side"),
        kind,
        ALLOWED_TIMES_IN_FORCE[kind][0] if time_in_force is None else _time_in_force(time_in_force, kind),
        positive(quantity, "quantity"),
        _no_price(price, kind) if price is None or kind is OrderType.MARKET else positive(price, "price"),
        flag(reduce_only, "reduce_only"),
        text(client_order_id, "client_order_id"),
        None if take_profit is None else positive(take_profit, "take_profit"),
        None if stop_loss is None else positive(stop_loss, "stop_loss"),
    )
    if instruments is not None:
        check_against(instruments, command)
    return command


def _order_type(order_type: OrderType | str | None, price: Number | None) -> OrderType:
    if order_type is None:
        return OrderType.MARKET if price is None else OrderType.LIMIT
    return OrderType.parse(order_type, "order_type")


def _time_in_force(time_in_force: TimeInForce | str, order_type: OrderType) -> TimeInForce:
    allowed = ALLOWED_TIMES_IN_FORCE[order_type]
    chosen = TimeInForce.parse(time_in_force, "time_in_force")
    if chosen not in allowed:
        raise ValidationError("time_in_force", chosen.value, f"{order_type} allows only {', '.join(allowed)}")
    return chosen


def _no_price(price: Number | None, order_type: OrderType) -> Decimal:
    """The price of a MARKET order, which has none."""
    if order_type is not OrderType.MARKET:
        raise ValidationError("price", None, f"{order_type} needs one")
    if price is not None:
        raise ValidationError("price", price, "a MARKET order has no price")
    return _ZERO  # the live exchange requires a price even here


def check_against(instruments: dict[str, Instrument], command: AddOrder) -> None:
    """Check an order against the rules of its instrument.

    Raises
    ------
    ValidationError
        If the instrument is unknown, or if rules are broken. The error names each of them.
    """
    instrument = instruments.get(command.symbol)
    if instrument is None:
        raise ValidationError("symbol", command.symbol, "not among the instruments given to the client")
    instrument.check(
        side=command.side,
        quantity=command.quantity,
        price=command.price or None,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
    )

"""An order to be placed, as a value, and the rules it must meet before it is sent."""

from __future__ import annotations

from decimal import Decimal

import attrs

from .enums import ALLOWED_TIMES_IN_FORCE, OrderType, Side, TimeInForce
from .errors import ValidationError
from .models.instruments import Instrument
from .protocol.commands import AddOrder
from .protocol.numbers import Number, positive, positive_or_none, text

_ZERO = Decimal(0)


@attrs.frozen
class OrderRequest:
    """What `TradeClient.place_order` takes.

    Parameters
    ----------
    symbol : str
        Such as ``"AAPL-USD"``.
    side : Side or str
        ``BUY`` or ``SELL``.
    quantity : int, str, Decimal or float
        In the instrument's base unit. A float counts as its shortest decimal text.
    price : int, str, Decimal or float, optional
        Limit price, or the trigger price of a stop. Given, the order is LIMIT GTC, else MARKET IOC, unless
        `order_type` or `time_in_force` say otherwise.
    order_type : OrderType or str, optional
    time_in_force : TimeInForce or str, optional
    reduce_only : bool
        Whether the order may only reduce a position.
    take_profit, stop_loss : number, optional
        Trigger prices of stops to attach.
    client_order_id : str, optional
        The caller's own id; made up where none is given.
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
        """Check the request and make its command.

        Parameters
        ----------
        new_id : str
            Client order id to use where the request has none.
        instruments : dict, optional
            Rules to check against, by symbol.

        Raises
        ------
        ValidationError
            If a rule is broken; it names argument, value and rule.
        """
        order_type = self._order_type()
        command = AddOrder(
            symbol=text(self.symbol, "symbol"),
            side=Side.parse(self.side, "side"),
            order_type=order_type,
            time_in_force=self._time_in_force(order_type),
            quantity=positive(self.quantity, "quantity"),
            client_order_id=new_id
            if self.client_order_id is None
            else text(self.client_order_id, "client_order_id"),
            price=self._price(order_type),
            reduce_only=_flag(self.reduce_only, "reduce_only"),
            take_profit=positive_or_none(self.take_profit, "take_profit"),
            stop_loss=positive_or_none(self.stop_loss, "stop_loss"),
        )
        if instruments is not None:
            check_against(instruments, command)
        return command

    def _order_type(self) -> OrderType:
        if self.order_type is None:
            return OrderType.MARKET if self.price is None else OrderType.LIMIT
        return OrderType.parse(self.order_type, "order_type")

    def _time_in_force(self, order_type: OrderType) -> TimeInForce:
        allowed = ALLOWED_TIMES_IN_FORCE[order_type]
        if self.time_in_force is None:
            return allowed[0]
        chosen = TimeInForce.parse(self.time_in_force, "time_in_force")
        if chosen not in allowed:
            rule = f"{order_type} allows {', '.join(allowed)} only"
            raise ValidationError("time_in_force", chosen.value, rule)
        return chosen

    def _price(self, order_type: OrderType) -> Decimal:
        if order_type is not OrderType.MARKET:
            return positive(_required(self.price, "price", order_type), "price")
        if self.price is not None:
            raise ValidationError("price", self.price, "a MARKET order has no price")
        return _ZERO  # the live exchange wants the member all the same


def _required(value: Number | None, argument: str, order_type: OrderType) -> Number:
    if value is None:
        raise ValidationError(argument, None, f"{order_type} needs one")
    return value


def _flag(value: bool, argument: str) -> bool:
    if not isinstance(value, bool):
        raise ValidationError(argument, value, "must be True or False")
    return value


def check_against(instruments: dict[str, Instrument], command: AddOrder) -> None:
    """Check an order against the rules of its instrument.

    Raises
    ------
    ValidationError
        Naming every rule broken.
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

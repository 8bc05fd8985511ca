"""Stop orders that stand alone: place, modify, cancel."""

from __future__ import annotations

from ..enums import OrderType, Side
from ..errors import ValidationError
from ..models.orders import Order, StopOrder
from ..order_request import OrderRequest
from ..protocol import commands as c
from ..protocol.numbers import Number, positive, text
from .orders import OrderMethods


class StopMethods(OrderMethods):
    """Methods about stops. A stop fires as a market order when the mark price crosses its trigger."""

    def place_stop_order(
        self,
        symbol: str,
        side: Side | str,
        stop_type: OrderType | str,
        quantity: Number,
        trigger_price: Number,
        *,
        client_order_id: str | None = None,
        timeout: float | None = None,
    ) -> Order:
        """Place a take profit or a stop loss.

        Parameters
        ----------
        side : Side or str
            Side of the order that will fire: SELL to leave a long position.
        stop_type : OrderType or str
            TAKE_PROFIT or STOP_LOSS.
        quantity : number
            In the base unit. All stops of a symbol together may not exceed the position.
        trigger_price : number
            The mark price that fires it; a multiple of the tick size.

        Raises
        ------
        ValidationError, OrderRejected, ApiError, OutcomeUnknown, NotConnected, RequestTimeout
            As `place_order` does.
        """
        kind = OrderType.parse(stop_type, "stop_type")
        if not kind.is_stop:
            raise ValidationError("stop_type", kind.value, "must be TAKE_PROFIT or STOP_LOSS")
        trigger = positive(trigger_price, "trigger_price")
        request = OrderRequest(symbol, side, quantity, trigger, kind, client_order_id=client_order_id)
        deadline = self._deadline(timeout)
        order: Order = self._caller.complete(self._command(request), deadline)
        return order

    def modify_stop_order(
        self,
        stop_order: Order | StopOrder | str,
        *,
        trigger_price: Number,
        quantity: Number,
        symbol: str | None = None,
        timeout: float | None = None,
    ) -> Order | None:
        """Move or resize an untriggered stop.

        Parameters
        ----------
        stop_order : Order, StopOrder or str
            The stop, or its id.
        symbol : str, optional
            Needed with an id that the client has not seen.

        Returns
        -------
        Order or None
            The stop as modified; None where the exchange only acknowledges.
        """
        stop_id, stop_symbol = self._stop(stop_order, symbol)
        command = c.ModifyStopOrder(
            order_id=stop_id,
            symbol=stop_symbol,
            price=positive(trigger_price, "trigger_price"),
            quantity=positive(quantity, "quantity"),
        )
        modified: Order | None = self._request(command, timeout)
        return modified

    def cancel_stop_order(
        self, stop_order: Order | StopOrder | str, *, timeout: float | None = None
    ) -> Order | None:
        """Cancel an untriggered stop.

        Returns
        -------
        Order or None
            The cancelled stop; None where the exchange only acknowledges.
        """
        cancelled: Order | None = self._request(c.CancelStopOrder(self._stop_id(stop_order)), timeout)
        return cancelled

    def _stop(self, stop_order: Order | StopOrder | str, symbol: str | None) -> tuple[str, str]:
        """Id and symbol of a stop."""
        if isinstance(stop_order, StopOrder):
            symbol = stop_order.symbol if symbol is None else symbol
        elif symbol is None:
            symbol = self._known(stop_order, "stop_order").symbol
        return self._stop_id(stop_order), text(symbol, "symbol")

    def _stop_id(self, stop_order: Order | StopOrder | str) -> str:
        """The id that a stop has now."""
        stop_id = stop_order.order_id if isinstance(stop_order, Order) else stop_order
        stop_id = stop_id.stop_order_id if isinstance(stop_id, StopOrder) else stop_id
        given = text(stop_id, "stop_order")
        with self._session.state_lock:
            current = self._dialogue.orders.current_id(given)
        return text(current, "stop_order")

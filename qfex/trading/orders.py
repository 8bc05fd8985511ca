"""Orders: place, modify, cancel, close."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ..enums import CancelIdType, OrderType, Side, TimeInForce
from ..errors import OrderRejected, QfexError, ValidationError
from ..models.orders import Order
from ..order_request import OrderRequest, flag, order_command
from ..protocol import commands as c
from ..protocol.commands import AddOrder
from ..protocol.numbers import Number, positive, text, to_decimal
from ..session.bursts import abandon
from ..session.calls import Call
from ..session.deadline import Deadline
from .pending_order import PendingOrder
from .waiting import WaitingMethods


class OrderMethods(WaitingMethods):
    """Methods about orders. Each ends as the table "what a call can end in" of the documentation says."""

    def place_order(
        self,
        symbol: str,
        side: Side | str,
        quantity: Number,
        price: Number | None = None,
        *,
        order_type: OrderType | str | None = None,
        time_in_force: TimeInForce | str | None = None,
        reduce_only: bool = False,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        client_order_id: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Order:
        """Place an order and wait for the exchange's answer.

        Parameters
        ----------
        symbol, side, quantity, price, order_type, time_in_force, reduce_only, take_profit, stop_loss, client_order_id
            See `OrderRequest`.
        wait : bool
            Whether to wait on until the order is done, or the time is up.
        timeout : float or None
            Seconds for all of it; None means the request timeout.

        Returns
        -------
        Order
            As the exchange described it first; with `wait`, its newest state.

        Raises
        ------
        ValidationError
            If an argument breaks a rule; nothing was sent.
        NotConnected, RequestTimeout
            If nothing was sent (`sent` is False).
        OrderRejected, ApiError
            If the exchange said no.
        OutcomeUnknown
            If it was sent and no answer is known; ask `resolve`.
        """
        deadline = self._deadline(timeout)
        command = order_command(
            symbol, side, quantity, price, order_type, time_in_force, reduce_only, take_profit, stop_loss,
            self._new_id() if client_order_id is None else client_order_id, self._instruments,
        )  # fmt: skip
        order: Order = self._caller.complete(command, deadline)
        return self._await_end(order, deadline) if wait else order

    def place_limit_order(
        self,
        symbol: str,
        side: Side | str,
        quantity: Number,
        price: Number,
        *,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        client_order_id: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Order:
        """Place a limit order; with `post_only` it never takes liquidity (type ALO). Like `place_order` otherwise."""
        return self.place_order(
            symbol, side, quantity, price,
            order_type=OrderType.ALO if post_only else OrderType.LIMIT, time_in_force=time_in_force,
            reduce_only=reduce_only, take_profit=take_profit, stop_loss=stop_loss,
            client_order_id=client_order_id, wait=wait, timeout=timeout,
        )  # fmt: skip

    def place_market_order(
        self,
        symbol: str,
        side: Side | str,
        quantity: Number,
        *,
        reduce_only: bool = False,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        client_order_id: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Order:
        """Place a market order. Like `place_order` otherwise."""
        return self.place_order(
            symbol, side, quantity, order_type=OrderType.MARKET,
            reduce_only=reduce_only, take_profit=take_profit, stop_loss=stop_loss,
            client_order_id=client_order_id, wait=wait, timeout=timeout,
        )  # fmt: skip

    def submit_order(
        self,
        symbol: str,
        side: Side | str,
        quantity: Number,
        price: Number | None = None,
        *,
        order_type: OrderType | str | None = None,
        time_in_force: TimeInForce | str | None = None,
        reduce_only: bool = False,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        client_order_id: str | None = None,
        timeout: float | None = None,
    ) -> PendingOrder:
        """Send an order without waiting for its answer, which `PendingOrder.result` gives. Like `place_order`."""
        request = OrderRequest(
            symbol, side, quantity, price, order_type, time_in_force, reduce_only, take_profit, stop_loss,
            client_order_id,
        )  # fmt: skip
        command = self._command(request)
        call = self._caller.submit(command, self._deadline(timeout))
        return PendingOrder(call, self._caller, command.client_order_id)

    def place_orders(
        self, requests: Iterable[OrderRequest], *, timeout: float | None = None
    ) -> list[Order | QfexError]:
        """Place many orders, sending the next before the last is answered.

        Parameters
        ----------
        requests : iterable of OrderRequest
        timeout : float or None
            Seconds for all of them together; None means the request timeout.

        Returns
        -------
        list
            In the order given, the `Order` of each request, or the exception that it ended in.
        """
        deadline = self._deadline(timeout)
        commands = [self._try_command(request) for request in requests]
        ends = self._caller.submit_all([c for c in commands if isinstance(c, AddOrder)], deadline)
        try:
            calls = iter(ends)
            submitted = [each if isinstance(each, ValidationError) else next(calls) for each in commands]
            # The last first: while it is waited for, the others are answered, and this thread wakes once.
            return [self._try_result(each, deadline) for each in reversed(submitted)][::-1]
        except BaseException:  # Ctrl-C
            abandon(ends)
            raise

    def _try_command(self, request: OrderRequest) -> AddOrder | ValidationError:
        try:
            return self._command(request)
        except ValidationError as error:
            return error

    def _try_result(self, call: Call | QfexError, deadline: Deadline) -> Order | QfexError:
        if isinstance(call, QfexError):
            return call
        try:
            order: Order = self._caller.result(call, deadline)
            return order
        except QfexError as error:
            return error

    def _command(self, request: OrderRequest) -> AddOrder:
        if not isinstance(request, OrderRequest):
            raise ValidationError("requests", request, "must be OrderRequests")
        return request.to_command(self._new_id(), self._instruments)

    def modify_order(
        self,
        order: Order | str,
        *,
        price: Number | None = None,
        quantity: Number | None = None,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        reduce_only: bool | None = None,
        timeout: float | None = None,
    ) -> Order:
        """Replace price, size or attached stops of a resting order. What is not given keeps the order's own value.

        The exchange replaces the order: it loses its place in the queue and usually gets a new order id. A partly
        filled order cannot be modified.

        Raises
        ------
        ValidationError
            If an argument breaks a rule, or `order` is an id that this client has not seen.
        OrderRejected
            With a ``CANNOT_MODIFY_...`` status among others; the order itself lives on.
        """
        known = self._known(order)
        command = c.ModifyOrder(
            symbol=text(known.symbol, "order.symbol"),
            order_id=text(known.order_id, "order.order_id"),
            side=Side.parse(known.side, "order.side"),
            order_type=OrderType.parse(known.order_type, "order.order_type"),
            price=positive(known.price, "order.price") if price is None else positive(price, "price"),
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
        modified: Order = self._request(command, timeout)
        return modified

    def cancel_order(
        self,
        order: Order | str,
        *,
        symbol: str | None = None,
        id_type: CancelIdType | str = CancelIdType.ORDER_ID,
        timeout: float | None = None,
    ) -> Order:
        """Cancel an order.

        Parameters
        ----------
        order : Order or str
            The order, or an id of the kind that `id_type` says.
        symbol : str, optional
            Needed with an id that the client has not seen.
        id_type : CancelIdType or str
            By client order id the exchange cancels every live order of the symbol with that id; the first is
            returned, all reach `Channel.ORDERS`.

        Raises
        ------
        OrderRejected
            With ``NO_SUCH_ORDER`` where there was nothing left to cancel.
        """
        kind = CancelIdType.parse(id_type, "id_type")
        cancelled: Order = self._request(self._cancel_command(order, symbol, kind), timeout)
        return cancelled

    def _cancel_command(self, order: Order | str, symbol: str | None, kind: CancelIdType) -> c.CancelOrder:
        if isinstance(order, Order):
            symbol = order.symbol if symbol is None else symbol
            return c.CancelOrder(text(symbol, "symbol"), text(self._id_of(order, kind), "order"), kind)
        order_id = text(order, "order")
        if kind is CancelIdType.ORDER_ID:
            known = self._known(
                order_id if symbol is None else Order(order_id, symbol=text(symbol, "symbol"))
            )
            return c.CancelOrder(text(known.symbol or symbol, "symbol"), text(known.order_id, "order"), kind)
        if symbol is None:
            raise ValidationError("symbol", None, "is needed to cancel by this kind of id")
        return c.CancelOrder(text(symbol, "symbol"), order_id, kind)

    def _id_of(self, order: Order, kind: CancelIdType) -> str:
        if kind is CancelIdType.CLIENT_ORDER_ID:
            return order.client_order_id
        if kind is not CancelIdType.ORDER_ID:
            raise ValidationError("id_type", kind.value, "an Order has no such id")
        return self._known(order).order_id

    def close_position(
        self,
        symbol: str,
        *,
        client_order_id: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Order:
        """Close a position: the exchange sends a reduce-only LIMIT IOC order for all of it near the mark price.

        A thin book may leave a part of it open.

        Returns
        -------
        Order
            The closing order; with `wait`, its newest state when it is done or the time is up.
        """
        deadline = self._deadline(timeout)
        new_id = self._new_id() if client_order_id is None else text(client_order_id, "client_order_id")
        command = c.ClosePosition(text(symbol, "symbol"), new_id)
        order: Order = self._caller.complete(command, deadline)
        return self._await_end(order, deadline) if wait else order

    def get_order(self, symbol: str, order_id: str, *, timeout: float | None = None) -> Order:
        """Ask for one order, by order id or client order id.

        Raises
        ------
        OrderRejected
            With ``NO_SUCH_ORDER`` where the exchange knows none.
        """
        command = c.GetOrder(text(symbol, "symbol"), text(order_id, "order_id"))
        deadline = self._deadline(timeout)
        try:
            order: Order = self._caller.request(command, deadline.remaining())
        except OrderRejected:
            if not self._has_seen(command.order_id):
                raise
            # A doubled reply to an earlier request looks just like this one; that costs one more question.
            order = self._caller.request(command, deadline.remaining())
        return order


def _attached(price: Decimal | None, argument: str) -> Decimal | None:
    """Check the trigger price of a stop that an order has; it has none where that is 0 or None."""
    return to_decimal(price, argument) if price else None

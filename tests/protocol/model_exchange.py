"""A model of the exchange that is small enough to be right: messages in, messages out, no sockets, no time of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

import attrs

from qfex import Order, OrderStatus, OrderType, Side, TimeInForce, UserTrade
from qfex.protocol.trade.account import ReadHistory

from .connections import row
from .in_flight import AAPL

Message = dict[str, Any]
NONE = D(0)


@attrs.define
class Styles:
    """What the documentation of an exchange leaves open.

    Attributes
    ----------
    has_times : bool
        Messages about orders carry a time.
    query_gives_list : bool
        A query for one order is answered with a list.
    query_knows_ended : bool
        A query for an order that has ended is answered with its last state, not with "no such order".
    newest_first : bool
        The trade history begins with the newest trade.
    """

    has_times: bool = True
    query_gives_list: bool = False
    query_knows_ended: bool = False
    newest_first: bool = True


@attrs.define
class Trade:
    """A trade of the account."""

    trade_id: str
    order: Order
    quantity: D


class ModelExchange:
    """The account's orders and trades, and one connection to it.

    Attributes
    ----------
    orders : dict
        The newest state of each order that ever was, by order id.
    successors : dict
        The ids that modifies gave, by the ids before.
    outgoing : list
        Messages that the client has not received yet.
    subscribed : set of str
        The channels in force on the connection.
    """

    def __init__(self, styles: Styles, now: Callable[[], float]) -> None:
        self.styles = styles
        self._now = now
        self.orders: dict[str, Order] = {}
        self.successors: dict[str, str] = {}
        self.trades: list[Trade] = []
        self.outgoing: list[Message] = []
        self.subscribed: set[str] = set()
        self.is_connected = False
        self._number = 0
        self.fails_next: str = ""

    # --- the truth ---------------------------------------------------------------------------------------------

    @property
    def live(self) -> dict[str, Order]:
        """Orders that can still trade."""
        return {order_id: order for order_id, order in self.orders.items() if order.is_live}

    def last_state(self, order_id: str) -> Order:
        """The newest state of an order under the id that it has now."""
        while order_id in self.successors:
            order_id = self.successors[order_id]
        return self.orders[order_id]

    def known_trades(self) -> list[UserTrade]:
        """The trades so far, as the client reads them."""
        return [
            UserTrade(
                each.trade_id, AAPL, each.order.price, each.quantity, each.order.side, each.order.order_id
            )
            for each in self.trades
        ]

    # --- connections -------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Accept a new connection."""
        self.outgoing, self.subscribed, self.is_connected = [], set(), True

    def disconnect(self) -> None:
        """Lose the connection, and all that was on its way."""
        self.outgoing, self.subscribed, self.is_connected = [], set(), False

    def _send(self, message: Message) -> None:
        if self.is_connected:
            self.outgoing.append(message)

    def _publish(self, *orders: Order) -> None:
        for order in orders:
            if "order_responses" in self.subscribed:
                self._send({"order_response": row(order)})

    def _changed(self, order: Order, **members: Any) -> Order:
        moment = _time(self._now()) if self.styles.has_times else None
        return attrs.evolve(order, update_time=moment, **members)

    def _store(self, order: Order, **members: Any) -> Order:
        changed = self.orders[order.order_id] = self._changed(order, **members)
        return changed

    def _next_id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}{self._number}"

    # --- what happens to orders --------------------------------------------------------------------------------

    def place(self, client_order_id: str, price: D, quantity: D) -> Order:
        """Accept a new order."""
        order = Order(
            order_id=self._next_id("o"), client_order_id=client_order_id, symbol=AAPL, status=OrderStatus.ACK,
            side=Side.BUY, order_type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, quantity=quantity,
            quantity_remaining=quantity, price=price,
        )  # fmt: skip
        order = self._store(order)
        self._publish(order)
        return order

    def refuse(self, client_order_id: str, price: D, quantity: D) -> None:
        """Refuse a new order, which gets no id."""
        refused = Order(
            order_id="", client_order_id=client_order_id, symbol=AAPL, status=OrderStatus("FAILED_MARGIN_CHECK"),
            side=Side.BUY, order_type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, quantity=quantity,
            quantity_remaining=quantity, price=price,
        )  # fmt: skip
        self._publish(refused)

    def cancel(self, order_id: str) -> None:
        """Cancel an order, or say that there is none."""
        order = self.live.get(order_id)
        if order is None:
            self._no_such_order(order_id)
        else:
            self._publish(self._store(order, status=OrderStatus.CANCELLED))

    def fill(self, order_id: str, quantity: D, *, fill_first: bool = False) -> None:
        """Fill an order, at most as far as it is open."""
        order = self.live[order_id]
        quantity = min(quantity, order.quantity_remaining)
        order = self._store(
            order, status=OrderStatus.FILLED, quantity_remaining=order.quantity_remaining - quantity
        )
        trade = Trade(self._next_id("t"), order, quantity)
        self.trades.append(trade)
        if not fill_first:
            self._publish(order)
        if "fills" in self.subscribed:
            self._send({"fill_response": _trade_row(trade)})
        if fill_first:
            self._publish(order)

    def modify(self, order_id: str, price: D, quantity: D, *, old_leg: str = "", early: D = NONE) -> None:
        """Modify an order, which gets a new id; `old_leg` says whether its cancel is reported, before or after.

        `early` is filled, and reported, before the modify is reported.
        """
        order = self.live.get(order_id)
        if order is None:
            self._no_such_order(order_id, "CANNOT_MODIFY_NO_SUCH_ORDER")
            return
        if order.quantity_filled:
            self._publish(self._changed(order, status=OrderStatus.CANNOT_MODIFY_PARTIAL_FILL))
            return
        old = self._store(order, status=OrderStatus.CANCELLED)
        new = self._store(
            attrs.evolve(order, order_id=self._next_id("o")), status=OrderStatus.MODIFIED, price=price,
            quantity=quantity, quantity_remaining=quantity,
        )  # fmt: skip
        self.successors[order_id] = new.order_id
        if old_leg == "before":
            self._publish(old)
        if early:
            self.fill(new.order_id, early)
        self._publish(new)
        if old_leg == "after":
            self._publish(old)

    def refuse_a_request(self, order: Order, status: str) -> None:
        """Refuse what another session asked for an order."""
        self._publish(self._changed(order, status=OrderStatus(status)))

    def _no_such_order(self, order_id: str, status: str = "NO_SUCH_ORDER") -> None:
        known = self.orders.get(order_id)
        blank = Order(
            order_id=order_id, client_order_id="", symbol=AAPL, status=OrderStatus(status), side=Side.BUY,
            order_type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, quantity=NONE, quantity_remaining=NONE,
            price=NONE,
        )  # fmt: skip
        name = known.client_order_id if known is not None else ""
        self._send({"order_response": row(attrs.evolve(blank, client_order_id=name))})

    # --- commands ----------------------------------------------------------------------------------------------

    def receive(self, command: Message, **choices: Any) -> None:
        """Carry out a command of the client. `choices` are for a modify."""
        kind, params = command["type"], command.get("params", {})
        if kind == self.fails_next:
            self.fails_next = ""
            self._send({"err": {"error_code": "ServerError", "message": "", "incoming_message": command}})
            return
        getattr(self, f"_on_{kind}")(params, **choices)

    def _on_auth(self, params: Message) -> None:
        self._send({"authenticated": True})

    def _on_subscribe(self, params: Message) -> None:
        for channel in params["channels"]:
            self.subscribed.add(channel)
            self._send({"subscribed": channel})

    def _on_unsubscribe(self, params: Message) -> None:
        for channel in params["channels"]:
            self.subscribed.discard(channel)
            self._send({"unsubscribed": channel})

    def _on_add_order(self, params: Message) -> None:
        terms = params["client_order_id"], D(str(params["price"])), D(str(params["quantity"]))
        if terms[0].startswith("refused"):
            self.refuse(*terms)
        else:
            self.place(*terms)

    def _on_cancel_order(self, params: Message) -> None:
        self.cancel(params["order_id"])

    def _on_modify_order(self, params: Message, **choices: Any) -> None:
        self.modify(params["order_id"], D(str(params["price"])), D(str(params["quantity"])), **choices)

    def _on_get_order(self, params: Message) -> None:
        order = self.orders.get(params["order_id"])
        ended = self.styles.query_knows_ended and params["order_id"] not in self.successors
        answers = order is not None and (order.is_live or ended)
        if self.styles.query_gives_list:
            self._list([order] if order is not None and answers else [])
        elif order is not None and answers:
            self._send({"order_response": row(_as_listed(order))})
        else:
            self._no_such_order(params["order_id"])

    def _on_get_user_orders(self, params: Message) -> None:
        offset = params.get("offset") or 0
        self._list(list(self.live.values())[offset : offset + params["limit"]])

    def _list(self, orders: Sequence[Order]) -> None:
        rows = [row(_as_listed(order)) for order in orders]
        self._send({"all_orders_response": {"orders": rows, "twaps": []}})

    def _on_get_user_trades(self, params: Message) -> None:
        trades = self.trades[::-1] if self.styles.newest_first else self.trades
        wanted = params.get("order_id")
        rows = [_trade_row(trade) for trade in trades if wanted in (None, trade.order.order_id)]
        offset = params.get("offset") or 0
        self._send({"user_trades_response": rows[offset : offset + params["limit"]]})

    def history(self, inquiry: ReadHistory) -> list[Order]:
        """The finished orders that an inquiry asks for, as the REST interface has them; not what modifies left behind."""
        finished = [order for order in self.orders.values() if order.is_done]
        return [
            order
            for order in finished
            if order.order_id not in self.successors
            and (order.order_id in inquiry.order_ids or order.client_order_id == inquiry.client_order_id)
        ]


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(1_000_000 + round(seconds, 6), timezone.utc)


def _as_listed(order: Order) -> Order:
    """An order as lists and queries have it: a live one is ACK, whatever happened to it."""
    return attrs.evolve(order, status=OrderStatus.ACK) if order.is_live else order


def _trade_row(trade: Trade) -> Message:
    order = trade.order
    return {
        "trade_id": trade.trade_id, "order_id": order.order_id, "client_order_id": order.client_order_id,
        "symbol": order.symbol, "side": order.side.value, "price": str(order.price), "quantity": str(trade.quantity),
    }  # fmt: skip

"""The venue's trade gateway: what each command does to the ledger, and who is sent what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from .faults import Faults
from .ledger import Ledger, LedgerOrder
from .link import Link
from .messages import Message, Messages
from .options import Shapes

CHANNELS = ("order_responses", "fills", "positions", "balances", "stop_orders")
_PART = Decimal("0.1")


class TradeGateway:
    """Commands of the account's connections. Used under the venue's lock.

    Parameters
    ----------
    ledger : Ledger
    shapes : Shapes
    faults : Faults
    """

    def __init__(self, ledger: Ledger, shapes: Shapes, faults: Faults) -> None:
        self.links: list[Link] = []
        self.ledger = ledger
        self.shapes = shapes
        self.faults = faults
        self.messages = Messages(shapes)

    def receive(self, link: Link, request: Message) -> None:
        """Carry out a command, or answer it with an error."""
        kind, params = request["type"], request.get("params", {})
        error = self.faults.error()
        if error is None and kind != "auth" and not link.authenticated:
            error = ("PermissionDenied", "not authenticated")
        if error is not None:
            self._note(kind, params, "error")
            link.send(self.messages.error(*error, request), "replies")
            return
        handler: Callable[[Link, Message, Message], None] = getattr(self, f"_on_{kind}")
        handler(link, params, request)

    def dropped(self, link: Link) -> None:
        """Note that a connection ended, which cancels every order if that was armed."""
        if link in self.links:
            self.links.remove(link)
        if link.armed:
            link.armed = False
            for order in self.ledger.live:
                self.cancel(order)

    def _note(self, kind: str, params: Message, outcome: str) -> None:
        if kind in ("add_order", "close_position"):
            key = request_key(params["client_order_id"], params.get("price"))
            self.ledger.received[key] = outcome
        elif kind in ("modify_order", "modify_stop_order"):
            order_id = params.get("order_id") or params.get("stop_order_id")
            self.ledger.received[request_key(str(order_id), params["price"])] = outcome

    # --- sending -----------------------------------------------------------------------------------------------

    def publish(self, channel: str, message: Message, except_for: Link | None = None) -> None:
        """Send an event to all connections that subscribe to its channel."""
        for link in self.links:
            if channel in link.channels and link is not except_for:
                link.send(message, channel)
                self._repeat(link, channel, message)

    def _repeat(self, link: Link, channel: str, message: Message) -> None:
        """Send a message twice now and then: at once, or later where its time tells that it is an old one."""
        later = self.faults.duplicate()
        if later is not None:
            link.send(message, channel, late=later if later and self.shapes.update_time else None)

    def reply(self, link: Link, message: Message) -> None:
        """Send a reply that only the sender of the request gets."""
        if not self.faults.missing():
            link.send(message, "replies", late=self.faults.late())

    def pulse(self) -> None:
        """Send what is sent at regular times."""
        for symbol in self.ledger.positions:
            self.publish("positions", self.messages.position(self.ledger, symbol))
        self.publish("balances", self.messages.balance(self.ledger))

    # --- what happens to orders --------------------------------------------------------------------------------

    def accept(self, params: Message, origin: Link | str) -> LedgerOrder:
        """Accept a new order and announce it."""
        order = self.ledger.place(params, origin.name if isinstance(origin, Link) else origin)
        described = isinstance(origin, Link) and order.is_stop and self.shapes.stop_reply == "stop"
        self._announce(order, origin if described else None)
        return order

    def fill(self, order: LedgerOrder, quantity: Decimal) -> None:
        """Execute some of an order and announce it."""
        trade = self.ledger.fill(order, min(quantity, order.remaining))
        announced = [
            ("order_responses", self.messages.order(order, trade_id=trade.trade_id)),
            ("fills", self.messages.fill(trade)),
        ]
        for channel, message in reversed(announced) if self.shapes.fill_first else announced:
            self.publish(channel, message)

    def cancel(self, order: LedgerOrder, status: str = "CANCELLED", requester: Link | None = None) -> None:
        """End an order and announce it."""
        self.ledger.end(order, status)
        self._announce(order, requester)

    def _announce(self, order: LedgerOrder, requester: Link | None = None) -> None:
        """Send an order's state to everybody. The requester gets what is said of a stop in another form."""
        self.publish("order_responses", self.messages.order(order), requester)
        if not order.is_stop:
            return
        self.publish("stop_orders", self.messages.stop(order))
        if (
            requester is not None
            and self.shapes.stop_reply == "stop"
            and "stop_orders" not in requester.channels
        ):
            self.reply(requester, self.messages.stop(order))

    def modify(self, order: LedgerOrder, price: Any, quantity: Any) -> LedgerOrder:
        """Replace an order and announce it."""
        shapes = self.shapes
        if shapes.old_leg == "before" and not shapes.modify_keeps_id:
            self.publish("order_responses", self.messages.old_leg(order))
        new = self.ledger.replace(order, price, quantity, shapes.modify_keeps_id)
        message = self.messages.modified(new)
        if shapes.early_fill and self.faults.fraction() < 0.2:
            self.fill(new, self._some_of(new))
        self.publish("order_responses", message)
        if shapes.old_leg == "after" and new is not order:
            self.publish("order_responses", self.messages.old_leg(order))
        return new

    def modify_stop(self, order: LedgerOrder, params: Message, requester: Link | None = None) -> None:
        """Move a stop and announce it."""
        self.ledger.replace(order, params["price"], params["quantity"], keeps_id=True)
        self._announce(order, requester)

    def refuse(self, status: str, params: Message, known: LedgerOrder | None = None) -> None:
        """Refuse a request. Every session that subscribes to order responses gets to see it."""
        self.publish("order_responses", self.messages.refusal(status, params, known))

    def _some_of(self, order: LedgerOrder) -> Decimal:
        """All of an order, or a part of it."""
        return order.remaining if self.faults.fraction() < 0.5 else min(order.remaining, _PART)

    # --- commands of a connection ------------------------------------------------------------------------------

    def _on_auth(self, link: Link, params: Message, request: Message) -> None:
        link.authenticated = True
        if link not in self.links:
            self.links.append(link)
        link.send({"authenticated": True}, "replies")

    def _on_subscribe(self, link: Link, params: Message, request: Message) -> None:
        for channel in params["channels"]:
            link.channels.add(channel)
            self.reply(link, {"subscribed": channel})

    def _on_unsubscribe(self, link: Link, params: Message, request: Message) -> None:
        for channel in params["channels"]:
            link.channels.discard(channel)
            self.reply(link, {"unsubscribed": channel})

    def _on_cancel_on_disconnect(self, link: Link, params: Message, request: Message) -> None:
        link.armed = bool(params["cancel_on_disconnect"])
        if self.shapes.disarm_ack:
            self.reply(link, {"ack": {"incoming_message": request}})

    def _on_add_order(self, link: Link, params: Message, request: Message) -> None:
        if self.faults.refused():
            self._note("add_order", params, "refused")
            self.refuse("FAILED_MARGIN_CHECK", params)
            return
        self._note("add_order", params, "accepted")
        order = self.accept(params, link)
        if order.time_in_force != "GTC" and not order.is_stop:
            self._execute_at_once(order)

    def _execute_at_once(self, order: LedgerOrder) -> None:
        """An IOC order: filled, filled in part, or not at all."""
        outcome = self.faults.choice(3)
        if outcome == 0:
            self.fill(order, order.remaining)
            return
        if outcome == 1 and order.quantity > _PART:
            trade_only = not self.shapes.ioc_end
            self.fill(order, _PART)
            if trade_only:
                order.live = False
                order.states.pop()
                order.note("FILLED")
                return
            self.cancel(order, "IOC_PARTIALLY_FILLED")
            return
        self.cancel(order, "IOC_CANCELLED" if self.shapes.ioc_end else "CANCELLED")

    def _on_close_position(self, link: Link, params: Message, request: Message) -> None:
        position = self.ledger.positions.get(params["symbol"], Decimal(0))
        if not position:
            self._note("close_position", params, "refused")
            self.refuse("REJECTED", params)
            return
        self._note("close_position", params, "accepted")
        terms = {
            **params,
            "side": "SELL" if position > 0 else "BUY",
            "order_type": "LIMIT",
            "order_time_in_force": "IOC",
            "quantity": abs(position),
            "price": Decimal("99.8"),
            "reduce_only": True,
        }
        self._execute_at_once(self.accept(terms, link))

    def _on_modify_order(self, link: Link, params: Message, request: Message) -> None:
        order = self.ledger.orders.get(params["order_id"])
        refusal = None
        if order is None or not order.live or order.side != params["side"]:
            refusal = "CANNOT_MODIFY_NO_SUCH_ORDER"
        elif not order.may_be_modified:
            refusal = "CANNOT_MODIFY_PARTIAL_FILL"
        self._note("modify_order", params, "refused" if refusal else "accepted")
        if refusal or order is None:
            self.refuse(refusal or "", params, order)
        else:
            self.modify(order, params["price"], params["quantity"])

    def _on_cancel_order(self, link: Link, params: Message, request: Message) -> None:
        name = params["order_id"]
        if params["cancel_order_id_type"] == "client_order_id":
            named = self.ledger.named(name)
        else:
            named = [self.ledger.orders[name]] if name in self.ledger.orders else []
        live = [order for order in named if order.live]
        for order in live:
            self.cancel(order)
        if not live:
            self.refuse(self.shapes.unknown, params, named[-1] if named else None)

    def _on_cancel_all_orders(self, link: Link, params: Message, request: Message) -> None:
        for order in self.ledger.live:
            self.cancel(order)
        if self.shapes.cancel_all_ack:
            self.reply(link, {"ack": {"incoming_message": request}})

    def _on_cancel_stop_order(self, link: Link, params: Message, request: Message) -> None:
        order = self._live_stop(link, params, request)
        if order is not None:
            self.cancel(order, requester=self._confirm_stop(link, request))

    def _on_modify_stop_order(self, link: Link, params: Message, request: Message) -> None:
        order = self._live_stop(link, params, request)
        self._note("modify_stop_order", params, "error" if order is None else "accepted")
        if order is not None:
            self.modify_stop(order, params, self._confirm_stop(link, request))

    def _confirm_stop(self, link: Link, request: Message) -> Link | None:
        """Acknowledge a command about a stop, where the venue does; the connection that gets no order message then."""
        if self.shapes.stop_reply == "ack":
            self.reply(link, {"ack": {"incoming_message": request}})
        return None if self.shapes.stop_reply == "order" else link

    def _live_stop(self, link: Link, params: Message, request: Message) -> LedgerOrder | None:
        order = self.ledger.orders.get(params["stop_order_id"])
        if order is None or not order.live or not order.is_stop:
            self.reply(link, self.messages.error("InvalidParameter", "no such stop", request))
            return None
        return order

    # --- queries of a connection -------------------------------------------------------------------------------

    def _on_get_order(self, link: Link, params: Message, request: Message) -> None:
        found = self.known(params["order_id"])
        if found is None:
            self.reply(link, self.messages.unknown(params["order_id"], params["symbol"]))
        else:
            self.reply(link, self.messages.found(found))

    def known(self, name: str) -> LedgerOrder | None:
        """The order that a query finds by an id of either kind: a live one first."""
        orders = self.ledger.orders
        named = [orders[name]] if name in orders else self.ledger.named(name)
        named = [order for order in named if order.replaced_by is None]
        live = [order for order in named if order.live]
        if live or not self.shapes.query_knows_finished:
            return live[-1] if live else None
        return named[-1] if named else None

    def _on_get_user_orders(self, link: Link, params: Message, request: Message) -> None:
        symbol = params.get("symbol")
        live = [order for order in self.ledger.live if symbol in (None, order.symbol)]
        self.reply(link, self.messages.orders(_page(live, params)))

    def _on_get_user_trades(self, link: Link, params: Message, request: Message) -> None:
        order_id = params.get("order_id")
        trades = [trade for trade in self.ledger.trades if order_id in (None, trade.order.order_id)]
        offset, limit = params.get("offset") or 0, params.get("limit") or 1000
        self.reply(link, self.messages.trades(trades, offset, limit))

    def _on_get_user_leverage(self, link: Link, params: Message, request: Message) -> None:
        self.reply(link, {"user_leverage_response": []})


def request_key(named: str, price: Any) -> str:
    """What identifies a request that changes something: no two of a history use the same id and price."""
    return f"{named}@{'' if price is None else Decimal(str(price)).normalize()}"


def _page(orders: Iterable[LedgerOrder], params: Message) -> list[LedgerOrder]:
    offset, limit = params.get("offset") or 0, params.get("limit") or 1000
    return list(orders)[offset : offset + limit]

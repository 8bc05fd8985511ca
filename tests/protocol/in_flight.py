"""The requests in flight on one connection, and the messages that tests give it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal as D
from typing import Any

from qfex import Order, OrderStatus, OrderType, Side, StopOrder, TimeInForce
from qfex.protocol.command import Command, Request
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.messages import Ack
from qfex.protocol.trade.requests import Answers, ExchangeQuirks, RequestTable
from qfex.protocol.wire.codec import parse_json

AAPL = "AAPL-USD"


class InFlight:
    """The requests of one connection, and which of them a message answers.

    Parameters
    ----------
    *commands : Command
        What is sent at once, in this order.
    known : mapping, optional
        The orders that the client knows, by order id.
    quirks : ExchangeQuirks, optional
        How this exchange was seen to answer on earlier connections.
    """

    def __init__(
        self,
        *commands: Command,
        known: Mapping[str, Order] | None = None,
        quirks: ExchangeQuirks | None = None,
    ) -> None:
        self.table = RequestTable(quirks or ExchangeQuirks(), (known or {}).get, lambda: 0.0)
        self._requests: list[Request] = []
        for command in commands:
            self.send(command)

    def send(self, command: Command) -> Request:
        request = Request(command)
        self.table.add(request)
        self._requests.append(request)
        return request

    def request(self, command: Command) -> Request:
        """The request that a command was sent as."""
        return next(request for request in self._requests if request.command == command)

    def give_up(self, command: Command) -> None:
        self.table.give_up(self.request(command))

    def receive(self, message: Any) -> Answers:
        """The requests that the message answers, with what each gets."""
        return self.table.answer(message)

    def answers(self, message: Any) -> dict[Command, Any]:
        """What each command that the message answers gets."""
        return {request.command: outcome for request, outcome in self.receive(message)}

    def answer(self, message: Any) -> Any:
        """What the only command that the message answers gets."""
        ((_, outcome),) = self.receive(message)
        return outcome


# --- commands ----------------------------------------------------------------------------------------------------


def limit(client_order_id: str = "c1", price: str = "180", quantity: str = "1", **changed: Any) -> c.AddOrder:
    members = {
        "symbol": AAPL,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "reduce_only": False,
    }
    return c.AddOrder(
        quantity=D(quantity), price=D(price), client_order_id=client_order_id, **{**members, **changed}
    )


def stop(client_order_id: str = "c1", price: str = "170", quantity: str = "1", **changed: Any) -> c.AddOrder:
    return limit(client_order_id, price, quantity, order_type=OrderType.STOP_LOSS, side=Side.SELL, **changed)


def modify(order_id: str = "o1", price: str = "181", quantity: str = "2", **changed: Any) -> c.ModifyOrder:
    members: dict[str, Any] = {
        "symbol": AAPL, "side": Side.BUY, "order_type": OrderType.LIMIT, "reduce_only": False, "client_order_id": "c1",
    }  # fmt: skip
    return c.ModifyOrder(order_id=order_id, price=D(price), quantity=D(quantity), **{**members, **changed})


# --- messages ----------------------------------------------------------------------------------------------------


def order(status: str = "ACK", **changed: Any) -> Order:
    """The exchange's message about the order that `limit` placed."""
    members: dict[str, Any] = {
        "order_id": "o1", "client_order_id": "c1", "symbol": AAPL, "side": Side.BUY, "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC, "quantity": D(1), "quantity_remaining": D(1), "price": D(180),
    }  # fmt: skip
    return Order(status=OrderStatus(status), **{**members, **changed})


def modified(order_id: str = "o2", **changed: Any) -> Order:
    """The exchange's reply to `modify`."""
    status = changed.pop("status", OrderStatus.MODIFIED)
    return order(status, **{"order_id": order_id, "price": D(181), "quantity": D(2), **changed})


def stop_order(status: str = "ACK", **changed: Any) -> Order:
    """The exchange's order message about the stop that `stop` placed, its client order id blank."""
    members = {"client_order_id": "", "order_type": OrderType.STOP_LOSS, "side": Side.SELL, "price": D(170)}
    return order(status, **{"order_id": "s1", **members, **changed})


def stop_message(**changed: Any) -> StopOrder:
    """The stop channel's message about the stop that `stop` placed, its client order id blank."""
    members: dict[str, Any] = {
        "stop_order_id": "s1", "symbol": AAPL, "price": D(170), "quantity": D(1), "direction": Side.SELL,
        "stop_order_type": OrderType.STOP_LOSS, "client_order_id": "",
    }  # fmt: skip
    return StopOrder(**{**members, **changed})


def ack_of(command: Command, **changed: Any) -> Ack:
    """An acknowledgement that echoes a command, with some members of the echo changed."""
    echo = parse_json(command.encode())
    return Ack({**echo, "params": {**echo["params"], **changed}})

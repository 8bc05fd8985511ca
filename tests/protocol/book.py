"""A book of requests, messages for it, and what it says."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

from qfex import Order, OrderStatus, OrderType, Side, TimeInForce
from qfex.protocol import commands as c
from qfex.protocol.matching import Request, RequestBook

AAPL = "AAPL-USD"


class Desk:
    """One line: what was sent, and who is answered by what comes."""

    def __init__(self, *commands: c.Command) -> None:
        self.book = RequestBook()
        self._requests: list[Request] = []
        for command in commands:
            self.send(command)

    def send(self, command: c.Command, known: set[str] | None = None) -> Request:
        request = Request(command)
        if known is not None:
            request.known_before = known.__contains__
        self.book.add(request)
        self._requests.append(request)
        return request

    def request(self, command: c.Command) -> Request:
        """The request that a command was sent as."""
        return next(request for request in self._requests if request.command == command)

    def give_up(self, command: c.Command) -> None:
        self.book.give_up(self.request(command))

    def answers(self, message: Any) -> dict[c.Command, Any]:
        """What each command that the message answers gets."""
        return {request.command: outcome for request, outcome in self.book.answer(message)}

    def answer(self, message: Any) -> Any:
        """What the only command that the message answers gets."""
        ((_, outcome),) = self.book.answer(message)
        return outcome


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


def order(status: str = "ACK", **changed: Any) -> Order:
    """What the exchange says of the order that `limit` placed."""
    members: dict[str, Any] = {
        "order_id": "o1", "client_order_id": "c1", "symbol": AAPL, "side": Side.BUY, "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC, "quantity": D(1), "quantity_remaining": D(1), "price": D(180),
    }  # fmt: skip
    return Order(status=OrderStatus(status), **{**members, **changed})


def modified(order_id: str = "o2", **changed: Any) -> Order:
    """What the exchange says of a modify as `modify` sends it."""
    status = changed.pop("status", OrderStatus.MODIFIED)
    return order(status, **{"order_id": order_id, "price": D(181), "quantity": D(2), **changed})


def stop_order(status: str = "ACK", **changed: Any) -> Order:
    """What the exchange says of a stop, its client order id blank."""
    members = {"client_order_id": "", "order_type": OrderType.STOP_LOSS, "side": Side.SELL, "price": D(170)}
    return order(status, **{"order_id": "s1", **members, **changed})

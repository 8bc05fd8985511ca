"""Connections to the trade gateway without a socket: tests play the exchange."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from typing import Any

from qfex import Channel, HmacCredentials, OpenOrders, Order
from qfex.protocol.command import Command, Request
from qfex.protocol.connection import ProtocolConnection
from qfex.protocol.events import Event
from qfex.protocol.trade.connection import TradeConnection, TradeEndpoint

KEYS = HmacCredentials("qfex_pub_1&", "qfex_secret_1")
NOW = 1_000_000.0  # unix seconds


class Clock:
    """Monotonic time, which a test moves. It goes on by itself, so that no two moments are the same."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


#: The clock of all connections here.
CLOCK = Clock()


def trade_endpoint(url: str = "wss://trade.example/", **options: Any) -> TradeEndpoint:
    credentials, account_id = options.pop("credentials", KEYS), options.pop("account_id", None)
    return TradeEndpoint(url, credentials, account_id, lambda: NOW, CLOCK)


def connected(endpoint: TradeEndpoint | None = None) -> TradeConnection:
    """A connection to the endpoint, or to a new one."""
    return (endpoint or trade_endpoint()).new_connection(CLOCK)


def with_orders(*orders: Order) -> TradeConnection:
    """A connection of an account whose orders are known from an earlier one."""
    connection = connected()
    for each in orders:
        connection.account.take_order(each)
    return connection


def in_use(*orders: Order, endpoint: TradeEndpoint | None = None) -> TradeConnection:
    """A connection after login and resync, with orders that are live."""
    connection = connected(endpoint)
    connection.account.in_force.add(Channel.ORDERS)
    connection.release()
    for each in orders:
        apply(connection, each)
    return connection


def answered(command: Command, outcome: Any = None) -> tuple[Request, Any]:
    """A request that was sent just now and that a message answers, and what it gets."""
    request = Request(command)
    request.sent_at = CLOCK()
    return request, outcome


def apply(connection: TradeConnection, message: Any, *answers: tuple[Request, Any]) -> list[Event]:
    """Change the account by a message that answers some requests; the events for the user."""
    return list(connection._apply(message, answers))


def channels_and_values(events: Sequence[Event]) -> list[tuple[Any, Any]]:
    return [(event.channel, event.value) for event in events]


def sent(connection: ProtocolConnection) -> list[dict[str, Any]]:
    """What a procedure has sent since the last time, as parsed JSON."""
    messages, connection.outgoing = connection.outgoing, []
    return [json.loads(message) for message in messages]


def receive(connection: ProtocolConnection, message: Any) -> list[Event]:
    """Receive one message, which answers steps of a procedure at most; the events for the user."""
    answers, events = connection.receive(json.dumps(message).encode())
    assert answers == []
    return events


def answers_of(connection: ProtocolConnection, message: Any) -> dict[Command, Any]:
    """Receive one message; what the callers' commands that it answers get."""
    return {
        request.command: outcome for request, outcome in connection.receive(json.dumps(message).encode())[0]
    }


def orders_of(events: Sequence[Event]) -> list[Order]:
    """The orders among the events for the user."""
    return [event.value for event in events if event.channel is Channel.ORDERS]


def row(order: Order) -> dict[str, Any]:
    """An order as the wire has it."""
    moment = order.update_time
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "status": order.status.value,
        "side": order.side.value,
        "type": order.order_type.value,
        "time_in_force": order.time_in_force.value,
        "quantity": str(order.quantity),
        "quantity_remaining": str(order.quantity_remaining),
        "price": str(order.price),
        **({} if moment is None else {"update_time": moment.timestamp()}),
    }


def order_message(order: Order) -> dict[str, Any]:
    """The message about one order."""
    return {"order_response": row(order)}


def list_message(*orders: Order) -> dict[str, Any]:
    """The list of live orders."""
    return {"all_orders_response": {"orders": [row(order) for order in orders], "twaps": []}}


class ByHand:
    """A procedure that a test runs by hand: it reads the commands, and gives a result or an exception for each.

    Attributes
    ----------
    commands : sequence of Command
        What the procedure has asked last.
    asked_at : float
        When, by the clock.
    """

    def __init__(self, procedure: Generator[Sequence[Command], list[Any], Any]) -> None:
        self._procedure = procedure
        self.done = False
        self.commands: Sequence[Command] = ()
        self.asked_at = 0.0
        self._move(lambda: next(procedure))

    def answer(self, *outcomes: Any) -> Sequence[Command]:
        """Answer the commands; the commands that follow."""
        assert len(outcomes) == len(self.commands)
        error = next((outcome for outcome in outcomes if isinstance(outcome, Exception)), None)
        if error is None:
            self._move(lambda: self._procedure.send(list(outcomes)))
        else:
            self._move(lambda: self._procedure.throw(error))
        return self.commands

    def _move(self, advance: Callable[[], Sequence[Command]]) -> None:
        try:
            self.commands, self.asked_at = advance(), CLOCK()
        except StopIteration:
            self.commands, self.done = (), True


def give(connection: TradeConnection, resync: ByHand, answer: Any) -> Sequence[Command]:
    """Answer the only command of a procedure as the exchange would: the account changes first."""
    (command,) = resync.commands
    if isinstance(answer, (Order, OpenOrders)):
        request, _ = question = answered(command, answer)
        request.sent_at = resync.asked_at
        apply(connection, answer, question)
    return resync.answer(answer)

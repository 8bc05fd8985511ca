"""A session, its requests and one connection under a controlled scheduler; a worker of the scheduler plays the exchange."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from decimal import Decimal
from time import monotonic
from types import SimpleNamespace
from typing import Any

import frontrun
import msgspec
import pytest
from frontrun.common import InconclusiveExploration

from qfex import (
    ConnectionState,
    HmacCredentials,
    OrderType,
    QfexError,
    ReconnectPolicy,
    Side,
    TimeInForce,
    threads,
)
from qfex.net.frames import ConnectionEnded, SendFailed
from qfex.policies import TransportOptions
from qfex.protocol.events import Event, Policy
from qfex.protocol.trade.commands import AddOrder, GetUserOrders
from qfex.protocol.trade.connection import TradeEndpoint
from qfex.session import connection as connections
from qfex.session import events, requests, session
from qfex.session.connection import ClientConnection, PendingRequest
from qfex.session.events import EventBuffer, StreamHub
from qfex.session.reader import Reader
from qfex.session.requests import Requests
from qfex.session.session import Session
from qfex.session.streams import Stream
from qfex.threads import Deadline, Latch, WaitList

#: The tests import from here, so that the place of a module is named once.
__all__ = [
    "ClientConnection",
    "Event",
    "EventBuffer",
    "InconclusiveExploration",
    "Latch",
    "PendingRequest",
    "Policy",
    "Stream",
    "StreamHub",
    "WaitList",
    "connections",
    "session",
    "events",
]

MOST = 150  # executions of one scenario
SECONDS = 20.0  # for one scenario
NO_LIMIT = Deadline(None)
AT_ONCE = Deadline(0)


def controlled_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use locks that the scheduler controls; those of the library are implemented in C, and block all its threads."""
    for module in (session, events):
        monkeypatch.setattr(module, "Mutex", lambda: threading.Lock())
    monkeypatch.setattr(session, "ReentrantMutex", lambda: threading.RLock())
    # A new one for each wait: executions must not differ by what an earlier one left behind.
    monkeypatch.setattr(threads, "own_wake_up", EventWakeUp)
    monkeypatch.setattr(connections, "encode_frame", lambda kind, message: message)
    # Without limits of time, an answer or a wake-up that is lost shows as a deadlock.
    monkeypatch.setattr(requests, "_HAND_OVER", None)
    monkeypatch.setattr(session, "GOODBYE", None)
    monkeypatch.setattr(connections, "LATE_REPLY_GRACE", 1e6)


def explore(
    setup: Callable[[], Any],
    workers: Sequence[Callable[[Any], None]],
    invariant: Callable[[Any], bool],
) -> Any:
    """Run the workers in systematically different orders until one breaks the invariant, or the bounds are reached.

    The systematic search varies one region of a long execution first, so it is for short ones.
    """
    options = {
        "max_executions": MOST,
        "preemption_bound": 2,
        "timeout_per_run": 10.0,
        "search": "bit-reversal",
    }
    return _explored(frontrun.explore(setup, list(workers), invariant, **options, **_BOUNDS))


def sample(
    setup: Callable[[], Any],
    workers: Sequence[Callable[[Any], None]],
    invariant: Callable[[Any], bool],
) -> Any:
    """Run the workers in random orders from a fixed seed until one breaks the invariant, or the bounds are reached."""
    options = {
        "strategy": "random",
        "max_attempts": MOST,
        "max_ops": 20_000,
        "seed": 1,
        "timeout_per_run": 10.0,
    }
    return _explored(frontrun.explore(setup, list(workers), invariant, **options, **_BOUNDS))


_BOUNDS: dict[str, Any] = {
    "total_timeout": SECONDS,
    "deadlock_timeout": 5.0,
    "reproduce_on_failure": 0,
    "detect_io": False,
}


def _explored(result: Any) -> Any:
    print(f"{result.num_explored} executions")
    return result


class EventWakeUp:
    """A wake-up made of an event: a lock that its owner acquires twice would look like a deadlock to the scheduler.

    It knows no limits of time, so a wake-up that is lost is a deadlock in every execution, not a matter of speed.
    """

    in_use = False

    def __init__(self) -> None:
        self._event = threading.Event()
        self.fire = self._event.set

    def wait(self, timeout: float | None) -> None:
        self._event.wait()
        self._event.clear()


class NoLock:
    """A lock that keeps nobody out."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc_info: object) -> None:
        pass


class Wire:
    """The transport of one connection: what is written, and whether it was cut."""

    def __init__(self) -> None:
        self.answered = 0
        self.most_in_flight = 0
        self.messages: list[dict[str, Any]] = []
        self.is_cut = False
        self.changed = WaitList()

    def write(self, frames: Sequence[bytes], deadline: Deadline) -> None:
        if self.is_cut:
            raise SendFailed("the connection is over", begun=0)
        self.messages.extend(msgspec.json.decode(frame) for frame in frames)
        self.most_in_flight = max(self.most_in_flight, len(self.messages) - self.answered)
        self.changed.notify_all()

    def send_close(self, code: int = 1000, reason: str = "") -> None:
        self.abort()

    def abort(self) -> None:
        self.is_cut = True
        self.changed.notify_all()

    def release(self) -> None:
        pass


class Trading:
    """A client that is connected and the exchange at the other end.

    Attributes
    ----------
    ends : dict
        What each call ended in, by its name: results and exceptions.
    """

    def __init__(self) -> None:
        keys = HmacCredentials("qfex_pub_1", "qfex_secret_1")
        self.endpoint = TradeEndpoint("wss://trade.example/", keys, None, lambda: 1e6, monotonic)
        self.session = Session("trade", self.endpoint, ReconnectPolicy(), TransportOptions())
        self.session._reader_thread = SimpleNamespace(ident=1, is_alive=lambda: False)  # type: ignore[assignment]
        self.session.state = ConnectionState.READY
        self.requests = Requests(self.session)
        self.ends: dict[str, list[Any]] = {}
        self.wire, self.connection = self.connect()
        self.sent: Any = None
        self.first_connection, self.wires = self.connection, [self.wire]

    def connect_again(self) -> Wire:
        """Put another connection in use after the end of one, and wake those who wait for it."""
        self.wire, self.connection = self.connect()
        self.session.notify()
        return self.wire

    def connect(self) -> tuple[Wire, ClientConnection]:
        """Put a new connection in use."""
        wire = Wire()
        protocol = self.endpoint.new_connection(monotonic)
        connection = ClientConnection(wire, protocol, self.session.mutex)  # type: ignore[arg-type]
        self.session.put_in_use(connection)
        return wire, connection

    def call(self, name: str, action: Callable[[], Any]) -> None:
        """Note what a call ends in."""
        try:
            outcome = action()
        except QfexError as error:
            outcome = error
        self.ends.setdefault(name, []).append(outcome)

    def place(self, name: str, patience: Deadline = NO_LIMIT) -> None:
        """Place an order whose client order id is the name of the call."""
        self.call(name, lambda: self.requests.result(self.requests.submit(order(name), NO_LIMIT), patience))

    def list_orders(self, limit: int, patience: Deadline = NO_LIMIT) -> None:
        """Ask for the live orders, with a limit that is the call's name. Only one such request can be in flight."""
        command = GetUserOrders(limit=limit)
        self.call(
            f"list-{limit}", lambda: self.requests.result(self.requests.submit(command, NO_LIMIT), patience)
        )

    def await_sent(self, patience: Deadline = NO_LIMIT) -> None:
        """Wait for the answer to the order that `with_sent_order` sent."""
        self.call("one", lambda: self.requests.result(self.sent, patience))

    # --- the exchange, and the reader thread -------------------------------------------------------------------

    def answer(self, count: int) -> None:
        """Answer as many messages, each once it was sent, unless the connection is cut before."""
        wire = self.wire
        while wire.answered < count:
            wire.changed.wait_until(lambda: len(wire.messages) > wire.answered or wire.is_cut, NO_LIMIT)
            if wire.is_cut:
                return
            wire.answered += 1
            self.receive(reply(wire.messages[wire.answered - 1]))

    def receive(self, message: dict[str, Any]) -> None:
        """Receive a message as the reader thread does."""
        Reader(self.connection, ReconnectPolicy(), self.session)._handle(msgspec.json.encode(message), [])

    def end(self, closed: bool = False) -> None:
        """End the connection as the reader thread does."""
        self.session.put_in_use(None)
        self.connection.end(ConnectionEnded("the end", closed=closed))
        self.session.notify()


def with_sent_order() -> Trading:
    """A client whose order was sent and not answered yet: calls take most of their steps before, races come after."""
    trading = Trading()
    trading.sent = trading.requests.submit(order("one"), NO_LIMIT)
    return trading


def order(name: str) -> AddOrder:
    """An order whose client order id is the name of a call."""
    terms = ("AAPL-USD", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Decimal("0.5"), Decimal("330"))
    return AddOrder(*terms, False, name)


def reply(message: dict[str, Any]) -> dict[str, Any]:
    """What the exchange answers; a list has one order, with the name of the call."""
    params = message["params"]
    if message["type"] == "get_user_orders":
        return {"all_orders_response": {"orders": [row(f"list-{params['limit']}")], "twaps": []}}
    return {"order_response": row(params["client_order_id"])}


def row(name: str) -> dict[str, Any]:
    """A live order as the wire has it."""
    return {
        "order_id": f"id-{name}",
        "client_order_id": name,
        "symbol": "AAPL-USD",
        "status": "ACK",
        "side": "BUY",
        "type": "LIMIT",
        "time_in_force": "GTC",
        "quantity": "0.5",
        "quantity_remaining": "0.5",
        "price": "330",
    }

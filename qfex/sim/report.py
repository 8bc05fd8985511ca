"""A report on a recording: numbers of frames, latencies of replies, and the outcome of orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from typing import Any

from .arithmetic import ARITHMETIC
from .record import RecordedFrame

Message = dict[str, Any]

# The keys of the frames that can answer a command. For orders, the frame must also have one of the command's ids.
ANSWERS = {
    "auth": ("authenticated", "type:auth", "type:authenticated"),
    "subscribe": ("subscribed", "type:subscribed"),
    "unsubscribe": ("unsubscribed", "type:unsubscribed"),
    "add_order": ("order_response", "stop_order_response"),
    "close_position": ("order_response",),
    "cancel_order": ("order_response", "twap_response"),
    "modify_order": ("order_response",),
    "cancel_all_orders": ("ack", "order_response"),
    "get_order": ("order_response", "all_orders_response"),
    "get_user_orders": ("all_orders_response",),
    "get_user_trades": ("user_trades_response", "user_trades"),
    "get_user_leverage": ("user_leverage_response",),
    "get_available_leverage_levels": ("available_leverage_levels_response",),
    "set_user_leverage": ("ack", "ack_response"),
    "add_twap": ("twap_response",),
    "cancel_stop_order": ("ack", "order_response"),
    "modify_stop_order": ("ack", "order_response"),
    "cancel_on_disconnect": ("ack",),
}
IDS = ("client_order_id", "order_id", "stop_order_id", "twap_id", "client_twap_id")


@dataclass
class RecordedOrder:
    """One order: its terms, its statuses and its fills."""

    order_id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: str
    statuses: list[str] = field(default_factory=list)
    remaining: str = ""
    filled: Decimal = Decimal(0)
    notional: Decimal = Decimal(0)

    @property
    def final_status(self) -> str:
        """The last status."""
        return self.statuses[-1] if self.statuses else ""

    @property
    def average_price(self) -> Decimal | None:
        """The average price of the recorded fills."""
        return ARITHMETIC.divide(self.notional, self.filled) if self.filled else None


@dataclass
class Report:
    """The summary of a recording.

    Attributes
    ----------
    sent, received : Counter
        The number of frames by type, from the client's point of view.
    latencies : dict of str to list of float
        The seconds between each command and its first answer.
    unanswered : Counter
        The number of commands without an answer.
    orders : dict of str to RecordedOrder
        By order id.
    """

    sent: Counter[str]
    received: Counter[str]
    latencies: dict[str, list[float]]
    unanswered: Counter[str]
    orders: dict[str, RecordedOrder]

    def as_dict(self) -> Message:
        """Return the report as values that JSON can encode."""
        return {
            "sent": dict(self.sent),
            "received": dict(self.received),
            "latencies": {name: _spread(values) for name, values in self.latencies.items()},
            "unanswered": dict(self.unanswered),
            "orders": [_order_row(order) for order in self.orders.values()],
        }

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        yield f"sent {self.sent.total()} frames, received {self.received.total()}"
        for title, counts in (("sent", self.sent), ("received", self.received)):
            for name, count in counts.most_common():
                yield f"  {title:<9}{name:<32}{count:>8}"
        for name, values in self.latencies.items():
            spread = _spread(values)
            yield f"  {name:<41}median {spread['median'] * 1e3:.2f} ms, worst {spread['worst'] * 1e3:.2f} ms"
        for name, count in self.unanswered.items():
            yield f"  {name:<41}{count} unanswered"
        for row in map(_order_row, self.orders.values()):
            yield "  order " + " ".join(f"{name}={value}" for name, value in row.items())


def report(frames: Sequence[RecordedFrame]) -> Report:
    """Summarise a recording."""
    sent = Counter(kind(frame.message()) for frame in frames if frame.direction == "in")
    received = Counter(kind(frame.message()) for frame in frames if frame.direction == "out")
    latencies, unanswered = _latencies(frames)
    return Report(sent, received, latencies, unanswered, _orders(frames))


def kind(message: Message) -> str:
    """Return the kind of a frame: its type, or its first key."""
    if "type" in message:
        return str(message["type"])
    return next(iter(message), "(no object)")


def _latencies(frames: Iterable[RecordedFrame]) -> tuple[dict[str, list[float]], Counter[str]]:
    latencies: dict[str, list[float]] = {}
    waiting: dict[tuple[str, int], list[RecordedFrame]] = {}
    for frame in frames:
        asked = waiting.setdefault((frame.socket, frame.connection), [])
        message = frame.message()
        if frame.direction == "in":
            asked += [frame] if message.get("type") in ANSWERS else []
            continue
        answered = next((one for one in asked if _answers(message, one.message())), None)
        if answered is not None:
            asked.remove(answered)
            latencies.setdefault(kind(answered.message()), []).append(frame.time - answered.time)
    return latencies, Counter(kind(frame.message()) for asked in waiting.values() for frame in asked)


def _answers(reply: Message, command: Message) -> bool:
    if "err" in reply:
        return _is_echo(reply["err"].get("incoming_message"), command)
    keys = {*reply, f"type:{reply.get('type')}"}
    found = next((key for key in ANSWERS[command["type"]] if key in keys), None)
    if found is None:
        return False
    ids, payload = _ids(command), reply.get(found)
    return not ids or not isinstance(payload, dict) or found == "ack" or bool(ids & _ids(payload))


def _is_echo(echo: Any, command: Message) -> bool:
    if not isinstance(echo, dict):
        return True
    theirs, ours = _ids(echo), _ids(command)
    return echo.get("type") == command["type"] and (not ours or bool(theirs & ours))


def _ids(message: Message) -> set[str]:
    """Return the ids in a command's parameters or in a payload."""
    members = message.get("params", message)
    return {str(members[name]) for name in IDS if members.get(name)}


def _orders(frames: Iterable[RecordedFrame]) -> dict[str, RecordedOrder]:
    orders: dict[str, RecordedOrder] = {}
    for frame in frames:
        message = frame.message() if frame.direction == "out" else {}
        if isinstance(row := message.get("order_response"), dict):
            _add_status(orders, row)
        elif isinstance(row := message.get("fill_response"), dict):
            _add_fill(orders, row)
    return orders


def _add_status(orders: dict[str, RecordedOrder], row: Message) -> None:
    order = orders.setdefault(str(row.get("order_id", "")), _new_order(row))
    order.statuses.append(str(row.get("status", "")))
    order.remaining = str(row.get("quantity_remaining", ""))


def _add_fill(orders: dict[str, RecordedOrder], row: Message) -> None:
    order = orders.setdefault(str(row.get("order_id", "")), _new_order(row))
    quantity = Decimal(str(row.get("quantity", 0)))
    price = Decimal(str(row.get("price", 0)))
    order.filled = ARITHMETIC.add(order.filled, quantity)
    order.notional = ARITHMETIC.fma(quantity, price, order.notional)


def _new_order(row: Message) -> RecordedOrder:
    names = ("order_id", "client_order_id", "symbol", "side", "quantity")
    order_id, client_order_id, symbol, side, quantity = (str(row.get(name, "")) for name in names)
    return RecordedOrder(order_id, client_order_id, symbol, side, quantity)


def _spread(values: list[float]) -> dict[str, float]:
    return {"count": len(values), "median": median(values), "worst": max(values)}


def _order_row(order: RecordedOrder) -> Message:
    average = order.average_price
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "end": order.final_status,
        "remaining": order.remaining,
        "filled": str(order.filled),
        "average_price": None if average is None else str(average),
    }

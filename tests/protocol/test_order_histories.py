"""Messages about one order, in any sequence and repetition, end in the same state."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qfex import Order, OrderType, TimeInForce
from qfex.protocol.trade.orders import OrderTracker

from .in_flight import order

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
QUANTITY = D("1.000")
TERMS = [
    (OrderType.LIMIT, TimeInForce.GTC),
    (OrderType.LIMIT, TimeInForce.IOC),
    (OrderType.LIMIT, TimeInForce.FOK),
    (OrderType.MARKET, TimeInForce.IOC),
    (OrderType.ALO, TimeInForce.GTC),
    (OrderType.STOP_LOSS, TimeInForce.GTC),
]
#: Refusals of requests about an order, while it lives or after its end.
REFUSALS = [
    "CANNOT_MODIFY_PARTIAL_FILL",
    "NO_SUCH_ORDER",
    "CANNOT_MODIFY_NO_SUCH_ORDER",
    "RATE_LIMITED",
    "BAD_SYMBOL",
]


class History:
    """The exchange's messages about one order, in the sequence in which they are sent."""

    def __init__(self, kind: OrderType, tif: TimeInForce, has_times: bool) -> None:
        self.members: dict[str, Any] = {"order_type": kind, "time_in_force": tif, "quantity": QUANTITY}
        self.has_times = has_times
        self.messages: list[Order] = []

    def add(self, status: str, left: D, **changed: Any) -> None:
        moment = START + timedelta(milliseconds=len(self.messages)) if self.has_times else None
        self.messages.append(
            order(status, quantity_remaining=left, update_time=moment, **{**self.members, **changed})
        )


@st.composite
def histories(draw: st.DrawFn) -> list[Order]:
    kind, tif = draw(st.sampled_from(TERMS))
    history = History(kind, tif, draw(st.booleans()))
    history.add("ACK", QUANTITY)
    modifies = draw(st.integers(0, 3 if history.has_times else 1)) if tif is TimeInForce.GTC else 0
    for number in range(modifies):
        history.members["price"] = D(181 + number)
        history.add("MODIFIED", QUANTITY)
    left = QUANTITY
    for part in draw(st.lists(st.integers(1, 400), max_size=4)):
        left = max(D(0), left - D(part) / 1000)
        history.add("FILLED", left, trade_id=f"t{left}")
        if not left:
            return history.messages
    return end(draw, history, left)


def end(draw: st.DrawFn, history: History, left: D) -> list[Order]:
    """The history with its end: none yet, or one or two messages of the same end."""
    if history.members["time_in_force"] is TimeInForce.GTC:
        ends = draw(st.sampled_from([[], ["CANCELLED"], ["CANCELLED_STP"], ["CANCELLED_BY_ENGINE"]]))
    else:
        rest = "IOC_CANCELLED" if left == QUANTITY else "IOC_PARTIALLY_FILLED"
        ends = draw(st.sampled_from([["CANCELLED"], [rest], [rest, "CANCELLED"], ["CANCELLED", rest]]))
    for status in ends:
        blank = draw(st.booleans())
        history.add(status, left, **({"client_order_id": ""} if blank else {}))
    return history.messages


def end_state(messages: list[Order]) -> Order:
    tracker = OrderTracker()
    for message in messages:
        tracker.apply(message)
    state = tracker.get("o1")
    assert state is not None
    assert tracker.live == ({"o1": state} if state.is_live else {})
    return state


@settings(max_examples=300)
@given(histories(), st.data())
def test_any_order_and_repetition_ends_in_the_same_state(messages: list[Order], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(messages), max_size=5))
    shuffled = data.draw(st.permutations([*messages, *again]))
    assert end_state(shuffled) == end_state(messages)


@given(histories())
def test_in_sequence_the_last_message_decides_the_state(messages: list[Order]) -> None:
    state, last = end_state(messages), messages[-1]
    assert (state.quantity_remaining, state.is_done) == (last.quantity_remaining, last.is_done)
    assert state.client_order_id == "c1"


@given(histories(), st.data())
def test_refusals_of_requests_about_an_order_do_not_change_it(
    messages: list[Order], data: st.DataObject
) -> None:
    tracker = OrderTracker()
    for message in messages:
        refusal = order(data.draw(st.sampled_from(REFUSALS)), quantity=D(0), quantity_remaining=D(0))
        tracker.apply(refusal, rejects_order=data.draw(st.sampled_from([None, False])))
        tracker.apply(message)
    assert tracker.get("o1") == end_state(messages)


@given(histories())
def test_an_end_is_never_taken_back(messages: list[Order]) -> None:
    tracker = OrderTracker()
    was_done = False
    for message in [*messages, *messages]:
        state = tracker.apply(message)
        assert state is not None and state.is_done >= was_done
        was_done = state.is_done

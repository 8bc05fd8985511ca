"""Histories as the exchange tells them, in any order and as often as it likes: one and the same end."""

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
#: What a request about an order may be refused with while it lives, or after its end.
REFUSALS = [
    "CANNOT_MODIFY_PARTIAL_FILL",
    "NO_SUCH_ORDER",
    "CANNOT_MODIFY_NO_SUCH_ORDER",
    "RATE_LIMITED",
    "BAD_SYMBOL",
]


class Told:
    """Tells the life of one order as the exchange does."""

    def __init__(self, kind: OrderType, tif: TimeInForce, has_times: bool) -> None:
        self.members: dict[str, Any] = {"order_type": kind, "time_in_force": tif, "quantity": QUANTITY}
        self.has_times = has_times
        self.messages: list[Order] = []

    def tell(self, status: str, left: D, **changed: Any) -> None:
        moment = START + timedelta(milliseconds=len(self.messages)) if self.has_times else None
        self.messages.append(
            order(status, quantity_remaining=left, update_time=moment, **{**self.members, **changed})
        )


@st.composite
def histories(draw: st.DrawFn) -> list[Order]:
    kind, tif = draw(st.sampled_from(TERMS))
    told = Told(kind, tif, draw(st.booleans()))
    told.tell("ACK", QUANTITY)
    modifies = draw(st.integers(0, 3 if told.has_times else 1)) if tif is TimeInForce.GTC else 0
    for number in range(modifies):
        told.members["price"] = D(181 + number)
        told.tell("MODIFIED", QUANTITY)
    left = QUANTITY
    for part in draw(st.lists(st.integers(1, 400), max_size=4)):
        left = max(D(0), left - D(part) / 1000)
        told.tell("FILLED", left, trade_id=f"t{left}")
        if not left:
            return told.messages
    return end(draw, told, left)


def end(draw: st.DrawFn, told: Told, left: D) -> list[Order]:
    """How it ended: not yet, or with one message or two of the same end."""
    if told.members["time_in_force"] is TimeInForce.GTC:
        ends = draw(st.sampled_from([[], ["CANCELLED"], ["CANCELLED_STP"], ["CANCELLED_BY_ENGINE"]]))
    else:
        rest = "IOC_CANCELLED" if left == QUANTITY else "IOC_PARTIALLY_FILLED"
        ends = draw(st.sampled_from([["CANCELLED"], [rest], [rest, "CANCELLED"], ["CANCELLED", rest]]))
    for status in ends:
        blank = draw(st.booleans())
        told.tell(status, left, **({"client_order_id": ""} if blank else {}))
    return told.messages


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
def test_told_in_order_the_end_is_the_last_word(messages: list[Order]) -> None:
    state, last = end_state(messages), messages[-1]
    assert (state.quantity_remaining, state.is_done) == (last.quantity_remaining, last.is_done)
    assert state.client_order_id == "c1"


@given(histories(), st.data())
def test_refused_requests_in_between_change_nothing(messages: list[Order], data: st.DataObject) -> None:
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

"""Order state: the meaning of each status, the precedence of messages, and the orders that the tracker remembers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from itertools import permutations, product
from typing import Any

import pytest

from qfex import Order, OrderStatus, OrderType, Side, TimeInForce
from qfex.protocol.trade import orders
from qfex.protocol.trade.orders import OrderTracker, merge

from .in_flight import order

LIVE = {"ACK", "MODIFIED", "OPEN", "PARTIALLY_FILLED", "PARTIAL_FILL", "PARTIAL"}
CANCELLATIONS = {"CANCELLED", "CANCELLED_STP", "IOC_CANCELLED", "IOC_PARTIALLY_FILLED", "EXPIRED"}
NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


# --- statuses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", list(OrderStatus))
def test_every_status_is_of_one_kind(status: OrderStatus) -> None:
    kinds = [status.value in LIVE, status is OrderStatus.FILLED, status.is_cancellation, status.is_rejection]
    assert kinds.count(True) == 1
    assert status.is_cancellation == (status.value in CANCELLATIONS)
    assert status.is_terminal == (status.is_cancellation or status.is_rejection)


#: Every status that the exchange documents, or was seen to send.
DOCUMENTED = """
ACK MODIFIED FILLED IOC_PARTIALLY_FILLED IOC_CANCELLED CANCELLED CANCELLED_STP REJECTED NO_SUCH_ORDER
CANNOT_MODIFY_NO_SUCH_ORDER CANNOT_MODIFY_PARTIAL_FILL CANNOT_MODIFY_ALO_WOULD_CROSS INVALID_ORDER_TYPE BAD_SYMBOL
INVALID_TIME_IN_FORCE PRICE_LESS_THAN_MIN_PRICE PRICE_GREATER_THAN_MAX_PRICE REJECTED_LESS_THAN_MIN_PRICE_BAND
REJECTED_GREATER_THAN_MAX_PRICE_BAND INVALID_TICK_SIZE_PRECISION_PRICE INVALID_TICK_SIZE_PRECISION_QUANTITY
QUANTITY_LESS_THAN_MIN_QUANTITY QUANTITY_GREATER_THAN_MAX_QUANTITY FAILED_MARGIN_CHECK
REJECTED_WOULD_BREACH_MAX_NOTIONAL REJECTED_WOULD_BREACH_MAX_POSITION REJECTED_LESS_THAN_MIN_NOTIONAL
REJECTED_MARKET_CLOSED REJECTED_FAILED_TO_PROCESS INVALID_TAKEPROFIT_PRICE INVALID_STOPLOSS_PRICE
INVALID_TAKE_PROFIT_PRICE INVALID_STOP_LOSS_PRICE RATE_LIMITED REJECTED_TOO_MANY_OPEN_ORDERS
REJECTED_OPEN_INTEREST_LIMIT REJECTED_TOTAL_OPEN_INTEREST_LIMIT USER_IN_LIQUIDATION PERMISSION_DENIED
"""


def test_every_documented_status_is_known() -> None:
    assert [name for name in DOCUMENTED.split() if not OrderStatus(name).is_known] == []


@pytest.mark.parametrize(
    "name, rejection, cancellation",
    [
        ("REJECTED_FOR_FUN", True, False),
        ("INVALID_COLOUR", True, False),
        ("CANNOT_CANCEL_NOW", True, False),
        ("PRICE_TOO_ODD", True, False),
        ("QUANTITY_TOO_ODD", True, False),
        ("NO_SUCH_SYMBOL", True, False),
        ("RATE_TOO_HIGH", True, False),
        ("USER_IN_REVIEW", True, False),
        ("PERMISSION_EXPIRED", True, False),
        ("CANCELLED_BY_ENGINE", False, True),
        ("AUTO_CANCEL", False, True),
        ("PENDING_REVIEW", False, False),
        ("", False, False),
    ],
)
def test_an_unknown_status_is_classified_by_its_words(name: str, rejection: bool, cancellation: bool) -> None:
    status = OrderStatus(name)
    assert (status.is_rejection, status.is_cancellation) == (rejection, cancellation)
    assert status.is_terminal == (rejection or cancellation)


@pytest.mark.parametrize("kind, tif", list(product(OrderType, TimeInForce)))
def test_a_partial_fill_ends_an_order_that_may_not_rest(kind: OrderType, tif: TimeInForce) -> None:
    partly = order("FILLED", order_type=kind, time_in_force=tif, quantity_remaining=D("0.5"))
    # A stop is executed as a market order, whatever its time in force.
    rests = tif is TimeInForce.GTC and kind in (OrderType.LIMIT, OrderType.ALO)
    assert partly.is_live == rests and partly.is_done != rests
    assert order("FILLED", order_type=kind, time_in_force=tif, quantity_remaining=D(0)).is_done


@pytest.mark.parametrize("status", list(OrderStatus))
def test_only_a_terminal_status_ends_a_resting_order(status: OrderStatus) -> None:
    assert order(status.value).is_done == status.is_terminal


# --- precedence --------------------------------------------------------------------------------------------------

#: From the lowest to the highest rank. Between live states with equal fills the exchange's clock decides, then the word.
LADDER = [
    order("ACK", update_time=at(8)),
    order("MODIFIED", quantity=D(2), quantity_remaining=D(2), update_time=at(8)),
    order("ACK", price=D(182), update_time=at(9)),
    order("FILLED", quantity_remaining=D("0.9"), update_time=at(7)),
    order("FILLED", quantity_remaining=D("0.5"), update_time=at(6)),
    order("CANCELLED", quantity_remaining=D("0.5"), update_time=at(5)),
    order("FILLED", quantity_remaining=D(0), update_time=at(4)),
]


def test_of_two_updates_the_same_one_wins_in_either_sequence() -> None:
    for weaker, stronger in (
        (LADDER[i], LADDER[j]) for i in range(len(LADDER)) for j in range(i + 1, len(LADDER))
    ):
        assert merge(weaker, stronger) == merge(stronger, weaker) == stronger


def test_every_sequence_of_arrival_ends_in_the_same_state() -> None:
    for messages in permutations(LADDER):
        tracker = OrderTracker()
        for message in messages:
            tracker.apply(message)
        assert tracker.get("o1") == LADDER[-1] and tracker.live == {}


NO_REFUSALS = [each.value for each in OrderStatus if not each.is_rejection]
STATES = [
    order(status, quantity_remaining=D(left), time_in_force=tif, update_time=at(number))
    for number, (status, left, tif) in enumerate(
        product(NO_REFUSALS, ("1", "0.4", "0"), (TimeInForce.GTC, TimeInForce.IOC))
    )
]


def test_two_updates_merge_to_the_same_state_in_both_sequences_and_an_end_is_final() -> None:
    for one, other in product(STATES, STATES):
        merged = merge(one, other)
        assert merged == merge(other, one)
        assert merged.is_done == (one.is_done or other.is_done)
        assert merge(merged, one) == merge(merged, other) == merged


def test_two_updates_without_times_merge_to_the_same_state_in_both_sequences() -> None:
    timeless = [order(each.status.value, quantity_remaining=each.quantity_remaining) for each in STATES]
    for one, other in product(timeless, timeless):
        assert merge(one, other) == merge(other, one)


def test_a_later_message_without_a_client_order_id_keeps_it() -> None:
    tracker = OrderTracker()
    tracker.apply(order("ACK"))
    assert tracker.apply(order("CANCELLED", client_order_id="")).client_order_id == "c1"  # type: ignore[union-attr]
    late = OrderTracker()
    late.apply(order("CANCELLED", client_order_id=""))
    assert late.apply(order("ACK")).client_order_id == "c1"  # type: ignore[union-attr]


def test_a_partly_filled_order_that_is_listed_as_acknowledged_stays_partly_filled() -> None:
    partly, listed = order("FILLED", quantity_remaining=D("0.4")), order("ACK", quantity_remaining=D("0.4"))
    assert merge(partly, listed) == merge(listed, partly) == partly


def test_a_reduce_only_order_stays_reduce_only() -> None:
    for messages in (
        (order(reduce_only=True), order("CANCELLED")),
        (order("CANCELLED"), order(reduce_only=True)),
    ):
        assert track(*messages).get("o1") == order("CANCELLED", reduce_only=True)


# --- the tracker -------------------------------------------------------------------------------------------------


def track(*updates: Order, **flags: Any) -> OrderTracker:
    tracker = OrderTracker()
    for update in updates:
        tracker.apply(update, **flags)
    return tracker


def test_live_orders_are_kept_apart_from_finished_ones() -> None:
    tracker = track(order(), order(order_id="o2"), order("CANCELLED", order_id="o2"))
    assert list(tracker.live) == ["o1"] == list(tracker.live_ids())
    assert "o1" in tracker and "o2" in tracker and "o3" not in tracker
    assert tracker.get("o2").is_done and tracker.get("o3") is None  # type: ignore[union-attr]
    tracker.live.clear()
    assert list(tracker.live) == ["o1"]


REFUSALS = [each for each in OrderStatus if each.is_rejection]


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refused_cancel_or_modify_leaves_the_order_alone(status: OrderStatus) -> None:
    tracker = track(order())
    assert tracker.apply(order(status.value), rejects_order=False) == order()
    assert tracker.live == {"o1": order()}


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refused_order_is_done(status: OrderStatus) -> None:
    refused = track(order(status.value), rejects_order=True).get("o1")
    assert refused is not None and refused.is_done


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_that_answers_no_request_ends_no_order(status: OrderStatus) -> None:
    """It may be the refusal of another session's request about the order."""
    tracker = track(order())
    assert tracker.apply(order(status.value)) == order()
    assert tracker.live == {"o1": order()}
    assert track(order(status.value)).get("o1") is None  # of an unknown order nothing is learnt


def test_a_replaced_order_is_followed_to_its_new_id() -> None:
    tracker = track(order())
    new = order("MODIFIED", order_id="o2")
    tracker.replace("o1", new)
    tracker.apply(new)
    newer = order("MODIFIED", order_id="o3")
    tracker.replace("o2", newer)
    tracker.apply(newer)
    assert tracker.current_id("o1") == "o3" and list(tracker.live) == ["o3"]
    assert tracker.get("o1") == tracker.get("o2") == newer
    assert "o1" in tracker


def test_late_messages_under_a_replaced_id_change_nothing() -> None:
    tracker = track(order())
    new = order("MODIFIED", order_id="o2")
    tracker.replace("o1", new)
    tracker.apply(new)
    for late in (order("ACK"), order("CANCELLED"), order("FILLED", quantity_remaining=D("0.5"))):
        tracker.apply(late)
    assert list(tracker.live) == ["o2"] and tracker.get("o1") == new


def test_a_modify_that_keeps_the_id_replaces_nothing() -> None:
    tracker = track(order())
    tracker.replace("o1", order("MODIFIED"))
    tracker.apply(order("MODIFIED"))
    assert tracker.live == {"o1": order("MODIFIED")}


def test_replacements_in_a_circle_end() -> None:
    tracker = track(order())
    tracker.replace("o1", order("MODIFIED", order_id="o2"))
    tracker.replace("o2", order("MODIFIED", order_id="o1"))
    assert tracker.current_id("o1") in ("o1", "o2")


# --- modifies of other sessions ----------------------------------------------------------------------------------


def test_a_modify_of_another_session_is_recognised_if_only_one_order_matches() -> None:
    new = order("MODIFIED", order_id="o2")
    assert track(order()).replaced_by(new) == "o1"
    assert track(order(), order(order_id="o9")).replaced_by(new) is None  # two orders match
    assert track(order(client_order_id="c2")).replaced_by(new) is None
    assert track(order(symbol="GOLD-USD")).replaced_by(new) is None
    assert track(order(side=Side.SELL)).replaced_by(new) is None
    assert track(order(), new).replaced_by(new) is None  # nothing new
    nameless = order("MODIFIED", order_id="o2", client_order_id="")
    assert track(order(client_order_id="")).replaced_by(nameless) is None


def test_a_modify_that_was_followed_already_replaces_no_second_order() -> None:
    tracker, new = track(order()), order("MODIFIED", order_id="o2")
    tracker.replace("o1", new)
    tracker.apply(new)
    tracker.apply(order(order_id="o3"))  # another order with the same client order id
    assert tracker.replaced_by(order("MODIFIED", order_id="o2", price=D(190))) is None


def test_a_replacement_that_was_filled_before_the_modify_is_reported_is_still_one() -> None:
    """A filled order cannot be modified, so the message reports an earlier modify."""
    filled = order("FILLED", order_id="o2", quantity_remaining=D(0))
    tracker = track(order(), filled)
    assert tracker.replaced_by(order("MODIFIED", order_id="o2")) == "o1"


@pytest.mark.parametrize("seconds, is_replaced", [(0.0, True), (2.9, True), (3.1, False)])
def test_an_order_that_was_cancelled_a_moment_ago_may_be_the_one_that_was_replaced(
    seconds: float, is_replaced: bool
) -> None:
    """An exchange may carry out a modify as cancel and replace, and report the cancel first."""
    now = 100.0
    tracker = OrderTracker(lambda: now)
    tracker.apply(order("CANCELLED"))
    now += seconds
    assert tracker.replaced_by(order("MODIFIED", order_id="o2")) == ("o1" if is_replaced else None)


def test_an_order_that_traded_or_ended_otherwise_was_not_cancelled_by_a_modify() -> None:
    new = order("MODIFIED", order_id="o2")
    for ended in (
        order("CANCELLED", quantity_remaining=D("0.5")),
        order("FILLED", quantity_remaining=D(0)),
        order("CANCELLED", client_order_id="c2"),
    ):
        tracker = OrderTracker(lambda: 100.0)
        tracker.apply(ended)
        assert tracker.replaced_by(new) is None


def test_only_a_list_tells_whether_a_live_order_was_modified_or_one_that_was_cancelled_a_moment_ago() -> None:
    tracker = OrderTracker(lambda: 100.0)
    tracker.apply(order("CANCELLED", order_id="o0"))
    tracker.apply(order())
    tracker.apply(modified := order("MODIFIED", order_id="o2"))
    assert tracker.replaced_by(modified) is None
    tracker.note_unlinked("o2")
    tracker.apply(order(), asked_at=101.0)
    assert list(tracker.linked()) == [("o0", modified)]


# --- ends that the exchange did not state ------------------------------------------------------------------------


def test_an_order_that_is_presumed_to_have_ended_is_done() -> None:
    tracker, ended = track(order()), order("NO_SUCH_ORDER")
    tracker.presume_ended(ended)
    assert tracker.live == {} and tracker.get("o1") == ended and ended.is_done


@pytest.mark.parametrize(
    "word", [order("ACK"), order("MODIFIED", price=D(181)), order("FILLED", quantity_remaining=D("0.5"))]
)
def test_any_later_word_that_it_is_live_revives_an_order_that_was_presumed_to_have_ended(word: Order) -> None:
    tracker = track(order(reduce_only=True))
    tracker.presume_ended(order("NO_SUCH_ORDER"))
    revived = tracker.apply(word)
    assert revived is not None and revived.is_live and tracker.live == {"o1": revived}
    assert revived.client_order_id == "c1"
    tracker.apply(order("CANCELLED"))
    assert tracker.apply(order("ACK")).status is OrderStatus.CANCELLED  # type: ignore[union-attr]


def test_a_late_message_says_how_an_order_ended_that_was_presumed_to_have_ended() -> None:
    tracker = track(order())
    tracker.presume_ended(order("NO_SUCH_ORDER"))
    filled = order("FILLED", quantity_remaining=D(0))
    assert tracker.apply(filled) == filled
    assert tracker.apply(order("ACK")) == filled  # the exchange has stated it now


def test_an_end_that_the_exchange_stated_is_not_taken_back_by_a_direct_answer() -> None:
    tracker = track(order("CANCELLED"))
    assert tracker.apply(order("ACK"), asked_at=1e9).status is OrderStatus.CANCELLED  # type: ignore[union-attr]


# --- direct answers ----------------------------------------------------------------------------------------------


def answered_after(known: Order, answer: Order) -> Order:
    """The state of an order after the answer to a list or a query that was sent after the last word about it."""
    tracker = OrderTracker(lambda: 10.0)
    tracker.apply(known)
    state = tracker.apply(answer, asked_at=11.0)
    assert state is not None and tracker.get("o1") == state
    return state


def test_of_two_live_states_the_later_by_the_exchanges_clock_is_the_newer() -> None:
    older = order("MODIFIED", price=D(181), update_time=at(1))
    newer = order("ACK", price=D(182), update_time=at(2))
    assert merge(older, newer) == merge(newer, older) == newer


@pytest.mark.parametrize("moment", [None, at(1)])
def test_a_direct_answer_with_other_numbers_outranks_an_older_word(moment: datetime | None) -> None:
    """Another session has modified the order; lists and queries call it ACK."""
    known = order("MODIFIED", price=D(181), quantity=D(3), quantity_remaining=D(3), update_time=moment)
    answer = order("ACK", price=D(182), quantity=D(2), quantity_remaining=D(2), update_time=moment)
    assert answered_after(known, answer) == answer


def test_a_direct_answer_with_the_same_numbers_changes_no_word() -> None:
    """A list calls every live order ACK, also one that is partly filled or was modified."""
    for known in (order("MODIFIED"), order("FILLED", quantity_remaining=D("0.4"))):
        listed = order("ACK", quantity_remaining=known.quantity_remaining)
        assert answered_after(known, listed) == known


def test_a_direct_answer_that_was_overtaken_changes_nothing() -> None:
    partly = order("FILLED", quantity_remaining=D("0.4"))
    assert answered_after(partly, order("ACK")) == partly  # a fill happened since
    later = order("MODIFIED", price=D(181), update_time=at(2))
    assert answered_after(later, order("ACK", update_time=at(1))) == later


def test_a_direct_answer_that_was_asked_for_before_the_last_word_has_no_precedence() -> None:
    tracker, now = OrderTracker(lambda: 10.0), order("MODIFIED", price=D(181))
    tracker.apply(now)
    assert tracker.apply(order("ACK"), asked_at=9.0) == now


def test_a_direct_answer_ends_an_order() -> None:
    for end in (order("CANCELLED"), order("FILLED", quantity_remaining=D(0))):
        assert answered_after(order("MODIFIED", price=D(181), update_time=at(2)), end) == end


def test_a_direct_answer_keeps_what_it_leaves_out() -> None:
    known = order("MODIFIED", reduce_only=True)
    state = answered_after(known, order("ACK", price=D(182), client_order_id=""))
    assert (state.client_order_id, state.reduce_only, state.price) == ("c1", True, 182)


# --- ids that name no order --------------------------------------------------------------------------------------

NIL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("blank", ["", NIL])
@pytest.mark.parametrize("rejects", [True, False, None])
def test_an_order_id_that_names_no_order_is_never_stored(blank: str, rejects: bool | None) -> None:
    tracker = OrderTracker()
    for status in ("REJECTED", "NO_SUCH_ORDER", "ACK"):
        assert tracker.apply(order(status, order_id=blank), rejects_order=rejects) is None
    assert tracker.live == {} and blank not in tracker and tracker.get(blank) is None
    assert not tracker.has_seen("c1")


@pytest.mark.parametrize("order_id, blank", [("", True), (NIL, True), ("o1", False), (NIL[:-1] + "1", False)])
def test_empty_and_nil_ids_are_blank(order_id: str, blank: bool) -> None:
    assert orders.is_blank(order_id) == blank


# --- memory ------------------------------------------------------------------------------------------------------


def test_the_memory_of_finished_orders_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_KEPT", 3)
    tracker = track(*(order("CANCELLED", order_id=f"o{number}") for number in range(5)))
    assert [f"o{number}" in tracker for number in range(5)] == [False, False, True, True, True]
    for number in range(5):
        tracker.replace(f"a{number}", order(order_id=f"b{number}"))
    assert ["a1" in tracker, "a2" in tracker] == [False, True]

"""Which messages answer a new order, a modify or a stop, and which do not."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import attrs
import pytest

from qfex import ErrorCode, InvalidOrder, OpenOrders, Order, OrderRejected, OrderStatus, OrderType, Side
from qfex.protocol.command import Command
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.messages import Ack, Subscribed, decode
from qfex.protocol.wire.failures import Failure

from . import recorded
from .in_flight import AAPL, InFlight, limit, modified, modify, order, stop, stop_message, stop_order

LIVE_OR_DONE = [
    "ACK",
    "FILLED",
    "IOC_PARTIALLY_FILLED",
    "IOC_CANCELLED",
    "CANCELLED",
    "CANCELLED_STP",
    "SOMETHING_NEW",
]
REFUSALS = [each.value for each in OrderStatus if each.is_rejection]


# --- new orders --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", LIVE_OR_DONE)
def test_the_first_message_of_its_client_order_id_answers_an_order(status: str) -> None:
    in_flight = InFlight(limit())
    assert in_flight.answer(order(status)) == order(status)
    assert len(in_flight.table) == 0 and in_flight.answers(order("FILLED")) == {}


@pytest.mark.parametrize("status", REFUSALS)
def test_every_rejection_raises(status: str) -> None:
    refused = InFlight(limit()).answer(order(status))
    assert isinstance(refused, OrderRejected)
    assert refused.status is OrderStatus(status) and refused.order == order(status)


def test_an_order_is_answered_by_its_own_message_only() -> None:
    in_flight = InFlight(*(limit(f"c{number}") for number in range(5)))
    answered = in_flight.answers(order(client_order_id="c3", order_id="o3"))
    assert list(answered) == [limit("c3")]
    assert len(in_flight.table) == 4


def test_members_that_a_reply_leaves_out_are_taken_from_the_command() -> None:
    assert InFlight(limit(reduce_only=True)).answer(order()) == order(reduce_only=True)
    assert InFlight(stop("mine")).answer(stop_order()).client_order_id == "mine"
    assert InFlight(modify(reduce_only=True)).answer(modified(client_order_id="")) == modified(
        reduce_only=True
    )
    assert InFlight(c.ClosePosition(AAPL, "c1")).answer(order()).reduce_only


@pytest.mark.parametrize("changed", [{"client_order_id": "of-another-session"}, {"client_order_id": ""}])
def test_messages_of_other_sessions_answer_nobody(changed: dict[str, Any]) -> None:
    assert InFlight(limit()).answers(order(**changed)) == {}


def test_an_update_of_an_older_order_with_the_same_client_id_is_no_answer() -> None:
    in_flight = InFlight(limit(), known={"old": order(order_id="old")})
    assert in_flight.answers(order("FILLED", order_id="old")) == {}
    assert in_flight.answer(order(order_id="new")).order_id == "new"


def test_two_orders_under_one_client_id_are_answered_one_after_the_other() -> None:
    first, second = limit(price="180"), limit(price="181")
    in_flight = InFlight(first, second)
    assert list(in_flight.answers(order(order_id="a"))) == [first]
    assert list(in_flight.answers(order(order_id="b"))) == [second]


@pytest.mark.parametrize("command", [limit(), c.ClosePosition(AAPL, "c1")])
def test_an_order_that_is_listed_as_live_was_placed(command: Command) -> None:
    in_flight = InFlight(command)
    assert in_flight.answers(OpenOrders([order(client_order_id="other")])) == {}
    assert in_flight.answer(OpenOrders([order(client_order_id="other"), order()])) == order()


def test_an_older_order_with_the_same_client_id_is_not_taken_from_a_list() -> None:
    in_flight = InFlight(limit(), known={"old": order(order_id="old")})
    assert in_flight.answers(OpenOrders([order(order_id="old")])) == {}
    assert in_flight.answer(OpenOrders([order(order_id="old"), order(order_id="new")])).order_id == "new"


@pytest.mark.parametrize("status", LIVE_OR_DONE)
def test_a_close_is_answered_by_its_order(status: str) -> None:
    assert InFlight(c.ClosePosition(AAPL, "c1")).answer(order(status, side=Side.SELL)).side is Side.SELL


def test_a_close_is_not_answered_by_another_order_of_the_symbol() -> None:
    assert InFlight(c.ClosePosition(AAPL, "c1")).answers(order(client_order_id="")) == {}


@pytest.mark.parametrize(
    "message",
    [Ack(None), Subscribed("order_responses"), Failure(ErrorCode.INVALID_ORDER, "no echo")],
)
def test_a_message_that_names_no_order_answers_no_order(message: Any) -> None:
    assert InFlight(limit()).answers(message) == {}


# --- stops -------------------------------------------------------------------------------------------------------


def test_a_stop_is_recognised_by_its_terms_where_its_client_order_id_is_blank() -> None:
    in_flight = InFlight(stop())
    for other in ({"price": D(171)}, {"quantity": D(2)}, {"side": Side.BUY}, {"symbol": "GOLD-USD"},
                  {"order_type": OrderType.TAKE_PROFIT}, {"order_type": OrderType.LIMIT}):  # fmt: skip
        assert in_flight.answers(stop_order(**other)) == {}
    assert in_flight.answer(stop_order()).order_id == "s1"


def test_a_stop_of_another_session_with_the_same_terms_is_recognised_by_its_client_order_id() -> None:
    in_flight = InFlight(stop())
    assert in_flight.answers(stop_order(client_order_id="c2")) == {}
    assert in_flight.answer(stop_order(client_order_id="c1")).client_order_id == "c1"


def test_an_older_stop_of_the_same_terms_is_no_answer() -> None:
    in_flight = InFlight(stop(), known={"s1": stop_order()})
    assert in_flight.answers(stop_order("CANCELLED")) == {}
    assert in_flight.answer(stop_order(order_id="s2")).order_id == "s2"


def test_a_limit_order_is_not_recognised_by_its_terms() -> None:
    assert InFlight(limit()).answers(order(client_order_id="")) == {}


def test_the_refusal_of_a_stop_raises() -> None:
    refused = InFlight(stop()).answer(stop_order("REJECTED"))
    assert isinstance(refused, OrderRejected) and refused.status is OrderStatus.REJECTED


def test_a_stop_may_be_answered_by_the_message_of_the_stop_channel() -> None:
    placed = InFlight(stop()).answer(stop_message(client_order_id="c1"))
    assert isinstance(placed, Order)
    assert (placed.order_id, placed.client_order_id, placed.status) == ("s1", "c1", OrderStatus.ACK)
    assert (placed.order_type, placed.side, placed.price) == (OrderType.STOP_LOSS, Side.SELL, 170)
    assert placed.is_live
    assert InFlight(stop()).answer(stop_message(client_order_id=None)).order_id == "s1"


def test_an_older_stop_is_not_taken_from_the_stop_channel() -> None:
    in_flight = InFlight(stop(), known={"s1": stop_order()})
    assert in_flight.answers(stop_message()) == {}
    assert in_flight.answer(stop_message(stop_order_id="s2")).order_id == "s2"


def test_a_limit_order_is_not_answered_by_a_stop() -> None:
    assert InFlight(limit()).answers(stop_message(client_order_id="c1")) == {}


def test_a_stop_is_not_answered_by_another_stop() -> None:
    in_flight = InFlight(stop())
    assert in_flight.answers(stop_message(client_order_id="c2")) == {}
    assert in_flight.answers(stop_message(client_order_id=None, price=D(171))) == {}


# --- modify ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        modified("o2"),  # as production does: a new id
        modified("o1"),  # as documented: the same id
        modified("o2", client_order_id=""),
        modified("o1", client_order_id=""),
    ],
)
def test_the_new_terms_answer_a_modify(message: Order) -> None:
    assert InFlight(modify()).answer(message) == attrs.evolve(message, client_order_id="c1")


@pytest.mark.parametrize(
    "message",
    [
        modified("o1", price=D(180)),  # an older modify of this order
        modified("o2", quantity=D(3)),
        modified("o2", client_order_id="c2"),  # the same terms, another order
        modified("o2", client_order_id="", side=Side.SELL),
        modified("o2", client_order_id="", symbol="GOLD-USD"),
        order("ACK", price=D(181), quantity=D(2)),
        order("FILLED", quantity_remaining=D(0)),
        order("FILLED", price=D(181), quantity=D(2), quantity_remaining=D(1)),
        order("CANCELLED"),
        order("CANNOT_MODIFY_NO_SUCH_ORDER", order_id="o9"),
        order("CANNOT_MODIFY_NO_SUCH_ORDER", order_id="", client_order_id="c2"),
    ],
)
def test_messages_that_do_not_answer_a_modify(message: Order) -> None:
    in_flight = InFlight(modify())
    assert in_flight.answers(message) == {}
    assert in_flight.answer(modified("o2")).order_id == "o2"


def test_an_order_that_was_known_before_is_no_replacement() -> None:
    in_flight = InFlight(modify(), known={"o2": order(order_id="o2")})
    assert in_flight.answers(modified("o2")) == {}
    assert in_flight.answer(modified("o3")).order_id == "o3"


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize(
    "names", [{"order_id": "o1"}, {"order_id": "o1", "client_order_id": ""}, {"order_id": ""}]
)
def test_every_refusal_of_this_order_raises(status: str, names: dict[str, Any]) -> None:
    refused = InFlight(modify()).answer(order(status, **names))
    assert isinstance(refused, OrderRejected) and refused.status is OrderStatus(status)


def test_each_of_two_modifies_gets_its_own_answer() -> None:
    one, other = modify("o1"), modify("o9", client_order_id="c9")
    in_flight = InFlight(one, other)
    assert list(in_flight.answers(modified("o10", client_order_id="c9"))) == [other]
    assert list(in_flight.answers(modified("o2"))) == [one]


def test_a_modify_and_a_cancel_of_one_order_get_their_own_answers() -> None:
    cancel = c.CancelOrder(AAPL, "o1")
    in_flight = InFlight(modify(), cancel)
    assert list(in_flight.answers(order("CANNOT_MODIFY_PARTIAL_FILL"))) == [modify()]
    assert list(in_flight.answers(order("CANCELLED"))) == [cancel]


# --- errors ------------------------------------------------------------------------------------------------------


def failure(echo: Any) -> Failure:
    return Failure(ErrorCode.INVALID_ORDER, "no", echo)


def test_an_error_fails_the_request_that_it_echoes() -> None:
    in_flight = InFlight(limit("c1"), limit("c2"), modify(), c.CancelOrder(AAPL, "o1"))
    refused = in_flight.answers(
        failure({"type": "add_order", "params": {"client_order_id": "c2", "quantity": D("1.0")}})
    )
    assert list(refused) == [limit("c2")]
    assert isinstance(refused[limit("c2")], InvalidOrder)
    assert list(in_flight.answers(failure({"type": "cancel_order", "params": {"order_id": "o1"}}))) == [
        c.CancelOrder(AAPL, "o1")
    ]
    assert len(in_flight.table) == 2


@pytest.mark.parametrize(
    "echo", [None, {}, "nonsense", {"type": "add_order", "params": {"client_order_id": "c9"}}]
)
def test_an_error_without_a_known_echo_fails_nobody(echo: Any) -> None:
    in_flight = InFlight(limit(), modify(), c.CancelAllOrders())
    assert in_flight.answers(failure(echo)) == {}
    assert len(in_flight.table) == 3


def test_an_echo_that_is_not_json_finds_its_request_by_id_if_only_one_matches() -> None:
    text = '{"type":"add_order","params":{"client_order_id":"c1", oops'
    assert list(InFlight(limit("c1"), limit("c2")).answers(failure(text))) == [limit("c1")]
    assert InFlight(limit("c1"), limit("c1", price="181")).answers(failure(text)) == {}


def test_a_recorded_error_finds_its_order() -> None:
    (message,) = decode(recorded.ERR.encode())
    mine = limit("my-client-oid", quantity="10")
    assert list(InFlight(limit("c1"), mine).answers(message)) == [mine]

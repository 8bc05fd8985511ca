"""Modifying and cancelling resting orders, by every kind of id."""

from __future__ import annotations

from typing import Any

import pytest

from qfex import (
    ApiError,
    CancelIdType,
    Channel,
    Order,
    OrderRejected,
    OrderStatus,
    OrderType,
    TradeClient,
    Twap,
)
from qfex.sim import Simulator
from tests.support.helpers import AAPL, GOLD, Connect, D, fence, sent, until

# --- modify ------------------------------------------------------------------------------------------------------


def test_what_is_not_given_keeps_its_value(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330, take_profit=350, stop_loss=320, client_order_id="mine")
    dearer = client.modify_order(order, price="331.5")
    assert (dearer.price, dearer.quantity, dearer.status) == (D("331.5"), 2, OrderStatus.MODIFIED)
    assert (dearer.take_profit, dearer.stop_loss) == (350, 320)
    smaller = client.modify_order(dearer, quantity=1, take_profit="351")
    assert (smaller.price, smaller.quantity, smaller.take_profit, smaller.stop_loss) == (
        D("331.5"),
        1,
        351,
        320,
    )
    first, second = sent(sim, "modify_order")
    assert (first["quantity"], first["take_profit"], first["stop_loss"]) == (2, 350, 320)
    assert (first["order_type"], first["side"], first["reduce_only"]) == ("LIMIT", "BUY", False)
    assert second["price"] == 331.5 and second["order_id"] == dearer.order_id


def test_a_modified_order_is_the_only_one_that_is_open(client: TradeClient, dialect: str) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    modified = client.modify_order(order, price=331)
    assert (modified.order_id == order.order_id) == (dialect == "documented")
    assert client.open_orders == {modified.order_id: modified}
    assert [each.order_id for each in client.get_user_orders().orders] == [modified.order_id]


def test_an_order_is_followed_through_its_new_ids(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    for price in (331, 332, 333):
        client.modify_order(order, price=price)  # the first id, and the newest terms
    last = client.modify_order(order.order_id, quantity=1)
    assert (last.price, last.quantity) == (333, 1)
    assert client.cancel_order(order).order_id == last.order_id


def test_a_client_order_id_survives_a_modify(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330, client_order_id="mine")
    client.modify_order(order, price=331)
    assert [each.client_order_id for each in client.open_orders.values()] == ["mine"]


def test_a_post_only_order_stays_post_only(client: TradeClient, peer: TradeClient) -> None:
    peer.place_order(AAPL, "SELL", 1, 335)
    order = client.place_limit_order(AAPL, "BUY", 1, 330, post_only=True)
    assert client.modify_order(order, price=331).order_type is OrderType.ALO
    with pytest.raises(OrderRejected) as refused:
        client.modify_order(order, price=335)
    assert refused.value.status is OrderStatus.CANNOT_MODIFY_ALO_WOULD_CROSS
    assert [each.price for each in client.open_orders.values()] == [331]


def test_a_reduce_only_order_stays_reduce_only(client: TradeClient, peer: TradeClient) -> None:
    peer.place_order(AAPL, "SELL", 2, 335)
    client.place_order(AAPL, "BUY", 2, 335, wait=True)
    order = client.place_order(AAPL, "SELL", 1, 340, reduce_only=True)
    assert order.reduce_only
    modified = client.modify_order(order, price=341)
    assert (modified.price, modified.reduce_only) == (341, True)


def test_a_modify_may_trade_at_once(client: TradeClient, peer: TradeClient) -> None:
    peer.place_order(AAPL, "SELL", 1, 335)
    order = client.place_order(AAPL, "BUY", 1, 330)
    modified = client.modify_order(order, price=335)
    done = client.wait_until_done(modified)
    assert (done.status, done.quantity_remaining) == (OrderStatus.FILLED, 0)
    assert client.open_orders == {}


def test_the_frames_of_a_modify_may_come_in_any_order(
    sim: Simulator, client: TradeClient, peer: TradeClient
) -> None:
    peer.place_order(AAPL, "SELL", 1, 335)
    order = client.place_order(AAPL, "BUY", 1, 330)
    sim.faults.reorder("modify_order")  # the fill before the word that there is a new id
    modified = client.modify_order(order, price=335)
    assert (modified.status, modified.price) == (OrderStatus.MODIFIED, 335)
    assert client.wait_until_done(order).status is OrderStatus.FILLED
    assert client.open_orders == {}


def test_a_partly_filled_order_cannot_be_modified(client: TradeClient, peer: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    peer.place_order(AAPL, "SELL", 1, 335, wait=True)
    with pytest.raises(OrderRejected) as refused:
        client.modify_order(order, price=334)
    assert refused.value.status is OrderStatus.CANNOT_MODIFY_PARTIAL_FILL
    (open_order,) = client.open_orders.values()
    assert (open_order.order_id, open_order.quantity_remaining) == (order.order_id, 1)


def test_an_order_that_is_gone_cannot_be_modified(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    client.cancel_order(order)
    with pytest.raises(OrderRejected) as refused:
        client.modify_order(order, price=331)
    assert refused.value.status is OrderStatus.CANNOT_MODIFY_NO_SUCH_ORDER


@pytest.mark.parametrize(
    "changed", [{"price": 400}, {"price": "330.001"}, {"quantity": "0.001"}, {"take_profit": 1}]
)
def test_a_refused_modify_leaves_the_order_as_it_was(client: TradeClient, changed: dict[str, Any]) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    with pytest.raises((OrderRejected, ApiError)):
        client.modify_order(order, **changed)
    assert client.open_orders == {order.order_id: order}
    assert client.cancel_order(order).status is OrderStatus.CANCELLED


def test_an_order_that_this_client_never_saw_can_be_modified_as_a_value(
    sim: Simulator, connect: Connect
) -> None:
    order = connect(sim).place_order(AAPL, "BUY", 2, 330)
    other = connect(sim)
    assert other.modify_order(order, quantity=3).quantity == 3


# --- cancel ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [lambda order: order, lambda order: order.order_id], ids=["order", "id"])
def test_a_cancelled_order(client: TradeClient, given: Any) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    cancelled = client.cancel_order(given(order))
    assert (cancelled.order_id, cancelled.status, cancelled.quantity_filled) == (
        order.order_id, OrderStatus.CANCELLED, 0,
    )  # fmt: skip
    assert cancelled.is_done and client.open_orders == {} and client.get_user_orders().orders == []


def test_a_cancelled_order_keeps_what_was_filled(client: TradeClient, peer: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    peer.place_order(AAPL, "SELL", "0.5", 335, wait=True)
    cancelled = client.cancel_order(order)
    assert (cancelled.status, cancelled.quantity_filled) == (OrderStatus.CANCELLED, D("0.5"))


def test_an_old_id_is_followed_with_and_without_the_symbol(client: TradeClient) -> None:
    for given in ({}, {"symbol": AAPL}):
        order = client.place_order(AAPL, "BUY", 2, 330)
        modified = client.modify_order(order, price=331)
        assert client.cancel_order(order.order_id, **given).order_id == modified.order_id  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [CancelIdType.CLIENT_ORDER_ID, "client_order_id"])
def test_by_client_order_id_every_order_under_it_is_cancelled(client: TradeClient, kind: Any) -> None:
    first, second = (
        client.place_order(AAPL, "BUY", 1, price, client_order_id="same") for price in (330, 331)
    )
    client.place_order(GOLD, "BUY", 1, 4200, client_order_id="same")
    with client.stream(Channel.ORDERS) as orders:
        cancelled = client.cancel_order("same", symbol=AAPL, id_type=kind)
        seen = [until(orders), until(orders)]
    assert {each.order_id for each in seen} == {first.order_id, second.order_id}
    assert cancelled == seen[0] and all(each.status is OrderStatus.CANCELLED for each in seen)
    assert [each.symbol for each in client.open_orders.values()] == [GOLD]


def test_an_order_may_be_cancelled_by_the_client_id_that_it_has(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    client.cancel_order(order, id_type=CancelIdType.CLIENT_ORDER_ID)
    assert sent(sim, "cancel_order") == [
        {"symbol": AAPL, "order_id": "mine", "cancel_order_id_type": "client_order_id"}
    ]


@pytest.mark.parametrize("kind", [CancelIdType.TWAP_ID, CancelIdType.CLIENT_TWAP_ID])
def test_a_twap_is_cancelled_by_either_of_its_ids(client: TradeClient, kind: CancelIdType) -> None:
    twap = client.add_twap(AAPL, "BUY", 10, 5, 30, client_twap_id="t1")
    name = twap.twap_id if kind is CancelIdType.TWAP_ID else "t1"
    cancelled = client.cancel_order(name, symbol=AAPL, id_type=kind)
    assert isinstance(cancelled, Twap)  # the exchange answers with the TWAP
    assert client.get_user_orders().twaps == []


@pytest.mark.parametrize("kind", CancelIdType)
def test_what_is_not_there_cannot_be_cancelled(client: TradeClient, kind: CancelIdType) -> None:
    with pytest.raises(OrderRejected) as refused:
        client.cancel_order("11111111-2222-4333-8444-555555555555", symbol=AAPL, id_type=kind)
    assert refused.value.status is OrderStatus.NO_SUCH_ORDER


def test_a_second_cancel_finds_nothing(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330)
    client.cancel_order(order)
    with pytest.raises(OrderRejected) as refused:
        client.cancel_order(order)
    assert refused.value.status is OrderStatus.NO_SUCH_ORDER
    assert client._account.seen_order(order).status is OrderStatus.CANCELLED  # what is known stays known


def test_another_session_of_the_account_sees_the_same(sim: Simulator, connect: Connect) -> None:
    one, other = connect(sim), connect(sim)
    order = one.place_order(AAPL, "BUY", 1, 330)
    fence(other)
    assert list(other.open_orders) == [order.order_id]
    modified = other.modify_order(order.order_id, price=331)
    fence(one)
    assert list(one.open_orders) == [modified.order_id]
    assert one.cancel_order(order).order_id == modified.order_id
    fence(other)
    assert one.open_orders == other.open_orders == {}


# --- cancel all --------------------------------------------------------------------------------------------------


def test_all_orders_in_all_symbols_are_cancelled(client: TradeClient, peer: TradeClient) -> None:
    kept = peer.place_order(AAPL, "SELL", 1, 345)
    placed = [
        client.place_order(symbol, "BUY", 1, price)
        for symbol, price in ((AAPL, 330), (GOLD, 4200), (AAPL, 331))
    ]
    cancelled = client.cancel_all_orders()
    assert {each.order_id for each in cancelled} == {each.order_id for each in placed}
    assert all(isinstance(each, Order) and each.status is OrderStatus.CANCELLED for each in cancelled)
    assert client.open_orders == {} and client.get_user_orders().orders == []
    assert [each.order_id for each in peer.get_user_orders().orders] == [kept.order_id]


def test_with_nothing_to_cancel_it_ends_too(client: TradeClient) -> None:
    assert client.cancel_all_orders() == []


def test_orders_of_another_session_are_cancelled_with_the_others(sim: Simulator, connect: Connect) -> None:
    one, other = connect(sim), connect(sim)
    order = one.place_order(AAPL, "BUY", 1, 330)
    assert [each.order_id for each in other.cancel_all_orders()] == [order.order_id]
    fence(one)
    assert one.open_orders == {}


def test_what_is_told_twice_is_counted_once(sim: Simulator, client: TradeClient) -> None:
    for price in (330, 331):
        client.place_order(AAPL, "BUY", 1, price)
    sim.faults.duplicate("cancel_all_orders")
    assert sorted(order.price for order in client.cancel_all_orders()) == [330, 331]


def test_it_can_be_done_again_and_again(client: TradeClient) -> None:
    for _ in range(3):
        client.place_order(AAPL, "BUY", 1, 330)
        assert len(client.cancel_all_orders()) == 1


# --- closing a position ------------------------------------------------------------------------------------------


def test_a_position_is_closed_with_one_order(sim: Simulator, client: TradeClient, peer: TradeClient) -> None:
    peer.place_order(AAPL, "SELL", 2, 336)
    client.place_order(AAPL, "BUY", 2, 336, wait=True)
    peer.place_order(AAPL, "BUY", 5, 336)
    closing = client.close_position(AAPL, wait=True)
    assert (closing.side, closing.order_type, closing.quantity) == ("SELL", OrderType.LIMIT, 2)
    assert closing.status is OrderStatus.FILLED and len(closing.client_order_id) == 32
    client.subscribe(Channel.POSITIONS)
    sim.advance(1)
    fence(client)
    assert client.positions[AAPL].position == 0


def test_a_thin_book_leaves_a_part_open(client: TradeClient, peer: TradeClient) -> None:
    peer.place_order(AAPL, "SELL", 2, 336)
    client.place_order(AAPL, "BUY", 2, 336, wait=True)
    peer.place_order(AAPL, "BUY", "0.5", 336)
    closing = client.close_position(AAPL, client_order_id="close-1", wait=True)
    assert closing.is_done and closing.quantity_filled == D("0.5") and closing.client_order_id == "close-1"


def test_there_must_be_something_to_close(client: TradeClient) -> None:
    with pytest.raises((ApiError, OrderRejected)):
        client.close_position(AAPL)

"""Modifying resting orders: what is not given keeps its value."""

from __future__ import annotations

from typing import Any

import pytest

from qfex import (
    ApiError,
    OrderRejected,
    OrderStatus,
    OrderType,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, Scripted, order_response
from tests.support.helpers import AAPL, Connect, D, sent


def test_a_modify_keeps_every_value_that_is_not_given(sim: Simulator, client: TradeClient) -> None:
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


def test_a_modified_order_replaces_the_old_one(client: TradeClient, dialect: str) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    modified = client.modify_order(order, price=331)
    assert (modified.order_id == order.order_id) == (dialect == "documented")
    assert client.open_orders == {modified.order_id: modified}
    assert [each.order_id for each in client.get_user_orders().orders] == [modified.order_id]


def test_an_order_can_be_modified_again_by_any_of_its_ids(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    for price in (331, 332, 333):
        client.modify_order(order, price=price)  # by the first id; the newest terms are kept
    last = client.modify_order(order.order_id, quantity=1)
    assert (last.price, last.quantity) == (333, 1)
    assert client.cancel_order(order).order_id == last.order_id


def test_a_client_order_id_survives_a_modify(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330, client_order_id="mine")
    client.modify_order(order, price=331)
    assert [each.client_order_id for each in client.open_orders.values()] == ["mine"]


def test_a_post_only_order_stays_post_only(client: TradeClient, counterparty: TradeClient) -> None:
    counterparty.place_order(AAPL, "SELL", 1, 335)
    order = client.place_limit_order(AAPL, "BUY", 1, 330, post_only=True)
    assert client.modify_order(order, price=331).order_type is OrderType.ALO
    with pytest.raises(OrderRejected) as refused:
        client.modify_order(order, price=335)
    assert refused.value.status is OrderStatus.CANNOT_MODIFY_ALO_WOULD_CROSS
    assert [each.price for each in client.open_orders.values()] == [331]


def test_a_reduce_only_order_stays_reduce_only(client: TradeClient, counterparty: TradeClient) -> None:
    counterparty.place_order(AAPL, "SELL", 2, 335)
    client.place_order(AAPL, "BUY", 2, 335, wait=True)
    order = client.place_order(AAPL, "SELL", 1, 340, reduce_only=True)
    assert order.reduce_only
    modified = client.modify_order(order, price=341)
    assert (modified.price, modified.reduce_only) == (341, True)


def test_a_modify_may_trade_at_once(client: TradeClient, counterparty: TradeClient) -> None:
    counterparty.place_order(AAPL, "SELL", 1, 335)
    order = client.place_order(AAPL, "BUY", 1, 330)
    modified = client.modify_order(order, price=335)
    done = client.wait_until_done(modified)
    assert (done.status, done.quantity_remaining) == (OrderStatus.FILLED, 0)
    assert client.open_orders == {}


def test_the_frames_of_a_modify_may_come_in_any_order(
    sim: Simulator, client: TradeClient, counterparty: TradeClient
) -> None:
    counterparty.place_order(AAPL, "SELL", 1, 335)
    order = client.place_order(AAPL, "BUY", 1, 330)
    sim.faults.reorder("modify_order")  # the fill arrives before the new order id
    modified = client.modify_order(order, price=335)
    assert (modified.status, modified.price) == (OrderStatus.MODIFIED, 335)
    assert client.wait_until_done(order).status is OrderStatus.FILLED
    assert client.open_orders == {}


def test_a_partly_filled_order_cannot_be_modified(client: TradeClient, counterparty: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    counterparty.place_order(AAPL, "SELL", 1, 335, wait=True)
    with pytest.raises(OrderRejected) as refused:
        client.modify_order(order, price=334)
    assert refused.value.status is OrderStatus.CANNOT_MODIFY_PARTIAL_FILL
    (open_order,) = client.open_orders.values()
    assert (open_order.order_id, open_order.quantity_remaining) == (order.order_id, 1)


def test_a_cancelled_order_cannot_be_modified(client: TradeClient) -> None:
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


def test_an_order_of_another_session_can_be_modified_as_a_value(sim: Simulator, connect: Connect) -> None:
    order = connect(sim).place_order(AAPL, "BUY", 2, 330)
    other = connect(sim)
    assert other.modify_order(order, quantity=3).quantity == 3


# --- replies that omit values -------------------------------------------------------------------------------

_TERMS = {"take_profit": D(300), "stop_loss": D(100), "reduce_only": True}


def test_attached_stops_and_reduce_only_survive_replies_that_omit_them(scripted: Scripted) -> None:
    modifies: list[Message] = []

    def script(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            if request["type"] == "modify_order":
                modifies.append(request["params"])
                terms = {name: request["params"][name] for name in ("price", "quantity")}
                size = terms["quantity"]
                peer.send(order_response("", "MODIFIED", order_id="new", quantity_remaining=size, **terms))
            else:
                peer.answer(request)

    _, client = scripted(script)
    placed = client.place_order(AAPL, "BUY", 1, 200, take_profit=300, stop_loss=100, reduce_only=True)
    first = client.modify_order(placed, price=201)
    second = client.modify_order(placed, quantity=2)  # by the value from before the first modify
    for state in (placed, first, second, client.open_orders["new"]):
        assert {name: getattr(state, name) for name in _TERMS} == _TERMS
    assert [modify["order_id"] for modify in modifies] == [placed.order_id, "new"]
    for modify in modifies:
        assert {name: modify[name] for name in _TERMS} == _TERMS


def test_attached_stops_that_the_exchange_reports_as_gone_stay_gone(scripted: Scripted) -> None:
    _, client = scripted(_without_stops)
    placed = client.place_order(AAPL, "BUY", 1, 200, take_profit=300)
    assert placed.take_profit == 0


def _without_stops(peer: Peer) -> None:
    peer.accept()
    request = peer.receive("add_order")
    peer.send(order_response(request["params"]["client_order_id"], take_profit=0.0, stop_loss=0.0))
    peer.read_until_closed()

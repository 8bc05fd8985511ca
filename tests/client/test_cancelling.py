"""Cancelling orders one by one and all together, and closing positions."""

from __future__ import annotations

import threading
from collections.abc import Callable
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
    OutcomeUnknown,
    TradeClient,
    Twap,
)
from qfex.sim import Simulator
from tests.support.exchange import ExchangeScript, Message, Peer, Scripted, answers_nothing, order_response
from tests.support.helpers import AAPL, GOLD, Connect, D, catch_up, next_event, outcome, sent

# --- cancel -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [lambda order: order, lambda order: order.order_id], ids=["order", "id"])
def test_an_order_can_be_cancelled_by_value_or_by_id(client: TradeClient, given: Any) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    cancelled = client.cancel_order(given(order))
    assert (cancelled.order_id, cancelled.status, cancelled.quantity_filled) == (
        order.order_id, OrderStatus.CANCELLED, 0,
    )  # fmt: skip
    assert cancelled.is_done and client.open_orders == {} and client.get_user_orders().orders == []


def test_a_cancelled_order_keeps_its_filled_quantity(client: TradeClient, counterparty: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    counterparty.place_order(AAPL, "SELL", "0.5", 335, wait=True)
    cancelled = client.cancel_order(order)
    assert (cancelled.status, cancelled.quantity_filled) == (OrderStatus.CANCELLED, D("0.5"))


def test_a_modified_order_can_be_cancelled_by_its_old_id(client: TradeClient) -> None:
    for given in ({}, {"symbol": AAPL}):
        order = client.place_order(AAPL, "BUY", 2, 330)
        modified = client.modify_order(order, price=331)
        assert client.cancel_order(order.order_id, **given).order_id == modified.order_id  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [CancelIdType.CLIENT_ORDER_ID, "client_order_id"])
def test_a_cancel_by_client_order_id_cancels_every_order_under_it(client: TradeClient, kind: Any) -> None:
    first, second = (
        client.place_order(AAPL, "BUY", 1, price, client_order_id="same") for price in (330, 331)
    )
    client.place_order(GOLD, "BUY", 1, 4200, client_order_id="same")
    with client.stream(Channel.ORDERS) as orders:
        cancelled = client.cancel_order("same", symbol=AAPL, id_type=kind)
        seen = [next_event(orders), next_event(orders)]
    assert {each.order_id for each in seen} == {first.order_id, second.order_id}
    assert cancelled == seen[0] and all(each.status is OrderStatus.CANCELLED for each in seen)
    assert [each.symbol for each in client.open_orders.values()] == [GOLD]


def test_an_order_value_can_be_cancelled_by_its_client_order_id(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    client.cancel_order(order, id_type=CancelIdType.CLIENT_ORDER_ID)
    assert sent(sim, "cancel_order") == [
        {"symbol": AAPL, "order_id": "mine", "cancel_order_id_type": "client_order_id"}
    ]


@pytest.mark.parametrize("kind", [CancelIdType.TWAP_ID, CancelIdType.CLIENT_TWAP_ID])
def test_cancel_order_cancels_a_twap_by_either_of_its_ids(client: TradeClient, kind: CancelIdType) -> None:
    twap = client.add_twap(AAPL, "BUY", 10, 5, 30, client_twap_id="t1")
    name = twap.twap_id if kind is CancelIdType.TWAP_ID else "t1"
    cancelled = client.cancel_order(name, symbol=AAPL, id_type=kind)
    assert isinstance(cancelled, Twap)  # the exchange replies with the TWAP
    assert client.get_user_orders().twaps == []


@pytest.mark.parametrize("kind", CancelIdType)
def test_an_unknown_id_of_any_type_cannot_be_cancelled(client: TradeClient, kind: CancelIdType) -> None:
    with pytest.raises(OrderRejected) as refused:
        client.cancel_order("11111111-2222-4333-8444-555555555555", symbol=AAPL, id_type=kind)
    assert refused.value.status is OrderStatus.NO_SUCH_ORDER


def test_a_second_cancel_raises_no_such_order(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330)
    client.cancel_order(order)
    with pytest.raises(OrderRejected) as refused:
        client.cancel_order(order)
    assert refused.value.status is OrderStatus.NO_SUCH_ORDER
    assert client._account.seen_order(order).status is OrderStatus.CANCELLED  # the refusal does not change it


def test_two_sessions_of_an_account_see_the_same_orders(sim: Simulator, connect: Connect) -> None:
    one, other = connect(sim), connect(sim)
    order = one.place_order(AAPL, "BUY", 1, 330)
    catch_up(other)
    assert list(other.open_orders) == [order.order_id]
    modified = other.modify_order(order.order_id, price=331)
    catch_up(one)
    assert list(one.open_orders) == [modified.order_id]
    assert one.cancel_order(order).order_id == modified.order_id
    catch_up(other)
    assert one.open_orders == other.open_orders == {}


# --- cancel all ---------------------------------------------------------------------------------------------


def test_cancelling_all_orders_covers_every_symbol_and_no_other_account(
    client: TradeClient, counterparty: TradeClient
) -> None:
    kept = counterparty.place_order(AAPL, "SELL", 1, 345)
    placed = [
        client.place_order(symbol, "BUY", 1, price)
        for symbol, price in ((AAPL, 330), (GOLD, 4200), (AAPL, 331))
    ]
    cancelled = client.cancel_all_orders()
    assert {each.order_id for each in cancelled} == {each.order_id for each in placed}
    assert all(isinstance(each, Order) and each.status is OrderStatus.CANCELLED for each in cancelled)
    assert client.open_orders == {} and client.get_user_orders().orders == []
    assert [each.order_id for each in counterparty.get_user_orders().orders] == [kept.order_id]


def test_cancelling_all_orders_ends_when_there_are_none(client: TradeClient) -> None:
    assert client.cancel_all_orders() == []


def test_cancelling_all_orders_covers_other_sessions_of_the_account(sim: Simulator, connect: Connect) -> None:
    one, other = connect(sim), connect(sim)
    order = one.place_order(AAPL, "BUY", 1, 330)
    assert [each.order_id for each in other.cancel_all_orders()] == [order.order_id]
    catch_up(one)
    assert one.open_orders == {}


def test_an_order_whose_cancel_is_reported_twice_is_returned_once(
    sim: Simulator, client: TradeClient
) -> None:
    for price in (330, 331):
        client.place_order(AAPL, "BUY", 1, price)
    sim.faults.duplicate("cancel_all_orders")
    assert sorted(order.price for order in client.cancel_all_orders()) == [330, 331]


def test_all_orders_can_be_cancelled_again_and_again(client: TradeClient) -> None:
    for _ in range(3):
        client.place_order(AAPL, "BUY", 1, 330)
        assert len(client.cancel_all_orders()) == 1


@pytest.mark.parametrize("orders", [0, 2])
def test_cancelling_all_orders_twice_keeps_the_connection(
    sim: Simulator, connect: Connect, orders: int
) -> None:
    client = connect(sim)
    first = sim.connections[0].id
    for _ in range(2):
        for number in range(orders):
            client.place_order(AAPL, "BUY", 1, 190 + number)
        assert len(client.cancel_all_orders()) == orders
    assert [connection.id for connection in sim.connections] == [first]
    assert sim.ledger.count("cancel_all_orders") == 2


def test_an_acknowledgement_after_a_cancel_of_all_orders_reaches_its_own_call(
    sim: Simulator, connect: Connect
) -> None:
    """The acknowledgement of a leverage does not name its command."""
    client = connect(sim)
    client.cancel_all_orders()
    client.set_leverage(AAPL, 5, timeout=2)
    assert any(row.symbol == AAPL and row.leverage == 5 for row in client.get_leverage())


# --- cancel all, on an exchange that says little ------------------------------------------------------------


Answer = Callable[[Peer, Message], None]


def exchange(cancel: Answer, listing: Answer) -> ExchangeScript:
    def script(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            {"cancel_all_orders": cancel, "get_user_orders": listing}.get(request["type"], Peer.answer)(
                peer, request
            )

    return script


def nothing(peer: Peer, request: Message) -> None:
    """Send no reply."""


def cancels_one(peer: Peer, request: Message) -> None:
    peer.send(order_response("one", "CANCELLED"))


def lists_a_stop(peer: Peer, request: Message) -> None:
    stop = order_response("stop", type="STOP_LOSS", side="SELL")["order_response"]
    peer.send({"all_orders_response": {"orders": [stop], "twaps": []}})


def test_without_orders_and_without_a_reply_a_cancel_of_all_orders_ends(scripted: Scripted) -> None:
    _, client = scripted(answers_nothing, request_timeout=60.0)
    assert client.cancel_all_orders() == []


def test_cancelled_orders_are_returned_when_no_list_confirms_them(scripted: Scripted) -> None:
    _, client = scripted(exchange(cancels_one, nothing), request_timeout=60.0)
    for name in ("one", "two"):
        client.place_order(AAPL, "BUY", 1, 200, client_order_id=name)
    assert [each.client_order_id for each in client.cancel_all_orders()] == ["one"]


def test_a_stop_that_stays_open_does_not_hold_up_a_cancel_of_all_orders(scripted: Scripted) -> None:
    _, client = scripted(exchange(nothing, lists_a_stop), request_timeout=60.0)
    client.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 100, client_order_id="stop")
    assert client.cancel_all_orders() == []


def test_a_late_acknowledgement_ends_a_cancel_of_all_orders_without_a_list(scripted: Scripted) -> None:
    asked = threading.Event()
    acknowledged: list[Message] = []

    def asks(peer: Peer, request: Message) -> None:
        asked.set()
        peer.send({"ack": {"incoming_message": acknowledged[0]}})

    def cancel(peer: Peer, request: Message) -> None:
        acknowledged.append(request)

    _, client = scripted(exchange(cancel, asks), request_timeout=60.0)
    client.place_order(AAPL, "BUY", 1, 200)
    assert client.cancel_all_orders() == [] and asked.is_set()


def test_a_cancel_of_all_orders_without_any_reply_has_an_unknown_outcome(scripted: Scripted) -> None:
    there, client = scripted(exchange(nothing, nothing))
    client.place_order(AAPL, "BUY", 1, 200)
    assert isinstance(outcome(lambda: client.cancel_all_orders(timeout=2.5)), OutcomeUnknown)
    assert len(there.peers) == 1


@pytest.mark.parametrize("orders", [0, 1])
def test_closing_during_a_cancel_of_all_orders_leaves_its_outcome_unknown(
    scripted: Scripted, orders: int
) -> None:
    client_closes = threading.Event()

    def cancel(peer: Peer, request: Message) -> None:
        client_closes.set()

    _, client = scripted(exchange(cancel, nothing))
    for _ in range(orders):
        client.place_order(AAPL, "BUY", 1, 200)

    def close() -> None:
        assert client_closes.wait(5)
        client.close()

    closer = threading.Thread(target=close)
    closer.start()
    ended = outcome(client.cancel_all_orders)
    closer.join()
    assert isinstance(ended, OutcomeUnknown) and ended.reason == "closed"


# --- closing a position -------------------------------------------------------------------------------------


def test_a_position_is_closed_with_one_order(
    sim: Simulator, client: TradeClient, counterparty: TradeClient
) -> None:
    counterparty.place_order(AAPL, "SELL", 2, 336)
    client.place_order(AAPL, "BUY", 2, 336, wait=True)
    counterparty.place_order(AAPL, "BUY", 5, 336)
    closing = client.close_position(AAPL, wait=True)
    assert (closing.side, closing.order_type, closing.quantity) == ("SELL", OrderType.LIMIT, 2)
    assert closing.status is OrderStatus.FILLED and len(closing.client_order_id) == 32
    client.subscribe(Channel.POSITIONS)
    sim.advance(1)
    catch_up(client)
    assert client.positions[AAPL].position == 0


def test_a_thin_book_closes_part_of_a_position(client: TradeClient, counterparty: TradeClient) -> None:
    counterparty.place_order(AAPL, "SELL", 2, 336)
    client.place_order(AAPL, "BUY", 2, 336, wait=True)
    counterparty.place_order(AAPL, "BUY", "0.5", 336)
    closing = client.close_position(AAPL, client_order_id="close-1", wait=True)
    assert closing.is_done and closing.quantity_filled == D("0.5") and closing.client_order_id == "close-1"


def test_a_position_that_does_not_exist_cannot_be_closed(client: TradeClient) -> None:
    with pytest.raises((ApiError, OrderRejected)):
        client.close_position(AAPL)

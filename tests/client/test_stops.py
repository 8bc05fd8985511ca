"""Stops, alone and attached to an order: placed, modified, cancelled, fired."""

from __future__ import annotations

from typing import Any

import pytest

from qfex import ApiError, Channel, Order, OrderRejected, OrderStatus, OrderType, QfexError, Side, TradeClient
from qfex.sim import Simulator
from tests.support.helpers import AAPL, PATIENCE, Connect, D, catch_up, next_event, sent


@pytest.fixture
def long(client: TradeClient, counterparty: TradeClient) -> TradeClient:
    """A client that is long two shares, bought at 336, with bids and offers around."""
    counterparty.place_order(AAPL, "SELL", 2, 336)
    client.place_order(AAPL, "BUY", 2, 336, wait=True)
    counterparty.place_order(AAPL, "BUY", 10, "330.50")
    return client


def test_a_stop_rests_until_its_trigger(sim: Simulator, long: TradeClient) -> None:
    stop = long.place_stop_order(AAPL, "SELL", "STOP_LOSS", 2, 330, client_order_id="my-stop")
    assert (stop.status, stop.order_type, stop.side) == (OrderStatus.ACK, OrderType.STOP_LOSS, Side.SELL)
    assert (stop.price, stop.quantity, stop.is_live) == (330, 2, True)
    assert stop.client_order_id == "my-stop"
    assert [each.order_id for each in long.get_user_orders().orders] == [stop.order_id]
    assert list(long.open_orders) == [stop.order_id]
    params = sent(sim, "add_order")[-1]
    assert (params["order_type"], params["price"], params["order_time_in_force"]) == ("STOP_LOSS", 330, "GTC")


@pytest.mark.parametrize("kind, trigger, mark", [("STOP_LOSS", 331, 330), (OrderType.TAKE_PROFIT, 340, 341)])
def test_a_stop_fires_when_the_mark_price_reaches_its_trigger(
    sim: Simulator, long: TradeClient, kind: Any, trigger: int, mark: int
) -> None:
    stop = long.place_stop_order(AAPL, "SELL", kind, 2, trigger)
    with long.stream(Channel.FILLS) as fills:
        sim.set_mark_price(AAPL, (336 + trigger) // 2)
        catch_up(long)
        assert len(fills) == 0 and long.open_orders
        sim.set_mark_price(AAPL, mark)
        fill = next_event(fills)
    assert (fill.order_id, fill.side, fill.quantity, fill.price) == (stop.order_id, Side.SELL, 2, D("330.50"))
    done = long.wait_until_done(stop)
    assert (done.status, done.quantity_remaining, done.is_done) == (OrderStatus.FILLED, 0, True)
    assert long.open_orders == {}


def test_a_fired_stop_that_fills_in_part_is_done(
    sim: Simulator, client: TradeClient, counterparty: TradeClient
) -> None:
    counterparty.place_order(AAPL, "SELL", 2, 336)
    client.place_order(AAPL, "BUY", 2, 336, wait=True)
    counterparty.place_order(AAPL, "BUY", "0.5", "330.50")
    stop = client.place_stop_order(AAPL, "SELL", "STOP_LOSS", 2, 331)
    sim.set_mark_price(AAPL, 330)
    done = client.wait_until_done(stop)
    assert done.is_done and done.quantity_filled == D("0.5")
    assert client.open_orders == {}


def test_a_stop_can_be_modified(long: TradeClient, dialect: str) -> None:
    stop = long.place_stop_order(AAPL, "SELL", "STOP_LOSS", 2, 330)
    moved = long.modify_stop_order(stop, trigger_price="329.50", quantity=1)
    (listed,) = long.get_user_orders().orders
    assert (listed.price, listed.quantity, listed.order_type) == (D("329.50"), 1, OrderType.STOP_LOSS)
    assert (moved is None) == (dialect == "live")
    assert moved is None or (moved.price, moved.quantity) == (D("329.50"), 1)
    long.modify_stop_order(listed.order_id, symbol=AAPL, trigger_price=329, quantity=2)
    (listed,) = long.get_user_orders().orders
    assert (listed.price, listed.quantity) == (329, 2)


@pytest.mark.parametrize("given", [lambda stop: stop, lambda stop: stop.order_id], ids=["order", "id"])
def test_a_stop_can_be_cancelled(long: TradeClient, dialect: str, given: Any) -> None:
    stop = long.place_stop_order(AAPL, "SELL", "STOP_LOSS", 2, 330)
    cancelled = long.cancel_stop_order(given(stop))
    assert (cancelled is None) == (dialect == "live")
    assert cancelled is None or (cancelled.order_id, cancelled.status) == (
        stop.order_id,
        OrderStatus.CANCELLED,
    )
    assert long.get_user_orders().orders == []


def test_the_stop_channel_delivers_every_change(long: TradeClient) -> None:
    with long.stream(Channel.STOP_ORDERS) as stops:
        stop = long.place_stop_order(AAPL, "SELL", "STOP_LOSS", 2, 330)
        update = next_event(stops)
        assert (update.stop_order_id, update.price, update.quantity) == (stop.order_id, 330, 2)
        assert (update.direction, update.stop_order_type) == (Side.SELL, OrderType.STOP_LOSS)
        assert update.update_time is not None and update.update_time.utcoffset().total_seconds() == 0
        long.modify_stop_order(update, trigger_price=329, quantity=1)
        moved = next_event(stops, lambda event: event.price == 329)
        assert moved.quantity == 1
        long.cancel_stop_order(moved)
    assert long.get_user_orders().orders == []


def test_a_change_that_is_only_acknowledged_updates_the_stop(long: TradeClient) -> None:
    stop = long.place_stop_order(AAPL, "SELL", "STOP_LOSS", 2, 330)
    with long.stream(Channel.ORDERS) as orders:
        long.modify_stop_order(stop, trigger_price=329, quantity=1)
        assert [(each.price, each.quantity) for each in long.open_orders.values()] == [(329, 1)]
        long.modify_stop_order(stop, trigger_price=328, quantity=2)
        assert [(each.price, each.quantity) for each in long.open_orders.values()] == [(328, 2)]
        long.cancel_stop_order(stop)
        assert long.open_orders == {} and long.wait_until_done(stop, 0.0).status is OrderStatus.CANCELLED
        statuses = [next_event(orders).status for _ in range(3)]
    assert statuses == [OrderStatus.MODIFIED, OrderStatus.MODIFIED, OrderStatus.CANCELLED]


def test_a_stop_cannot_be_larger_than_the_position(long: TradeClient) -> None:
    with pytest.raises((OrderRejected, ApiError)):
        long.place_stop_order(AAPL, "SELL", "STOP_LOSS", 3, 330)
    assert long.get_user_orders().orders == []


def test_without_a_position_there_is_nothing_to_stop(client: TradeClient) -> None:
    with pytest.raises((OrderRejected, ApiError)):
        client.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 330)


@pytest.mark.parametrize("call", [lambda client: client.cancel_stop_order("no-such-stop"),
    lambda client: client.modify_stop_order("no-such-stop", symbol=AAPL, trigger_price=330, quantity=1)])  # fmt: skip
def test_an_unknown_stop_cannot_be_cancelled_or_modified(client: TradeClient, call: Any) -> None:
    with pytest.raises((OrderRejected, ApiError)) as refused:
        call(client)
    assert isinstance(refused.value, QfexError)


def test_stops_with_the_same_terms_are_distinguished(long: TradeClient) -> None:
    one, other = (long.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 330) for _ in range(2))
    assert one.order_id != other.order_id
    long.cancel_stop_order(one)
    assert [each.order_id for each in long.get_user_orders().orders] == [other.order_id]


def test_attached_stops_are_created_with_the_fill(
    sim: Simulator, client: TradeClient, counterparty: TradeClient
) -> None:
    counterparty.place_order(AAPL, "SELL", 1, 336)
    client.place_order(AAPL, "BUY", 1, 336, take_profit=340, stop_loss=331, wait=True)
    stops = client.get_user_orders().orders
    assert {(each.order_type, each.price) for each in stops} == {
        (OrderType.TAKE_PROFIT, 340), (OrderType.STOP_LOSS, 331),
    }  # fmt: skip
    counterparty.place_order(AAPL, "BUY", 1, "330.50")
    with client.stream(Channel.FILLS) as fills:
        sim.set_mark_price(AAPL, 330)
        assert (next_event(fills).side, client.wait_until_done(first(stops, OrderType.STOP_LOSS)).status) == (
            Side.SELL, OrderStatus.FILLED,
        )  # fmt: skip


def first(orders: list[Order], kind: OrderType) -> Order:
    return next(order for order in orders if order.order_type is kind)


def test_cancelling_everything_cancels_stops(long: TradeClient) -> None:
    long.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 330)
    long.place_order(AAPL, "BUY", 1, 330)
    assert len(long.cancel_all_orders(timeout=PATIENCE)) == 2
    assert long.get_user_orders().orders == [] and long.open_orders == {}


def test_a_stop_of_another_session_with_the_same_terms_is_not_confused_with_ones_own(
    sim: Simulator, connect: Connect, long: TradeClient
) -> None:
    other = connect(sim)
    theirs = other.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 330)
    catch_up(long)
    mine = long.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 330)
    assert mine.order_id != theirs.order_id

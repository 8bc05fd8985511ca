"""Waiting until an order is done (R31)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from qfex import (
    Channel,
    ConnectionState,
    NotConnected,
    OrderStatus,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.helpers import (
    AAPL,
    PATIENCE,
    QUICK,
    Connect,
    D,
    background,
    catch_up,
    next_event,
)


def test_waiting_for_a_finished_order_returns_at_once(client: TradeClient, counterparty: TradeClient) -> None:
    counterparty.place_order(AAPL, "SELL", 1, 335)
    order = client.place_order(AAPL, "BUY", 1, 335, wait=True)
    assert client.wait_until_done(order, 0.0) == client.wait_until_done(order.order_id, 0.0) == order


def test_a_fill_ends_the_wait(client: TradeClient, counterparty: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    with ThreadPoolExecutor() as pool:
        waits = [pool.submit(client.wait_until_done, order) for _ in range(3)]
        counterparty.place_order(AAPL, "SELL", 1, 335, wait=True)
        assert client.wait_until_done(order, 0.0).quantity_remaining in (1, 2)
        counterparty.place_order(AAPL, "SELL", 1, 335, wait=True)
        for wait in waits:
            done = wait.result(PATIENCE)
            assert (done.status, done.quantity_remaining) == (OrderStatus.FILLED, 0)


def test_a_cancel_by_another_session_ends_the_wait(
    sim: Simulator, connect: Connect, client: TradeClient
) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(client.wait_until_done, order)
        connect(sim).cancel_order(order)
        assert wait.result(PATIENCE).status is OrderStatus.CANCELLED


def test_the_wait_follows_an_order_through_its_modifies(
    client: TradeClient, counterparty: TradeClient
) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(client.wait_until_done, order)
        modified = client.modify_order(order, price=335)
        counterparty.place_order(AAPL, "SELL", 2, 335, wait=True)
        done = wait.result(PATIENCE)
    assert (done.order_id, done.status) == (modified.order_id, OrderStatus.FILLED)


def test_waiting_returns_the_newest_state_after_the_timeout(
    client: TradeClient, counterparty: TradeClient
) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    counterparty.place_order(AAPL, "SELL", "0.5", 335, wait=True)
    catch_up(client)
    newest = client.wait_until_done(order, timeout=0.05)
    assert (newest.is_done, newest.quantity_remaining) == (False, D("1.5"))


def test_an_order_of_another_session_can_be_waited_for(sim: Simulator, connect: Connect) -> None:
    one, other = connect(sim), connect(sim)
    order = one.place_order(AAPL, "BUY", 1, 330)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(other.wait_until_done, order)
        one.cancel_order(order)
        assert wait.result(PATIENCE).status is OrderStatus.CANCELLED


def test_an_order_of_another_session_is_known(sim: Simulator, connect: Connect) -> None:
    order = connect(sim).place_order(AAPL, "BUY", 1, 330)
    assert connect(sim).open_orders == {order.order_id: order}
    later = connect(sim)
    assert later.wait_until_done(order, 0.0) == order and later.open_orders == {order.order_id: order}


def test_waiting_for_an_order_of_another_session_that_ended_before_ends_at_once(
    sim: Simulator, connect: Connect
) -> None:
    other = connect(sim)
    order = other.place_order(AAPL, "BUY", 1, 330)
    other.cancel_order(order)
    assert connect(sim).wait_until_done(order, PATIENCE).status is OrderStatus.CANCELLED


def test_a_fill_during_an_outage_ends_the_wait(
    sim: Simulator, connect: Connect, counterparty: TradeClient
) -> None:
    client = connect(sim, reconnect=QUICK)
    order = client.place_order(AAPL, "BUY", 1, 335)
    sim.faults.refuse_connections()
    with client.stream(Channel.CONNECTION) as states, ThreadPoolExecutor() as pool:
        sim.faults.drop_now(
            connection=min(one.id for one in sim.connections if one.account_id == order.user_id)
        )
        next_event(states, lambda event: event.state is ConnectionState.RECONNECTING)
        wait = pool.submit(client.wait_until_done, order)
        counterparty.place_order(AAPL, "SELL", 1, 335, wait=True)
        assert not wait.done()
        sim.faults.accept_connections()
        assert wait.result(PATIENCE).status is OrderStatus.FILLED


def test_a_connection_lost_for_good_ends_the_wait(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=None)
    order = client.place_order(AAPL, "BUY", 1, 330)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(client.wait_until_done, order, 60.0)
        sim.faults.drop_now()
        with pytest.raises(NotConnected):
            wait.result(PATIENCE)


def test_waiting_sends_nothing_to_the_exchange(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330)
    before = sim.ledger.frames_in
    client.wait_until_done(order, timeout=0.05)
    assert sim.ledger.frames_in == before


def test_r31_a_partial_fill_does_not_end_an_order_that_may_rest(
    sim: Simulator, client: TradeClient, counterparty: TradeClient
) -> None:
    placed = client.place_order(AAPL, "BUY", 3, 199)
    sim.set_mark_price(AAPL, 200)
    counterparty.place_order(AAPL, "SELL", 1, 199)
    partly = client.wait_until_done(placed, timeout=0.3)
    assert partly.status is OrderStatus.FILLED and partly.quantity_remaining == 2 and partly.is_live
    with background(lambda: client.wait_until_done(placed)) as done:
        counterparty.place_order(AAPL, "SELL", 2, 199)
        assert done().quantity_remaining == 0

"""Waiting until an order is done, and finding out what became of one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest

from qfex import (
    Channel,
    ConnectionState,
    NotConnected,
    OrderStatus,
    OutcomeUnknown,
    ReconnectPolicy,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.helpers import AAPL, PATIENCE, Connect, D, fence, until

QUICK = ReconnectPolicy(initial_delay=0.01, max_delay=0.02)


# --- waiting -----------------------------------------------------------------------------------------------------


def test_an_order_that_is_done_needs_no_waiting(client: TradeClient, peer: TradeClient) -> None:
    peer.place_order(AAPL, "SELL", 1, 335)
    order = client.place_order(AAPL, "BUY", 1, 335, wait=True)
    assert client.wait_until_done(order, 0.0) == client.wait_until_done(order.order_id, 0.0) == order


def test_a_fill_ends_the_wait(client: TradeClient, peer: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    with ThreadPoolExecutor() as pool:
        waits = [pool.submit(client.wait_until_done, order) for _ in range(3)]
        peer.place_order(AAPL, "SELL", 1, 335, wait=True)
        assert client.wait_until_done(order, 0.0).quantity_remaining in (1, 2)
        peer.place_order(AAPL, "SELL", 1, 335, wait=True)
        for wait in waits:
            done = wait.result(PATIENCE)
            assert (done.status, done.quantity_remaining) == (OrderStatus.FILLED, 0)


def test_a_cancel_from_elsewhere_ends_the_wait(sim: Simulator, connect: Connect, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(client.wait_until_done, order)
        connect(sim).cancel_order(order)
        assert wait.result(PATIENCE).status is OrderStatus.CANCELLED


def test_the_wait_follows_an_order_through_its_modifies(client: TradeClient, peer: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 330)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(client.wait_until_done, order)
        modified = client.modify_order(order, price=335)
        peer.place_order(AAPL, "SELL", 2, 335, wait=True)
        done = wait.result(PATIENCE)
    assert (done.order_id, done.status) == (modified.order_id, OrderStatus.FILLED)


def test_when_the_time_is_up_the_newest_state_is_returned(client: TradeClient, peer: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 2, 335)
    peer.place_order(AAPL, "SELL", "0.5", 335, wait=True)
    fence(client)
    newest = client.wait_until_done(order, timeout=0.05)
    assert (newest.is_done, newest.quantity_remaining) == (False, D("1.5"))


def test_an_order_of_another_session_can_be_waited_for(sim: Simulator, connect: Connect) -> None:
    one, other = connect(sim), connect(sim)
    order = one.place_order(AAPL, "BUY", 1, 330)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(other.wait_until_done, order)
        one.cancel_order(order)
        assert wait.result(PATIENCE).status is OrderStatus.CANCELLED


def test_an_order_that_a_client_never_saw_is_known_once_it_was_waited_for(
    sim: Simulator, connect: Connect
) -> None:
    order = connect(sim).place_order(AAPL, "BUY", 1, 330)
    later = connect(sim)
    assert later.open_orders == {}
    assert later.wait_until_done(order, 0.0) == order and later.open_orders == {order.order_id: order}


def test_what_happened_during_an_outage_ends_the_wait(
    sim: Simulator, connect: Connect, peer: TradeClient
) -> None:
    client = connect(sim, reconnect=QUICK)
    order = client.place_order(AAPL, "BUY", 1, 335)
    sim.faults.refuse_connections()
    with client.stream(Channel.CONNECTION) as states, ThreadPoolExecutor() as pool:
        sim.faults.drop_now(
            connection=min(one.id for one in sim.connections if one.account_id == order.user_id)
        )
        until(states, lambda event: event.state is ConnectionState.RECONNECTING)
        wait = pool.submit(client.wait_until_done, order)
        peer.place_order(AAPL, "SELL", 1, 335, wait=True)
        assert not wait.done()
        sim.faults.accept_connections()
        assert wait.result(PATIENCE).status is OrderStatus.FILLED


def test_the_end_of_the_client_ends_the_wait(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=None)
    order = client.place_order(AAPL, "BUY", 1, 330)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(client.wait_until_done, order, 60.0)
        sim.faults.drop_now()
        with pytest.raises(NotConnected):
            wait.result(PATIENCE)


def test_waiting_happens_without_asking(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330)
    before = sim.ledger.frames_in
    client.wait_until_done(order, timeout=0.05)
    assert sim.ledger.frames_in == before


# --- resolving ---------------------------------------------------------------------------------------------------


def test_a_live_order_is_found(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    found = client.resolve("mine", AAPL)
    assert found is not None and (found.order_id, found.is_live) == (order.order_id, True)


def test_a_finished_order_is_found(client: TradeClient, peer: TradeClient) -> None:
    peer.place_order(AAPL, "SELL", 1, 335)
    client.place_order(AAPL, "BUY", 1, 335, wait=True, client_order_id="filled")
    client.cancel_order(client.place_order(AAPL, "BUY", 1, 330, client_order_id="gone"))
    filled, gone = client.resolve("filled", AAPL), client.resolve("gone", AAPL)
    assert filled is not None and (filled.status, filled.quantity_filled) == (OrderStatus.FILLED, 1)
    assert gone is not None and gone.status is OrderStatus.CANCELLED and gone.client_order_id == "gone"


@pytest.mark.parametrize("silent", ["get_user_orders", "get_order"])
def test_one_source_suffices_to_find_a_live_order(sim: Simulator, client: TradeClient, silent: str) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    sim.faults.error_reply(silent, "ServerError", times=None)
    found = client.resolve("mine", AAPL)
    assert found is not None and found.order_id == order.order_id


def test_the_history_suffices_to_find_a_finished_order(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    client.cancel_order(order)
    sim.faults.error_reply("get_user_orders", "ServerError", times=None)
    sim.faults.error_reply("get_order", "ServerError", times=None)
    found = client.resolve("mine", AAPL)
    assert found is not None and (found.order_id, found.is_done) == (order.order_id, True)


def test_an_order_that_never_was_is_none(client: TradeClient) -> None:
    assert client.resolve("never-sent", AAPL, timeout=PATIENCE) is None


def test_before_the_grace_has_passed_nothing_is_denied(client: TradeClient) -> None:
    with pytest.raises(OutcomeUnknown) as unknown:
        client.resolve("never-sent", AAPL, timeout=0.05)
    assert (unknown.value.client_order_id, unknown.value.symbol, unknown.value.reason) == (
        "never-sent", AAPL, "timeout",
    )  # fmt: skip


def test_an_order_whose_reply_was_lost_is_cleared_up(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=QUICK)
    sim.faults.drop_before_reply("add_order")
    with pytest.raises(OutcomeUnknown) as unknown:
        client.place_order(AAPL, "BUY", 1, 330)
    assert (unknown.value.command, unknown.value.reason) == ("add_order", "connection lost")
    assert unknown.value.client_order_id is not None and unknown.value.sent is True
    found = client.resolve(unknown.value.client_order_id, AAPL)
    assert found is not None and found.price == 330
    assert sim.ledger.count("add_order") == 1
    assert client.cancel_order(found).status is OrderStatus.CANCELLED


def test_an_order_that_never_arrived_is_cleared_up_too(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=QUICK)
    sim.faults.drop_before_command("add_order")
    with pytest.raises(OutcomeUnknown) as unknown:
        client.place_order(AAPL, "BUY", 1, 330)
    assert unknown.value.client_order_id is not None
    assert client.resolve(unknown.value.client_order_id, AAPL) is None


def test_without_a_line_the_outcome_stays_unknown(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=None)
    ended = threading.Event()
    client.on(
        Channel.CONNECTION, lambda event: ended.set() if event.state is ConnectionState.DISCONNECTED else None
    )
    sim.faults.drop_now()
    assert ended.wait(PATIENCE)
    with pytest.raises(OutcomeUnknown) as unknown:
        client.resolve("mine", AAPL)
    assert unknown.value.reason == "connection lost"
    client.close()
    with pytest.raises(OutcomeUnknown) as closed:
        client.resolve("mine", AAPL)
    assert closed.value.reason == "closed"


def test_where_the_history_cannot_be_asked_nothing_is_denied(sim: Simulator, client: TradeClient) -> None:
    client._history._environment = attrs.evolve(client._history._environment, rest_url="http://127.0.0.1:9")
    with pytest.raises(OutcomeUnknown):
        client.resolve("never-sent", AAPL, timeout=1.2)

"""Callbacks and the user's own threads and locks (R32 to R35)."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from qfex import Channel, NotConnected, Order, TradeClient
from qfex.sim import Simulator

from .helpers import AAPL, PATIENCE, Heard, eventually, outcome
from .scripts import Script

LIVE = pytest.mark.parametrize("dialect", ["live"], indirect=True)
Connect = Callable[..., TradeClient]

CALLS: dict[str, Callable[[TradeClient, Order], Any]] = {
    "place_order": lambda client, order: client.place_order(AAPL, "BUY", 1, 180),
    "place and wait": lambda client, order: client.place_order(
        AAPL, "BUY", 1, 180, time_in_force="IOC", wait=True
    ),
    "submit_order": lambda client, order: client.submit_order(AAPL, "BUY", 1, 180).result(),
    "modify_order": lambda client, order: client.modify_order(order, price=181),
    "cancel_order": lambda client, order: client.cancel_order(order),
    "cancel_all_orders": lambda client, order: client.cancel_all_orders(),
    "get_order": lambda client, order: client.get_order(AAPL, order.order_id),
    "get_user_orders": lambda client, order: client.get_user_orders(),
    "get_user_trades": lambda client, order: client.get_user_trades(),
    "get_leverage": lambda client, order: client.get_leverage(),
    "subscribe": lambda client, order: client.subscribe(Channel.BALANCES),
    "unsubscribe": lambda client, order: client.unsubscribe(Channel.BALANCES),
    "set_cancel_on_disconnect": lambda client, order: client.set_cancel_on_disconnect(True),
    "wait_until_done": lambda client, order: client.wait_until_done(order, timeout=0.1),
    "wait_until_ready": lambda client, order: client.wait_until_ready(),
    "resolve": lambda client, order: client.resolve(order.client_order_id, AAPL),
    "on": lambda client, order: client.on(Channel.FILLS, print),
    "stream": lambda client, order: client.stream(Channel.FILLS).close(),
    "positions": lambda client, order: (client.positions, client.balance, client.open_orders, client.stats()),
    "close": lambda client, order: client.close(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_r32_every_method_may_be_called_inside_a_callback(
    sim: Simulator, client: TradeClient, call: Callable[[TradeClient, Order], Any]
) -> None:
    outcomes: list[Any] = []

    def callback(order: Order) -> None:
        if not outcomes:
            outcomes.append(None)
            outcomes[0] = outcome(lambda: call(client, order))
            ended.set()

    ended = threading.Event()
    client.on(Channel.ORDERS, callback)
    client.place_order(AAPL, "BUY", 1, 190)
    assert ended.wait(PATIENCE)
    assert not isinstance(outcomes[0], BaseException), outcomes


@LIVE
def test_r32_what_would_wait_for_its_own_thread_is_refused_at_once(
    sim: Simulator, client: TradeClient
) -> None:
    refusals: list[Any] = []
    client.on(Channel.ORDERS, lambda order: refusals.append(outcome(client.block_for_close)))
    client.place_order(AAPL, "BUY", 1, 190)
    assert isinstance(eventually(lambda: refusals, "the refusal")[0], NotConnected)


@LIVE
def test_r33_no_lock_is_held_while_a_callback_runs(sim: Simulator, client: TradeClient) -> None:
    """The user's lock is taken in the callback, and held by another thread around a call of the client."""
    lock, entered, done = threading.Lock(), threading.Event(), threading.Event()

    def callback(order: Order) -> None:
        entered.set()
        with lock:
            client.get_user_orders()
        done.set()

    client.on(Channel.ORDERS, callback)
    with lock:
        client.place_order(AAPL, "BUY", 1, 190)
        assert entered.wait(PATIENCE)
        client.place_order(AAPL, "BUY", 1, 190)
        client.cancel_all_orders()
        assert not any(row.position for row in client.positions.values())
        assert client.stats().pending == 0
    assert done.wait(PATIENCE)


@LIVE
def test_r34_a_callback_that_raises_is_logged_reported_and_counted_and_the_rest_goes_on(
    sim: Simulator, client: TradeClient, caplog: pytest.LogCaptureFixture
) -> None:
    errors, orders = Heard(client, Channel.ERRORS), []

    def raises(order: Order) -> None:
        raise ZeroDivisionError("in the callback")

    client.on(Channel.ORDERS, raises)
    client.on(Channel.ORDERS, orders.append)
    with caplog.at_level(logging.ERROR, "qfex"):
        for _ in range(20):
            client.place_order(AAPL, "BUY", 1, 190)
        errors.count(20)
    eventually(lambda: len(orders) == 20, "the other callback")
    assert client.stats().callback_errors == 20
    assert {event.kind for event in errors.events} == {"callback"}
    assert isinstance(errors.events[0].error, ZeroDivisionError)
    assert 1 <= len(caplog.records) <= 3, "a failing callback is logged once a second"
    assert caplog.records[0].exc_info is not None


@LIVE
def test_r34_a_callback_that_raises_shows_without_any_logging_set_up(sim: Simulator) -> None:
    body = """
    def fails(order):
        raise ZeroDivisionError("in the callback")
    with client:
        client.on(Channel.ORDERS, fails)
        client.place_order('AAPL-USD', 'BUY', 1, 190)
    """
    with Script(body, sim.environment, sim.credentials) as script:
        code, errors, _ = script.end()
    assert code == 0
    assert "ZeroDivisionError: in the callback" in errors and "Traceback" in errors


@LIVE
def test_r34_even_an_exception_that_cannot_be_shown_is_survived(sim: Simulator, client: TradeClient) -> None:
    class Nasty(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even text")

    def fails(order: Order) -> None:
        raise Nasty

    orders: list[Order] = []
    client.on(Channel.ORDERS, fails)
    client.on(Channel.ORDERS, orders.append)
    logging.getLogger("qfex").setLevel(logging.CRITICAL)
    try:
        client.place_order(AAPL, "BUY", 1, 190)
        client.place_order(AAPL, "BUY", 1, 190)
        eventually(lambda: len(orders) == 2, "the other callback")
    finally:
        logging.getLogger("qfex").setLevel(logging.NOTSET)
    assert client.is_alive


@LIVE
def test_r35_events_come_while_the_main_thread_sleeps(
    sim: Simulator, client: TradeClient, connect: Connect
) -> None:
    heard = Heard(client, Channel.ORDERS)
    connect(sim).place_order(AAPL, "BUY", 1, 190)
    time.sleep(0.2)
    assert len(heard.events) == 1


@LIVE
def test_r35_a_notebook_and_a_worker_thread_can_use_a_client(sim: Simulator, connect: Connect) -> None:
    """A notebook's cell runs inside an event loop."""
    heard: list[Any] = []

    async def cell() -> None:
        client = connect(sim)
        client.on(Channel.ORDERS, heard.append)
        client.place_order(AAPL, "BUY", 1, 190)

    asyncio.run(cell())
    worker = threading.Thread(target=lambda: asyncio.run(cell()))
    worker.start()
    worker.join(PATIENCE)
    # The second order is told to both clients of the account.
    eventually(lambda: len(heard) == 3, "the orders")

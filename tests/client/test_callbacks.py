"""Callbacks, and the threads and locks of the user (R32 to R35)."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from qfex import (
    Channel,
    ErrorEvent,
    NotConnected,
    Order,
    OrderStatus,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.helpers import (
    AAPL,
    PATIENCE,
    Connect,
    Received,
    eventually,
    live_only,
    outcome,
)
from tests.support.user_script import UserScript

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


@live_only
def test_r32_a_callback_that_would_wait_for_itself_is_refused_at_once(
    sim: Simulator, client: TradeClient
) -> None:
    refusals: list[Any] = []
    client.on(Channel.ORDERS, lambda order: refusals.append(outcome(client.block_for_close)))
    client.place_order(AAPL, "BUY", 1, 190)
    assert isinstance(eventually(lambda: refusals, "the refusal")[0], NotConnected)


@live_only
def test_r33_no_lock_is_held_while_a_callback_runs(sim: Simulator, client: TradeClient) -> None:
    """The callback takes a lock of the user, which another thread holds around calls of the client."""
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


@live_only
def test_r34_an_exception_in_a_callback_is_logged_reported_and_counted_and_other_callbacks_run(
    sim: Simulator, client: TradeClient, caplog: pytest.LogCaptureFixture
) -> None:
    errors, orders = Received(client, Channel.ERRORS), []

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


@live_only
def test_r34_an_exception_in_a_callback_is_printed_when_logging_is_not_set_up(sim: Simulator) -> None:
    body = """
    def fails(order):
        raise ZeroDivisionError("in the callback")
    with client:
        client.on(Channel.ORDERS, fails)
        client.place_order('AAPL-USD', 'BUY', 1, 190)
    """
    with UserScript(body, sim.environment, sim.credentials) as script:
        code, errors, _ = script.wait()
    assert code == 0
    assert "ZeroDivisionError: in the callback" in errors and "Traceback" in errors


@live_only
def test_r34_an_exception_that_cannot_be_printed_does_no_harm(sim: Simulator, client: TradeClient) -> None:
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


@live_only
def test_r35_events_arrive_while_the_main_thread_sleeps(
    sim: Simulator, client: TradeClient, connect: Connect
) -> None:
    received = Received(client, Channel.ORDERS)
    connect(sim).place_order(AAPL, "BUY", 1, 190)
    time.sleep(0.2)
    assert len(received.events) == 1


@live_only
def test_r35_notebooks_and_worker_threads_can_use_a_client(sim: Simulator, connect: Connect) -> None:
    """A notebook's cell runs inside an event loop."""
    received: list[Any] = []

    async def cell() -> None:
        client = connect(sim)
        client.on(Channel.ORDERS, received.append)
        client.place_order(AAPL, "BUY", 1, 190)

    asyncio.run(cell())
    worker = threading.Thread(target=lambda: asyncio.run(cell()))
    worker.start()
    worker.join(PATIENCE)
    # The second order is delivered to both clients of the account.
    eventually(lambda: len(received) == 3, "the orders")


def test_a_callback_can_be_cancelled(client: TradeClient) -> None:
    received, kept = Received(), Received()
    registration = client.on(Channel.ORDERS, received)
    client.on(Channel.ORDERS, kept)
    assert "order_responses" in repr(registration)
    client.place_order(AAPL, "BUY", 1, 330)
    received.next(), kept.next()
    registration.cancel()
    registration.cancel()
    client.place_order(AAPL, "BUY", 1, 330)
    kept.next()
    assert received.is_empty


def test_a_callback_may_call_any_blocking_method(client: TradeClient) -> None:
    done = Received()

    def replace(order: Order) -> None:
        if order.status is OrderStatus.ACK and order.price == 330:
            modified = client.modify_order(order, price=331)
            client.subscribe(Channel.FILLS)
            done(client.cancel_order(modified))

    client.on(Channel.ORDERS, replace)
    client.place_order(AAPL, "BUY", 1, 330)
    assert done.next().status is OrderStatus.CANCELLED


@live_only
def test_a_callback_that_raises_is_reported_and_the_others_run(
    client: TradeClient, caplog: pytest.LogCaptureFixture
) -> None:
    errors, after = Received(), Received()
    client.on(Channel.ERRORS, errors)
    client.on(Channel.ORDERS, lambda order: 1 / 0)
    client.on(Channel.ORDERS, after)
    with caplog.at_level(logging.ERROR, "qfex"):
        client.place_order(AAPL, "BUY", 1, 330)
        client.place_order(AAPL, "BUY", 1, 331)
        assert [after.next().price, after.next().price] == [330, 331]
        reports = [errors.next(), errors.next()]
    for report in reports:
        assert isinstance(report, ErrorEvent) and report.kind == "callback"
        assert isinstance(report.error, ZeroDivisionError) and "ZeroDivisionError" in report.message
    assert client.stats().callback_errors == 2
    assert (
        len([record for record in caplog.records if "callback" in record.message]) == 1
    )  # once a second, not once for each event


@live_only
def test_an_error_in_a_callback_for_errors_is_not_reported_to_it(client: TradeClient) -> None:
    calls = Received()

    def fail(event: Any) -> None:
        calls(event)
        raise RuntimeError

    client.on(Channel.ERRORS, fail)
    client.on(Channel.ORDERS, lambda order: 1 / 0)
    client.on(Channel.ORDERS, last := Received())
    logging.getLogger("qfex").disabled = True
    try:
        client.place_order(AAPL, "BUY", 1, 330)
        last.next()
        assert calls.next().kind == "callback"
        client.place_order(AAPL, "BUY", 1, 330)
        last.next()
        assert calls.next().kind == "callback" and calls.is_empty
    finally:
        logging.getLogger("qfex").disabled = False


def test_an_exception_in_a_callback_reaches_streams_of_errors(client: TradeClient) -> None:
    def broken(order: Any) -> None:
        raise RuntimeError("broken")

    client.on(Channel.ORDERS, broken)
    with client.stream(Channel.ERRORS) as errors:
        client.place_order("AAPL-USD", "BUY", "0.5", "330.00")
        report = errors.get(PATIENCE)
    assert isinstance(report, ErrorEvent)
    assert report.kind == "callback" and isinstance(report.error, RuntimeError)

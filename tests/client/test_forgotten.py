"""Nobody is held up by what was forgotten: pending orders, unclosed clients, forked children."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import pytest

from qfex import (
    Channel,
    ConnectionState,
    ForkedClientError,
    MarketDataClient,
    OutcomeUnknown,
    RateLimitPolicy,
    ReconnectPolicy,
    TradeClient,
)
from qfex.session import rate_limit
from qfex.sim import Simulator
from tests.support.exchange import Peer, Scripted, ScriptedExchange, acknowledgement, answers_everything
from tests.support.helpers import AAPL, QUICK, background, eventually, outcome
from tests.support.user_script import UserScript

LIVE = pytest.mark.parametrize("dialect", ["live"], indirect=True)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
STOP = {"order_type": "STOP_LOSS", "price": 100}


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qfex.session.connection.LATE_REPLY_GRACE", 0.05)


# --- pending orders ----------------------------------------------------------------------------------------------


def forgetful(peer: Peer) -> None:
    """Answers no order that is called forgotten, and no list."""
    peer.accept()
    while True:
        command = peer.receive()
        if command["type"] != "get_user_orders" and command["params"].get("client_order_id") != "forgotten":
            peer.answer(command)


@pytest.mark.usefixtures("short_grace")
def test_an_order_whose_result_nobody_asks_for_holds_up_no_renewal(scripted: Scripted) -> None:
    _, client = scripted(forgetful, answers_everything)
    pending = client.submit_order(AAPL, "BUY", 1, 200, client_order_id="forgotten")
    outcome(lambda: client.get_user_orders(timeout=0.05))
    begun = monotonic()
    with background(lambda: client.get_user_orders(timeout=20)) as listed:
        eventually(lambda: client._session.current and client._session.current.renewing, "the renewal")  # type: ignore[union-attr]
        assert client.place_order(AAPL, "BUY", 1, 200).is_live
        listed()
    assert monotonic() - begun < 2.5
    with pytest.raises(OutcomeUnknown, match="connection lost"):
        pending.result()


@pytest.mark.usefixtures("short_grace")
def test_a_renewal_waits_for_an_order_whose_result_somebody_waits_for(scripted: Scripted) -> None:
    asked = threading.Event()

    def late(peer: Peer) -> None:
        peer.accept()
        order = peer.receive("add_order")
        asked.wait(10)
        peer.send(acknowledgement(order))
        peer.read_until_closed()

    _, client = scripted(late, answers_everything)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    outcome(lambda: client.get_user_orders(timeout=0.05))
    with (
        background(lambda: client.get_user_orders(timeout=20)) as listed,
        background(pending.result) as result,
    ):
        eventually(lambda: client._session.current and client._session.current.renewing, "the renewal")  # type: ignore[union-attr]
        threading.Event().wait(2.5)  # longer than forgotten orders are waited for
        asked.set()
        assert result().is_live
        listed()


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize("answered", [False, True])
def test_a_key_of_a_forgotten_order_is_free_once_its_own_time_is_up(
    scripted: Scripted, answered: bool
) -> None:
    """Whoever asks for the result later gets the truth: the late answer, or that there was none."""
    waited = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        first = peer.receive("add_order")
        waited.wait(10)
        if answered:
            peer.send(acknowledgement(first))
        while True:
            peer.answer(peer.receive())

    _, client = scripted(script, answers_everything)
    pending = client.submit_order(AAPL, "SELL", 1, timeout=0.2, **STOP)  # type: ignore[arg-type]
    begun = monotonic()
    with background(lambda: client.place_order(AAPL, "SELL", 1, timeout=20, **STOP)) as placed:  # type: ignore[arg-type]
        eventually(lambda: pending._request.given_up, "it is given up")
        waited.set()
        assert placed().is_live
    assert monotonic() - begun < 2.5
    if answered:
        assert pending.result().client_order_id == pending.client_order_id
    else:
        with pytest.raises(OutcomeUnknown):
            pending.result()


def test_asking_twice_for_a_result_that_does_not_come_prolongs_no_grace(scripted: Scripted) -> None:
    _, client = scripted(forgetful)
    pending = client.submit_order(AAPL, "BUY", 1, 200, client_order_id="forgotten", timeout=0.05)
    with pytest.raises(OutcomeUnknown):
        pending.result()
    given_up_at = pending._request.given_up_at
    with pytest.raises(OutcomeUnknown):
        pending.result(0.05)
    assert pending._request.given_up_at == given_up_at


# --- unclosed clients --------------------------------------------------------------------------------------------


def readers() -> list[threading.Thread]:
    return [
        thread for thread in threading.enumerate() if thread.name.startswith(("qfex-trade", "qfex-market"))
    ]


@contextmanager
def unclosed(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], int]]:
    """No thread of a client is left at the end; what is given counts the warnings so far."""
    caplog.set_level(logging.INFO, "qfex")
    yield lambda: sum("was not closed" in record.message for record in caplog.records)
    gc.collect()
    eventually(lambda: not readers(), "the end of all threads", 2.0)


def connected(exchange: ScriptedExchange, **options: Any) -> TradeClient:
    client = TradeClient(exchange.environment, exchange.credentials, reconnect=QUICK, **options)
    client.connect()
    return client


def test_a_client_that_is_forgotten_is_ended_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    def use() -> None:
        connected(exchange).get_user_orders()

    with ScriptedExchange(answers_everything) as exchange, unclosed(caplog) as warnings:
        use()
        eventually(lambda: warnings() == 1, "the warning")
        eventually(lambda: exchange.peers[0].closes == 1, "the close frame")
    assert warnings() == 1
    assert not any("lost" in record.message for record in caplog.records)
    assert not any(record.levelno > logging.WARNING for record in caplog.records)


@LIVE
def test_a_forgotten_client_of_market_data_is_ended_too(
    sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    def use() -> None:
        MarketDataClient(sim.environment).connect()

    with unclosed(caplog) as warnings:
        use()
    assert warnings() == 1


def test_a_client_that_never_connected_or_was_closed_is_no_matter(caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedExchange(answers_everything) as exchange, unclosed(caplog) as warnings:
        TradeClient(exchange.environment, exchange.credentials)
        connected(exchange).close()
    assert warnings() == 0


def test_a_forgotten_client_that_has_no_connection_is_ended_too(caplog: pytest.LogCaptureFixture) -> None:
    def use() -> None:
        away = ReconnectPolicy(initial_delay=30.0, max_delay=30.0)
        client = TradeClient(exchange.environment, exchange.credentials, reconnect=away)
        client.connect()
        exchange.peers[0].drop()
        eventually(lambda: client.state is ConnectionState.RECONNECTING, "the loss")

    with ScriptedExchange(answers_everything) as exchange, unclosed(caplog) as warnings:
        use()
    assert warnings() == 1


def test_a_stream_that_is_in_use_keeps_its_client(caplog: pytest.LogCaptureFixture) -> None:
    def answers_late(peer: Peer) -> None:
        peer.accept()
        go_on.wait(10)
        peer.send(acknowledgement({"params": ORDER}))
        peer.read_until_closed()

    go_on = threading.Event()
    with ScriptedExchange(answers_late) as exchange, unclosed(caplog) as warnings:
        stream = connected(exchange).stream(Channel.ORDERS)
        gc.collect()
        go_on.set()
        assert stream.get(5).client_order_id == "mine"
        assert warnings() == 0
        del stream
    assert warnings() == 1


ORDER = {
    "symbol": AAPL, "side": "BUY", "quantity": 1.0, "price": 200.0, "client_order_id": "mine",
    "order_type": "LIMIT", "order_time_in_force": "GTC",
}  # fmt: skip


def test_a_pending_order_keeps_its_client(caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedExchange(answers_everything) as exchange, unclosed(caplog) as warnings:
        pending = connected(exchange).submit_order(AAPL, "BUY", 1, 200)
        gc.collect()
        assert pending.result().is_live and warnings() == 0
        del pending
    assert warnings() == 1


def test_a_callback_keeps_its_client_until_it_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    called: list[Any] = []
    with ScriptedExchange(answers_everything) as exchange, unclosed(caplog) as warnings:
        registration = connected(exchange).on(Channel.CONNECTION, called.append)
        gc.collect()
        exchange.peers[0].drop()
        eventually(lambda: len(exchange.peers) == 2 and called, "the callback")
        assert warnings() == 0
        registration.cancel()
        del registration
    assert warnings() == 1


def test_the_end_of_a_forgotten_client_waits_for_no_lock(scripted: Scripted) -> None:
    """The garbage collector may run in the middle of anything, on any thread."""
    _, client = scripted(answers_everything)
    session = client._session
    with client.stream(Channel.ORDERS) as stream:
        held = (session.mutex, session._lock, stream._events._mutex, logging._lock)  # type: ignore[attr-defined]
        for each in held:
            with background(session.forget) as forgotten, each:
                forgotten()
        for each in held:
            with each:
                session.forget()
        eventually(lambda: session.state is ConnectionState.CLOSED, "the end")
        assert list(stream) == []


@LIVE
def test_a_client_that_is_forgotten_just_before_the_exit_is_closed_with_one_warning(sim: Simulator) -> None:
    body = """
    client.close()
    def use():
        TradeClient.from_env().connect()
    use()
    """
    with UserScript(body, sim.environment, sim.credentials) as script:
        code, errors, seconds = script.wait()
    assert code == 0 and seconds < 10
    assert len(errors.splitlines()) == 1 and "was not closed" in errors
    eventually(lambda: not sim.connections, "the end of the connection")


# --- forked children ---------------------------------------------------------------------------------------------


def in_child(work: Callable[[], Any]) -> int:
    """Run something in a forked child; its exit code, 1 if it raised, 9 if it hung."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            work()
            os._exit(0)
        os._exit(1)
    until = monotonic() + 5
    while monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        threading.Event().wait(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return 9


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_gets_no_budget_that_a_thread_of_its_parent_was_counting() -> None:
    policy = RateLimitPolicy()
    limiter = rate_limit.shared_limiter("account", policy)
    assert limiter is not None and rate_limit.shared_limiter("account", policy) is limiter
    entered, go_on = threading.Event(), threading.Event()

    def count() -> None:
        with rate_limit._mutex, limiter._buckets["general"]._mutex:
            entered.set()
            go_on.wait(10)

    def use() -> None:
        mine = rate_limit.shared_limiter("account", policy)
        assert mine is not limiter and mine is not None and mine.takes(1.0, "general")

    with background(count) as counted:
        entered.wait(5)
        try:
            assert in_child(use) == 0
        finally:
            go_on.set()
            counted()
    assert rate_limit.shared_limiter("account", policy) is limiter


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_streams_and_callbacks_of_the_parent_are_refused_in_a_forked_child(scripted: Scripted) -> None:
    _, client = scripted(answers_everything)
    registration = client.on(Channel.ORDERS, print)
    held, go_on = threading.Event(), threading.Event()

    def fill() -> None:
        with stream._events._mutex:  # as if the reader thread were just adding an event
            held.set()
            go_on.wait(10)

    def use() -> None:
        assert isinstance(outcome(lambda: stream.get(1)), ForkedClientError)
        assert isinstance(outcome(registration.cancel), ForkedClientError)
        stream.close()
        client.close()

    with client.stream(Channel.ORDERS) as stream, background(fill) as filled:
        held.wait(5)
        try:
            assert in_child(use) == 0
        finally:
            go_on.set()
            filled()
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_that_forgets_the_client_of_its_parent_ends_nothing(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything)

    def forget() -> None:
        client._session.forget()
        assert not client._session.forgotten

    assert in_child(forget) == 0
    assert client.place_order(AAPL, "BUY", 1, 200).is_live and len(exchange.peers) == 1

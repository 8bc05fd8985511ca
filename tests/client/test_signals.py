"""Signal handlers that call the client ("on SIGTERM cancel all orders"): they work or are refused at once."""

from __future__ import annotations

import ast
import itertools
import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

import pytest
import trustme

import qfex
from qfex import (
    Channel,
    ConnectionState,
    Environment,
    ForkedClientError,
    NotConnected,
    OrderRequest,
    OutcomeUnknown,
    QfexError,
    RateLimitPolicy,
    RequestTimeout,
    TradeClient,
)
from qfex.session.connection import ClientConnection
from qfex.sim import Simulator
from qfex.threads import Deadline, InnerMutex, Latch, Mutex, ReentrantCall, ReentrantMutex, WaitList
from tests.support.exchange import Scripted, ScriptedExchange, answers_everything, answers_nothing
from tests.support.helpers import AAPL, PATIENCE, QUICK, background, eventually, outcome
from tests.support.user_script import UserScript

LIVE = pytest.mark.parametrize("dialect", ["live"], indirect=True)
PACKAGE = Path(qfex.__file__).parent
ROOMY = RateLimitPolicy(units_per_second=1e9, burst=1e9)
AT_ONCE = 2.0  # seconds: far less than the handlers' own timeouts

#: Locks that are no `Mutex`: one that a thread sleeps on, and one whose re-entry the transport handles itself.
OTHER_LOCKS = {("threads.py", "Lock"), ("transport.py", "RLock")}


def test_every_lock_of_the_client_is_one_on_which_a_handler_cannot_hang() -> None:
    places = [*(PACKAGE / name for name in ("base_client.py", "client.py", "market_data.py", "threads.py"))]
    places += [path for name in ("session", "net", "workflows") for path in (PACKAGE / name).rglob("*.py")]
    found = {
        (path.name, node.attr)
        for path in places
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in ("Lock", "RLock", "allocate_lock")
        and ast.unparse(node.value) in ("threading", "_thread")
    }
    assert found == OTHER_LOCKS
    imported = {
        (path.name, alias.name)
        for path in places
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module in ("threading", "_thread")
        for alias in node.names
        if alias.name in ("Lock", "RLock", "allocate_lock")
    }
    assert imported == {("threads.py", "RLock")}  # the base of the mutexes


# --- the mutex ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [Mutex, InnerMutex, ReentrantMutex])
@pytest.mark.parametrize("first", [Mutex, InnerMutex, ReentrantMutex])
def test_a_thread_that_holds_a_mutex_is_refused_another_one(first: Any, second: Any) -> None:
    held = first()
    with held:
        if second is Mutex:
            with pytest.raises(ReentrantCall) as refused, second():
                pass
            assert refused.value.sent is False
        else:
            with second():
                pass
        with pytest.raises(ReentrantCall):  # the wait of a handler would need the thread that it interrupted
            WaitList().wait_until(lambda: False, Deadline(PATIENCE))
    with held, pytest.raises(ReentrantCall), Mutex():
        pass
    assert not held._is_owned()
    assert not WaitList().wait_until(lambda: False, Deadline(0.0))


@pytest.mark.parametrize("kind", [Mutex, InnerMutex])
def test_no_mutex_is_entered_twice(kind: Any) -> None:
    mutex = kind()
    with mutex:
        with pytest.raises(ReentrantCall), mutex:
            pass
        assert mutex._is_owned()
    with background(lambda: _refuses_itself(kind())) as refused:  # as a destructor on another thread would do
        assert refused()


def _refuses_itself(mutex: Any) -> bool:
    with mutex:
        try:
            with mutex:
                return False
        except ReentrantCall:
            return True


def test_what_is_over_already_needs_no_wait() -> None:
    latch = Latch()
    latch.set()
    with Mutex():
        assert latch.wait(PATIENCE)


def test_another_thread_waits_for_the_mutex_and_is_not_refused() -> None:
    mutex, order = Mutex(), []

    def enter() -> None:
        with mutex:
            order.append("other")

    with background(enter) as entered:
        with mutex:
            order.append("first")
        entered()
    assert order == ["first", "other"] or order == ["other", "first"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("kind", [Mutex, InnerMutex])
def test_a_mutex_of_the_parent_is_refused_in_a_forked_child(kind: Any) -> None:
    mutex, holding = kind(), ReentrantMutex()
    with holding:
        child = os.fork()
        if child == 0:
            with suppress(ForkedClientError), mutex:
                os._exit(1)
            with kind():  # the child's own, though the parent's thread held another one
                os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


# --- a handler at any line of a call -----------------------------------------------------------------------------


class Signal:
    """Runs a handler at the n-th line of the library that this thread comes by; the handler itself is not interrupted."""

    def __init__(self, number: int, handler: Callable[[], Any]) -> None:
        self.left = number
        self.where = ""
        self.seconds = 0.0
        self.end: Any = None
        self._handler = handler

    def __enter__(self) -> Signal:
        self._before = sys.gettrace()
        sys.settrace(self._enter)
        return self

    def __exit__(self, *exc_info: object) -> None:
        sys.settrace(self._before)

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self._step if frame.f_code.co_filename.startswith(str(PACKAGE)) and self.left > 0 else None

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line" and self.left > 0:
            self.left -= 1
            if self.left == 0:
                self.where = f"{Path(frame.f_code.co_filename).relative_to(PACKAGE)}:{frame.f_lineno}"
                begun = monotonic()
                self.end = outcome(self._handler)  # a tracer is not traced
                self.seconds = monotonic() - begun
        return self._step


def take(client: TradeClient) -> None:
    with client.stream(Channel.ORDERS) as stream:
        client.place_order(AAPL, "BUY", 1, 150)
        stream.get(PATIENCE)
        with suppress(RequestTimeout):
            stream.get(0.001)


def listen(client: TradeClient) -> None:
    client.on(Channel.ORDERS, id).cancel()


CALLS: dict[str, Callable[[TradeClient], Any]] = {
    "place_order": lambda client: client.place_order(AAPL, "BUY", 1, 150),
    "place_orders": lambda client: client.place_orders([OrderRequest(AAPL, "BUY", 1, 150)] * 2),
    "submit_order": lambda client: client.submit_order(AAPL, "BUY", 1, 150).result(),
    "stream": take,
    "on": listen,
    "reads": lambda client: (client.positions, client.open_orders, client.balance, client.stats()),
}


@contextmanager
def trading(sim: Simulator) -> Iterator[TradeClient]:
    with TradeClient(sim.environment, sim.credentials, rate_limit=ROOMY, reconnect=QUICK) as client:
        client.subscribe(*(channel for channel in Channel if not channel.is_local))
        yield client


@LIVE
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_handler_at_any_line_of_a_call_works_or_is_refused_at_once(
    sim: Simulator, call: Callable[[TradeClient], Any]
) -> None:
    worked = refused = 0
    with trading(sim) as client:
        for number in itertools.count(1):
            trap = Signal(number, lambda: client.cancel_all_orders(timeout=2 * AT_ONCE))
            with trap:
                call(client)  # the interrupted call itself goes on as ever
            if not trap.where:
                break
            assert trap.seconds < AT_ONCE, f"a handler at {trap.where} took {trap.seconds:.1f} s"
            if isinstance(trap.end, list):
                worked += 1
            else:
                assert isinstance(trap.end, QfexError), f"at {trap.where}: {trap.end!r}"
                assert getattr(trap.end, "sent", False) is False, f"at {trap.where}: {trap.end!r}"
                refused += 1
        assert client.stats().pending == 0 and client.stats().reconnects == 0
    assert worked > refused > 0


@LIVE
@pytest.mark.slow
@pytest.mark.parametrize("call", ["place_order", "stream"])
def test_a_handler_at_any_line_of_a_call_can_close_the_client(sim: Simulator, call: str) -> None:
    for number in itertools.count(1, 5):
        with trading(sim) as client:
            trap = Signal(number, client.close)
            with trap:
                end = outcome(lambda: CALLS[call](client))  # noqa: B023 - called at once
            assert trap.end is None, f"at {trap.where}: {trap.end!r}"
            assert end is None or not isinstance(end, Exception) or isinstance(end, QfexError), trap.where
            if not trap.where:
                break
            assert trap.seconds < 2.5, f"closing at {trap.where} took {trap.seconds:.1f} s"
            assert client.state is ConnectionState.CLOSED
            eventually(lambda: not client._session.is_alive, f"the end of the reader after {trap.where}")
            assert isinstance(outcome(lambda: client.place_order(AAPL, "BUY", 1, 150)), NotConnected)


@LIVE
@pytest.mark.parametrize("handler", ["close", "cancel"])
def test_a_handler_at_any_line_of_connecting_is_served(sim: Simulator, handler: str) -> None:
    for number in itertools.count(1, 2):
        client = TradeClient(sim.environment, sim.credentials, rate_limit=ROOMY, reconnect=QUICK)
        trap = Signal(number, client.close if handler == "close" else client.cancel_all_orders)
        with trap:
            end = outcome(client.connect)
        client.close()
        assert trap.seconds < 2.5, f"at {trap.where}: {trap.seconds:.1f} s"
        if handler == "close":
            assert trap.end is None and (end is None or isinstance(end, NotConnected)), trap.where
        else:
            assert end is None, f"at {trap.where}: {end!r}"
            assert not getattr(trap.end, "sent", False), f"at {trap.where}: {trap.end!r}"
        if not trap.where:
            break


# --- what a handler cannot do ------------------------------------------------------------------------------------

CRITICAL: dict[str, Callable[[TradeClient, Any], Any]] = {
    "the account's state": lambda client, stream: client._session.mutex,
    "the connection's state": lambda client, stream: client._session._lock,
    "a stream": lambda client, stream: stream._events._mutex,
    "the streams": lambda client, stream: client._session.events.streams._mutex,
    "the callbacks": lambda client, stream: client._session.events.dispatcher.registry._mutex,
    "the dispatcher": lambda client, stream: client._session.events.dispatcher._mutex,
    "the budget": lambda client, stream: client._session.limiter._buckets["cancel"]._mutex,  # type: ignore[union-attr]
}
HANDLERS: dict[str, Callable[[TradeClient], Any]] = {
    "an order": lambda client: client.place_order(AAPL, "BUY", 1, 150),
    "cancel all": lambda client: client.cancel_all_orders(),
    "a read": lambda client: client.get_user_orders(),
    "positions": lambda client: client.positions,
    "the end": lambda client: client.block_for_close(),
}


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
@pytest.mark.parametrize("section", CRITICAL.values(), ids=CRITICAL)
def test_a_handler_within_a_critical_section_sends_nothing_and_says_so_at_once(
    scripted: Scripted, section: Callable[[TradeClient, Any], Any], handler: Callable[[TradeClient], Any]
) -> None:
    """The reader thread may need the same lock, so that no answer could come."""
    exchange, client = scripted(answers_everything)
    with client.stream(Channel.ORDERS) as stream:
        sent, begun = client.stats().sent, monotonic()
        with section(client, stream):
            end = outcome(lambda: handler(client))
        assert monotonic() - begun < AT_ONCE
        assert isinstance(end, RequestTimeout) and end.sent is False
        assert client.stats().sent == sent
        assert client.place_order(AAPL, "BUY", 1, 150).is_live and stream.get(PATIENCE).is_live
    assert client.stats().pending == 0


@pytest.mark.parametrize("section", CRITICAL.values(), ids=CRITICAL)
def test_a_handler_within_a_critical_section_can_close_the_client(
    scripted: Scripted, section: Callable[[TradeClient, Any], Any]
) -> None:
    exchange, client = scripted(answers_everything)
    client.on(Channel.CONNECTION, id)
    stream = client.stream(Channel.ORDERS, Channel.CONNECTION)
    with section(client, stream):
        client.close()
    assert client.state is ConnectionState.CLOSED
    list(stream)  # it has ended
    eventually(lambda: not client.is_alive, "the end of the reader, which may have needed the lock")
    eventually(lambda: exchange.peers[0].closes == 1, "the close frame")
    eventually(lambda: not client._session.events.dispatcher._thread.is_alive(), "the end of the dispatcher")  # type: ignore[union-attr]


def test_a_handler_that_interrupts_the_start_of_the_dispatcher_can_close_the_client(
    scripted: Scripted,
) -> None:
    _, client = scripted(answers_everything)
    dispatcher = client._session.events.dispatcher
    dispatcher._thread = threading.Thread(target=dispatcher._run)  # made, and not started
    client.close()
    dispatcher._thread.start()  # the interrupted call goes on
    dispatcher._thread.join(PATIENCE)
    assert not dispatcher._thread.is_alive()


def test_a_handler_that_interrupts_a_renewal_is_refused_at_once(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qfex.session.connection.LATE_REPLY_GRACE", 0.0)
    _, client = scripted(answers_nothing, answers_everything)
    outcome(lambda: client.get_user_trades(timeout=0.05))
    drain, ends = ClientConnection.drain, []

    def interrupted(connection: ClientConnection, deadline: Deadline) -> None:
        drain(connection, deadline)
        ends.append(outcome(lambda: client.place_order(AAPL, "BUY", 1, 150)))

    monkeypatch.setattr(ClientConnection, "drain", interrupted)
    begun = monotonic()
    client.get_user_trades()
    assert monotonic() - begun < AT_ONCE
    assert isinstance(ends[0], RequestTimeout) and not ends[0].sent
    assert client.place_order(AAPL, "BUY", 1, 150).is_live


def test_a_handler_that_interrupts_a_message_is_refused_at_once(scripted: Scripted) -> None:
    _, client = scripted(answers_everything, rate_limit=None)
    sock = client._session.current.transport._socket  # type: ignore[union-attr]
    assert sock is not None
    send, ends = sock.send, []

    def interrupted(data: Any, counts: list[int]) -> None:
        sock.send = send  # type: ignore[method-assign]
        send(data[:20], counts)
        begun = monotonic()
        ends.append(outcome(lambda: client.place_order(AAPL, "BUY", 1, 200)))
        ends.append(monotonic() - begun)

    sock.send = interrupted  # type: ignore[method-assign]
    assert client.place_order(AAPL, "BUY", 1, 200).is_live
    assert isinstance(ends[0], RequestTimeout) and not ends[0].sent
    assert ends[1] < AT_ONCE


def test_a_handler_that_asks_for_an_answer_within_a_critical_section_is_informed_that_it_was_sent(
    scripted: Scripted,
) -> None:
    _, client = scripted(answers_nothing)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    begun = monotonic()
    with client._session.mutex:
        end = outcome(pending.result)
    assert isinstance(end, OutcomeUnknown) and monotonic() - begun < AT_ONCE


def test_a_handler_that_closes_within_a_critical_section_says_goodbye_under_tls_too(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    with ScriptedExchange(answers_everything, tls=context) as exchange:
        environment = Environment(*(f"wss://127.0.0.1:{exchange.port}/",) * 2, "http://127.0.0.1:9")
        client = TradeClient(environment, exchange.credentials, ca_file=str(tmp_path / "authority.pem"))
        with client, client._session.mutex:
            client.close()
        assert exchange.peers[0].closes == 1


# --- real signals ------------------------------------------------------------------------------------------------

STORM = """
import random, signal, sys, threading, time

ends = []
def handler(*_):
    try:
        ends.append(client.cancel_all_orders(timeout=5))
    except QfexError as error:
        ends.append(error)

calls = [
    lambda: client.place_order('AAPL-USD', 'BUY', 1, 150),
    lambda: (client.positions, client.open_orders),
    lambda: stream.get(0),
]
signal.signal(signal.SIGALRM, handler)
client = TradeClient.from_env(rate_limit=RateLimitPolicy(units_per_second=1e9, burst=1e9))
with client, client.stream(Channel.ORDERS, maxsize=10**6) as stream:
    moments = random.Random(1)
    worst = 0.0
    while len(ends) < {times}:
        seen, begun = len(ends), time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, moments.uniform(0.0001, 0.002))
        while len(ends) == seen:
            try:
                moments.choice(calls)()
            except QfexError as error:
                if getattr(error, 'sent', False):
                    raise
        worst = max(worst, time.monotonic() - begun)
    lies = [end for end in ends if isinstance(end, Exception) and getattr(end, 'sent', False)]
    print(len(ends), len(lies), worst < 4, sum(isinstance(end, list) for end in ends), flush=True)
"""


@LIVE
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_a_storm_of_signals_whose_handler_cancels_all_orders_hangs_nobody(sim: Simulator) -> None:
    """Every handler has five seconds, and none of them needs as long."""
    with UserScript(STORM.replace("{times}", "3000"), sim.environment, sim.credentials) as script:
        times, lies, prompt, worked = script.read_line().split()
        code, errors, _ = script.wait()
    assert (code, errors) == (0, "")
    assert (times, lies, prompt) == ("3000", "0", "True") and int(worked) > 2000

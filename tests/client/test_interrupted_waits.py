"""Ctrl-C and signal handlers in whatever waits: no lock stays held or is let go of for another, no answer missed (R1)."""

from __future__ import annotations

import ast
import itertools
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import qfex
from qfex import Channel, Order, OrderRequest, RequestTimeout, TradeClient
from qfex.deadline import Deadline
from qfex.protocol.events import Event, Policy
from qfex.protocol.trade.commands import SetLeverage
from qfex.session.connection import PendingRequest
from qfex.session.streams import EventBuffer
from qfex.session.wait import Latch, WaitList
from qfex.sim import Simulator
from tests.support.exchange import Peer, Scripted, ScriptedExchange, answers_everything
from tests.support.helpers import AAPL, QUICK, background, eventually, outcome
from tests.support.interrupts import CALLS, CtrlC

needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals of the user's own")
#: Where users' threads wait. The REST client retries by itself, and is used by one call at a time.
WAITING = ("session", "net", "workflows", "base_client.py", "client.py", "market_data.py")
#: What waits in Python code, into which Ctrl-C may fall while a lock is held.
UNSAFE = {"Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier", "Queue", "SimpleQueue", "Future"}


def sources() -> Iterator[Path]:
    package = Path(qfex.__file__).parent
    for name in WAITING:
        place = package / name
        yield from place.rglob("*.py") if place.is_dir() else [place]


def test_r01_no_wait_uses_a_lock_that_ctrl_c_can_leave_held() -> None:
    used = {
        (path.name, node.attr)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in UNSAFE
        and ast.unparse(node.value) in ("threading", "queue")
    }
    assert not used


# --- Ctrl-C at any line of a wait --------------------------------------------------------------------------------


def wait_for_an_order(client: TradeClient) -> None:
    client.wait_until_done(client.place_order(AAPL, "BUY", 1, 200), timeout=0.005)


def wait_for_an_event(client: TradeClient) -> None:
    with client.stream(Channel.FILLS) as stream, suppress(RequestTimeout):
        stream.get(0.005)


def wait_for_the_end(client: TradeClient) -> None:
    with suppress(RequestTimeout):
        client.block_for_close(0.005)


def wait_for_the_budget(client: TradeClient) -> None:
    client._session.closing.wait(0.005)


def wait_for_the_lane(client: TradeClient) -> None:
    with suppress(RequestTimeout):
        client.set_leverage(AAPL, 5, timeout=0.005)


@contextmanager
def occupied_lane(client: TradeClient) -> Iterator[None]:
    """Somebody else waits for an answer to the same kind of command."""
    connection = client._session.current
    assert connection is not None
    first = PendingRequest(SetLeverage(AAPL, Decimal(1)), waiting=WaitList())
    connection.file(first, Deadline(None))
    yield
    connection.withdraw(first)


WAITS = (wait_for_an_order, wait_for_an_event, wait_for_the_end, wait_for_the_budget, wait_for_the_lane)


def survives(venue: ScriptedExchange, wait: Callable[[TradeClient], None], number: int) -> str:
    """Where Ctrl-C fell in a wait, if it did; calls of another thread go on as ever, and the client can be closed."""
    client = TradeClient(venue.environment, venue.credentials, rate_limit=None, reconnect=QUICK)
    trap = CtrlC(number)
    client.connect()
    with (
        occupied_lane(client) if wait is wait_for_the_lane else nullcontext(),
        suppress(KeyboardInterrupt),
        trap,
    ):
        wait(client)
    with background(lambda: [outcome(partial(call, client)) for call in CALLS.values()]) as calls:
        ends = calls()
    with background(client.close) as closed:
        closed()
    assert not [end for end in ends if isinstance(end, Exception)], f"Ctrl-C at {trap.where}: {ends}"
    return trap.where


@pytest.mark.parametrize("wait", WAITS)
def test_r01_ctrl_c_at_any_line_of_a_wait_breaks_no_later_call(
    wait: Callable[[TradeClient], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qfex.session.connection.LATE_REPLY_GRACE", 0.02)
    with ScriptedExchange(answers_everything) as venue:
        for number in itertools.count(1):
            if not survives(venue, wait, number):
                break
    assert number > 10


@pytest.mark.parametrize("policy", [Policy.KEEP, Policy.CONFLATE])
def test_r01_ctrl_c_loses_no_event(policy: Policy) -> None:
    sent = [Event(Channel.ORDERS, key, key) for key in range(3)]
    for number in itertools.count(1):
        buffer, trap = EventBuffer(lambda _: policy, 10), CtrlC(number)
        buffer.put(iter(sent))
        got: list[Event] = []
        with suppress(KeyboardInterrupt), trap:
            got += buffer.get_many(2)
        while more := buffer.get_many(1, 0.0):
            got += more
        assert got == sent, f"Ctrl-C at {trap.where}"
        if not trap.where:
            break
    assert number > 5


def test_r01_ctrl_c_withdraws_all_orders_of_a_batch(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mute(peer: Peer) -> None:
        peer.accept()
        peer.read_until_closed()

    exchange, client = scripted(mute, rate_limit=None)
    monkeypatch.setattr(client._requests, "result", lambda *_: press_ctrl_c(0, None))
    with pytest.raises(KeyboardInterrupt):
        client.place_orders([OrderRequest(AAPL, "BUY", 1, 200)] * 70)
    assert client.stats().pending == 0
    eventually(lambda: len(exchange.peers[0].commands) >= 70, "they have left")


@pytest.mark.parametrize("delay", [1e7, 1e300])
def test_no_timeout_is_too_long_for_the_system(delay: float) -> None:
    latch = Latch()
    with background(lambda: latch.wait(delay)) as waited:
        eventually(lambda: latch._waiting, "it waits")
        latch.set()
        assert waited()


# --- Ctrl-C wherever the system lets it fall --------------------------------------------------------------------


@contextmanager
def alarms(handler: Callable[[int, Any], None]) -> Iterator[Callable[[float], None]]:
    """Sets this thread's alarm clock; it rings by calling `handler`."""
    before = signal.signal(signal.SIGALRM, handler)
    try:
        yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds) and None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def press_ctrl_c(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def interrupt_often(wait: Callable[[], object], times: int) -> None:
    """Press Ctrl-C at some time within a wait, over and over."""
    moments = random.Random(1)
    with alarms(press_ctrl_c) as ring_in:
        for _ in range(times):
            with suppress(KeyboardInterrupt):
                try:
                    ring_in(moments.uniform(1e-5, 6e-4))
                    with suppress(RequestTimeout):
                        wait()
                finally:
                    ring_in(0)


@needs_signals
@pytest.mark.parametrize("kind", ["order", "event"])
def test_r01_repeated_ctrl_c_does_not_stop_other_threads(kind: str) -> None:
    with Simulator(symbols=[AAPL], liquidity=False, rate_limits=False) as sim:
        sim.set_mark_price(AAPL, 200)
        with TradeClient(sim.environment, sim.credentials, rate_limit=None, reconnect=QUICK) as client:
            resting = client.place_order(AAPL, "BUY", 1, 50)
            stream = client.stream(Channel.ORDERS)
            waits = {"order": lambda: client.wait_until_done(resting, 1), "event": lambda: stream.get(1)}
            over = threading.Event()

            def trade() -> list[Any]:
                ends = []
                while not over.is_set():
                    ends.append(outcome(lambda: client.place_order(AAPL, "BUY", 1, 100, time_in_force="IOC")))
                return ends

            with background(trade) as traded:
                interrupt_often(waits[kind], 1500)
                over.set()
                ends = traded()
            stream.close()
            assert client.is_alive and client.stats().reconnects == 0 and client.stats().pending == 0
            assert len(ends) > 10 and not [end for end in ends if not isinstance(end, Order)]

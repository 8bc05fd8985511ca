"""Ctrl-C during a wait: no lock stays held, no reply and no event is lost (R1)."""

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
from qfex.protocol.events import Event, Policy
from qfex.protocol.trade.commands import SetLeverage
from qfex.session.connection import PendingRequest
from qfex.session.events import EventBuffer
from qfex.sim import Simulator
from qfex.threads import Deadline, Latch, WaitList
from tests.support.exchange import Scripted, ScriptedExchange, answers_everything, answers_nothing
from tests.support.helpers import AAPL, QUICK, background, eventually, outcome
from tests.support.interrupts import CALLS, CtrlC

needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals of the user's own")
#: Where threads of the user wait. The REST client is not among them: nothing waits for another thread there.
WAITING = ("session", "net", "workflows", "base_client.py", "client.py", "market_data.py")
#: Classes that wait in Python code. Ctrl-C can interrupt that code while it holds a lock.
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


# --- Ctrl-C at any line of a wait ---------------------------------------------------------------------------


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


def wait_for_an_exclusive_key(client: TradeClient) -> None:
    with suppress(RequestTimeout):
        client.set_leverage(AAPL, 5, timeout=0.005)


@contextmanager
def held_key(client: TradeClient) -> Iterator[None]:
    """Another request holds the exclusive key: it waits for a reply to the same command."""
    connection = client._session.current
    assert connection is not None
    first = PendingRequest(SetLeverage(AAPL, Decimal(1)), waiting=WaitList())
    connection.file(first, Deadline(None))
    yield
    connection.withdraw(first)


WAITS = (
    wait_for_an_order,
    wait_for_an_event,
    wait_for_the_end,
    wait_for_the_budget,
    wait_for_an_exclusive_key,
)


def survives(venue: ScriptedExchange, wait: Callable[[TradeClient], None], number: int) -> str:
    """Interrupt a wait, then check that calls of another thread succeed and that the client can be closed.

    Returns
    -------
    str
        Where Ctrl-C interrupted it, as file and line number; empty if the wait was over before.
    """
    client = TradeClient(venue.environment, venue.credentials, rate_limit=None, reconnect=QUICK)
    trap = CtrlC(number)
    client.connect()
    with (
        held_key(client) if wait is wait_for_an_exclusive_key else nullcontext(),
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
    exchange, client = scripted(answers_nothing, rate_limit=None)
    monkeypatch.setattr(client._requests, "result", lambda *_: press_ctrl_c(0, None))
    with pytest.raises(KeyboardInterrupt):
        client.place_orders([OrderRequest(AAPL, "BUY", 1, 200)] * 70)
    assert client.stats().pending == 0
    eventually(lambda: len(exchange.peers[0].commands) >= 70, "all orders at the exchange")


@pytest.mark.parametrize("delay", [1e7, 1e300])
def test_no_timeout_is_too_long_for_the_system(delay: float) -> None:
    latch = Latch()
    with background(lambda: latch.wait(delay)) as waited:
        eventually(lambda: latch._waiting, "it waits")
        latch.set()
        assert waited()


# --- Ctrl-C at any moment -----------------------------------------------------------------------------------


@contextmanager
def alarms(handler: Callable[[int, Any], None]) -> Iterator[Callable[[float], None]]:
    """A function that sets an alarm, on which the system calls `handler`."""
    before = signal.signal(signal.SIGALRM, handler)
    try:
        yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds) and None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def press_ctrl_c(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def interrupt_often(wait: Callable[[], object], times: int) -> None:
    """Press Ctrl-C at a random moment of a wait, again and again."""
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

"""Fixtures of all tests: nothing outlives a test; exchanges and their clients."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from qfex import HmacCredentials, JwtCredentials, TradeClient
from qfex.sim import Simulator
from tests.support.exchange import ExchangeScript, Scripted, ScriptedExchange
from tests.support.helpers import AAPL, GOLD, PATIENCE, QUICK, Connect

SYMBOLS = [AAPL, GOLD]

# The time that an example takes depends on the machine, and says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

_DESCRIPTORS = Path("/proc/self/fd")


def open_sockets() -> set[str]:
    """The sockets of this process, on systems that list them."""
    if not _DESCRIPTORS.is_dir():
        return set()
    targets = set()
    for descriptor in _DESCRIPTORS.iterdir():
        try:
            targets.add(os.readlink(descriptor))
        except OSError:  # closed since it was listed
            continue
    return {target for target in targets if target.startswith("socket:")}


def join_others(before: set[threading.Thread]) -> set[threading.Thread]:
    """Wait for the threads that were started since; return those that do not end in time."""
    until = monotonic() + PATIENCE
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, until - monotonic()))
    return set(threading.enumerate()) - before


@pytest.fixture(autouse=True)
def nothing_outlives_the_test() -> Iterator[None]:
    """All threads and sockets of a test end with it."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    assert not join_others(threads), "threads outlive the test"
    if not open_sockets() <= sockets:
        gc.collect()
    assert open_sockets() <= sockets, "sockets outlive the test"


@pytest.fixture(params=["live", "documented"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Both dialects of the exchange. A test for one of them has the mark `live_only`."""
    return str(request.param)


@pytest.fixture
def sim(dialect: Any) -> Iterator[Simulator]:
    """An exchange without a market maker. The test moves its clock."""
    with Simulator(symbols=SYMBOLS, dialect=dialect, liquidity=False, clock="manual") as simulator:
        yield simulator
        assert simulator.ledger.errors == []


@pytest.fixture
def market(dialect: Any) -> Iterator[Simulator]:
    """An exchange with a market maker. The test moves its clock."""
    with Simulator(symbols=SYMBOLS, dialect=dialect, clock="manual") as simulator:
        yield simulator
        assert simulator.ledger.errors == []


@pytest.fixture
def quiet(dialect: Any) -> Iterator[Simulator]:
    """An exchange that sends nothing of its own accord, and whose price of AAPL is 200."""
    options: dict[str, Any] = {
        "liquidity": False,
        "clock": "manual",
        "ping_interval": 3600,
        "rate_limits": False,
    }
    with Simulator(symbols=[AAPL], dialect=dialect, **options) as simulator:
        simulator.set_mark_price(AAPL, 200)
        yield simulator
        assert simulator.ledger.errors == []


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A function that makes connected clients of a simulator. They are closed after the test."""
    made: list[TradeClient] = []

    def connect(
        simulator: Simulator, credentials: HmacCredentials | JwtCredentials | None = None, **options: Any
    ) -> TradeClient:
        options = {"request_timeout": PATIENCE, **options}
        made.append(TradeClient(simulator.environment, credentials or simulator.credentials, **options))
        made[-1].connect()
        return made[-1]

    yield connect
    for client in made:
        client.close()


@pytest.fixture
def client(sim: Simulator, connect: Connect) -> TradeClient:
    """A connected client of the default account."""
    return connect(sim)


@pytest.fixture
def counterparty(sim: Simulator, connect: Connect) -> TradeClient:
    """A connected client of another account."""
    return connect(sim, sim.create_account())


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A function that makes a scripted exchange and a client that is connected to it."""
    with ExitStack() as ends:

        def scripted(
            *scripts: ExchangeScript, connected: bool = True, **options: Any
        ) -> tuple[ScriptedExchange, TradeClient]:
            exchange = ends.enter_context(ScriptedExchange(*scripts))
            options = {"request_timeout": PATIENCE, "reconnect": QUICK, **options}
            client = TradeClient(exchange.environment, exchange.credentials, **options)
            ends.callback(client.close)
            if connected:
                client.connect()
            return exchange, client

        yield scripted

"""Fixtures of all tests: nothing outlives a test, and an exchange with a client on it."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from qfex import HmacCredentials, JwtCredentials, TradeClient
from qfex.sim import Simulator

PATIENCE = 5.0  # seconds: an upper limit of waits, never a delay
SYMBOLS = ["AAPL-USD", "GOLD-USD"]

# How long an example takes says something about the machine, and nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

_DESCRIPTORS = Path("/proc/self/fd")


def open_sockets() -> set[str]:
    """The sockets of this process, where the system tells."""
    if not _DESCRIPTORS.is_dir():
        return set()
    targets = set()
    for descriptor in _DESCRIPTORS.iterdir():
        try:
            targets.add(os.readlink(descriptor))
        except OSError:  # closed meanwhile
            continue
    return {target for target in targets if target.startswith("socket:")}


def join_others(before: set[threading.Thread]) -> set[threading.Thread]:
    """Wait for the threads that were not there before; those that do not end in time."""
    until = monotonic() + PATIENCE
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, until - monotonic()))
    return set(threading.enumerate()) - before


@pytest.fixture(autouse=True)
def nothing_outlives_the_test() -> Iterator[None]:
    """Whatever a test starts ends with it: threads and sockets."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    assert not join_others(threads), "threads outlive the test"
    if not open_sockets() <= sockets:
        gc.collect()
    assert open_sockets() <= sockets, "sockets outlive the test"


@pytest.fixture(params=["live", "documented"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Both ways in which the exchange may speak; a test of one way says so by parametrizing this indirectly."""
    return str(request.param)


@pytest.fixture
def sim(dialect: Any) -> Iterator[Simulator]:
    """An exchange without a market maker, whose clock only moves when told."""
    with Simulator(symbols=SYMBOLS, dialect=dialect, liquidity=False, clock="manual") as simulator:
        yield simulator
        assert simulator.ledger.errors == []


@pytest.fixture
def market(dialect: Any) -> Iterator[Simulator]:
    """An exchange with a market maker, whose clock only moves when told."""
    with Simulator(symbols=SYMBOLS, dialect=dialect, clock="manual") as simulator:
        yield simulator
        assert simulator.ledger.errors == []


Connect = Callable[..., TradeClient]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes connected clients of a simulator, and closes them after the test."""
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
def peer(sim: Simulator, connect: Connect) -> TradeClient:
    """A connected client of another account."""
    return connect(sim, sim.create_account())

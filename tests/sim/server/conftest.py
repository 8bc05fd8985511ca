"""Fixtures of the server's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qfex.sim import Simulator

from .helpers import Script


@pytest.fixture(autouse=True)
def scripts_end() -> Iterator[None]:
    """Close the connections that a test left open."""
    yield
    while Script.opened:
        Script.opened.pop().vanish()


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A simulator without a market maker, whose time stands still, and which did not fail itself."""
    with Simulator(symbols=["AAPL-USD", "GOLD-USD"], liquidity=False, clock="manual") as simulator:
        yield simulator
        assert simulator.ledger.errors == []


@pytest.fixture
def market() -> Iterator[Simulator]:
    """A simulator as a newcomer starts it."""
    with Simulator() as simulator:
        yield simulator
        assert simulator.ledger.errors == []

"""Fixtures of the server's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qfex.sim import Simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A simulator without a market maker and with a manual clock. The simulator itself must not fail."""
    with Simulator(symbols=["AAPL-USD", "GOLD-USD"], liquidity=False, clock="manual") as simulator:
        yield simulator
        assert simulator.ledger.errors == []


@pytest.fixture
def default_sim() -> Iterator[Simulator]:
    """A simulator with default arguments."""
    with Simulator() as simulator:
        yield simulator
        assert simulator.ledger.errors == []

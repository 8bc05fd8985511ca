"""Fixtures for the tests of programs that trade: an exchange of their own, and a client that is connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .client import TradeClient
    from .sim import Simulator

_MARKER = "qfex_simulator"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    text = f"{_MARKER}(**options): arguments of the Simulator that the fixture qfex_simulator gives"
    config.addinivalue_line("markers", text)


@pytest.fixture
def qfex_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulator of its own for each test; ``@pytest.mark.qfex_simulator(clock="manual")`` gives its arguments."""
    try:
        from .sim import Simulator
    except ImportError as error:
        pytest.fail(
            f"qfex_simulator needs the extra sim: pip install 'qfex-sync[sim]' ({error})", pytrace=False
        )
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(_MARKER))):  # the closest counts
        options.update(marker.kwargs)
    with Simulator(**options) as simulator:
        yield simulator


@pytest.fixture
def qfex_client(qfex_simulator: Simulator) -> Iterator[TradeClient]:
    """A `TradeClient` that is connected to the test's simulator."""
    from .client import TradeClient

    with TradeClient(qfex_simulator.environment, qfex_simulator.credentials) as client:
        yield client

"""The worlds of the feed tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qfex.sim.feeds.market_data import MarketData

from .helpers import Reader, World
from .rest_client import Rest, serving


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def market_data(world: World) -> MarketData:
    return MarketData(world.exchange, world.clock)


@pytest.fixture
def reader(market_data: MarketData) -> Reader:
    return Reader(market_data)


@pytest.fixture
def rest() -> Iterator[Rest]:
    """A live simulator of its own."""
    with serving() as rest:
        yield rest


@pytest.fixture
def documented() -> Iterator[Rest]:
    """A simulator that follows the documentation."""
    with serving(dialect="documented") as rest:
        yield rest

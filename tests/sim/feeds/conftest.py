"""The worlds of the feed tests."""

from __future__ import annotations

import pytest

from qfex.sim.feeds.market_data import MarketData

from .helpers import Reader, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def market_data(world: World) -> MarketData:
    return MarketData(world.exchange, world.clock)


@pytest.fixture
def reader(market_data: MarketData) -> Reader:
    return Reader(market_data)

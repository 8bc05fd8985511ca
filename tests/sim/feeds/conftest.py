"""Fixtures of the market data and REST tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qfex.sim.feeds.market_data import MarketData

from .helpers import MarketHarness, Reader
from .rest_harness import Rest, serving


@pytest.fixture
def market() -> MarketHarness:
    return MarketHarness()


@pytest.fixture
def market_data(market: MarketHarness) -> MarketData:
    return MarketData(market.exchange, market.clock)


@pytest.fixture
def reader(market_data: MarketData) -> Reader:
    return Reader(market_data)


@pytest.fixture
def rest() -> Iterator[Rest]:
    """A simulator in the live dialect."""
    with serving() as rest:
        yield rest


@pytest.fixture
def documented() -> Iterator[Rest]:
    """A simulator in the documented dialect."""
    with serving(dialect="documented") as rest:
        yield rest

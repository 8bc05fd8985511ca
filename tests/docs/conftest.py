"""A simulator for the blocks of the documentation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import qfex
from qfex.sim import Simulator

SYMBOLS = ["AAPL-USD", "GOLD-USD", "US500-USD"]


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulator that the environment variables name, and that replaces the test instance."""
    with Simulator(symbols=SYMBOLS, speed=30) as simulator:
        keys, urls = simulator.credentials, simulator.environment
        monkeypatch.setenv("QFEX_PUBLIC_KEY", keys.public_key)
        monkeypatch.setenv("QFEX_SECRET_KEY", keys.secret_key)
        monkeypatch.setenv("QFEX_TRADE_URL", urls.trade_url)
        monkeypatch.setenv("QFEX_MDS_URL", urls.market_data_url)
        monkeypatch.setenv("QFEX_REST_URL", urls.rest_url)
        monkeypatch.delenv("QFEX_ENV", raising=False)
        for name in ("UAT", "PROD"):
            monkeypatch.setattr(qfex, name, urls)
        yield simulator

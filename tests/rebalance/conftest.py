"""Fixtures for a rebalancer on a simulator, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from qfex import RestClient, TradeClient
from qfex.rebalance import Journal, Pace, Progress, Rebalancer, Report, Targets
from qfex.sim import Simulator
from qfex.workflows import resolve as resolving

PACE = Pace(answer=3.0, poll=0.05, retry=0.05, twap_grace=0.05)


@attrs.define
class Bench:
    """A simulator, connected clients and a journal for tests of the rebalancer."""

    simulator: Simulator
    client: TradeClient
    rest: RestClient
    journal: Journal
    pace: Pace = PACE
    progress: list[Progress] = attrs.Factory(list)

    def rebalancer(self, **options: Any) -> Rebalancer:
        options = {"pace": self.pace, "on_progress": self.progress.append, **options}
        return Rebalancer(self.client, self.rest, self.journal, **options)

    def run(self, again: bool = False, **targets: Any) -> Report:
        return self.rebalancer().run(Targets(**{"limit_wait": 0.2, **targets}), again=again)

    def position(self, symbol: str) -> Decimal:
        held = self.rest.positions().get(symbol)
        return Decimal(0) if held is None else held.position


@pytest.fixture
def quick_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the grace period of `resolve`, because on loopback orders arrive quickly."""
    monkeypatch.setattr(resolving, "NOT_FOUND_GRACE", 0.05)


@pytest.fixture
def new_bench(quick_resolve: None, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Make benches, which are closed after the test."""
    opened: list[Any] = []

    def make(**options: Any) -> Bench:
        simulator = Simulator(**{"symbols": ["AAPL-USD", "GOLD-USD"], "clock": "manual", **options})
        simulator.start()
        place, keys = simulator.environment, simulator.credentials
        client, rest = TradeClient(place, keys, request_timeout=3.0), RestClient(place, keys)
        journal = Journal.of_account(tmp_path / "journal.sqlite", place, keys)
        opened.extend([simulator.stop, client.close, rest.close, journal.close])
        client.connect()
        return Bench(simulator, client, rest, journal)

    yield make
    for close in reversed(opened):
        close()


@pytest.fixture
def bench(new_bench: Callable[..., Bench]) -> Bench:
    """A bench whose simulator has a market maker and a manual clock."""
    return new_bench()

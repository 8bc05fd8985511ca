"""Rebalancers that are killed with SIGKILL at dangerous points and at random moments."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qfex.rebalance import Outcome
from qfex.rebalance.targets import EXECUTIONS
from qfex.sim import Simulator

from .crash_runs import SYMBOLS, TARGETS, KillHarness, TradedAccount, require_correct_end, validated

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="needs process file descriptors (Linux)"
)

NewAccount = Callable[[str], TradedAccount]
LONGEST = {
    "market": 0.12,
    "limit-then-market": 0.25,
    "twap": 0.4,
}  # approximate duration of a run, in seconds
KILLS = {"market": 80, "limit-then-market": 70, "twap": 60}
STRIDE = 13  # only every 13th dangerous point is tested in a normal run


@pytest.fixture(scope="module")
def harness() -> Iterator[KillHarness]:
    with KillHarness() as process:
        yield process


@pytest.fixture(params=["live"])
def dialect(request: pytest.FixtureRequest) -> str:
    """The dialect of the simulator."""
    return str(request.param)


@pytest.fixture
def new_account(harness: KillHarness, tmp_path: Path, dialect: Any) -> Iterator[NewAccount]:
    """Make accounts on a simulator with a fast clock, so that TWAPs end soon."""
    with Simulator(symbols=SYMBOLS, speed=300.0, rate_limits=False, dialect=dialect) as simulator:

        def make(execution: str) -> TradedAccount:
            keys = simulator.create_account()
            targets = validated({**TARGETS, "execution": execution, "period": "once"})
            return TradedAccount(harness, simulator, keys, tmp_path / f"{keys.public_key}.sqlite", targets)

        yield make
        assert simulator.ledger.errors == []


def kill_at_random(account: TradedAccount, source: random.Random, longest: float, attempts: int) -> None:
    """Kill a rebalancer repeatedly, then let it run to its end."""
    for _ in range(attempts):
        if account.run(seconds=source.uniform(0.0, longest)) is not None:
            break
    assert account.run() in (Outcome.DONE, Outcome.NOTHING_TO_DO)


@pytest.mark.parametrize("dialect", ["live", "documented"], indirect=True)
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_a_rebalancer_that_is_not_killed_reaches_its_targets(new_account: NewAccount, execution: str) -> None:
    account = new_account(execution)
    assert account.run() is Outcome.DONE
    require_correct_end(account)


def kill_at_points(new_account: NewAccount, execution: str, points: range) -> None:
    """Kill a new run at each point until a run has fewer points. It must have had more than twenty."""
    for point in points:
        account = new_account(execution)
        if account.run(fatal_point=point) is not None:
            break
        assert account.run() in (Outcome.DONE, Outcome.NOTHING_TO_DO)
        require_correct_end(account)
    assert 20 < point < points[-1]


def kill_often(new_account: NewAccount, execution: str, source: random.Random, wanted: int) -> None:
    """Kill rebalancers at random moments until there are enough kills, on as many accounts as necessary."""
    kills = 0
    while kills < wanted:
        account = new_account(execution)
        kill_at_random(account, source, LONGEST[execution] * source.uniform(0.3, 1.2), attempts=20)
        require_correct_end(account)
        kills += account.kills


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["live", "documented"], indirect=True)
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_targets_are_reached_after_a_kill_at_dangerous_points(
    new_account: NewAccount, execution: str, dialect: str
) -> None:
    # The points before and after a frame is sent, and before and after a change of the journal.
    first = random.Random(f"{execution} {dialect}").randint(1, STRIDE)
    kill_at_points(new_account, execution, range(first, 500, STRIDE))


@pytest.mark.slow
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_targets_are_reached_after_kills_at_random_moments(new_account: NewAccount, execution: str) -> None:
    kill_often(new_account, execution, random.Random(f"crash {execution}"), KILLS[execution])


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_targets_are_reached_after_a_kill_at_each_dangerous_point(
    new_account: NewAccount, execution: str
) -> None:
    kill_at_points(new_account, execution, range(1, 500))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_targets_are_reached_after_a_thousand_kills_at_random_moments(
    new_account: NewAccount, execution: str
) -> None:
    kill_often(new_account, execution, random.Random(f"soak {execution}"), 1000)

"""Rebalancers killed with SIGKILL at every dangerous point, and at random moments."""

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

from .laboratory import SYMBOLS, TARGETS, Nursery, Patient, require_truth, validated

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="needs process file descriptors (Linux)"
)

NewPatient = Callable[[str], Patient]
LONGEST = {"market": 0.12, "limit-then-market": 0.25, "twap": 0.4}  # seconds that a run takes, about
KILLS = {"market": 80, "limit-then-market": 70, "twap": 60}
STRIDE = 13  # of the dangerous points, where time is short


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as process:
        yield process


@pytest.fixture(params=["live"])
def dialect(request: pytest.FixtureRequest) -> str:
    """How the exchange speaks."""
    return str(request.param)


@pytest.fixture
def new_patient(nursery: Nursery, tmp_path: Path, dialect: Any) -> Iterator[NewPatient]:
    """Makes accounts on an exchange whose time flies, so that TWAPs end."""
    with Simulator(symbols=SYMBOLS, speed=300.0, rate_limits=False, dialect=dialect) as simulator:

        def make(execution: str) -> Patient:
            keys = simulator.create_account()
            targets = validated({**TARGETS, "execution": execution, "period": "once"})
            return Patient(nursery, simulator, keys, tmp_path / f"{keys.public_key}.sqlite", targets)

        yield make
        assert simulator.ledger.errors == []


def kill_at_random(patient: Patient, source: random.Random, longest: float, lives: int) -> None:
    """Kill a rebalancer again and again; the last life it may live to its end."""
    for _ in range(lives):
        if patient.run(seconds=source.uniform(0.0, longest)) is not None:
            break
    assert patient.run() in (Outcome.DONE, Outcome.NOTHING_TO_DO)


@pytest.mark.parametrize("dialect", ["live", "documented"], indirect=True)
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_a_rebalancer_that_nobody_kills_reaches_its_targets(new_patient: NewPatient, execution: str) -> None:
    patient = new_patient(execution)
    assert patient.run() is Outcome.DONE
    require_truth(patient)


def kill_at_points(new_patient: NewPatient, execution: str, points: range) -> None:
    """Kill at each point, until a run lives to its end; those before must have been many."""
    for point in points:
        patient = new_patient(execution)
        if patient.run(fatal_point=point) is not None:
            break
        assert patient.run() in (Outcome.DONE, Outcome.NOTHING_TO_DO)
        require_truth(patient)
    assert 20 < point < points[-1]


def kill_often(new_patient: NewPatient, execution: str, source: random.Random, wanted: int) -> None:
    """Kill as often as wanted, over as many accounts as that takes."""
    kills = 0
    while kills < wanted:
        patient = new_patient(execution)
        kill_at_random(patient, source, LONGEST[execution] * source.uniform(0.3, 1.2), lives=20)
        require_truth(patient)
        kills += patient.kills


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["live", "documented"], indirect=True)
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_killed_at_dangerous_points(new_patient: NewPatient, execution: str, dialect: str) -> None:
    # Before and after frames leave, and before and after entries of the journal.
    first = random.Random(f"{execution} {dialect}").randint(1, STRIDE)
    kill_at_points(new_patient, execution, range(first, 500, STRIDE))


@pytest.mark.slow
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_killed_at_random_moments(new_patient: NewPatient, execution: str) -> None:
    kill_often(new_patient, execution, random.Random(f"crash {execution}"), KILLS[execution])


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_killed_at_each_dangerous_point(new_patient: NewPatient, execution: str) -> None:
    kill_at_points(new_patient, execution, range(1, 500))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_killed_at_a_thousand_random_moments(new_patient: NewPatient, execution: str) -> None:
    kill_often(new_patient, execution, random.Random(f"soak {execution}"), 1000)

"""Rebalancers that are killed, and the proof that nothing was traded twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

from qfex import HmacCredentials
from qfex.rebalance import Journal, Outcome, Targets
from qfex.rebalance.records import RunState, StepState
from qfex.sim import Simulator

SYMBOLS = ["AAPL-USD", "GOLD-USD", "NVDA-USD"]
LOT = Decimal("0.001")  # of AAPL-USD and NVDA-USD, the coarsest ones
TARGETS: dict[str, Any] = {
    "weights": {"AAPL-USD": "0.1", "NVDA-USD": "-0.05"},
    "quantities": {"GOLD-USD": "0.5"},
    "limit_wait": 0.1,
    "twap_orders": 3,
}
OUTCOMES = list(Outcome)
ROOT = Path(__file__).parents[2]


class Nursery:
    """The process that runs and kills rebalancers."""

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rebalance.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=10)

    def run(self, **order: Any) -> Outcome | None:
        """Run one rebalancer; None: it was killed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return None if answer["killed"] else OUTCOMES[answer["code"]]


@attrs.define
class Patient:
    """An account, its targets, and the runs it goes through."""

    nursery: Nursery
    simulator: Simulator
    keys: HmacCredentials
    journal: Path
    targets: dict[str, Any]
    kills: int = 0

    def run(self, *, seconds: float | None = None, fatal_point: int | None = None) -> Outcome | None:
        """Run once, and be killed after some time or at a certain point."""
        environment = self.simulator.environment
        outcome = self.nursery.run(
            environment=[environment.trade_url, environment.market_data_url, environment.rest_url],
            keys=[self.keys.public_key, self.keys.secret_key],
            journal=str(self.journal),
            targets=self.targets,
            seconds=seconds,
            fatal_point=fatal_point,
        )
        self.kills += outcome is None
        return outcome

    @contextmanager
    def open_journal(self) -> Iterator[Journal]:
        """The account's journal."""
        with Journal.of_account(self.journal, self.simulator.environment, self.keys) as journal:
            yield journal


def require_truth(patient: Patient) -> None:
    """Check everything that must hold when a run has ended, whatever happened before."""
    _require_positions(patient)
    _require_journal_explains_ledger(patient)
    commands = _commands(patient)
    assert patient.run() is Outcome.NOTHING_TO_DO
    assert _commands(patient) == commands, "a run that was repeated in its period traded"


def _require_positions(patient: Patient) -> None:
    """Final positions equal the targets within a lot, and what was traded equals the plan."""
    account = patient.simulator.account_id(patient.keys)
    fills = patient.simulator.ledger.fills_of(account)
    with patient.open_journal() as journal:
        (run,) = journal.runs()
        rows = journal.plan_of(run).rows
    assert run.state is RunState.DONE
    assert len(rows) == len(SYMBOLS)
    for row in rows:
        traded = sum((fill.quantity for fill in fills if fill.symbol == row.symbol), Decimal(0))
        signed = sum((_signed(fill) for fill in fills if fill.symbol == row.symbol), Decimal(0))
        assert abs(signed - row.target) <= LOT
        assert traded == row.quantity, f"{row.symbol}: traded {traded}, planned {row.quantity}"


def _signed(fill: Any) -> Decimal:
    return Decimal(fill.quantity if fill.side == "BUY" else -fill.quantity)


def _commands(patient: Patient) -> list[Any]:
    account = patient.simulator.account_id(patient.keys)
    return [
        entry
        for entry in patient.simulator.ledger.received
        if entry.account_id == account and entry.command in ("add_order", "add_twap")
    ]


def _require_journal_explains_ledger(patient: Patient) -> None:
    """Every command was meant, was sent once at most, and did what the journal says that it did."""
    account = patient.simulator.account_id(patient.keys)
    sent = [entry.identifier for entry in _commands(patient)]
    assert len(sent) == len(set(sent)), "a step was sent twice"
    with patient.open_journal() as journal:
        (run,) = journal.runs()
        steps, story = journal.steps(run), [event.what for event in journal.events(run)]
    assert set(sent) == {step.client_id for step in steps if step.state is not StepState.NEVER_SENT}
    for step in steps:
        assert step.state in (StepState.DONE, StepState.NEVER_SENT)
        told = [what for what in story if step.client_id in what]
        assert told[0].startswith("intend") and f"{step.state}, filled {step.filled:f}" in told[-1]
    filled = sum((step.filled for step in steps), Decimal(0))
    assert filled == sum((fill.quantity for fill in patient.simulator.ledger.fills_of(account)), Decimal(0))


def validated(targets: dict[str, Any]) -> dict[str, Any]:
    """The targets, when they are valid: a mistake shows here and not in a child."""
    Targets(**targets)
    return targets

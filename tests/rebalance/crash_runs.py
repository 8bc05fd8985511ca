"""Runs of rebalancers that are killed, and the checks that nothing was traded twice."""

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
LOT = Decimal("0.001")  # the largest lot size of the symbols
TARGETS: dict[str, Any] = {
    "weights": {"AAPL-USD": "0.1", "NVDA-USD": "-0.05"},
    "quantities": {"GOLD-USD": "0.5"},
    "limit_wait": 0.1,
    "twap_orders": 3,
}
OUTCOMES = list(Outcome)
ROOT = Path(__file__).parents[2]


class KillHarness:
    """The process of `kill_harness`, which runs and kills rebalancers."""

    def __enter__(self) -> KillHarness:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rebalance.kill_harness"],
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
        """Run one rebalancer and return its outcome, or None if it was killed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return None if answer["killed"] else OUTCOMES[answer["code"]]


@attrs.define
class TradedAccount:
    """An account with targets, on which rebalancers are run and killed."""

    harness: KillHarness
    simulator: Simulator
    keys: HmacCredentials
    journal: Path
    targets: dict[str, Any]
    kills: int = 0

    def run(self, *, seconds: float | None = None, fatal_point: int | None = None) -> Outcome | None:
        """Run a rebalancer, which may be killed after some seconds or at a dangerous point."""
        environment = self.simulator.environment
        outcome = self.harness.run(
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
        """Open the journal of the account."""
        with Journal.of_account(self.journal, self.simulator.environment, self.keys) as journal:
            yield journal


def require_correct_end(account: TradedAccount) -> None:
    """Check everything that must be true after a run has ended, whatever happened before."""
    _require_positions(account)
    _require_journal_explains_ledger(account)
    commands = _commands(account)
    assert account.run() is Outcome.NOTHING_TO_DO
    assert _commands(account) == commands, "a second run in the same period traded"


def _require_positions(account: TradedAccount) -> None:
    """Check that the positions equal the targets within a lot, and that the traded quantities equal the plan."""
    account_id = account.simulator.account_id(account.keys)
    fills = account.simulator.ledger.fills_of(account_id)
    with account.open_journal() as journal:
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


def _commands(account: TradedAccount) -> list[Any]:
    account_id = account.simulator.account_id(account.keys)
    return [
        entry
        for entry in account.simulator.ledger.received
        if entry.account_id == account_id and entry.command in ("add_order", "add_twap")
    ]


def _require_journal_explains_ledger(account: TradedAccount) -> None:
    """Check that every command is in the journal, was sent at most once, and had the recorded result."""
    account_id = account.simulator.account_id(account.keys)
    sent = [entry.identifier for entry in _commands(account)]
    assert len(sent) == len(set(sent)), "a step was sent twice"
    with account.open_journal() as journal:
        (run,) = journal.runs()
        steps, events = journal.steps(run), [event.what for event in journal.events(run)]
    assert set(sent) == {step.client_id for step in steps if step.state is not StepState.NEVER_SENT}
    for step in steps:
        assert step.state in (StepState.DONE, StepState.NEVER_SENT)
        recorded = [what for what in events if step.client_id in what]
        assert recorded[0].startswith("intend") and f"{step.state}, filled {step.filled:f}" in recorded[-1]
    filled = sum((step.filled for step in steps), Decimal(0))
    assert filled == sum(
        (fill.quantity for fill in account.simulator.ledger.fills_of(account_id)), Decimal(0)
    )


def validated(targets: dict[str, Any]) -> dict[str, Any]:
    """Return targets after checking them here, where an error is easier to see than in a child process."""
    Targets(**targets)
    return targets

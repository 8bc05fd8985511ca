"""The journal and the lock."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from qfex import ConfigurationError, Side
from qfex.rebalance import AlreadyRunning, Journal, Plan, PlannedTrade
from qfex.rebalance.records import RunState, StepKind, StepState

TRADE = PlannedTrade(
    symbol="AAPL-USD",
    current=Decimal("-1.5"),
    target=Decimal("2.000"),
    side=Side.BUY,
    quantity=Decimal("3.500"),
    mark=Decimal("336.19"),
    notional=Decimal("1176.665"),
    reason="why",
)
PLAN = Plan(Decimal("100000.10"), [TRADE])


def test_what_is_written_can_be_read_later(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite", clock=lambda: 1000.5) as journal:
        run = journal.begin("2026-01-01", "digest", "market", PLAN)
        step = journal.intend(run, TRADE, StepKind.LIMIT, Decimal("3.5"), Decimal("336.10"))
        journal.settle(step, StepState.DONE, filled=Decimal("1.25"), order_id="o-1", note="CANCELLED")
        journal.finish(run, RunState.PARTIAL)
    with Journal(tmp_path / "j.sqlite") as journal:
        (found,) = journal.runs()
        assert journal.find("2026-01-01", "digest") == found
        assert (found.state, found.created, found.equity) == (RunState.PARTIAL, 1000.5, Decimal("100000.10"))
        assert journal.plan_of(found) == PLAN
        (work,) = journal.work_of(found)
        assert (work.filled, work.remaining, work.open_steps) == (Decimal("1.25"), Decimal("2.250"), [])
        assert (work.steps[0].price, work.steps[0].order_id) == (Decimal("336.10"), "o-1")
        events = [event.what for event in journal.events(found)]
        assert events[0] == "planned 1 trades" and events[-1] == "run partial"
        assert "intend limit BUY 3.5 AAPL-USD at 336.10" in events[1]
        assert "done, filled 1.25: CANCELLED" in events[2]


def test_steps_of_one_trade_have_their_own_ids(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        run = journal.begin("p", "d", "market", PLAN)
        steps = [journal.intend(run, TRADE, StepKind.MARKET, Decimal(1), None) for _ in range(3)]
        assert [step.name for step in steps] == [f"AAPL-USD/{number}/market" for number in (1, 2, 3)]
        assert {step.client_id for step in steps} == journal.client_ids()
        assert len(journal.client_ids()) == 3
        assert all(identifier.startswith(journal.client_id_prefix) for identifier in journal.client_ids())


def test_client_ids_are_not_repeated_after_the_loss_of_a_journal(tmp_path: Path) -> None:
    identifiers = set()
    for number in range(2):
        with Journal(tmp_path / f"{number}.sqlite", clock=lambda moment=float(number): moment) as journal:
            run = journal.begin("p", "d", "market", PLAN)
            identifiers.add(journal.intend(run, TRADE, StepKind.MARKET, Decimal(1), None).client_id)
    assert len(identifiers) == 2


def test_accounts_in_one_file_are_independent(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite", "one") as one, Journal(tmp_path / "j.sqlite", "two") as two:
        run = one.begin("p", "d", "market", PLAN)
        one.intend(run, TRADE, StepKind.MARKET, Decimal(1), None)
        assert two.runs() == two.unsettled() == [] and two.client_ids() == set()
        assert one.unsettled() == [run]
        with one.lock(), two.lock():
            pass


def test_a_run_with_an_open_step_is_unsettled_in_any_state(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        run = journal.begin("p", "d", "market", PLAN)
        step = journal.intend(run, TRADE, StepKind.MARKET, Decimal(1), None)
        journal.finish(run, RunState.PARTIAL)
        assert [each.run_id for each in journal.unsettled()] == [run.run_id]
        journal.settle(step, StepState.NEVER_SENT)
        assert journal.unsettled() == []


def test_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        twice = Plan(Decimal(1), [TRADE, TRADE])
        with pytest.raises(sqlite3.IntegrityError):
            journal.begin("p", "d", "market", twice)
        assert journal.runs() == []


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_the_journal_is_private(tmp_path: Path) -> None:
    with Journal(tmp_path / "deep" / "j.sqlite"):
        assert (tmp_path / "deep" / "j.sqlite").stat().st_mode & 0o077 == 0


def test_a_file_that_is_not_a_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j.sqlite").write_text("this is no database, but long enough to be read as one" * 10)
    with pytest.raises(ConfigurationError, match="j.sqlite"):
        Journal(tmp_path / "j.sqlite")


def test_only_one_run_can_hold_the_lock(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        with journal.lock(), pytest.raises(AlreadyRunning, match=str(os.getpid())), journal.lock():
            pass
        with journal.lock():
            pass


def test_the_lock_of_a_killed_process_is_released(tmp_path: Path) -> None:
    script = (
        "import sys, signal\nfrom qfex.rebalance import Journal\n"
        f"journal = Journal({str(tmp_path / 'j.sqlite')!r})\n"
        "with journal.lock():\n    print('locked', flush=True)\n    signal.pause()\n"
    )
    with Journal(tmp_path / "j.sqlite") as journal:
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "locked\n"
            with pytest.raises(AlreadyRunning, match=str(process.pid)), journal.lock():
                pass
            process.kill()
        with journal.lock():
            pass

"""``qfex-sync rebalance``: its output, its files and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qfex.rebalance import Journal
from qfex.sim import Simulator

from .conftest import Run

TARGETS = """
execution = "market"
[weights]
AAPL-USD = 0.1
[quantities]
GOLD-USD = -0.5
"""


@pytest.fixture
def targets(tmp_path: Path) -> str:
    file = tmp_path / "targets.toml"
    file.write_text(TARGETS)
    return str(file)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "books" / "journal.sqlite"


def test_a_dry_run_trades_nothing(run: Run, at_exchange: Simulator, targets: str) -> None:
    shown = run("rebalance", targets, "--dry-run")
    assert shown.exit_code == 0 and "AAPL-USD" in shown.output and "BUY" in shown.output
    plan = json.loads(run("rebalance", targets, "--dry-run", "--json").stdout)
    assert [(row["symbol"], row["side"]) for row in plan["trades"]] == [
        ("AAPL-USD", "BUY"),
        ("GOLD-USD", "SELL"),
    ]
    assert at_exchange.ledger.count("add_order") == 0


def test_the_example_in_the_help_is_a_valid_targets_file(
    run: Run, at_exchange: Simulator, tmp_path: Path
) -> None:
    lines = run("rebalance", "--help").output.splitlines()
    first = next(number for number, line in enumerate(lines) if "A targets file" in line)
    last = next(number for number, line in enumerate(lines) if "Options:" in line)
    file = tmp_path / "example.toml"
    file.write_text("\n".join(lines[first + 1 : last]).replace("NVDA-USD = -0.1", ""))
    assert run("rebalance", str(file), "--dry-run").exit_code == 0


def test_a_run_saves_its_report_and_a_second_one_does_nothing(
    run: Run, at_exchange: Simulator, targets: str, journal: Path
) -> None:
    first = run("rebalance", targets, "--journal", str(journal))
    assert first.exit_code == 0 and "done" in first.output and "market done" in first.stderr
    saved, picture = sorted((journal.parent / "reports").iterdir())
    assert json.loads(saved.read_text())["report"]["outcome"] == "done"
    assert picture.read_bytes().startswith(b"\x89PNG")
    second = run("rebalance", targets, "--journal", str(journal))
    assert second.exit_code == 10 and "nothing to do" in second.output
    assert at_exchange.ledger.count("add_order") == 2


def test_with_json_nothing_else_is_printed(
    run: Run, at_exchange: Simulator, targets: str, journal: Path
) -> None:
    result = run("rebalance", targets, "--journal", str(journal), "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [trade["achieved"] for trade in answer["report"]["trades"]] == [
        trade["planned"] for trade in answer["report"]["trades"]
    ]
    assert all(Path(file).exists() for file in answer["files"]) and len(answer["files"]) == 2


def test_the_journal_is_private_and_in_the_state_folder(
    run: Run, at_exchange: Simulator, targets: str, tmp_path: Path
) -> None:
    assert run("rebalance", targets).exit_code == 0
    file = tmp_path / "state" / "qfex-sync" / "rebalance.sqlite"
    assert file.stat().st_mode & 0o077 == 0


def test_overlapping_runs_are_refused(run: Run, at_exchange: Simulator, targets: str, journal: Path) -> None:
    place, keys = at_exchange.environment, at_exchange.credentials
    with Journal.of_account(journal, place, keys) as other, other.lock():
        result = run("rebalance", targets, "--journal", str(journal))
    assert result.exit_code == 12 and "another run" in result.stderr
    assert at_exchange.ledger.count("add_order") == 0


def test_a_refused_trade_has_its_exit_code(
    run: Run, at_exchange: Simulator, tmp_path: Path, journal: Path
) -> None:
    file = tmp_path / "greedy.toml"
    file.write_text('execution = "market"\n[weights]\nAAPL-USD = 50\n')
    result = run("rebalance", str(file), "--journal", str(journal))
    assert result.exit_code == 3 and "refused" in result.output


def test_an_unknown_outcome_has_its_exit_code_and_is_resolved_by_the_next_run(
    run: Run, at_exchange: Simulator, targets: str, journal: Path
) -> None:
    account = at_exchange.account_id(at_exchange.credentials)
    # The first order does not arrive, and at first the exchange does not answer whether it has it.
    at_exchange.faults.swallow_command("add_order")
    at_exchange.faults.swallow_reply("get_order", times=None)
    arguments = ("rebalance", targets, "--journal", str(journal))
    first = run(*arguments, "--timeout", "1.5")
    assert first.exit_code == 4 and "unknown" in first.output
    at_exchange.faults.clear()
    assert run(*arguments).exit_code == 0
    assert set(at_exchange.ledger.counts("add_order").values()) == {1}
    traded = {fill.symbol: fill.quantity for fill in at_exchange.ledger.fills if fill.account_id == account}
    assert set(traded) == {"AAPL-USD", "GOLD-USD"}


@pytest.mark.parametrize(
    "text", ["", "[weights]\nNO-USD = 1", "[weight]\nAAPL-USD = 1", "period = 'year'", "[["]
)
def test_an_invalid_targets_file_is_wrong_usage(
    run: Run, at_exchange: Simulator, tmp_path: Path, journal: Path, text: str
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    assert run("rebalance", str(file), "--journal", str(journal)).exit_code == 2
    assert run("rebalance", str(tmp_path / "missing.toml")).exit_code == 2

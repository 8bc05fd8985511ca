"""The command line, in its short form."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import cli, comparison, plots, results, rig
from benchmarks.contest import Contest
from benchmarks.growth.curve import Curve, measure
from benchmarks.rig import Settings
from benchmarks.sampling import Spread
from benchmarks.targets import TARGETS, Row, Target

ROOT = Path(__file__).parent.parent.parent


def test_a_quick_run_of_one_scenario_prints_and_writes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["--quick", "--only", "snapshot", "--output", str(tmp_path)]) == 0
    printed, page = capsys.readouterr().out, (tmp_path / "RESULTS.md").read_text()
    title = next(target.title for target in TARGETS if target.scenario == "snapshot")
    for text in (printed, page):
        assert title in text
        assert "client CPU" in text
        assert "no verdict: too few trials" in text
    assert "--quick --only snapshot" in page
    assert "run: trials 2, rounds 1 " in page


def test_only_a_full_run_replaces_the_results_page(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    monkeypatch.setattr(results, "write", lambda _found, _rows, folder, *_: written.append(folder))
    monkeypatch.setattr(cli, "run", lambda _options: results.Results())
    assert cli.main(["--only", "tls"]) == 0
    assert cli.main(["--quick"]) == 0
    assert cli.main(["--trials", "2"]) == 0
    assert written == []
    assert cli.main([]) == 0
    assert written == [cli.HERE]


@pytest.mark.parametrize(("time", "status"), [(10.0, 0), (90.0, 1)])
def test_the_exit_status_reports_a_missed_must(
    time: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = {"library": time, "raw": 100.0, "sdk": 150.0}
    trial = {label: [{"mean_us": cost, "cpu_us": cost}] for label, cost in costs.items()}
    found = results.Results(contests={"round_trip": Contest([trial] * 8)})
    monkeypatch.setattr(cli, "run", lambda _options: found)
    assert cli.main(["--only", "round_trip"]) == status


def test_the_amount_to_measure_can_be_chosen() -> None:
    def settings(*arguments: str) -> Settings:
        return cli.settings(cli.parse(arguments))

    assert settings() == Settings()
    assert settings("--trials", "9", "--rounds", "3", "--scale", "0.5").rounds == 3
    assert settings("--trials", "9", "--rounds", "3", "--scale", "0.5").trials == 9
    assert settings("--quick") == cli.QUICK


# Comparing two checkouts


def arguments(*more: str) -> list[str]:
    return ["--against", str(ROOT), "--against-python", sys.executable, *more]


def test_a_quick_comparison_prints_and_writes_both_checkouts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(arguments("--quick", "--only", "snapshot", "--output", str(tmp_path))) == 0
    printed, page = capsys.readouterr().out, (tmp_path / "COMPARISON.md").read_text()
    for text in (printed, page):
        assert "snapshot: library, models" in text
        assert "client CPU, us" in text
        assert "no verdict: too few trials" in text


@pytest.mark.parametrize(("factor", "status"), [(0.8, 0), (1.0, 0), (1.2, 1)])
def test_the_exit_status_reports_what_is_worse(
    factor: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_scenario(*_: object) -> Contest:
        costs = {"library, before": 50.0, "library, after": 50.0 * factor}
        return Contest([{label: [{"mean_us": 70.0, "cpu_us": cost}] for label, cost in costs.items()}] * 8)

    monkeypatch.setattr(rig, "run_scenario", run_scenario)
    assert cli.main(arguments("--only", "round_trip")) == status


def test_a_checkout_brings_its_own_interpreter(tmp_path: Path) -> None:
    (tmp_path / "qfex").mkdir()
    (tmp_path / "qfex" / "__init__.py").touch()
    with pytest.raises(ValueError, match="does not exist"):
        comparison.find_checkout(tmp_path)
    interpreter = tmp_path / ".venv" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.touch()
    if sys.platform != "win32":
        assert comparison.find_checkout(tmp_path).python == str(interpreter)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["--against", "no-such-folder"], "is not a checkout"),
        (arguments("--only", "growth_session"), "growth curves cannot be compared"),
        (["--trials", "0"], "must be positive"),
    ],
)
def test_what_cannot_be_run_is_refused(
    command: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.parse(command)
    assert message in capsys.readouterr().err


# Pages and plots


def test_curves_become_tables_and_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    curve = Curve("Growth", "things", {"cost_us": "us each"})
    measure(curve, [0, 1000], 3, lambda size: {"cost_us": 2.0 + size})
    target = Target("ratio", "tls", "mean_us", "raw", 0.75, 0.6)
    rows = [
        Row(target, Spread(0.5, 0.4, high, conclusive)) for high in (0.5, 0.8) for conclusive in (True, False)
    ]
    pictures = plots.draw(rows, {"growth": curve}, tmp_path)
    assert [picture.read_bytes()[:4] for picture in pictures] == [b"\x89PNG", b"\x89PNG"]
    assert results.curve_table(curve).splitlines()[-1].split() == ["|", "1", "000", "|", "1", "002", "|"]


def test_a_contestant_may_lack_a_metric() -> None:
    full, batches = (
        {"mean_us": 200.0, "cpu_us": 1.0, "p50_us": 2.0, "p99_us": 3.0},
        {"mean_us": 100.0, "cpu_us": 1.0},
    )
    table = results.contest_table("pipelined", Contest([{"sdk": [full], "library": [batches]}]))
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:4]]
    assert cells == [
        ["sdk", "200", "1.00", "2.00", "3.00", "5 000"],
        ["library", "100", "1.00", "-", "-", "10 000"],
    ]


def test_a_contestant_that_cannot_run_is_listed_without_numbers() -> None:
    table = results.contest_table(
        "memory", Contest([{"library": [{"bytes": 5.0}]}], {"docs-sample": "no index"})
    )
    assert "not available" in table.splitlines()[3]
    assert table.splitlines()[-1] == "Other programs used 0% of the CPU."

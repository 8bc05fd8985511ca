"""The command line, in its short form."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import cli, judge, plots, results
from benchmarks.contest import Contest
from benchmarks.growth.curve import Curve, measure
from benchmarks.sampling import Spread
from benchmarks.targets import TARGETS, Target


def test_a_quick_run_of_one_scenario_prints_and_writes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["--quick", "--only", "snapshot", "--output", str(tmp_path)]) == 0
    printed, page = capsys.readouterr().out, (tmp_path / "RESULTS.md").read_text()
    title = next(target.title for target in TARGETS if target.scenario == "snapshot")
    assert title in printed
    assert title in page
    assert "--quick --only snapshot" in page


def test_a_run_of_one_scenario_leaves_the_results_page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    monkeypatch.setattr(results, "write", lambda _found, _rows, folder, _command: written.append(folder))
    monkeypatch.setattr(cli, "run", lambda _options: results.Results())
    assert cli.main(["--only", "tls"]) == 0
    assert cli.main(["--quick"]) == 0
    assert written == []
    assert cli.main([]) == 0
    assert written == [cli.HERE]


@pytest.mark.parametrize(("time", "status"), [(10.0, 0), (90.0, 1)])
def test_the_exit_status_tells_of_a_missed_must(
    time: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = {"library": [{"mean_us": time}], "raw": [{"mean_us": 100.0}], "sdk": [{"mean_us": 150.0}]}
    found = results.Results(contests={"round_trip": Contest(samples)})
    monkeypatch.setattr(results, "contest_table", lambda *_: "")
    monkeypatch.setattr(cli, "run", lambda _options: found)
    assert cli.main(["--only", "round_trip"]) == status


def test_curves_become_tables_and_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    curve = Curve("Growth", "things", {"cost_us": "us each"})
    measure(curve, [0, 1000], 3, lambda size: {"cost_us": 2.0 + size})
    target = Target("ratio", "tls", "mean_us", "raw", 0.75, 0.6)
    pictures = plots.draw([judge.Row(target, Spread(0.5, 0.4, 0.8))], {"growth": curve}, tmp_path)
    assert [picture.read_bytes()[:4] for picture in pictures] == [b"\x89PNG", b"\x89PNG"]
    assert results.curve_table(curve).splitlines()[-1].split() == ["|", "1", "000", "|", "1", "002", "|"]


def test_a_contestant_may_lack_a_metric() -> None:
    contest = Contest(
        {"sdk": [{"rate": 5.0, "p50_us": 2.0, "p99_us": 3.0, "cpu_us": 1.0}], "library": [{"rate": 7.0}]}
    )
    assert [
        line.split("|")[1:4] for line in results.contest_table("pipelined", contest).splitlines()[2:]
    ] == [
        [" sdk       ", "       5.00 ", "   2.00 "],
        [" library   ", "       7.00 ", "      - "],
    ]

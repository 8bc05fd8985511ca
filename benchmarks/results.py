"""The results of a run, as tables and as the results page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine, plots, tables, targets
from benchmarks.contest import Contest
from benchmarks.growth.curve import Curve
from benchmarks.rig import Settings
from benchmarks.sampling import CONFIDENCE
from benchmarks.scenarios import SCENARIOS

_INTRODUCTION = """# Results

Written by `{command}`; do not edit.
[NOTES.md](NOTES.md) explains how the numbers are taken and what the verdicts mean, [README.md](README.md) what is
compared.

{facts}

## Musts and aims

Medians, with the {confidence:.0%} interval of the median in brackets (fewer than 8 trials: with the lowest and the highest
trial). The verdict is on the ratio *measured*. *Client CPU time* is the ratio of the CPU time per operation, the steadier
of the two; here less is better in every row.

{summary}
"""

_METRICS = {
    "mean_us": "mean us",
    "cpu_us": "client CPU us",
    "p50_us": "p50 us",
    "p99_us": "p99 us",
    "rate": "per second",
    "bytes": "bytes each",
    "modules": "modules loaded",
    "caller_calls": "in the caller's thread",
    "reader_calls": "in the reader's thread",
}


@dataclass
class Results:
    """The contests and the curves of a run, by name."""

    contests: dict[str, Contest] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)


def contest_table(name: str, contest: Contest) -> str:
    """Return the numbers of every contestant."""
    metrics = SCENARIOS[name].metrics
    rows = [[label, *(_cell(contest, label, metric) for metric in metrics)] for label in contest.labels]
    rows += [[label, *("not available" for _ in metrics)] for label in contest.absent]
    table = tables.table([name, *(_METRICS[metric] for metric in metrics)], rows)
    return f"{table}\n\nOther programs used {contest.foreign_load:.0%} of the CPU."


def _cell(contest: Contest, label: str, metric: str) -> str:
    if metric == "rate":
        return tables.spread(contest.cost(label, "mean_us").inverse(1e6))
    # The orders of a batch, for example, have no percentiles.
    return tables.spread(contest.cost(label, metric)) if contest.measures(label, metric) else "-"


def curve_table(curve: Curve) -> str:
    """Return a curve's numbers, a row for each size."""
    columns = [dict(curve.points(metric)) for metric in curve.metrics]
    rows = [
        [f"{size:,}".replace(",", " "), *(tables.spread(column[size]) for column in columns)]
        for size in columns[0]
    ]
    return tables.table([curve.size, *curve.metrics.values()], rows)


def facts(settings: Settings) -> str:
    """Return a list of what was run, and on what machine."""
    amount = f"trials {settings.trials}, rounds {settings.rounds} (fewer in some scenarios), scale {settings.scale:g}"
    return "\n".join(f"- {name}: {value}" for name, value in {"run": amount, **machine.facts()}.items())


def write(
    found: Results, rows: Sequence[targets.Row], folder: Path, command: str, settings: Settings
) -> None:
    """Write ``RESULTS.md`` and, where matplotlib is installed, ``plots/``."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = plots.draw(rows, found.curves, folder / "plots")
    introduction = _INTRODUCTION.format(
        command=command, facts=facts(settings), confidence=CONFIDENCE, summary=targets.summary(rows)
    )
    page = [introduction, *(f"![{picture.stem}](plots/{picture.name})\n" for picture in pictures)]
    page.append("## Every contestant\n")
    for name, contest in found.contests.items():
        page.append(f"### {SCENARIOS[name].title}\n\n{contest_table(name, contest)}\n")
    page.append("## How costs grow\n")
    for curve in found.curves.values():
        page.append(f"### {curve.title}\n\n{curve_table(curve)}\n")
    (folder / "RESULTS.md").write_text("\n".join(page))

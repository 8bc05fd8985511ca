"""What a run found, as tables and as the results page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import judge, machine, plots, tables
from benchmarks.contest import Contest
from benchmarks.growth.curve import Curve
from benchmarks.sampling import spread
from benchmarks.scenarios import SCENARIOS
from benchmarks.timing import Sample

_INTRODUCTION = """# Results

Written by `{command}`; do not edit. What is measured, and how, is in [README.md](README.md).

{facts}

## Musts and aims

{summary}
"""


@dataclass
class Results:
    """The contests and the curves, by the names of what was run."""

    contests: dict[str, Contest] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)


def contest_table(name: str, contest: Contest) -> str:
    """Return the numbers of every contestant."""
    metrics = SCENARIOS[name].METRICS
    rows = [
        [label, *(_measured(samples, metric) for metric in metrics)]
        for label, samples in contest.samples.items()
    ]
    rows += [[label, *("not available" for _ in metrics)] for label in contest.absent]
    return tables.table([name, *map(_metric, metrics)], rows)


def _measured(samples: Sequence[Sample], metric: str) -> str:
    """Write a metric's spread; a batch, for example, has no percentiles of its orders."""
    return tables.spread(spread(samples, metric)) if metric in samples[0] else "-"


def _metric(name: str) -> str:
    known = {
        "rate": "per second",
        "bytes": "bytes each",
        "modules": "modules loaded",
        "cpu_us": "client CPU us",
    }
    return known.get(name) or name.replace("_us", " us")


def curve_table(curve: Curve) -> str:
    """Return a curve's numbers, a row for each size."""
    columns = [dict(curve.points(metric)) for metric in curve.metrics]
    rows = [
        [f"{size:,}".replace(",", " "), *(tables.spread(column[size]) for column in columns)]
        for size in columns[0]
    ]
    return tables.table([curve.size, *curve.metrics.values()], rows)


def write(found: Results, rows: Sequence[judge.Row], folder: Path, command: str) -> None:
    """Write ``RESULTS.md`` and, where matplotlib is installed, ``plots/``."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = plots.draw(rows, found.curves, folder / "plots")
    (folder / "RESULTS.md").write_text(_page(found, rows, pictures, command))


def _page(found: Results, rows: Sequence[judge.Row], pictures: Sequence[Path], command: str) -> str:
    facts = "\n".join(f"- {name}: {value}" for name, value in machine.facts().items())
    page = [_INTRODUCTION.format(command=command, facts=facts, summary=judge.summary(rows))]
    page += [f"![{picture.stem}](plots/{picture.name})\n" for picture in pictures]
    page.append("## Every contestant\n")
    for name, contest in found.contests.items():
        page.append(f"### {SCENARIOS[name].TITLE}\n\n{contest_table(name, contest)}\n")
    page.append("## How costs grow\n")
    for curve in found.curves.values():
        page.append(f"### {curve.title}\n\n{curve_table(curve)}\n")
    notes = Path(__file__).with_name("NOTES.md")
    if notes.exists():
        page.append(notes.read_text())
    return "\n".join(page)

"""Plots of a run. Only this module needs matplotlib, which is optional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.growth.curve import Curve
from benchmarks.targets import Row
from benchmarks.verdicts import Verdict

_COLOURS = {
    Verdict.AIM: "#2a7f3f",
    Verdict.MET: "#7fb069",
    Verdict.NOISY: "#e6aa36",
    Verdict.TOO_FEW: "#b0b0b0",
    Verdict.CONTENDED: "#8a8fa3",
    Verdict.MISSED: "#c0392b",
}


def draw(rows: Sequence[Row], curves: Mapping[str, Curve], folder: Path) -> list[Path]:
    """Draw the targets and the curves as PNG files and return their paths; none without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("Agg")
    folder.mkdir(exist_ok=True)
    pictures = [_targets([row for row in rows if row.ratio is not None], folder / "targets.png")]
    if curves:
        pictures.append(_curves(list(curves.values()), folder / "growth.png"))
    return pictures


def _save(figure: Any, path: Path) -> Path:
    from matplotlib import pyplot

    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    return path


def _targets(rows: Sequence[Row], path: Path) -> Path:
    """Draw how much better or worse than its must each ratio is: 1 is the must, to the right of it is better."""
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    figure, axes = pyplot.subplots(figsize=(11, 0.5 * len(rows) + 1.8))
    for height, row in enumerate(reversed(rows)):
        _draw_row(axes, height, row)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(rows)), [row.target.title for row in reversed(rows)], fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(0.2, 8)
    axes.set_xticks([0.5, 1, 2, 4], ["0.5", "1 (must)", "2", "4"])
    axes.minorticks_off()
    axes.set_xlabel("times better than the must; the mark is the aim, the line is the interval of the median")
    used = {row.verdict for row in rows}
    legend = [Patch(color=colour, label=each.value) for each, colour in _COLOURS.items() if each in used]
    axes.legend(handles=legend, fontsize=7, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return _save(figure, path)


def _draw_row(axes: Any, height: int, row: Row) -> None:
    target, ratio = row.target, row.ratio
    assert ratio is not None and row.verdict is not None

    def gain(value: float) -> float:
        return value / target.must if target.higher_is_better else target.must / value

    axes.barh(height, gain(ratio.median), height=0.6, color=_COLOURS[row.verdict])
    axes.plot([gain(ratio.low), gain(ratio.high)], [height, height], color="black", linewidth=1)
    axes.plot(gain(target.aim), height, marker="|", markersize=18, color="black")


def _curves(curves: Sequence[Curve], path: Path) -> Path:
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(len(curves), 1, figsize=(9, 3.2 * len(curves)), squeeze=False)
    for axes, curve in zip(grid[:, 0], curves, strict=True):
        _draw_curve(axes, curve)
    return _save(figure, path)


def _draw_curve(axes: Any, curve: Curve) -> None:
    for metric, meaning in curve.metrics.items():
        points = curve.points(metric)
        sizes = [size for size, _ in points]
        axes.plot(sizes, [value.median for _, value in points], marker="o", label=meaning)
        axes.fill_between(
            sizes, [value.low for _, value in points], [value.high for _, value in points], alpha=0.15
        )
    if not curve.linear:
        axes.set_xscale("symlog", linthresh=1)
    axes.set_yscale("log")
    axes.set_xlabel(curve.size)
    axes.set_title(curve.title, fontsize=10)
    axes.legend(fontsize=8)

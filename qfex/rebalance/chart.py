"""A chart of a report: planned and achieved quantities, and the slippage of each execution."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from .report import Execution, Report, TradeReport, slippage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLANNED, _ACHIEVED, _BETTER, _WORSE = "#b8c4d6", "#2f6db5", "#3a9a5b", "#c8503c"
_ZERO = Decimal(0)
_ROW = 0.42  # inches of height for each trade


def draw(report: Report, path: Path) -> None:
    """Save the chart of a report as PNG.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ConfigurationError(
            "charts need the extra \"charts\": pip install 'qfex-sync[charts]'"
        ) from None
    trades = [trade for trade in report.trades if trade.planned]
    priced = [(trade, each) for trade in trades for each in trade.executions if each.average_price]
    height = 2.2 + _ROW * max(3, len(trades), len(priced))
    figure = Figure(figsize=(11, height), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    figure.suptitle(f"Rebalancing of {report.period}: {report.outcome} ({report.execution})")
    _quantities(left, trades)
    _prices(right, priced)
    figure.savefig(path, dpi=120)


def _quantities(axes: Axes, trades: list[TradeReport]) -> None:
    """Draw achieved quantities in percent of the plan, so that symbols of very different sizes are comparable."""
    rows = range(len(trades))
    shares = [float(trade.achieved / trade.planned * 100) for trade in trades]
    axes.barh(rows, [100.0] * len(trades), color=_PLANNED, height=0.7, label="planned")
    axes.barh(rows, shares, color=_ACHIEVED, height=0.35, label="achieved")
    for row, trade in enumerate(trades):
        text = f"{trade.side} {_short(trade.achieved)} of {_short(trade.planned)}"
        axes.text(
            2, row, text, va="center", ha="left", fontsize=8, color="white" if shares[row] > 40 else "black"
        )
    _rows(axes, [trade.symbol for trade in trades])
    axes.set_xlim(0, 105)
    axes.set_xlabel("percent of the plan")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, frameon=False)


def _prices(axes: Axes, executions: list[tuple[TradeReport, Execution]]) -> None:
    basis_points = [
        float(slippage(trade.side, each.average_price or _ZERO, trade.benchmark))
        for trade, each in executions
    ]
    colours = [_WORSE if value > 0 else _BETTER for value in basis_points]
    axes.barh(range(len(executions)), basis_points, color=colours, height=0.4)
    axes.axvline(0, color="black", linewidth=0.8)
    for row, (trade, each) in enumerate(executions):
        text = f"{_short(each.filled)} at {_short(each.average_price)}, mark {_short(trade.benchmark)}"
        axes.annotate(
            text, (0, row - 0.33), xytext=(3, 0), textcoords="offset points", fontsize=7, va="center"
        )
    _rows(axes, [f"{trade.symbol} {each.kind}" for trade, each in executions])
    axes.margins(x=0.3)
    axes.set_xlabel("basis points worse (+) or better (-) than the mark")


def _rows(axes: Any, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _short(number: Decimal | None) -> str:
    return "-" if number is None else f"{round(number, 4).normalize():f}"

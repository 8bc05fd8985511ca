"""Progress of a rebalancing: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from ..rebalance import Progress
from .output import Output

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn("{task.fields[what]}"),
)


class ProgressBars:
    """Shows how far each trade has come, on stderr, so that stdout stays the report's.

    Nothing is shown to scripts.
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self._tasks: dict[str, TaskID] = {}
        self._bars: Bars | None = None

    def __enter__(self) -> ProgressBars:
        console = Console(stderr=True)
        if console.is_terminal and not self._out.as_json:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[what]}"),
            )
            self._bars = Bars(*columns, console=console)
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def show(self, progress: Progress) -> None:
        """Show one change."""
        if self._bars is not None:
            self._advance(self._bars, progress)
        elif not self._out.as_json:
            words = f"{progress.symbol} {progress.side} {progress.filled:f} of {progress.quantity:f}: {progress.what}"
            print(words, file=sys.stderr, flush=True)

    def _advance(self, bars: Bars, progress: Progress) -> None:
        if progress.symbol not in self._tasks:
            title = f"{progress.symbol} {progress.side}"
            self._tasks[progress.symbol] = bars.add_task(title, total=float(progress.quantity), what="")
        bars.update(self._tasks[progress.symbol], completed=float(progress.filled), what=progress.what)

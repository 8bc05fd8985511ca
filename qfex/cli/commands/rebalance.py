"""The rebalancer as a command, for use with cron."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from types import TracebackType

import attrs
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table

from ...errors import ConfigurationError
from ...plain import plain
from ...rebalance import (
    Journal,
    Outcome,
    Pace,
    Plan,
    PlannedTrade,
    Progress,
    Rebalancer,
    Report,
    Targets,
    TradeReport,
    load_targets,
)
from ..context import App
from ..exit_codes import ExitCode
from ..framework import AppCommand, yes_option
from ..output import Output, table

_EXIT_CODES = {
    Outcome.NOTHING_TO_DO: ExitCode.NOTHING_TO_DO,
    Outcome.DONE: ExitCode.DONE,
    Outcome.PARTIAL: ExitCode.PARTIAL,
    Outcome.REFUSED: ExitCode.REFUSED,
    Outcome.UNKNOWN: ExitCode.UNKNOWN,
}
_PLAN = {
    "symbol": "symbol",
    "current": "current",
    "target": "target",
    "side": "side",
    "quantity": "quantity",
    "mark": "mark",
    "notional": "notional USD",
    "reason": "remark",
}
_TRADES = {
    "symbol": "symbol",
    "before": "before",
    "target": "target",
    "after": "after",
    "planned": "planned",
    "achieved": "achieved",
    "benchmark": "mark",
    "average_price": "average price",
    "slippage_bps": "slippage bp",
    "state": "state",
    "reason": "remark",
}


@click.command(cls=AppCommand)
@click.argument("targets_file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print the plan without trading.")
@click.option("--again", is_flag=True, help="Make a new plan even if this period is done.")
@click.option(
    "--journal",
    "journal_path",
    type=click.Path(path_type=Path),
    help="SQLite file with the record of all runs.",
)
@click.option("--report-dir", type=click.Path(path_type=Path), help="Folder for the reports (JSON and PNG).")
@click.option(
    "--poll",
    type=click.FloatRange(min=0.05),
    default=2.0,
    show_default=True,
    help="Seconds between polls.",
)
@yes_option
@click.pass_context
def rebalance(
    ctx: click.Context,
    targets_file: Path,
    dry_run: bool,
    again: bool,
    journal_path: Path | None,
    report_dir: Path | None,
    poll: float,
) -> None:
    """Bring the account's positions to the targets in a TOML file, once in each period.

    The command is made for cron. Every step is written to a journal before it is sent, so the next run can finish a
    run that was killed, without trading anything twice. A second run in the same period does nothing, and overlapping
    runs are refused. The exit code is 0 (done), 10 (nothing to do), 11 (partial), 3 (refused), 4 (an outcome is
    unknown: run the command again), or 12 (another run is in progress).

    \b
    A targets file:
        period = "day"                   # hour, day, week, month, once
        execution = "limit-then-market"  # market, twap
        close_others = false
        [weights]                        # shares of the equity
        AAPL-USD = 0.25
        NVDA-USD = -0.1
        [quantities]                     # positions
        GOLD-USD = 1.5
        [limits]
        min_trade = 50                   # USD
        max_turnover = 0.5               # of the equity
        max_slippage = 0.01              # of the mark price
        [limit]
        wait = 30                        # seconds
        [twap]
        orders = 10
        interval = 30                    # seconds
    """
    app = ctx.ensure_object(App)
    targets = load_targets(targets_file)
    if not dry_run:
        app.require_confirmable(f"rebalance to {targets_file}")
    pace = Pace(answer=app.settings.timeout, poll=poll, retry=min(1.0, poll))
    with _journal(app, journal_path) as journal, ProgressBars(app.out) as bars:
        client = app.unconnected_trade() if dry_run else app.trade
        rebalancer = Rebalancer(client, app.rest, journal, pace=pace, on_progress=bars.show)
        if dry_run:
            _show_plan(app, rebalancer.plan(targets))
            return
        _confirm(app, rebalancer, targets)
        report = rebalancer.run(targets, again=again)
    _show_report(app, report, _save(app, report, targets, report_dir or journal.path.parent / "reports"))
    ctx.exit(_EXIT_CODES[report.outcome])


def _confirm(app: App, rebalancer: Rebalancer, targets: Targets) -> None:
    """Show the plan and ask for confirmation before trading real money. The run makes its own plan right after it."""
    if not app.must_confirm:
        return
    plan = rebalancer.plan(targets)
    if not app.out.as_json:
        _show_plan(app, plan)
    trades = ", ".join(f"{trade.side} {trade.quantity:f} {trade.symbol}" for trade in plan.trades)
    app.confirm(f"rebalance ({trades or 'no trades'})")


def _journal(app: App, path: Path | None) -> Journal:
    file = path or _state_home() / "rebalance.sqlite"
    return Journal.of_account(file, app.environment, app.found.credentials, app.account_id)


def _state_home() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "qfex-sync"


def _show_plan(app: App, plan: Plan) -> None:
    if app.out.as_json:
        app.out.document({"equity": plan.equity, "turnover": plan.turnover, "trades": plan.rows})
        return
    rows, title = _rounded(plan)
    app.out.table(rows, _PLAN, title)


def plan_table(plan: Plan) -> Table:
    """Return the table of a plan."""
    rows, title = _rounded(plan)
    return table(rows, _PLAN, title)


def _rounded(plan: Plan) -> tuple[list[PlannedTrade], str]:
    title = f"equity {plan.equity:.2f}, turnover {plan.turnover:.2f} USD, {len(plan.trades)} trades"
    return [attrs.evolve(row, notional=round(row.notional, 2)) for row in plan.rows], title


def _save(app: App, report: Report, targets: Targets, folder: Path) -> list[Path]:
    """Save the report of a run as JSON and PNG, and return the paths. Nothing is saved if nothing was to do."""
    if report.outcome is Outcome.NOTHING_TO_DO:
        return []
    stem = folder / f"{report.started:%Y%m%dT%H%M%SZ}-{report.digest}"
    written = [stem.with_suffix(".json")]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written[0].write_text(_as_json(report, targets), "utf-8")
        from ...rebalance.chart import draw

        draw(report, stem.with_suffix(".png"))
        written.append(stem.with_suffix(".png"))
    except ConfigurationError as error:
        app.out.warn(str(error))
    except (
        Exception
    ) as error:  # the trades are done: neither a full disk nor a broken matplotlib changes that
        app.out.warn(f"the report could not be saved: {type(error).__name__}: {error}")
        return [path for path in written if path.exists()]
    return written


def _as_json(report: Report, targets: Targets) -> str:
    return json.dumps({"report": plain(report), "targets": plain(targets)}, indent=2)


def _show_report(app: App, report: Report, written: list[Path]) -> None:
    if app.out.as_json:
        app.out.document({"report": report, "files": [str(path) for path in written]})
        return
    rows = [_readable(trade) for trade in report.trades]
    if rows:
        app.out.table(rows, _TRADES, f"{report.period}: {report.outcome}")
    else:
        app.out.say(f"{report.period}: {report.outcome}")
    if report.outcome is Outcome.NOTHING_TO_DO and report.finished is not None:
        app.out.say(f"already done at {_local(report.finished)}; --again makes a new plan")
    for symbol, reason in report.unmet.items():
        app.out.say(f"{symbol} is not at its target: {reason}")
    if report.problem:
        app.out.say(f"the run ended early: {report.problem}")
    for path in written:
        app.out.say(str(path))


def _readable(trade: TradeReport) -> TradeReport:
    average = trade.average_price
    return trade if average is None else attrs.evolve(trade, average_price=round(average, 6))


def _local(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


class ProgressBars:
    """Progress of each trade on stderr: bars on a terminal, lines of text elsewhere, nothing with ``--json``."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._tasks: dict[str, TaskID] = {}
        self._bars: Bars | None = None

    def __enter__(self) -> ProgressBars:
        console = Console(stderr=True)
        if console.is_terminal and not self._out.as_json:
            what = TextColumn("{task.fields[what]}")
            description = TextColumn("{task.description}")
            self._bars = Bars(description, BarColumn(), MofNCompleteColumn(), what, console=console)
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def show(self, progress: Progress) -> None:
        """Show the progress of one trade."""
        if self._bars is not None:
            self._advance(self._bars, progress)
        elif not self._out.as_json:
            text = f"{progress.symbol} {progress.side} {progress.filled:f} of {progress.quantity:f}: {progress.what}"
            print(text, file=sys.stderr, flush=True)

    def _advance(self, bars: Bars, progress: Progress) -> None:
        if progress.symbol not in self._tasks:
            title = f"{progress.symbol} {progress.side}"
            self._tasks[progress.symbol] = bars.add_task(title, total=float(progress.quantity), what="")
        bars.update(self._tasks[progress.symbol], completed=float(progress.filled), what=progress.what)

"""The doctor."""

from __future__ import annotations

import click

from ..context import App
from ..doctor import Finding, Verdict, check_all
from ..exit_codes import ExitCode
from ..framework import AppCommand

_MARKS = {
    Verdict.FINE: "[green]ok  [/green]",
    Verdict.WARNING: "[yellow]warn[/yellow]",
    Verdict.BROKEN: "[red]FAIL[/red]",
    Verdict.SKIPPED: "[dim]skip[/dim]",
}


@click.command(cls=AppCommand)
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Check versions, clock, reachability, keys and permissions, and say what to mend.

    Ends with code 0 where trading can work, else with code 11. Nothing is traded.
    """
    app = ctx.ensure_object(App)
    findings = []
    for finding in check_all(app):
        findings.append(finding)
        if not app.out.as_json:
            _show(app, finding)
    if app.out.as_json:
        app.out.document(findings)
    if any(finding.verdict is Verdict.BROKEN for finding in findings):
        ctx.exit(ExitCode.PARTIAL)


def _show(app: App, finding: Finding) -> None:
    console = app.out.console
    console.print(_MARKS[finding.verdict], end=" ")
    console.print(f"{finding.check:<20} {finding.found}", markup=False, highlight=False, soft_wrap=True)
    if finding.mend:
        console.print(
            f"     {'':<20} -> {finding.mend}", style="bold", markup=False, highlight=False, soft_wrap=True
        )

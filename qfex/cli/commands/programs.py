"""The doctor, and the programs that this one starts: the simulator and the demonstration."""

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
    """Check versions, network, clock, keys and permissions, and say how to fix what is wrong.

    Ends with code 0 if trading is possible, else with code 11. Nothing is traded.
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
    if finding.advice:
        advice = f"     {'':<20} -> {finding.advice}"
        console.print(advice, style="bold", markup=False, highlight=False, soft_wrap=True)


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def sim(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run a simulated exchange in the foreground; see `sim --help`."""
    from ...sim.__main__ import main

    ctx.exit(main(list(arguments)))


@click.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Show what the library does, on a simulator."""
    from ...demo import main

    ctx.exit(main())

"""Programs of their own that this one starts: the simulator and the demonstration."""

from __future__ import annotations

import click

_PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}
_arguments = click.argument("arguments", nargs=-1, type=click.UNPROCESSED)


@click.command(context_settings=_PASS_ON)
@_arguments
@click.pass_context
def sim(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run a simulated exchange in the foreground; see `sim --help`."""
    from ...sim.__main__ import main

    ctx.exit(main(list(arguments)))


@click.command(context_settings=_PASS_ON)
@_arguments
@click.pass_context
def demo(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Show what the library does, against a simulator; see `demo --help`."""
    from ...demo import main

    ctx.exit(main(list(arguments)))

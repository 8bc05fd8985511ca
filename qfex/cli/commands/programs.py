"""Programs of their own that this one starts: the simulator and the demonstration."""

from __future__ import annotations

import click


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
    """Show what the library does, against a simulator."""
    from ...demo import main

    ctx.exit(main())

"""Base classes of commands and groups: shared options, confirmation, and errors as exit codes."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NoReturn

import click

from ..errors import OutcomeUnknown, QfexError
from .context import App
from .environments import NAMES
from .exit_codes import ExitCode, exit_code_of
from .output import Output

pass_app = click.make_pass_decorator(App)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Store a shared option. An option after the name of the command overrides one before it."""
    if value not in (None, False):
        setattr(ctx.ensure_object(App).settings, str(param.name), value)


def _option(*names: str, **attributes: Any) -> Callable[[], click.Option]:
    return lambda: click.Option(names, expose_value=False, callback=_remember, **attributes)


#: Options of every command, accepted before and after its name.
_SHARED = (
    _option("--env", type=click.Choice(NAMES), help="The exchange to use.  [default: $QFEX_ENV, or uat]"),
    _option("--json", is_flag=True, help="Print JSON."),
    _option("--account", metavar="UUID", help="Use a subaccount.  [default: $QFEX_ACCOUNT_ID]"),
    _option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        help="Seconds for each call.  [default: 10]",
    ),
    _option(
        "--credentials-file",
        type=click.Path(path_type=Path),
        envvar="QFEX_CREDENTIALS_FILE",
        help="TOML file with public_key and secret_key, or jwt; mode 0600.",
    ),
)
_YES = _option("--yes", "-y", is_flag=True, help="Do not ask before trading real money.")


class AppCommand(click.Command):
    """A command with the shared options."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params += [make() for make in _SHARED]


class TradingCommand(AppCommand):
    """A command that trades and asks for confirmation if it uses real money."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params.append(_YES())

    def invoke(self, ctx: click.Context) -> Any:
        """Ask for confirmation, then run the command."""
        ctx.ensure_object(App).confirm(described_command(ctx))
        return super().invoke(ctx)


def described_command(ctx: click.Context) -> str:
    """Return a command with all of its arguments and options, such as ``order place: symbol AAPL-USD, side BUY``."""
    given = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in ctx.params.items()
        if value not in (None, False)
    )
    return f"{ctx.command_path}: {given}" if given else ctx.command_path


class AppGroup(click.Group):
    """A group whose commands are `AppCommand`s."""

    command_class = AppCommand


class RootGroup(AppGroup):
    """The program itself, which closes all clients and turns errors into exit codes."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params += [make() for make in (*_SHARED, _YES)]

    def main(  # type: ignore[override]  # the overloads of click say what it returns in which mode
        self, args: Sequence[str] | None = None, *, standalone_mode: bool = True, **options: Any
    ) -> Any:
        """Run the program and exit. With ``--json``, errors of usage are JSON too."""
        if not standalone_mode:
            return super().main(args, standalone_mode=False, **options)
        given = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(args, standalone_mode=False, **options)
        except click.ClickException as error:
            if "--json" in given:
                Output(as_json=True).error(error, error.exit_code)
            else:
                error.show()
            code = error.exit_code
        except (KeyboardInterrupt, click.Abort) as error:
            code = exit_code_of(error)
        sys.exit(code if isinstance(code, int) else ExitCode.DONE)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        app = ctx.ensure_object(App)
        try:
            with app:
                super().invoke(ctx)
        except (QfexError, OSError, sqlite3.Error, KeyboardInterrupt, click.Abort) as error:
            fail(ctx, app, error)


def fail(ctx: click.Context, app: App, error: BaseException) -> NoReturn:
    """Print an error and end the program with its exit code."""
    out, code = app.out, exit_code_of(error)
    if app.has_sent and code in (ExitCode.NOT_SENT, ExitCode.NO_ANSWER):
        code = ExitCode.UNKNOWN
    if isinstance(error, KeyboardInterrupt):
        out.say("interrupted")
    else:
        out.error(error, code)
    if isinstance(error, OutcomeUnknown) and error.command == "add_order" and error.client_order_id:
        out.advise(f"to find out what became of it: qfex-sync resolve {error.symbol} {error.client_order_id}")
    ctx.exit(code)


# --- arguments and options that several commands have --------------------------------------------------------

symbol_argument = click.argument("symbol")
symbol_option = click.option("--symbol", metavar="SYMBOL", help="Only this symbol.")
side_argument = click.argument(
    "side", type=click.Choice(["BUY", "SELL"], case_sensitive=False), metavar="BUY|SELL"
)
limit_option = click.option(
    "--limit", type=click.IntRange(1, 1000), help="Largest number of rows.  [default: 100]"
)
reduce_only_option = click.option("--reduce-only", is_flag=True, help="The order may only reduce a position.")
yes_option = click.option(
    "--yes",
    "-y",
    is_flag=True,
    expose_value=False,
    callback=_remember,
    help="Do not ask before trading real money.",
)
wait_option = click.option("--wait", is_flag=True, help="Wait until the order is done, or until the timeout.")


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """A time in ISO 8601, in UTC unless it has a time zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Convert a text to an aware datetime."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-01-31 or 2026-01-31T12:00:00+01:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


start_option = click.option(
    "--start", type=Moment(), help="Start of the range (UTC unless it has a time zone)."
)
end_option = click.option("--end", type=Moment(), help="End of the range.")

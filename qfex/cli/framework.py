"""Commands and groups of this program: shared options, confirmation, errors as exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from ..errors import OutcomeUnknown, QfexError
from .context import App
from .exit_codes import ExitCode, exit_code_of
from .output import Output
from .place import NAMES

pass_app = click.make_pass_decorator(App)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Note a shared option; what stands closer to the command's end counts."""
    if value not in (None, False):
        setattr(ctx.ensure_object(App).settings, str(param.name), value)


def _option(*names: str, **attributes: Any) -> Callable[[], click.Option]:
    return lambda: click.Option(names, expose_value=False, callback=_remember, **attributes)


#: Every command takes these, before or after its name.
_SHARED = (
    _option("--env", type=click.Choice(NAMES), help="Which exchange.  [default: $QFEX_ENV, or uat]"),
    _option("--json", is_flag=True, help="Print JSON."),
    _option("--account", metavar="UUID", help="Act for a subaccount.  [default: $QFEX_ACCOUNT_ID]"),
    _option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds a call.  [default: 10]"),
    _option(
        "--credentials-file",
        type=click.Path(path_type=Path),
        envvar="QFEX_CREDENTIALS_FILE",
        help="TOML file with public_key and secret_key, or jwt; mode 0600.",
    ),
)
_YES = _option("--yes", "-y", is_flag=True, help="Do not ask before trading for real.")


class AppCommand(click.Command):
    """A command with the shared options."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params += [make() for make in _SHARED]


class TradingCommand(AppCommand):
    """A command that trades, and asks before it does so with real money."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params.append(_YES())

    def invoke(self, ctx: click.Context) -> Any:
        """Ask, then run."""
        ctx.ensure_object(App).confirm(ctx.command_path)
        return super().invoke(ctx)


class AppGroup(click.Group):
    """A group whose commands are `AppCommand`s."""

    command_class = AppCommand


class RootGroup(AppGroup):
    """The program itself: ends connections, and turns errors into exit codes."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params += [make() for make in (*_SHARED, _YES)]

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        app = ctx.ensure_object(App)
        try:
            with app:
                return super().invoke(ctx)
        except (QfexError, KeyboardInterrupt, click.Abort) as error:
            fail(ctx, app.out, error)


def fail(ctx: click.Context, out: Output, error: BaseException) -> NoReturn:
    """Report an error and leave with its exit code."""
    code = exit_code_of(error)
    if code is ExitCode.INTERRUPTED:
        out.say("interrupted")
    else:
        out.error(error, code)
    if isinstance(error, OutcomeUnknown) and error.command == "add_order" and error.client_order_id:
        out.advise(f"what became of it: qfex-sync resolve {error.symbol} {error.client_order_id}")
    ctx.exit(code)

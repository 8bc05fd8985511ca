"""Exit codes and the errors that lead to them."""

from __future__ import annotations

from enum import IntEnum

import click

from ..errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    OrderRejected,
    OutcomeUnknown,
    PermissionDenied,
    QfexConnectionError,
    RequestTimeout,
    RestError,
    ValidationError,
)
from ..rebalance import AlreadyRunning
from .signals import Terminated


class ExitCode(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNKNOWN = 4
    NOT_SENT = 5
    AUTHENTICATION = 6
    NO_ANSWER = 7
    NOTHING_TO_DO = 10
    PARTIAL = 11
    ALREADY_RUNNING = 12
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed: stopped by you, or an error of this program",
    ExitCode.USAGE: "wrong usage or setup; nothing was sent",
    ExitCode.REFUSED: "refused by the exchange",
    ExitCode.UNKNOWN: "outcome unknown: it was sent, no full answer came; ask `qfex-sync resolve`",
    ExitCode.NOT_SENT: "not connected; nothing was sent",
    ExitCode.AUTHENTICATION: "credentials refused, or they lack the permission",
    ExitCode.NO_ANSWER: "a read failed: not answered in time, or the exchange is not available",
    ExitCode.NOTHING_TO_DO: "rebalance: nothing to do",
    ExitCode.PARTIAL: "rebalance, flatten, doctor: something is left to do",
    ExitCode.ALREADY_RUNNING: "rebalance: another run is in progress",
    ExitCode.HANGUP: "the terminal was closed (SIGHUP)",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C)",
    ExitCode.TERMINATED: "asked to end (SIGTERM)",
}

#: The first matching class decides.
_BY_ERROR: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (OutcomeUnknown, ExitCode.UNKNOWN),
    (AuthenticationError, ExitCode.AUTHENTICATION),
    (PermissionDenied, ExitCode.AUTHENTICATION),
    (ValidationError, ExitCode.USAGE),
    (ConfigurationError, ExitCode.USAGE),
    (OrderRejected, ExitCode.REFUSED),
    (ApiError, ExitCode.REFUSED),
    (QfexConnectionError, ExitCode.NOT_SENT),
    (AlreadyRunning, ExitCode.ALREADY_RUNNING),
    (click.Abort, ExitCode.FAILED),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
)


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code of an error."""
    if isinstance(error, Terminated):
        return ExitCode(128 + error.number)
    if isinstance(error, click.ClickException):
        return ExitCode(error.exit_code)
    if isinstance(error, RestError):
        return _of_rest(error.status_code)
    if isinstance(error, RequestTimeout) and not isinstance(error, OutcomeUnknown):
        return ExitCode.NO_ANSWER if error.sent else ExitCode.NOT_SENT
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.FAILED)


def _of_rest(status: int) -> ExitCode:
    if status in (401, 403):
        return ExitCode.AUTHENTICATION
    # Below 300 the answer could not be read; from 500 on, and at the rate limit, the exchange could not give one.
    is_no_answer = status < 300 or status >= 500 or status == 429
    return ExitCode.NO_ANSWER if is_no_answer else ExitCode.REFUSED


def explanation() -> str:
    """Return the table of exit codes for the help text."""
    rows = "\n".join(f"  {int(code):>3}  {meaning}" for code, meaning in MEANINGS.items())
    return f"\b\nExit codes\n{rows}"

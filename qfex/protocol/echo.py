"""The echo of a message that errors and acknowledgements carry, and the error that an error message becomes.

The exchange serialises the message anew: absent members come back as null, numbers as floats, older shapes without
``params``. So members are compared by meaning, and only those that both sides have.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import Any

from .. import errors
from ..enums import ErrorCode
from ..errors import ApiError, AuthenticationError, ConnectionLost, QfexError, RateLimited
from .commands import Authenticate, Command
from .messages import Failure

_ID_MEMBERS = ("client_order_id", "order_id", "client_twap_id", "stop_order_id")


def echo_keys(echo: dict[str, Any]) -> Iterable[Hashable]:
    """Where to look for the request that an echo names: its most telling identifier first."""
    params = _params(echo)
    yield from (params[name] for name in _ID_MEMBERS if isinstance(params.get(name), str) and params[name])
    yield _kind(echo)


def echoes(command: Command, echo: dict[str, Any]) -> bool:
    """Whether `echo` is the message that `command` was sent as."""
    if _kind(echo) not in ("", command.type):
        return False
    sent, back = command.members(), _params(echo)
    shared = [name for name in sent if back.get(name) is not None]
    if not _kind(echo) and not shared:
        return False
    return all(_same(sent[name], back[name]) for name in shared)


def _kind(echo: dict[str, Any]) -> str:
    return str(echo.get("type") or "").lower()


def _params(echo: dict[str, Any]) -> dict[str, Any]:
    params = echo.get("params")
    return params if isinstance(params, dict) else {name: echo[name] for name in echo if name != "type"}


def _same(sent: Any, back: Any) -> bool:
    if isinstance(sent, bool) or isinstance(back, bool):
        return bool(sent) == bool(back)
    if isinstance(sent, (int, Decimal)):
        return _same_number(sent, back)
    if isinstance(sent, str):
        return str(sent) == str(back)
    return bool(sent == back)


def _same_number(sent: int | Decimal, back: Any) -> bool:
    if not isinstance(back, (int, Decimal)):
        return False
    # An echo may have gone through a binary float on its way.
    return sent == back or float(sent) == float(back)


# --- errors ----------------------------------------------------------------------------------------------------

_CLASSES: dict[ErrorCode, type[ApiError]] = {
    ErrorCode.RATE_LIMITED: RateLimited,
    ErrorCode.INVALID_PARAMETER: errors.InvalidParameter,
    ErrorCode.INVALID_ORDER: errors.InvalidOrder,
    ErrorCode.INVALID_JSON_FORMAT: errors.InvalidJSONFormat,
    ErrorCode.PERMISSION_DENIED: errors.PermissionDenied,
    ErrorCode.ALREADY_AUTHENTICATED: errors.AlreadyAuthenticated,
    ErrorCode.SERVER_ERROR: errors.ServerError,
    ErrorCode.KYC_REQUIRED: errors.KycRequired,
    ErrorCode.TNC_REQUIRED: errors.TncRequired,
}

#: Errors that say nothing about the credentials, even while they are being checked.
_PASSING = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.SERVER_ERROR})

_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s\b|secs?\b|seconds?|m\b|min|minutes?)", re.IGNORECASE
)


def api_error(failure: Failure) -> ApiError:
    """The exception that an error message stands for."""
    error = _CLASSES.get(failure.code, ApiError)(failure.code, failure.message, failure.echo)
    if isinstance(error, RateLimited):
        error.retry_after = retry_after(failure.message or "")
    return error


def error_from(failure: Failure, during: Command) -> QfexError:
    """The exception that the sender of `during` gets."""
    if not isinstance(during, Authenticate):
        return api_error(failure)
    if failure.code in _PASSING:
        return ConnectionLost(f"authentication was put off: {api_error(failure)}")
    return AuthenticationError(f"the exchange refused the credentials: {api_error(failure)}")


def retry_after(text: str) -> float | None:
    """Seconds to wait that a text names; its exact wording is not published."""
    found = _DURATION.search(text)
    if found is None:
        return None
    amount, unit = float(found[1]), found[2].lower()
    if unit.startswith("mil") or unit == "ms":
        return amount / 1000
    return amount * 60 if unit.startswith("m") else amount

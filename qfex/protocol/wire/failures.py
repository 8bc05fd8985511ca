"""Error messages: how they are read, the message that they echo, and the exception that they become.

Errors and acknowledgements repeat the message that they answer. The exchange serialises that echo afresh: absent members
come back as null, numbers as floats, older shapes without ``params``. So members are compared by meaning, and only those
that both sides have.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from ... import errors
from ...enums import ErrorCode
from ...errors import ApiError, RateLimited
from ..command import Command
from .codec import parse_json
from .redact import redact, redact_text
from .retry_hint import retry_after

#: Members that identify what a message is about, the most telling one first.
_ID_MEMBERS = ("client_order_id", "order_id", "client_twap_id", "stop_order_id", "twap_id")
_FIRST_KEY = re.compile(r'\s*\{\s*"(\w+)"\s*:')
_ID_IN_TEXT = re.compile(rf'"(?:{"|".join(_ID_MEMBERS)})"\s*:\s*"([^"\\]+)"')


class Failure(msgspec.Struct, frozen=True):
    """Error message. `echo` is the refused message, parsed where possible, or its raw text."""

    code: ErrorCode
    message: str | None = None
    echo: dict[str, Any] | str | None = None


class Undecodable(msgspec.Struct, frozen=True):
    """A message, or one row of a list, that cannot be read.

    Attributes
    ----------
    text : str
        What came, without secrets.
    reason : str
        Why it cannot be read.
    kind : str
        The key that says which kind of message it is, or ``""``. A report about a row that was read, but for a time that
        is not plausible, has neither `kind` nor `ids`, because the row itself answers what it answers.
    ids : tuple of str
        The identifiers in it that can be read.
    is_row : bool
        Whether it is one row of a list of which the other rows follow, as a message of their own.
    """

    text: str
    reason: str
    kind: str = ""
    ids: tuple[str, ...] = ()
    is_row: bool = False


def undecodable(
    text: str, reason: Exception | str, kind: str = "", ids: tuple[str, ...] = (), is_row: bool = False
) -> Undecodable:
    """The message for text that cannot be read, without secrets."""
    named = reason if isinstance(reason, str) else f"{type(reason).__name__}: {reason}"
    return Undecodable(redact_text(text), named, kind, ids, is_row)


def names_in(value: Any) -> tuple[str, ...]:
    """The identifiers of an object, or of each object of a list."""
    rows = value if isinstance(value, list) else [value]
    members = (row.get(name) for row in rows if isinstance(row, dict) for name in _ID_MEMBERS)
    return tuple(dict.fromkeys(member for member in members if isinstance(member, str) and member))


def names_in_text(text: str) -> tuple[str, tuple[str, ...]]:
    """The key of a message that is not even JSON, and the identifiers that it still shows."""
    key = _FIRST_KEY.match(text)
    return key[1] if key else "", tuple(dict.fromkeys(_ID_IN_TEXT.findall(text)))


def is_failure(data: dict[str, Any]) -> bool:
    """Whether an object is an error message of the older shape, which has its code at the top level."""
    return str(data.get("type", "")).lower() in ("error", "err") or "error_code" in data


def read_failure(value: Any) -> Failure:
    """Read the body of an error message."""
    members = value if isinstance(value, dict) else {"error_code": str(value)}
    code = ErrorCode(str(members.get("error_code") or members.get("code") or "Unknown"))
    message = members.get("message")
    return Failure(
        code,
        None if message is None else redact_text(str(message)),
        read_echo(members.get("incoming_message")),
    )


def read_echo(value: Any) -> dict[str, Any] | str | None:
    """Read the echo of a message: an object, its JSON as text, or text that is not JSON."""
    if isinstance(value, str):
        try:
            parsed = parse_json(value)
        except ValueError:
            return redact_text(value)
        value = parsed if isinstance(parsed, dict) else value
    return redact(value) if isinstance(value, (dict, str)) else None


# --- echoes ----------------------------------------------------------------------------------------------------


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


def api_error(failure: Failure) -> ApiError:
    """The exception that an error message stands for."""
    error = _CLASSES.get(failure.code, ApiError)(failure.code, failure.message, failure.echo)
    if isinstance(error, RateLimited):
        error.retry_after = retry_after(failure.message or "")
    return error

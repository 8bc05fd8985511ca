"""Parameters and bodies of REST requests, read and checked as the published schema says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from ..gateway.wire import decode
from .problems import Problem, error, invalid
from .text import unix

Errors = list[dict[str, Any]]


def _text(text: str) -> str:
    return text


def _integer(text: str) -> int:
    return int(text)


_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "text": (_text, ""),
    "integer": (_integer, "invalid integer"),
    "time": (unix, "expected string to be RFC 3339 date-time"),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation.

    Attributes
    ----------
    name : str
        As in the URL.
    kind : str
        "text", "integer" or "time" (RFC 3339, read as unix seconds).
    required : bool
        Whether the request fails without it.
    default : object
        Its value when it is not given.
    minimum, maximum : int, optional
        Bounds of an integer.
    where : str
        "query" or "path".
    """

    name: str
    kind: str = "text"
    required: bool = False
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None
    where: str = "query"

    def read(self, values: Mapping[str, str], errors: Errors) -> Any:
        """Return the parameter's value; what is wrong with it is appended to ``errors``."""
        text = values.get(self.name)
        location = f"{self.where}.{self.name}"
        if not text:
            if self.required:
                errors.append(error(f"required {self.where} parameter is missing", location, ""))
            return self.default
        reader, complaint = _READERS[self.kind]
        try:
            value = reader(text)
        except ValueError:
            errors.append(error(complaint, location, text))
            return self.default
        self._check_bounds(value, location, errors)
        return value

    def _check_bounds(self, value: Any, location: str, errors: Errors) -> None:
        if self.minimum is not None and value < self.minimum:
            errors.append(error(f"expected number >= {self.minimum}", location, value))
        if self.maximum is not None and value > self.maximum:
            errors.append(error(f"expected number <= {self.maximum}", location, value))


def read_parameters(
    parameters: Sequence[Parameter], path: Mapping[str, str], query: Mapping[str, str]
) -> dict[str, Any]:
    """Return all parameters of a request by name.

    Raises
    ------
    Problem
        422 with one entry for each parameter that is missing or malformed.
    """
    errors: Errors = []
    sources = {"path": path, "query": query}
    values = {parameter.name: parameter.read(sources[parameter.where], errors) for parameter in parameters}
    if errors:
        raise invalid(errors)
    return values


def read_body(text: bytes, members: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of a JSON body.

    Parameters
    ----------
    text : bytes
        The request body.
    members : mapping of str to str
        Required members and their types, "string" or "number"; numbers are returned as Decimal.

    Raises
    ------
    Problem
        400 without a body or when it is not JSON, 422 when it breaks the schema.
    """
    if not text and members:
        raise Problem(400, "request body is required")
    try:
        body = decode(text or b"{}")
    except msgspec.DecodeError as reason:
        raise Problem(400, "request body is not JSON") from reason
    if not isinstance(body, dict):
        raise invalid([error("expected object", "body", body)])
    errors = [*_member_errors(body, members), *_unexpected(body, members)]
    if errors:
        raise invalid(errors)
    return {name: Decimal(body[name]) if kind == "number" else body[name] for name, kind in members.items()}


def _member_errors(body: dict[str, Any], members: Mapping[str, str]) -> Errors:
    errors = []
    for name, kind in members.items():
        if name not in body:
            errors.append(error(f"expected required property {name} to be present", "body", body))
        elif not _is(kind, body[name]):
            errors.append(error(f"expected {kind}", f"body.{name}", body[name]))
    return errors


def _unexpected(body: dict[str, Any], members: Mapping[str, str]) -> Errors:
    return [
        error("unexpected property", f"body.{name}", body[name])
        for name in body
        if name not in members and name != "$schema"
    ]


def _is(kind: str, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str)
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)

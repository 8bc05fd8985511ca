"""Parameters and bodies of REST requests, checked against the published schema, and the replies to wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import msgspec

from ..gateway.wire import decode
from .text import unix

SCHEMAS = "https://api.qfex.com/schemas"
Errors = list[dict[str, Any]]


class Problem(Exception):
    """A failed request, answered with ``application/problem+json``.

    Parameters
    ----------
    status : int
        The HTTP status.
    detail : str
        A description of the problem.
    errors : list of dict, optional
        ``message``, ``location`` and ``value`` of each wrong parameter or member.
    """

    def __init__(self, status: int, detail: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """Return the response body."""
        body: dict[str, Any] = {
            "$schema": f"{SCHEMAS}/ErrorModel.json",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        return body


def invalid(errors: list[dict[str, Any]]) -> Problem:
    """Return the problem of a request whose parameters or body violate the published schema."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "validation failed", errors)


def error(message: str, location: str, value: Any) -> dict[str, Any]:
    """Return one entry of ``errors``."""
    return {"message": message, "location": location, "value": value}


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
        The name in the URL.
    kind : str
        "text", "integer" or "time" (RFC 3339, read as unix seconds).
    required : bool
        Whether the request fails without it.
    default : object
        The value if it is not given.
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
        """Return the parameter's value; append a problem with it to ``errors``."""
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
        422, with one entry for each missing or malformed parameter.
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
        The required members and their types, "string" or "number"; numbers are returned as Decimal.

    Raises
    ------
    Problem
        400 if there is no body or it is not JSON; 422 if it violates the schema.
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

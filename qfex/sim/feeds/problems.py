"""What REST answers when it does not answer: ``application/problem+json``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

SCHEMAS = "https://api.qfex.com/schemas"


class Problem(Exception):
    """A request that fails.

    Parameters
    ----------
    status : int
        HTTP status.
    detail : str
        What is wrong, in words.
    errors : list of dict, optional
        ``message``, ``location`` and ``value`` of each member that is wrong.
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
    """Return the answer to a request whose parameters or body break the published schema."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "validation failed", errors)


def error(message: str, location: str, value: Any) -> dict[str, Any]:
    """Return one entry of ``errors``."""
    return {"message": message, "location": location, "value": value}

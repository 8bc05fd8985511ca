"""Requests and responses, and the errors that responses carry."""

from __future__ import annotations

import html
import http
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from ..errors import RestError
from ..protocol.wire.codec import parse_json
from ..protocol.wire.redact import redact, redact_text
from .clock import parse_http_date
from .retries import parse_retry_after

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_LOOKS_LIKE_HTML = re.compile(r"\s*<(!doctype|html|head|body)", re.IGNORECASE)
_EXCERPT = 200  # characters of a plain text response that an error shows


@attrs.frozen
class ApiCall:
    """A call of the REST API, before it is signed.

    Attributes
    ----------
    private : bool
        Whether the call needs credentials. Public calls are sent without any.
    of_user : bool
        Whether the call concerns the user rather than one account, so that it must not name the account.
    """

    method: str
    path: str
    query: Mapping[str, str] = attrs.Factory(dict)
    body: bytes | None = None
    private: bool = False
    of_user: bool = False
    accept: str = "application/json"


@attrs.frozen
class HttpRequest:
    """One HTTP request. Its headers may contain credentials."""

    method: str
    url: str
    query: Mapping[str, str] = attrs.Factory(dict)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


#: Media types of exports. The last two are those of servers that do not know the type of a file, or do not say it.
_CSV_TYPES = ("text/csv", "application/csv", "text/comma-separated-values", "application/octet-stream", "")


@attrs.frozen
class HttpResponse:
    """One HTTP response, with header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(default=b"", repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the server accepted the request. A redirect counts as an error, since it is not followed."""
        return 200 <= self.status < 300

    @property
    def is_csv(self) -> bool:
        """Whether this is a table, rather than an error or the page that a proxy shows for a login."""
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return self.is_success and media_type in _CSV_TYPES


def read_json(response: HttpResponse, secrets: Iterable[str] = ()) -> Any:
    """Return the JSON document of a response, or None if its body is empty.

    Parameters
    ----------
    response : HttpResponse
        The response.
    secrets : iterable of str
        Texts to hide in errors, in case the server echoes them.

    Raises
    ------
    RestError
        If the response is an error or is not JSON.
    """
    if not response.is_success:
        raise rest_error(response, secrets)
    if not response.body:
        return None
    try:
        return parse_json(response.body, allow_nan=True)
    except (ValueError, RecursionError):
        raise _redacted_error(secrets, response.status, *_describe(response), ()) from None


def rest_error(response: HttpResponse, secrets: Iterable[str] = ()) -> RestError:
    """Return the error of a response: problem+json (RFC 9457), or a page or text that a proxy sent instead."""
    document = _document(response)
    if document is None:
        error = _redacted_error(secrets, response.status, *_describe(response), ())
    else:
        title = document.get("title") or _phrase(response.status)
        error = _redacted_error(
            secrets, response.status, title, document.get("detail"), document.get("errors") or ()
        )
    server_time = parse_http_date(response.headers.get("date"))
    error.retry_after = parse_retry_after(response.headers.get("retry-after"), server_time)
    return error


def _document(response: HttpResponse) -> dict[str, Any] | None:
    try:
        document = parse_json(response.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _describe(response: HttpResponse) -> tuple[str, str]:
    """Return title and detail of a response that is not JSON."""
    text = response.body.decode("utf-8", "replace")
    if not _LOOKS_LIKE_HTML.match(text):
        return _phrase(response.status), " ".join(text[:_EXCERPT].split())
    found = _TITLE.search(text)
    title = " ".join(html.unescape(found[1]).split())[:_EXCERPT] if found else _phrase(response.status)
    return title, "received an HTML page instead of JSON, probably from a proxy in front of the exchange"


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _redacted_error(secrets: Iterable[str], status: int, title: Any, detail: Any, errors: Any) -> RestError:
    def redacted(text: Any) -> str | None:
        return None if text is None else _hide(secrets, redact_text(str(text)))

    listed = errors if isinstance(errors, (list, tuple)) else [errors]
    return RestError(
        status, redacted(title), redacted(detail), [_hide_in(secrets, redact(entry)) for entry in listed]
    )


def _hide(secrets: Iterable[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "****")
    return text


def _hide_in(secrets: Iterable[str], value: Any) -> Any:
    if isinstance(value, str):
        return _hide(secrets, value)
    if isinstance(value, list):
        return [_hide_in(secrets, item) for item in value]
    if isinstance(value, dict):
        return {key: _hide_in(secrets, item) for key, item in value.items()}
    return value

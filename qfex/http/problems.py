"""Answers that say no, made into errors that a person can read."""

from __future__ import annotations

import html
import http
import re
from collections.abc import Iterable
from typing import Any

from ..errors import RestError
from ..protocol.wire.codec import parse_json
from ..protocol.wire.redact import redact, redact_text
from .messages import Answer
from .retries import parse_http_date, parse_retry_after

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_LOOKS_LIKE_HTML = re.compile(r"\s*<(!doctype|html|head|body)", re.IGNORECASE)
_EXCERPT = 200  # characters of a plain text answer that are shown


def parse(answer: Answer, secrets: Iterable[str] = ()) -> Any:
    """Give the JSON of an answer; None of an empty one.

    Parameters
    ----------
    answer : Answer
        What came.
    secrets : iterable of str
        Texts that must not appear in an error, should the server echo them.

    Raises
    ------
    RestError
        If the answer says no, or is not JSON.
    """
    if not answer.is_success:
        raise problem(answer, secrets)
    if not answer.body:
        return None
    try:
        return parse_json(answer.body)
    except (ValueError, RecursionError):
        raise _without(secrets, answer.status, *_describe(answer), ()) from None


def problem(answer: Answer, secrets: Iterable[str] = ()) -> RestError:
    """Make the error of an answer: problem+json (RFC 9457), or whatever a proxy in between sent instead."""
    document = _document(answer)
    if document is None:
        error = _without(secrets, answer.status, *_describe(answer), ())
    else:
        title = document.get("title") or _phrase(answer.status)
        error = _without(secrets, answer.status, title, document.get("detail"), document.get("errors") or ())
    server_time = parse_http_date(answer.headers.get("date"))
    error.retry_after = parse_retry_after(answer.headers.get("retry-after"), server_time)
    return error


def _document(answer: Answer) -> dict[str, Any] | None:
    try:
        document = parse_json(answer.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _describe(answer: Answer) -> tuple[str, str]:
    """Title and detail of an answer that is not JSON."""
    text = answer.body.decode("utf-8", "replace")
    if not _LOOKS_LIKE_HTML.match(text):
        return _phrase(answer.status), " ".join(text[:_EXCERPT].split())
    found = _TITLE.search(text)
    title = " ".join(html.unescape(found[1]).split())[:_EXCERPT] if found else _phrase(answer.status)
    return title, "an HTML page came instead of JSON, probably from a proxy in front of the exchange"


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _without(secrets: Iterable[str], status: int, title: Any, detail: Any, errors: Any) -> RestError:
    def shown(text: Any) -> str | None:
        return None if text is None else _hide(secrets, redact_text(str(text)))

    listed = errors if isinstance(errors, (list, tuple)) else [errors]
    return RestError(
        status, shown(title), shown(detail), [_hide_deep(secrets, redact(entry)) for entry in listed]
    )


def _hide(secrets: Iterable[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "****")
    return text


def _hide_deep(secrets: Iterable[str], value: Any) -> Any:
    if isinstance(value, str):
        return _hide(secrets, value)
    if isinstance(value, list):
        return [_hide_deep(secrets, item) for item in value]
    if isinstance(value, dict):
        return {key: _hide_deep(secrets, item) for key, item in value.items()}
    return value

"""Keep secrets out of texts that are shown, logged or raised."""

from __future__ import annotations

import re
from typing import Any

_SECRET_NAMES = ("hmac", "jwt", "public_key", "secret_key", "signature", "nonce", "token", "api_key")
_SECRET_MEMBER = re.compile(
    r'("(?:' + "|".join(_SECRET_NAMES) + r')"\s*:\s*)(\{[^{}]*\}?|"(?:[^"\\]|\\.)*"?|[^,}\s]+)', re.IGNORECASE
)
#: Keys and tokens in running text, by their looks.
_SECRET_SHAPE = re.compile(r"\bqfex_(?:pub|secret|sec)_[\w-]+|\bey[\w-]{6,}\.[\w-]+\.[\w-]+")
_ESCAPED_QUOTE = '\\"'
MAX_TEXT = 2000  # characters of a foreign message that are kept for people to read


def redact_text(text: str) -> str:
    """Shorten `text` and blank the values of secret members, in escaped JSON too, and what looks like a secret."""
    plain = text[:MAX_TEXT].replace(_ESCAPED_QUOTE, '"') if _mentions_secret(text) else text[:MAX_TEXT]
    return _SECRET_SHAPE.sub("***", _SECRET_MEMBER.sub(r'\1"***"', plain))


def redact(value: Any) -> Any:
    """Blank secret members of parsed JSON."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [redact(item) for item in value]
    if isinstance(value, dict):
        return {key: "***" if key in _SECRET_NAMES else redact(item) for key, item in value.items()}
    return value


def _mentions_secret(text: str) -> bool:
    return any(name in text for name in _SECRET_NAMES)

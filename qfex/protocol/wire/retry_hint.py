"""How long the text of a rate-limit error asks to wait. The exchange does not publish its wording."""

from __future__ import annotations

import re

_LONGEST = 3600.0  # seconds; what is longer is a point in time or a mistake

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_UNIT = r"(?:milliseconds?|millis|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h)(?![a-z])"
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_PART = re.compile(rf"({_NUMBER})\s*({_UNIT})", re.IGNORECASE)

#: "250 ms", "1m30s", or a number alone, which is in seconds; not a part of a date, of a clock time or of "3 requests".
_LENGTH = rf"(?<![\d.,+-])((?:{_NUMBER}\s*{_UNIT}\s*)+|{_NUMBER}(?=\s*(?:[.,;)\]}}\"']\B|$)))"

#: Words between "retry" and the length of time; "per" leads to a window instead, as in "60 requests per 10 seconds".
_WORDS = r"(?:(?!\b(?:per|every|each|within)\b)[^\d.,;\n]){0,40}?"

#: The places of a hint, the surest first.
_HINTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:retry|again|wait){_WORDS}{_LENGTH}",
        rf"\b(?:in|for|after)\s+(?:about\s+)?{_LENGTH}",
        rf"^\W*{_LENGTH}\W*$",
    )
)
_COUNTS_MILLISECONDS = re.compile(r"retry[-_ ]?after[-_ ]?(?:ms|millis)", re.IGNORECASE)


def retry_after(text: str) -> float | None:
    """Seconds to wait that a text names: the length of time after "retry" or "in", not the window of the limit."""
    found = next((match for match in (hint.search(text) for hint in _HINTS) if match), None)
    if found is None:
        return None
    parts = _PART.findall(found[1])
    if parts:
        seconds = sum(_number(amount) * _unit(unit) for amount, unit in parts)
    else:
        seconds = _number(found[1]) / (1000 if _COUNTS_MILLISECONDS.search(found[0]) else 1)
    return seconds if seconds <= _LONGEST else None


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _unit(text: str) -> float:
    name = text.lower()
    if name.startswith("mil"):
        return _SECONDS["ms"]
    return _SECONDS[name if name == "ms" else name[0]]

"""The hint of a rate-limit error: the time after which to retry, and never the window of the limit."""

from __future__ import annotations

import pytest

from qfex.protocol.wire.retry_hint import retry_after


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("limit of 12000 units per 60 seconds exceeded, retry after 250 ms", 0.25),
        ("retry after 250 ms: limit of 12000 units per 60 seconds exceeded", 0.25),
        ("12000 units per 60 s; try again in 2 seconds", 2.0),
        ("200/s over 60s exceeded. Try again in 1.5s.", 1.5),
        ("12000 units in 60 seconds exceeded, retry in 3 s", 3.0),
        ("Retry-After: 3", 3.0),
        ("retry_after=0.5, limit=12000", 0.5),
        ('{"retry_after": 4}', 4.0),
        ("retryAfterMs: 250", 0.25),
        ("retry-after-ms: 1500", 1.5),
        ("please wait another 1,500 ms", 1.5),
        ("retry in 1m30s", 90.0),
        ("retry in 1 minute 30 seconds", 90.0),
        ("Too many requests. Available again in 2 minutes", 120.0),
        ("RETRY AFTER 2 SECS", 2.0),
        ("resets in 500 milliseconds", 0.5),
        ("retry after 1 hour", 3600.0),
    ],
)
def test_the_hint_is_the_time_after_retry_or_in(text: str, seconds: float) -> None:
    assert retry_after(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "limit of 12000 units per 60 seconds exceeded",
        "12000 units / 60s",
        "at most 200 requests every 1 second",
        "do not retry more than once per 10 seconds",
        "retry later: limit of 12000 units per 60 seconds",
        "you may not retry within 60 s more than 12000 units",
    ],
)
def test_the_window_of_the_limit_is_no_hint(text: str) -> None:
    assert retry_after(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "blocked until 1760545414 s",
        "retry after 1760545414",
        "retry after 1760545414123 ms",
        "retry after 2 hours",
        "retry at 12:30:05",
        "retry after 2026-10-10T12:00:00Z",
        "retry after -1 s",
        "retry 3 requests later",
        "retry later",
    ],
)
def test_what_is_no_length_of_time_or_an_absurd_one_is_no_hint(text: str) -> None:
    assert retry_after(text) is None

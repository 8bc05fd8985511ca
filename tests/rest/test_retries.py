"""Reads are retried, each time with a fresh signature. Writes are never retried."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.credentials import JwtCredentials
from qfex.errors import NotConnected, QfexConnectionError, RestError
from qfex.http.retries import RetryPolicy, parse_retry_after
from qfex.rest import RestClient
from tests.support.rest_server import HANG_UP, Reply, ScriptedServer, reply

from .conftest import CREDENTIALS, MakeClient

FUNDED = {"positions": None, "balance": {"deposit": 5}}
FAILURES = [reply({"title": "no"}, status) for status in (429, 500, 502, 503, 504)] + [HANG_UP]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda answer: str(answer.status))
def test_r46c_a_read_is_retried(server: ScriptedServer, client: RestClient, failure: Reply) -> None:
    server.replies = [failure, failure, failure, reply(FUNDED)]
    assert client.balance().deposit == 5
    assert len(server.asked) == 4


def test_r46c_each_attempt_has_a_fresh_signature(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [HANG_UP, reply({}, 503), reply(FUNDED)]
    client.balance()
    for header in ("x-qfex-nonce", "x-qfex-hmac-signature"):
        assert len({asked.headers[header] for asked in server.asked}) == 3
    for asked in server.asked:
        assert set(asked.headers["x-qfex-nonce"]) <= set("0123456789abcdef")


@pytest.mark.parametrize("failure", FAILURES, ids=lambda answer: str(answer.status))
def test_the_number_of_attempts_is_limited(
    server: ScriptedServer, make_client: MakeClient, failure: Reply
) -> None:
    server.replies = [failure]
    with pytest.raises((RestError, QfexConnectionError)):
        make_client(CREDENTIALS, retries=2).balance()
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 422])
def test_a_permanent_error_is_not_retried(server: ScriptedServer, client: RestClient, status: int) -> None:
    server.replies = [reply({"title": "no"}, status)]
    with pytest.raises(RestError) as caught:
        client.balance()
    assert caught.value.status_code == status
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "failure", [*FAILURES, reply({"title": "no"}, 401)], ids=lambda answer: str(answer.status)
)
@pytest.mark.parametrize(
    ("method", "arguments"),
    [("set_leverage", ("AAPL-USD", 5)), ("create_subaccount", ()), ("transfer", (1, "a", "b"))],
)
def test_r46c_a_write_is_sent_once(
    server: ScriptedServer, client: RestClient, failure: Reply, method: str, arguments: tuple[Any, ...]
) -> None:
    server.replies = [failure]
    with pytest.raises((RestError, QfexConnectionError)):
        getattr(client, method)(*arguments)
    assert [asked.method for asked in server.asked] == ["POST"]


def test_r46c_backoff_grows_and_has_full_jitter(
    server: ScriptedServer, make_client: MakeClient, delays: list[float]
) -> None:
    server.replies = [HANG_UP]
    with pytest.raises(QfexConnectionError):
        make_client(retries=7).instruments()
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_retry_after_is_obeyed(
    server: ScriptedServer, public: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(public._requester._closed, "wait", waits.append)
    soon = format_datetime(datetime(2026, 10, 10, 12, 0, 7, tzinfo=timezone.utc), usegmt=True)
    now = format_datetime(datetime(2026, 10, 10, 12, 0, 0, tzinfo=timezone.utc), usegmt=True)
    server.replies = [
        reply({}, 429, Retry_After="3"),
        reply({}, 503, Retry_After=soon, Date=now),
        reply({}, 503, Retry_After="whenever"),
        reply({"data": None}),
    ]
    assert public.instruments() == {}
    assert waits == [3.0, 7.0, 0.0]


def test_a_retry_after_that_is_too_long_is_raised_instead(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [reply({"title": "later"}, 429, Retry_After="3600")]
    with pytest.raises(RestError) as caught:
        public.instruments()
    assert caught.value.retry_after == 3600
    assert len(server.asked) == 1


def test_the_error_of_a_never_funded_account_is_not_retried(
    server: ScriptedServer, client: RestClient
) -> None:
    server.replies = [reply({"title": "Internal", "detail": "position balance not found"}, 500)]
    assert client.positions() == {}
    assert len(server.asked) == 1


def test_an_export_is_retried_only_while_nothing_is_received(
    server: ScriptedServer, client: RestClient
) -> None:
    server.replies = [HANG_UP, reply({}, 503), Reply(200, b"a,b\n1,2\n")]
    file = io.BytesIO()
    assert client.export_trades(file) == 8
    assert file.getvalue() == b"a,b\n1,2\n"
    server.replies = [Reply(200, b"a,b\n", truncate=True)]
    asked_before = len(server.asked)
    with pytest.raises(QfexConnectionError):
        client.export_trades(io.BytesIO())
    assert len(server.asked) == asked_before + 1


def test_closing_ends_the_wait_for_a_retry(server: ScriptedServer, public: RestClient) -> None:
    def fail_and_close(asked: Any) -> Reply:
        public.close()
        return reply({"title": "later"}, 429, Retry_After="50")

    server.replies = [fail_and_close]
    with pytest.raises((RestError, NotConnected, QfexConnectionError)):
        public.instruments()
    assert len(server.asked) == 1


@given(st.integers(0, 20), st.floats(0, 60))
def test_the_delay_has_the_requested_minimum_and_a_maximum(attempt: int, asked: float) -> None:
    error = RestError(429)
    error.retry_after = asked
    delay = RetryPolicy(retries=21).delay(attempt, error)
    assert delay is not None
    assert asked <= delay <= max(asked, 8.0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("2", 2.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_may_be_in_seconds(value: str | None, expected: float | None) -> None:
    assert parse_retry_after(value) == expected


@given(st.integers(-1000, 1000))
def test_retry_after_may_be_a_date(seconds: int) -> None:
    base = datetime(2026, 10, 10, tzinfo=timezone.utc)
    date = format_datetime(base + timedelta(seconds=seconds), usegmt=True)
    assert parse_retry_after(date, base.timestamp()) == max(0, seconds)


# --- tokens that a function gives ------------------------------------------------------------------------------------


def test_each_attempt_has_a_token_of_its_own(server: ScriptedServer, make_client: MakeClient) -> None:
    tokens = iter(["1", "2", "3"])
    server.replies = [HANG_UP, reply({}, 503), reply(FUNDED)]
    assert make_client(JwtCredentials(lambda: next(tokens))).balance().deposit == 5
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer 1", "Bearer 2", "Bearer 3"]


def test_a_refused_token_is_replaced_once(server: ScriptedServer, make_client: MakeClient) -> None:
    tokens = iter(["old", "new"])
    server.replies = [reply({"title": "expired"}, 401), reply(FUNDED)]
    assert make_client(JwtCredentials(lambda: next(tokens))).balance().deposit == 5
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer old", "Bearer new"]


def test_a_token_that_is_refused_twice_is_an_error(server: ScriptedServer, make_client: MakeClient) -> None:
    server.replies = [reply({"title": "expired"}, 401)]
    with pytest.raises(RestError) as caught:
        make_client(JwtCredentials(lambda: "old")).balance()
    assert caught.value.status_code == 401 and len(server.asked) == 2


def test_a_write_with_a_refused_token_is_sent_again_with_another_one(
    server: ScriptedServer, make_client: MakeClient
) -> None:
    tokens = iter(["old", "new"])
    server.replies = [reply({"title": "expired"}, 401), reply({}, 503)]
    with pytest.raises(RestError) as caught:
        make_client(JwtCredentials(lambda: next(tokens))).set_leverage("AAPL-USD", 5)
    assert caught.value.status_code == 503
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer old", "Bearer new"]

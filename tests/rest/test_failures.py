"""The errors of failed requests, and that they reveal no secret."""

from __future__ import annotations

import io
import logging
import pickle
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from qfex.credentials import JwtCredentials
from qfex.environment import Environment
from qfex.errors import (
    ConfigurationError,
    NotConnected,
    QfexConnectionError,
    RequestTimeout,
    RestError,
    ValidationError,
)
from qfex.rest import RestClient
from tests.support.rest_server import HANG_UP, Reply, ScriptedServer, reply

from .conftest import CREDENTIALS, MakeClient

CLOUDFLARE = b"""<!DOCTYPE html>
<html lang="en-US"><head><title>Access denied | api.qfex.com used
 Cloudflare to restrict access &amp; more</title><style>body{margin:0}</style></head><body>Ray 5</body></html>"""


# --- error responses ----------------------------------------------------------------------------------------


def test_problem_json_becomes_an_error(server: ScriptedServer, client: RestClient) -> None:
    errors = [{"message": "expected integer", "location": "query.limit", "value": "x"}]
    server.replies = [
        reply(
            {"title": "Unprocessable Entity", "status": 422, "detail": "validation failed", "errors": errors},
            422,
        )
    ]
    with pytest.raises(RestError) as caught:
        client.user_trades()
    error = caught.value
    assert (error.status_code, error.title, error.detail) == (
        422,
        "Unprocessable Entity",
        "validation failed",
    )
    assert error.errors == errors
    assert str(error) == "422: Unprocessable Entity: validation failed"


def test_problem_json_may_contain_nulls(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({"title": None, "detail": None, "errors": None}, 404)]
    with pytest.raises(RestError) as caught:
        client.user_trades()
    assert (caught.value.title, caught.value.detail, caught.value.errors) == ("Not Found", None, [])


@pytest.mark.parametrize("status", [403, 503, 200])
def test_an_html_page_instead_of_json_is_an_error(
    server: ScriptedServer, make_client: MakeClient, status: int
) -> None:
    server.replies = [Reply(status, CLOUDFLARE, {"Content-Type": "text/html"})]
    with pytest.raises(RestError) as caught:
        make_client(retries=0).instruments()
    assert caught.value.status_code == status
    assert caught.value.title == "Access denied | api.qfex.com used Cloudflare to restrict access & more"
    assert "<" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "detail"),
    [(b"error code: 1010", "error code: 1010"), (b"", ""), (b"\xff\xfe" * 500, None), (b"[" * 50_000, None)],
)
def test_plain_text_instead_of_json_is_an_error(
    server: ScriptedServer, make_client: MakeClient, body: bytes, detail: str | None
) -> None:
    server.replies = [Reply(403, body, {"Content-Type": "text/plain"})]
    with pytest.raises(RestError) as caught:
        make_client().instruments()
    assert caught.value.title == "Forbidden"
    assert detail is None or caught.value.detail == detail
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "body", [b"[]", b"3", b'{"data": 5}', b'{"data": [5]}', b'{"data": [{"id": "t"}]}', b"null"]
)
def test_json_of_an_unexpected_format_is_an_error(
    server: ScriptedServer, client: RestClient, body: bytes
) -> None:
    server.replies = [Reply(200, body)]
    with pytest.raises(RestError, match="expected format"):
        client.user_trades()


def test_a_redirect_is_not_followed(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({}, 302, Location=f"{server.environment.rest_url}/stolen")]
    with pytest.raises(RestError) as caught:
        client.balance()
    assert caught.value.status_code == 302
    assert [asked.path for asked in server.asked] == ["/user/positions"]


# --- connections and time -----------------------------------------------------------------------------------


def test_a_refused_connection_is_an_error(make_client: MakeClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    client = RestClient(Environment("ws://x", "ws://x", url), retries=1)
    with client, pytest.raises(QfexConnectionError, match="refused") as caught:
        client.instruments()
    assert not isinstance(caught.value, NotConnected)
    assert str(caught.value).startswith(f"GET {url}/refdata")


def test_an_unknown_host_is_named() -> None:
    client = RestClient(Environment("ws://x", "ws://x", "http://exchange.invalid"), retries=0)
    with client, pytest.raises(QfexConnectionError, match=r"exchange\.invalid"):
        client.instruments()


def test_a_connection_lost_within_the_answer_is_retried(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [Reply(200, b'{"positions"', truncate=True)]
    with pytest.raises(QfexConnectionError):
        client.balance()
    assert len(server.asked) == 4


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize("method", ["instruments", "create_subaccount"])
def test_no_answer_in_time_is_a_timeout(
    server: ScriptedServer, make_client: MakeClient, release: threading.Event, method: str
) -> None:
    def never(asked: object) -> Reply:
        release.wait(30)
        return HANG_UP

    server.replies = [never]
    with pytest.raises(RequestTimeout) as caught:
        getattr(make_client(CREDENTIALS, timeout=0.2), method)()
    assert caught.value.sent is True
    assert len(server.asked) == 1
    release.set()


def test_an_answer_that_arrives_too_slowly_is_a_timeout(
    server: ScriptedServer, make_client: MakeClient, release: threading.Event
) -> None:
    server.replies = [Reply(200, pieces=tuple(b" " for _ in range(1000)), wait=release)]
    begun = time.monotonic()
    with pytest.raises(RequestTimeout):
        make_client(timeout=0.3).instruments()
    assert time.monotonic() - begun < 20  # a generous bound: the complete body would never arrive
    release.set()


def test_an_export_may_take_longer_than_the_timeout(server: ScriptedServer, make_client: MakeClient) -> None:
    pieces = tuple(b"%d\n" % number for number in range(5))
    server.replies = [Reply(200, pieces=pieces, pace=0.3)]
    file, seen = io.BytesIO(), list[int]()
    begun = time.monotonic()
    assert make_client(CREDENTIALS, timeout=1.0).export_trades(file, seen.append) == 10
    assert time.monotonic() - begun > 1.0
    assert file.getvalue() == b"".join(pieces)
    assert (seen[-1], seen == sorted(seen)) == (10, True)


def test_an_export_that_stalls_keeps_what_was_received(
    server: ScriptedServer, make_client: MakeClient, release: threading.Event
) -> None:
    server.replies = [Reply(200, pieces=(b"a\n", b"b\n"), wait=release)]
    file = io.BytesIO()
    with pytest.raises(RequestTimeout):
        make_client(CREDENTIALS, timeout=0.3).export_trades(file)
    assert file.getvalue() == b"a\n"
    release.set()


# --- the clock ----------------------------------------------------------------------------------------------


class Clock:
    """An exchange whose clock is ahead and that refuses signatures more than a minute off."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def __call__(self, asked: object) -> Reply:
        date = formatdate(time.time() + self.ahead, usegmt=True)
        stated = float(asked.headers["x-qfex-timestamp"])  # type: ignore[attr-defined]
        if abs(stated - time.time() - self.ahead) > 60:
            return reply({"title": "Unauthorized", "detail": "bad timestamp"}, 401, Date=date)
        return reply({"account_id": "a", "balance": {"deposit": 5}, "positions": []}, Date=date)


@pytest.mark.parametrize("ahead", [90.0, -90.0, 86400.0])
def test_a_wrong_clock_is_corrected_once(server: ScriptedServer, client: RestClient, ahead: float) -> None:
    server.replies = [Clock(ahead)]
    assert client.balance().deposit == 5
    assert len(server.asked) == 2
    assert client.create_subaccount() == "a"
    assert len(server.asked) == 3
    assert len({asked.headers["x-qfex-nonce"] for asked in server.asked}) == 3


def test_a_refusal_mentions_a_clock_that_is_wrong(server: ScriptedServer, client: RestClient) -> None:
    date = formatdate(time.time() + 90, usegmt=True)
    server.replies = [reply({"title": "Unauthorized", "detail": "no such key"}, 401, Date=date)]
    with pytest.raises(
        RestError, match=r"no such key; this computer's clock differs by (89|90|91) s"
    ) as caught:
        client.balance()
    assert caught.value.status_code == 401
    assert len(server.asked) == 2


def test_a_refusal_does_not_mention_a_clock_that_is_right(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({"detail": "no such key"}, 401, Date=formatdate(usegmt=True))]
    with pytest.raises(RestError) as caught:
        client.balance()
    assert "clock" not in str(caught.value)
    assert len(server.asked) == 1


def test_a_write_refused_for_the_clock_is_not_repeated_but_the_next_one_succeeds(
    server: ScriptedServer, client: RestClient
) -> None:
    server.replies = [Clock(90)]
    with pytest.raises(RestError, match="clock differs by"):
        client.create_subaccount()
    assert len(server.asked) == 1
    assert client.create_subaccount() == "a"


def test_a_token_does_not_depend_on_the_clock(server: ScriptedServer, make_client: MakeClient) -> None:
    date = formatdate(time.time() + 90, usegmt=True)
    server.replies = [reply({"detail": "expired"}, 401, Date=date)]
    with pytest.raises(RestError):
        make_client(JwtCredentials("token.of.test")).balance()
    assert len(server.asked) == 1


# --- secrets and misuse -------------------------------------------------------------------------------------


def test_errors_and_logs_reveal_no_secret(
    server: ScriptedServer, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(asked: object) -> Reply:
        headers = dict(asked.headers)  # type: ignore[attr-defined]
        return reply({"title": str(headers), "detail": str(headers), "errors": [{"value": headers}]}, 500)

    caplog.set_level(logging.DEBUG)
    server.replies = [echo, HANG_UP]
    for credentials in (CREDENTIALS, JwtCredentials("token.of.test")):
        client = make_client(credentials, retries=0)
        texts = [repr(client), repr(vars(client)), repr(client._requester._signed)]
        for _ in range(2):
            with pytest.raises((RestError, QfexConnectionError)) as caught:
                client.balance()
            texts += traceback.format_exception(caught.value)
            texts += [repr(caught.value), str(vars(caught.value))]
            assert caught.value.__cause__ is None
        secrets = ["qfex_pub_for_tests", "qfex_secret_for_tests", "token.of.test"]
        secrets += [
            asked.headers.get("x-qfex-hmac-signature", "qfex_pub_for_tests") for asked in server.asked
        ]
        for secret in secrets:
            assert secret not in "".join(texts) + caplog.text


@pytest.mark.parametrize("url", ["http://api.qfex.com", "http://192.168.0.1", "ftp://127.0.0.1"])
def test_credentials_are_not_sent_unencrypted(url: str) -> None:
    environment = Environment("wss://x", "wss://x", url)
    with pytest.raises(ConfigurationError):
        RestClient(environment, CREDENTIALS)
    RestClient(environment).close()


def test_private_operations_need_credentials(server: ScriptedServer, public: RestClient) -> None:
    with pytest.raises(ConfigurationError, match="credentials"):
        public.balance()
    assert not server.asked


def test_a_closed_client_cannot_be_used(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [reply({"data": None})]
    with public as entered:
        assert entered.instruments() == {}
    public.close()
    with pytest.raises(NotConnected):
        public.instruments()


def test_a_client_cannot_be_pickled(public: RestClient) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(public)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"retries": -1}, {"retries": 1.5}])
def test_invalid_options_are_refused(make_client: MakeClient, options: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        make_client(**options)

"""The HTTP session: threads, proxies, certificates, cookies and forks."""

from __future__ import annotations

import gzip
import io
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from qfex.credentials import JwtCredentials
from qfex.environment import Environment
from qfex.errors import ConfigurationError, ForkedClientError, QfexConnectionError
from qfex.http import http_session
from qfex.rest import RestClient
from tests.support.rest_server import Asked, Reply, ScriptedServer, reply

from .conftest import CREDENTIALS, MakeClient

THREADS = 16
EMPTY = reply({"data": None})


def test_requests_is_imported_only_when_it_is_used() -> None:
    program = (
        "import sys, qfex;"
        "client = qfex.RestClient(qfex.PROD);"
        "assert 'requests' not in sys.modules and 'urllib3' not in sys.modules;"
        "client.close()"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)


def test_one_client_serves_many_threads(server: ScriptedServer, make_client: MakeClient) -> None:
    def echo(asked: Asked) -> Reply:
        return reply(
            {"leverage": 1, "ticker_id": asked.path.rsplit("/", 1)[1], "bids": [["1", "1"]], "asks": []}
        )

    server.replies = [echo]
    client = make_client(CREDENTIALS)

    def work(number: int) -> list[str]:
        for _ in range(3):
            client.set_leverage(f"S{number}", 1)
        return [client.order_book(f"S{number}-{turn}").symbol for turn in range(10)]

    with ThreadPoolExecutor(THREADS) as pool:
        books = list(pool.map(work, range(THREADS)))
    assert books == [[f"S{number}-{turn}" for turn in range(10)] for number in range(THREADS)]
    nonces = [asked.headers["x-qfex-nonce"] for asked in server.asked if asked.method == "POST"]
    assert len(set(nonces)) == len(nonces) == 3 * THREADS


def test_the_user_agent_names_the_library(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [EMPTY]
    public.instruments()
    name, version = server.asked[0].headers["user-agent"].split("/")
    assert (name, version.count(".")) == ("qfex-sync", 2)


def test_public_operations_carry_no_credentials(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [EMPTY]
    client.instruments()
    assert not [name for name in server.asked[0].headers if name.startswith(("x-qfex", "authorization"))]


def test_compressed_answers_are_unpacked(server: ScriptedServer, client: RestClient) -> None:
    packed = {"Content-Encoding": "gzip"}
    server.replies = [
        Reply(200, gzip.compress(b'{"fees": {}}'), packed),
        Reply(200, gzip.compress(b"a,b\n" * 100_000), packed),
        Reply(200, b"this is not gzip", packed),
    ]
    assert client.fees() == {}
    file = io.BytesIO()
    assert client.export_trades(file) == 400_000 == len(file.getvalue())
    with pytest.raises(QfexConnectionError):
        client.fees()


def test_cookies_are_not_kept(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [reply({"data": None}, Set_Cookie="session=1; Path=/")]
    public.instruments()
    public.instruments()
    assert "cookie" not in server.asked[1].headers


def test_a_netrc_file_does_not_replace_the_token(
    server: ScriptedServer, make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.replies = [reply({"fees": {}})]
    make_client(JwtCredentials("token")).fees()
    assert server.asked[0].headers["authorization"] == "Bearer token"


def test_connections_are_reused(server: ScriptedServer, public: RestClient) -> None:
    ports: set[int] = set()
    server.replies = [lambda asked: ports.add(asked.port) or EMPTY]
    for _ in range(5):
        public.instruments()
    assert len(ports) == 1


# --- proxies ------------------------------------------------------------------------------------------------

FAR = Environment("wss://x", "wss://x", "http://exchange.invalid")


@pytest.fixture
def proxy(server: ScriptedServer) -> str:
    """The server as a proxy: it answers for any host."""
    server.replies = [EMPTY]
    return server.environment.rest_url


def test_a_given_proxy_is_used(server: ScriptedServer, proxy: str) -> None:
    with RestClient(FAR, proxy=proxy.replace("//", "//user:pass@")) as client:
        assert client.instruments() == {}
    assert server.asked[0].headers["host"] == "exchange.invalid"
    assert server.asked[0].headers["proxy-authorization"].startswith("Basic ")
    assert "pass" not in repr(vars(client._requester))


def test_a_given_proxy_takes_precedence_over_the_environment(
    server: ScriptedServer, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with RestClient(FAR, proxy=proxy) as client:
        assert client.instruments() == {}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_is_used(
    server: ScriptedServer, proxy: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, proxy)
    with RestClient(FAR) as client:
        assert client.instruments() == {}
    assert len(server.asked) == 1


def test_no_proxy_is_obeyed(server: ScriptedServer, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "exchange.invalid")
    with RestClient(FAR, retries=0) as client, pytest.raises(QfexConnectionError):
        client.instruments()
    assert not server.asked


def test_this_machine_is_reached_without_a_proxy(
    server: ScriptedServer, public: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.replies = [EMPTY]
    assert public.instruments() == {}


# --- certificates -------------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return tmp_path / "authority.pem"


@pytest.fixture
def secure(authority: Path) -> Iterator[ScriptedServer]:
    """A server whose certificate is from an unknown authority."""
    trustme = pytest.importorskip("trustme")
    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    made.cert_pem.write_to_path(str(authority))
    with ScriptedServer(context).running() as scripted:
        scripted.replies = [EMPTY]
        yield scripted


def test_an_unknown_authority_is_refused_with_advice(secure: ScriptedServer) -> None:
    client = RestClient(secure.environment)
    with client, pytest.raises(QfexConnectionError, match=r"certificate.*ca_file="):
        client.instruments()
    assert not secure.asked


def test_a_private_authority_can_be_trusted(
    secure: ScriptedServer, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RestClient(secure.environment, CREDENTIALS, ca_file=str(authority)) as client:
        assert client.instruments() == {}
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    with RestClient(secure.environment) as client:
        assert client.instruments() == {}


def test_a_missing_file_of_authorities_is_named(secure: ScriptedServer, tmp_path: Path) -> None:
    client = RestClient(secure.environment, ca_file=str(tmp_path / "none.pem"))
    with client, pytest.raises(ConfigurationError, match=r"none\.pem"):
        client.instruments()


# --- forks --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_client_cannot_be_used_in_a_forked_child(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [EMPTY]
    public.instruments()
    child = os.fork()
    if not child:
        try:
            public.instruments()
        except ForkedClientError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert public.instruments() == {}


def test_a_signal_handler_may_use_the_client_while_its_session_is_made(
    server: ScriptedServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, handled = make_client(), []

    class Interrupted(http_session.HttpSession):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            if not handled:
                handled.append(True)
                handled.append(client.instruments())  # as a handler would that runs here

    monkeypatch.setattr(http_session, "HttpSession", Interrupted)
    server.replies = [reply({"data": None})]
    assert client.instruments() == {} and handled == [True, {}]

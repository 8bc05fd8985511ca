"""TLS and proxies work alike for sockets and REST, and verification is never switched off (R44)."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from qfex import (
    ConfigurationError,
    Environment,
    MarketDataClient,
    NotConnected,
    QfexConnectionError,
    QfexError,
    RestClient,
    TradeClient,
)
from tests.support.connect_proxy import ConnectProxy
from tests.support.exchange import CREDENTIALS, Peer, ScriptedExchange
from tests.support.helpers import PATIENCE, outcome
from tests.support.rest_server import ScriptedServer, reply

trustme = pytest.importorskip("trustme")

FAR = "exchange.invalid"  # a name that cannot be resolved: it is reached through the proxy only
ROOT = Path(__file__).parents[2]


class Venue:
    """An exchange with sockets and REST, reachable under any host name, whose certificate is from its own authority."""

    def __init__(self, ends: ExitStack, folder: Path) -> None:
        authority = trustme.CA()
        self.ca_file = str(folder / "authority.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(FAR, f"deep.{FAR}", "127.0.0.1").configure_cert(tls)
        self.sockets = ends.enter_context(ScriptedExchange(_serve, tls=tls))
        self.http = ends.enter_context(ScriptedServer(tls).running())
        self.http.replies = [reply({"data": None})]

    def environment(self, host: str) -> Environment:
        http_port = self.http.environment.rest_url.rsplit(":", 1)[1]
        url = f"wss://{host}:{self.sockets.port}"
        return Environment(f"{url}/", f"{url}/mds", f"https://{host}:{http_port}")


def _serve(peer: Peer) -> None:
    """Serve as the market data gateway, which needs no login, or as the trade gateway."""
    peer.upgrade()
    if " /mds" not in peer.request:
        peer.receive("auth")
        peer.send({"authenticated": True})
    while True:
        peer.answer(peer.receive())


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as ends:
        yield ends


@pytest.fixture
def venue(ends: ExitStack, tmp_path: Path) -> Venue:
    return Venue(ends, tmp_path)


@pytest.fixture
def proxy(ends: ExitStack) -> ConnectProxy:
    return ends.enter_context(ConnectProxy("user", "pass word"))


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name)


def trade(environment: Environment, **options: Any) -> None:
    with TradeClient(environment, CREDENTIALS, request_timeout=PATIENCE, reconnect=None, **options) as client:
        assert client.get_user_orders().orders == []


def market(environment: Environment, **options: Any) -> None:
    client = MarketDataClient(environment, request_timeout=PATIENCE, reconnect=None, **options)
    with client:
        assert client.state.value == "READY"


def rest(environment: Environment, **options: Any) -> None:
    with RestClient(environment, timeout=PATIENCE, retries=0, **options) as client:
        assert client.instruments() == {}


Use = Callable[..., None]
each_client = pytest.mark.parametrize("use", [trade, market, rest], ids=lambda use: use.__name__)

# --- proxies ------------------------------------------------------------------------------------------------


@each_client
def test_r44_a_given_proxy_is_used_with_its_user_and_password(
    venue: Venue, proxy: ConnectProxy, use: Use
) -> None:
    use(venue.environment(FAR), ca_file=venue.ca_file, proxy=f"http://user:pass%20word@{proxy.address}")
    assert proxy.targets and all(target.startswith(f"{FAR}:") for target in proxy.targets)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@each_client
def test_r44_the_proxy_of_the_environment_is_used(
    venue: Venue, proxy: ConnectProxy, use: Use, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://user:pass%20word@{proxy.address}")
    use(venue.environment(FAR), ca_file=venue.ca_file)
    assert proxy.targets


@each_client
def test_r44_a_given_proxy_overrides_the_environment(
    venue: Venue, proxy: ConnectProxy, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "*")
    use(venue.environment(FAR), ca_file=venue.ca_file, proxy=f"http://user:pass%20word@{proxy.address}")
    assert proxy.targets


EXCEPTIONS = {
    "the host": FAR,
    "its domain": "invalid",
    "its domain with a dot": ".invalid",
    "one of several": f"somewhere.else, {FAR}",
    "all": "*",
}


@pytest.mark.parametrize("exception", EXCEPTIONS.values(), ids=EXCEPTIONS)
@each_client
def test_r44_no_proxy_is_obeyed(
    venue: Venue, proxy: ConnectProxy, use: Use, exception: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the proxy, the host cannot be reached."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass%20word@{proxy.address}")
    monkeypatch.setenv("NO_PROXY", exception)
    with pytest.raises(QfexConnectionError):
        use(venue.environment(FAR), ca_file=venue.ca_file)
    assert proxy.targets == []


@pytest.mark.parametrize("exception", ["change.invalid.org", "other.invalid"])
@each_client
def test_r44_no_proxy_of_another_host_changes_nothing(
    venue: Venue, proxy: ConnectProxy, use: Use, exception: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass%20word@{proxy.address}")
    monkeypatch.setenv("NO_PROXY", exception)
    use(venue.environment(FAR), ca_file=venue.ca_file)
    assert proxy.targets


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
@each_client
def test_r44_the_proxy_of_the_environment_is_not_used_for_this_machine(
    venue: Venue, proxy: ConnectProxy, use: Use, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://{proxy.address}")
    use(venue.environment("127.0.0.1"), ca_file=venue.ca_file)
    assert proxy.targets == []


@each_client
def test_r44_the_error_of_a_refusing_proxy_does_not_show_the_password(
    venue: Venue, proxy: ConnectProxy, use: Use
) -> None:
    with pytest.raises(QfexConnectionError) as refused:
        use(venue.environment(FAR), ca_file=venue.ca_file, proxy=f"http://user:wrong-one@{proxy.address}")
    assert "407" in str(refused.value) and "wrong-one" not in repr(refused.value)


@each_client
def test_r44_an_unknown_type_of_proxy_is_named(venue: Venue, use: Use) -> None:
    with pytest.raises(QfexError, match="carrier-pigeon"):
        use(venue.environment(FAR), ca_file=venue.ca_file, proxy="carrier-pigeon://127.0.0.1:1")


# --- certificates -------------------------------------------------------------------------------------------


@each_client
@pytest.mark.parametrize("way", ["direct", "through a proxy"])
def test_r44_an_untrusted_certificate_is_refused_and_the_error_names_ca_file(
    venue: Venue, ends: ExitStack, use: Use, way: str
) -> None:
    options, host = {}, "127.0.0.1"
    if way != "direct":
        options, host = {"proxy": f"http://{ends.enter_context(ConnectProxy()).address}"}, FAR
    with pytest.raises(QfexConnectionError, match=r"certificate.*ca_file="):
        use(venue.environment(host), **options)
    assert [peer.request for peer in venue.sockets.peers if peer.request] == [] == venue.http.asked


@each_client
def test_r44_a_trusted_certificate_of_another_host_is_refused(venue: Venue, use: Use) -> None:
    with pytest.raises(QfexConnectionError, match="certificate"):
        use(venue.environment("localhost"), ca_file=venue.ca_file)
    assert [peer.request for peer in venue.sockets.peers if peer.request] == [] == venue.http.asked


@each_client
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_r44_a_ca_file_that_cannot_be_read_is_named_at_once(
    venue: Venue, use: Use, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "company.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"company\.pem"):
        use(venue.environment("127.0.0.1"), ca_file=str(path))


# --- no way around TLS --------------------------------------------------------------------------------------


def test_r44_a_redirect_is_not_followed() -> None:
    """The key in the URL and the token in the headers must not reach another host."""
    with ScriptedExchange(Peer.discard_input) as elsewhere:

        def redirects(peer: Peer) -> None:
            peer.write(
                f"HTTP/1.1 307 Elsewhere\r\nLocation: {elsewhere.environment.trade_url}\r\n\r\n".encode()
            )
            peer.discard_input()

        with ScriptedExchange(redirects) as exchange:
            client = TradeClient(exchange.environment, CREDENTIALS, request_timeout=1, reconnect=None)
            refusal = outcome(client.connect)
            assert isinstance(refusal, NotConnected) and "redirects" in str(refusal)
            assert elsewhere.peers == []


def test_r44_no_file_of_the_project_switches_verification_off() -> None:
    switch = re.compile(
        r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|--insecure|curl -k|_create_unverified"
    )
    folders = ("docs", "samples", "qfex", "benchmarks")
    files = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".md", ".py", ".ipynb")
    ]
    assert len(files) > 100
    found = [str(path) for path in (*files, ROOT / "README.md") if switch.search(path.read_text("utf-8"))]
    assert found == []

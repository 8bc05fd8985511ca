"""Nothing that a client logs, shows or raises contains a secret (R46a)."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

import qfex
from qfex import (
    Channel,
    Environment,
    HmacCredentials,
    JwtCredentials,
    MarketChannel,
    MarketDataClient,
    RestClient,
    TradeClient,
)
from qfex.protocol.wire.redact import redact_text
from qfex.sim import Simulator
from tests.support.exchange import CREDENTIALS, Peer, ScriptedExchange
from tests.support.helpers import AAPL, QUICK, Received, eventually, live_only, outcome

Credentials = HmacCredentials | JwtCredentials
PROXY_PASSWORD = "the-password-of-the-proxy"


class SecretScan:
    """The texts that a user could read, and the secrets that none of them may contain."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.secrets: set[str] = {PROXY_PASSWORD}

    def record(self, *values: Any) -> None:
        """Record how values appear: `str`, `repr`, members, properties, and the traceback of exceptions."""
        for value in values:
            self.seen += [repr(value), str(value), repr(getattr(value, "__dict__", ""))]
            for name in dir(type(value)) if type(value).__module__.startswith("qfex") else ():
                if isinstance(getattr(type(value), name, None), property):
                    self.seen.append(repr(outcome(lambda name=name, value=value: getattr(value, name))))  # type: ignore[misc]
            if isinstance(value, BaseException):
                self.seen += traceback.format_exception(value)
                self.record(*value.args)  # the traceback contains the causes

    def call(self, work: Callable[[], Any]) -> Any:
        """Record the outcome of a call."""
        result = outcome(work)
        self.record(result)
        return result

    def leaks(self) -> set[str]:
        return {text for text in self.seen if any(secret in text for secret in self.secrets)}


class _Everything(logging.Handler):
    def __init__(self, scan: SecretScan) -> None:
        super().__init__(logging.DEBUG)
        self._scan = scan

    def emit(self, record: logging.LogRecord) -> None:
        self._scan.seen.append(logging.Formatter("%(name)s %(message)s").format(record))
        self._scan.record(record.args)


@pytest.fixture
def scan(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretScan]:
    """A scan of all that is logged, which knows the secrets of every login."""
    made = SecretScan()
    sign = HmacCredentials.sign

    def signing(self: HmacCredentials, *args: Any) -> Any:
        nonce, unix_ts, signature = sign(self, *args)
        made.secrets |= {nonce, signature}
        return nonce, unix_ts, signature

    monkeypatch.setattr(HmacCredentials, "sign", signing)
    loggers = [logging.getLogger(name) for name in ("", *logging.root.manager.loggerDict)]
    levels = [logger.level for logger in loggers]
    handler = _Everything(made)
    logging.root.addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield made
    logging.root.removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(params=["hmac", "jwt"])
def credentials(request: pytest.FixtureRequest, sim: Simulator, scan: SecretScan) -> Credentials:
    keys = sim.credentials
    token = sim.jwt(keys)
    scan.secrets |= {keys.public_key, keys.secret_key, token, token.rsplit(".", 1)[1]}
    return keys if request.param == "hmac" else JwtCredentials(token)


def trade(client: TradeClient, sim: Simulator, scan: SecretScan) -> None:
    """Make calls that end in every possible way."""
    see, faults = scan.call, sim.faults
    order = see(lambda: client.place_order(AAPL, "BUY", 1, 190))
    see(lambda: client.submit_order(AAPL, "BUY", 1, 190)).result()
    see(lambda: client.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 100))
    see(lambda: client.add_twap(AAPL, "BUY", 10, 5, 30))
    see(lambda: client.modify_order(order, price=191))
    for call in (
        client.get_user_orders,
        client.get_user_trades,
        client.get_leverage,
        client.cancel_all_orders,
    ):
        see(call)
    see(lambda: client.place_order("NONE-USD", "BUY", 1, 190))
    see(lambda: client.place_order(AAPL, "BUY", -1, 190))
    faults.error_reply("add_order", "ServerError", "try later")
    see(lambda: client.place_order(AAPL, "BUY", 1, 190))
    faults.rate_limit("add_order", retry_after=0.01, echo=None)
    see(lambda: client.place_order(AAPL, "BUY", 1, 190, timeout=0.1))
    for fault in (faults.garble, faults.truncate, faults.swallow_reply, faults.drop_before_reply):
        fault("add_order")
        see(lambda: client.place_order(AAPL, "BUY", 1, 190, timeout=0.3))
        see(lambda: client.wait_until_ready(5))
    see(lambda: client.resolve("nobody's", AAPL))


def rest(client: RestClient, sim: Simulator, scan: SecretScan) -> None:
    see = scan.call
    for call in (client.instruments, client.balance, client.positions, client.fees):
        see(call)
    sim.feed_faults.fail_rest(status=500, times=9)
    see(client.balance)
    sim.feed_faults.clear()
    sim.feed_faults.cut_rest(times=9)
    see(client.balance)
    sim.feed_faults.clear()
    sim.feed_faults.garble_rest()
    see(client.balance)
    see(lambda: client.set_leverage(AAPL, 10**6))
    see(lambda: client.export_trades(io.BytesIO()))


def test_r46a_a_whole_session_shows_no_secret(
    sim: Simulator, credentials: Credentials, scan: SecretScan
) -> None:
    with TradeClient(sim.environment, credentials, cancel_on_disconnect=True, reconnect=QUICK) as client:
        received = Received(client, *Channel)
        scan.record(client.on(Channel.ORDERS, lambda order: 1 / 0))
        with client.stream(*Channel) as stream:
            trade(client, sim, scan)
            sim.faults.inject({"err": {"error_code": "ServerError", "incoming_message": _auth(credentials)}})
            sim.faults.inject({"strange": _auth(credentials)})
            eventually(lambda: "strange" in str(received.events), "the strange message")
            scan.record(client, stream, client.stats(), *received.events)
        with client.stream(*Channel) as stream:
            scan.record(stream)
    with RestClient(sim.environment, credentials, retries=1) as history:
        rest(history, sim, scan)
        scan.record(history)
    with MarketDataClient(sim.environment) as market:
        scan.call(lambda: market.mark_price(AAPL, timeout=1))
        scan.record(market, market.stream(MarketChannel.BBO))
    scan.record(credentials, sim.environment, attrs.asdict(sim.environment))
    assert len(scan.seen) > 500
    assert scan.leaks() == set()


def _auth(credentials: Credentials) -> dict[str, Any]:
    return {"type": "auth", "params": credentials.auth_params()}


@live_only
def test_r46a_refused_credentials_are_not_shown(
    sim: Simulator, credentials: Credentials, scan: SecretScan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PROXY_PASSWORD}@127.0.0.1:1")
    for refusal in (sim.faults.reject_auth, sim.faults.refuse_connections):
        refusal(times=5)
        client = TradeClient(sim.environment, credentials, request_timeout=1, reconnect=None)
        scan.call(client.connect)
        scan.record(client)
        sim.faults.clear()
    nowhere = Environment("wss://nowhere.invalid/", "wss://nowhere.invalid/", "https://nowhere.invalid")
    proxy = f"http://user:{PROXY_PASSWORD}@127.0.0.1:1"
    for given in (proxy, None):
        client = TradeClient(nowhere, credentials, request_timeout=1, reconnect=None, proxy=given)
        scan.call(client.connect)
        scan.record(client, client._session.lifecycle._options)
        with RestClient(nowhere, credentials, timeout=1, retries=0, proxy=given) as history:
            scan.call(history.balance)
            scan.record(history, history._requester._route)
    assert scan.leaks() == set()


def spoken(text: str) -> list[Callable[[Peer], None]]:
    """Scripts that send a text to a client that logs in, each in another way."""

    def refuses(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.send({"authenticated": False, "error": text})
        peer.read_until_closed()

    def answers_with_an_error(peer: Peer) -> None:
        peer.upgrade()
        request = peer.receive("auth")
        peer.send({"err": {"error_code": "PermissionDenied", "message": text, "incoming_message": request}})
        peer.read_until_closed()

    def hangs_up(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.close(1008, text[:120])
        peer.read_until_closed()

    def is_no_websocket(peer: Peer) -> None:
        peer.write(f"HTTP/1.1 401 {text}\r\nX-Why: {text}\r\nContent-Length: 0\r\n\r\n".encode())
        peer.discard_input()

    return [refuses, answers_with_an_error, hangs_up, is_no_websocket]


@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize("kind", ["hmac", "jwt"])
def test_r46a_messages_of_the_exchange_are_shown_without_the_credentials_in_them(
    scan: SecretScan, way: int, kind: str
) -> None:
    keys = HmacCredentials("qfex_pub_0123456789", "qfex_secret_0123456789")
    token = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"
    scan.secrets |= {keys.public_key, keys.secret_key, token}
    credentials = keys if kind == "hmac" else JwtCredentials(token)
    text = f"unknown key {keys.public_key} or token {token}" if kind == "hmac" else f"expired token {token}"
    with ScriptedExchange(spoken(text)[way]) as exchange:
        client = TradeClient(exchange.environment, credentials, request_timeout=2, reconnect=None)
        received = Received(client, Channel.ERRORS, Channel.CONNECTION)
        error = scan.call(client.connect)
        assert isinstance(error, qfex.QfexError)
        client.close()
        scan.record(client, *received.events)
    assert scan.leaks() == set()


def test_a_login_echoed_in_a_text_shows_no_key() -> None:
    proof = CREDENTIALS.auth_params()
    text = redact_text(f"refused: {json.dumps({'type': 'auth', 'params': proof})}")
    for secret in (CREDENTIALS.public_key, proof["hmac"]["signature"], proof["hmac"]["nonce"]):  # type: ignore[index]
        assert secret not in text
    assert "auth" in text

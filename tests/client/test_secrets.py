"""Whatever is logged, shown or raised in the life of a client: no secret is in it (R46a)."""

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


class Witness:
    """Remembers all that anybody could read, and knows every secret that was made."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.secrets: set[str] = {PROXY_PASSWORD}

    def see(self, *values: Any) -> None:
        """Look at values as people do: what they say, what they are made of, the traceback of exceptions."""
        for value in values:
            self.seen += [repr(value), str(value), repr(getattr(value, "__dict__", ""))]
            for name in dir(type(value)) if type(value).__module__.startswith("qfex") else ():
                if isinstance(getattr(type(value), name, None), property):
                    self.seen.append(repr(outcome(lambda name=name, value=value: getattr(value, name))))  # type: ignore[misc]
            if isinstance(value, BaseException):
                self.seen += traceback.format_exception(value)
                self.see(*value.args)  # the traceback has what it followed

    def end(self, call: Callable[[], Any]) -> Any:
        """See what a call ends in."""
        result = outcome(call)
        self.see(result)
        return result

    def leaks(self) -> set[str]:
        return {text for text in self.seen if any(secret in text for secret in self.secrets)}


class _Everything(logging.Handler):
    def __init__(self, witness: Witness) -> None:
        super().__init__(logging.DEBUG)
        self._witness = witness

    def emit(self, record: logging.LogRecord) -> None:
        self._witness.seen.append(logging.Formatter("%(name)s %(message)s").format(record))
        self._witness.see(record.args)


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Witness]:
    """Listens to all loggers, and learns each proof that is made."""
    made = Witness()
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
def credentials(request: pytest.FixtureRequest, sim: Simulator, witness: Witness) -> Credentials:
    keys = sim.credentials
    token = sim.jwt(keys)
    witness.secrets |= {keys.public_key, keys.secret_key, token, token.rsplit(".", 1)[1]}
    return keys if request.param == "hmac" else JwtCredentials(token)


def trade(client: TradeClient, sim: Simulator, witness: Witness) -> None:
    """Everything that a call can end in."""
    see, faults = witness.end, sim.faults
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


def rest(client: RestClient, sim: Simulator, witness: Witness) -> None:
    see = witness.end
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
    sim: Simulator, credentials: Credentials, witness: Witness
) -> None:
    with TradeClient(sim.environment, credentials, cancel_on_disconnect=True, reconnect=QUICK) as client:
        received = Received(client, *Channel)
        witness.see(client.on(Channel.ORDERS, lambda order: 1 / 0))
        with client.stream(*Channel) as stream:
            trade(client, sim, witness)
            sim.faults.inject({"err": {"error_code": "ServerError", "incoming_message": _auth(credentials)}})
            sim.faults.inject({"strange": _auth(credentials)})
            eventually(lambda: "strange" in str(received.events), "the strange message")
            witness.see(client, stream, client.stats(), *received.events)
        with client.stream(*Channel) as stream:
            witness.see(stream)
    with RestClient(sim.environment, credentials, retries=1) as history:
        rest(history, sim, witness)
        witness.see(history)
    with MarketDataClient(sim.environment) as market:
        witness.end(lambda: market.mark_price(AAPL, timeout=1))
        witness.see(market, market.stream(MarketChannel.BBO))
    witness.see(credentials, sim.environment, attrs.asdict(sim.environment))
    assert len(witness.seen) > 500
    assert witness.leaks() == set()


def _auth(credentials: Credentials) -> dict[str, Any]:
    return {"type": "auth", "params": credentials.auth_params()}


@live_only
def test_r46a_refused_credentials_are_not_shown(
    sim: Simulator, credentials: Credentials, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PROXY_PASSWORD}@127.0.0.1:1")
    for refusal in (sim.faults.reject_auth, sim.faults.refuse_connections):
        refusal(times=5)
        client = TradeClient(sim.environment, credentials, request_timeout=1, reconnect=None)
        witness.end(client.connect)
        witness.see(client)
        sim.faults.clear()
    nowhere = Environment("wss://nowhere.invalid/", "wss://nowhere.invalid/", "https://nowhere.invalid")
    proxy = f"http://user:{PROXY_PASSWORD}@127.0.0.1:1"
    for given in (proxy, None):
        client = TradeClient(nowhere, credentials, request_timeout=1, reconnect=None, proxy=given)
        witness.end(client.connect)
        witness.see(client, client._session.lifecycle._options)
        with RestClient(nowhere, credentials, timeout=1, retries=0, proxy=given) as history:
            witness.end(history.balance)
            witness.see(history, history._requester._route)
    assert witness.leaks() == set()


def spoken(text: str) -> list[Callable[[Peer], None]]:
    """Ways in which an exchange can say a text to a client that logs in."""

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
    witness: Witness, way: int, kind: str
) -> None:
    keys = HmacCredentials("qfex_pub_0123456789", "qfex_secret_0123456789")
    token = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"
    witness.secrets |= {keys.public_key, keys.secret_key, token}
    credentials = keys if kind == "hmac" else JwtCredentials(token)
    text = f"unknown key {keys.public_key} or token {token}" if kind == "hmac" else f"expired token {token}"
    with ScriptedExchange(spoken(text)[way]) as exchange:
        client = TradeClient(exchange.environment, credentials, request_timeout=2, reconnect=None)
        received = Received(client, Channel.ERRORS, Channel.CONNECTION)
        error = witness.end(client.connect)
        assert isinstance(error, qfex.QfexError)
        client.close()
        witness.see(client, *received.events)
    assert witness.leaks() == set()


def test_a_login_echoed_in_a_text_shows_no_key() -> None:
    proof = CREDENTIALS.auth_params()
    text = redact_text(f"refused: {json.dumps({'type': 'auth', 'params': proof})}")
    for secret in (CREDENTIALS.public_key, proof["hmac"]["signature"], proof["hmac"]["nonce"]):  # type: ignore[index]
        assert secret not in text
    assert "auth" in text

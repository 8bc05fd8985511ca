"""Authentication: keys and tokens, refusals, and clocks that are wrong (R43)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from qfex import (
    AuthenticationError,
    Channel,
    ConnectionState,
    HmacCredentials,
    JwtCredentials,
    NotConnected,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.exchange import (
    CREDENTIALS,
    ExchangeScript,
    Message,
    Peer,
    Scripted,
    ScriptedExchange,
    answers_everything,
    answers_nothing,
)
from tests.support.helpers import (
    AAPL,
    PATIENCE,
    QUICK,
    Connect,
    eventually,
    live_only,
    new_client,
    next_event,
    outcome,
)

# --- keys and tokens ----------------------------------------------------------------------------------------


def test_wrong_keys_are_refused_at_once(sim: Simulator) -> None:
    client = new_client(sim, HmacCredentials(sim.credentials.public_key, "qfex_secret_wrong"))
    with pytest.raises(AuthenticationError, match="refused"):
        client.connect()
    assert sim.ledger.authentication_failures == ["invalid signature"]
    client.close()


def test_connecting_can_be_tried_again_after_a_refusal(sim: Simulator) -> None:
    sim.faults.reject_auth(times=2)
    client = new_client(sim)
    for _ in range(2):
        with pytest.raises(AuthenticationError):
            client.connect()
        assert client.state is ConnectionState.DISCONNECTED
    client.connect()
    assert client.place_order(AAPL, "BUY", 1, 330).is_live
    client.close()


def test_a_jwt_opens_the_account_of_its_keys(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, JwtCredentials(sim.jwt(sim.credentials)))
    assert client.place_order(AAPL, "BUY", 1, 330).user_id == sim.account_id(sim.credentials)


@live_only
def test_an_invalid_jwt_is_refused(sim: Simulator) -> None:
    client = new_client(sim, JwtCredentials("not.a.token"))
    with pytest.raises(AuthenticationError):
        client.connect()
    client.close()


def test_a_client_acts_for_its_subaccount(sim: Simulator, connect: Connect) -> None:
    subaccount = sim.create_subaccount(sim.credentials, 5000)
    client, master = connect(sim, account_id=subaccount), connect(sim)
    order = client.place_order(AAPL, "BUY", 1, 330)
    assert order.user_id == subaccount
    assert client.get_user_orders().orders == [order] and master.get_user_orders().orders == []
    with client.stream(Channel.BALANCES) as balances:
        assert next_event(balances).deposit == 5000


@live_only
def test_a_subaccount_of_somebody_else_is_refused(sim: Simulator) -> None:
    client = new_client(sim, account_id=sim.account_id(sim.create_account()))
    with pytest.raises(AuthenticationError):
        client.connect()
    client.close()


# --- refused upgrades ---------------------------------------------------------------------------------------

LENGTH = 100  # bytes of the body, as its head announces
ENDS: dict[str, Callable[[Peer], None]] = {
    "end": Peer.drop,
    "reset": lambda peer: peer.drop(reset=True),
    "hang": Peer.discard_input,
}


def refuses(status: int, length: int, end: Callable[[Peer], None] = Peer.drop) -> ExchangeScript:
    """Refuse the upgrade, and send only the first bytes of the announced body."""
    head = f"HTTP/1.1 {status} No\r\nContent-Type: text/plain\r\nContent-Length: {LENGTH}\r\n\r\n"
    return responds(head.encode() + b"x" * length, end)


def responds(answer: bytes, end: Callable[[Peer], None] = Peer.drop) -> ExchangeScript:
    """Answer the upgrade in two pieces."""

    def script(peer: Peer) -> None:
        while b"\r\n\r\n" not in peer._buffer:
            peer._fill()
        peer.write(answer[:20])
        peer.write(answer[20:])
        end(peer)

    return script


def tries_again(exchange: ScriptedExchange) -> None:
    with TradeClient(exchange.environment, CREDENTIALS, request_timeout=PATIENCE, reconnect=QUICK):
        assert len(exchange.peers) == 2


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("length", [0, 1, 5, LENGTH - 1, LENGTH])
@pytest.mark.parametrize("end", ["end", "hang"])
def test_a_refused_upgrade_raises_at_once_and_is_not_tried_again(status: int, length: int, end: str) -> None:
    with ScriptedExchange(refuses(status, length, ENDS[end])) as exchange:
        client = TradeClient(exchange.environment, CREDENTIALS, request_timeout=PATIENCE, reconnect=QUICK)
        refusal = outcome(client.connect)
        client.close()
        assert isinstance(refusal, AuthenticationError) and f"HTTP {status}" in str(refusal)
        assert len(exchange.peers) == 1


@pytest.mark.parametrize("length", [0, 5, LENGTH])
def test_a_refused_upgrade_ends_a_client_that_reconnects(length: int) -> None:
    with ScriptedExchange(answers_nothing, refuses(401, length)) as exchange:
        client = TradeClient(exchange.environment, CREDENTIALS, request_timeout=PATIENCE, reconnect=QUICK)
        client.connect()
        exchange.peers[0].drop()
        with pytest.raises(AuthenticationError, match="HTTP 401"):
            client.block_for_close(PATIENCE)
        client.close()
        assert len(exchange.peers) == 2


@pytest.mark.parametrize("answer", [refuses(503, 5), refuses(503, LENGTH), refuses(429, 0)])
def test_a_temporary_refusal_is_tried_again(answer: ExchangeScript) -> None:
    with ScriptedExchange(answer, answers_everything) as exchange:
        tries_again(exchange)


@pytest.mark.parametrize("end", ENDS)
def test_a_temporary_refusal_is_named_even_when_its_text_is_cut_off(end: str) -> None:
    with ScriptedExchange(refuses(503, 5, ENDS[end])) as exchange:
        client = TradeClient(exchange.environment, CREDENTIALS, request_timeout=PATIENCE, reconnect=None)
        refusal = outcome(client.connect)
        client.close()
        assert isinstance(refusal, NotConnected)
        assert end == "reset" or "HTTP 503" in str(refusal)  # a reset may discard the response


@pytest.mark.parametrize(
    "cut", [b"HTTP/1.1 40", b"HTTP/1.1 401 No", b"HTTP/1.1 401 No\r\nContent-Length: 1\r\n"]
)
def test_half_a_response_head_is_not_a_refusal(cut: bytes) -> None:
    with ScriptedExchange(responds(cut), answers_everything) as exchange:
        tries_again(exchange)


# --- replies to a login -------------------------------------------------------------------------------------


ACCEPTED: list[Message] = [
    {"authenticated": True},
    {"authenticated": {"account_id": "a"}},
    {"type": "authenticated"},
    {"type": "authenticated_response"},
    {"type": "auth", "result": "success"},
    {"type": "auth", "status": "ok"},
    {"status": "ok"},
    {"ack": {"incoming_message": {"type": "auth", "params": {"hmac": {"nonce": "1"}}}}},
    {"ack": {"incoming_message": None}},
    {"ack_response": True},
]


@pytest.mark.parametrize("answer", ACCEPTED, ids=json.dumps)
def test_every_form_of_an_accepted_login_is_understood(scripted: Scripted, answer: Message) -> None:
    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.send(answer)
        peer.confirm_subscribe()
        while True:
            peer.answer(peer.receive())

    _, client = scripted(script)
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


# --- clocks -------------------------------------------------------------------------------------------------


_DATE = "Date: {}"


def strict(peer: Peer) -> None:
    """An exchange that accepts only logins whose clock agrees with its own within 30 seconds."""
    peer.upgrade(_DATE.format(time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())))
    while True:
        stamp = peer.receive("auth")["params"]["hmac"]["unix_ts"]
        agrees = abs(stamp - time.time()) < 30
        peer.send({"authenticated": agrees})
        if agrees:
            break
    while True:
        peer.answer(peer.receive())


@pytest.fixture
def wrong_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A function that sets the client's clock wrong by some seconds. The exchange's clock stays right."""

    def set_clock(ahead: float) -> None:
        clock = SimpleNamespace(time=lambda: time.time() + ahead, monotonic=time.monotonic)
        monkeypatch.setattr("qfex.client.time", clock)
        monkeypatch.setattr("qfex.net.transport.time", lambda: time.time() + ahead)

    return set_clock


@pytest.mark.parametrize("ahead", [90, -90, 3600])
def test_r43_a_wrong_clock_is_corrected_once(
    scripted: Scripted, wrong_clock: Callable[[float], None], ahead: float
) -> None:
    wrong_clock(ahead)
    exchange, client = scripted(strict)
    assert client.place_order(AAPL, "BUY", 1, 200).is_live
    assert _proofs(exchange) == [2]
    exchange.peers[0].drop()
    eventually(lambda: len(exchange.peers) == 2 and client.stats().reconnects == 1, "the next connection")
    assert _proofs(exchange) == [2, 1], "the correction also holds for the next connection"


def test_r43_a_clock_that_is_set_right_later_is_trusted_again(
    scripted: Scripted, wrong_clock: Callable[[float], None]
) -> None:
    wrong_clock(90)
    exchange, client = scripted(strict)
    wrong_clock(0)
    client._session.endpoint._now = time.time
    exchange.peers[0].drop()
    eventually(lambda: client.stats().reconnects == 1, "the next connection")
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


def test_r43_a_refusal_because_of_the_clock_names_the_difference(
    scripted: Scripted, wrong_clock: Callable[[float], None]
) -> None:
    def refuses(peer: Peer) -> None:
        peer.upgrade(_DATE.format(time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())))
        while True:
            peer.receive("auth")
            peer.send({"authenticated": False})

    wrong_clock(90)
    _, client = scripted(refuses, connected=False)
    with pytest.raises(AuthenticationError, match=r"clock differs by -?(89|90|91) s"):
        client.connect()


def test_r43_every_login_has_a_new_nonce(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything)
    for number in range(1, 6):
        exchange.peers[-1].drop()
        eventually(lambda: client.stats().reconnects == number, "the next connection")  # noqa: B023
    proofs = [peer.commands[0]["params"]["hmac"] for peer in exchange.peers]
    assert len({proof["nonce"] for proof in proofs}) == len({proof["signature"] for proof in proofs}) == 6


def _proofs(exchange: ScriptedExchange) -> list[int]:
    return [sum(each["type"] == "auth" for each in peer.commands) for peer in exchange.peers]

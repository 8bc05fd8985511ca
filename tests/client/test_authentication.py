"""An upgrade that is refused for the credentials is not tried again, whatever becomes of the refusal's text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qfex import AuthenticationError, NotConnected, TradeClient
from tests.support.exchange import CREDENTIALS, Exchange, Peer, Script, obliging, silent
from tests.support.helpers import PATIENCE, QUICK, outcome

LENGTH = 100  # bytes of the text, as its head says

ENDS: dict[str, Callable[[Peer], None]] = {
    "end": Peer.vanish,
    "reset": lambda peer: peer.vanish(reset=True),
    "silence": Peer.stall,
}


def answers(status: int, length: int, end: Callable[[Peer], None] = Peer.vanish) -> Script:
    """Refuses with the first bytes of a text."""
    head = f"HTTP/1.1 {status} No\r\nContent-Type: text/plain\r\nContent-Length: {LENGTH}\r\n\r\n"
    return says(head.encode() + b"x" * length, end)


def says(answer: bytes, end: Callable[[Peer], None] = Peer.vanish) -> Script:
    """Answers the upgrade, in two pieces."""

    def script(peer: Peer) -> None:
        while b"\r\n\r\n" not in peer._buffer:
            peer._fill()
        peer.write(answer[:20])
        peer.write(answer[20:])
        end(peer)

    return script


def tries_again(exchange: Exchange) -> None:
    with TradeClient(exchange.environment, CREDENTIALS, request_timeout=PATIENCE, reconnect=QUICK):
        assert len(exchange.peers) == 2


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("length", [0, 1, 5, LENGTH - 1, LENGTH])
@pytest.mark.parametrize("end", ["end", "silence"])
def test_it_is_told_at_once_and_not_tried_again(status: int, length: int, end: str) -> None:
    with Exchange(answers(status, length, ENDS[end])) as exchange:
        client = TradeClient(exchange.environment, CREDENTIALS, request_timeout=PATIENCE, reconnect=QUICK)
        refusal = outcome(client.connect)
        client.close()
        assert isinstance(refusal, AuthenticationError) and f"HTTP {status}" in str(refusal)
        assert len(exchange.peers) == 1


@pytest.mark.parametrize("length", [0, 5, LENGTH])
def test_it_ends_a_client_whose_line_was_lost(length: int) -> None:
    with Exchange(silent, answers(401, length)) as exchange:
        client = TradeClient(exchange.environment, CREDENTIALS, request_timeout=PATIENCE, reconnect=QUICK)
        client.connect()
        exchange.peers[0].vanish()
        with pytest.raises(AuthenticationError, match="HTTP 401"):
            client.block_for_close(PATIENCE)
        client.close()
        assert len(exchange.peers) == 2


@pytest.mark.parametrize("answer", [answers(503, 5), answers(503, LENGTH), answers(429, 0)])
def test_a_refusal_that_may_pass_is_tried_again(answer: Script) -> None:
    with Exchange(answer, obliging) as exchange:
        tries_again(exchange)


@pytest.mark.parametrize("end", ENDS)
def test_a_refusal_that_may_pass_is_named_whatever_becomes_of_its_text(end: str) -> None:
    with Exchange(answers(503, 5, ENDS[end])) as exchange:
        client = TradeClient(exchange.environment, CREDENTIALS, request_timeout=PATIENCE, reconnect=None)
        refusal = outcome(client.connect)
        client.close()
        assert isinstance(refusal, NotConnected)
        assert end == "reset" or "HTTP 503" in str(refusal)  # a reset may take the answer with it


@pytest.mark.parametrize(
    "cut", [b"HTTP/1.1 40", b"HTTP/1.1 401 No", b"HTTP/1.1 401 No\r\nContent-Length: 1\r\n"]
)
def test_half_a_head_is_no_refusal(cut: bytes) -> None:
    with Exchange(says(cut), obliging) as exchange:
        tries_again(exchange)

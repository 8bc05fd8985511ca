"""Every shape in which an exchange may answer a login or send an empty list; and no secret in what it sends back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qfex import OpenOrders, RateLimited
from qfex.protocol.wire.redact import redact_text
from tests.client.conftest import Stage
from tests.support.exchange import CREDENTIALS, Message, Peer, Script
from tests.support.helpers import AAPL, outcome

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


def answering(answers: dict[str, Message]) -> Script:
    """An exchange that gives these answers, and the usual ones to all other commands."""

    def script(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            if request["type"] in answers:
                peer.send(answers[request["type"]])
            else:
                peer.oblige(request)

    return script


@pytest.mark.parametrize("answer", ACCEPTED, ids=json.dumps)
def test_every_way_to_accept_a_login(stage: Stage, answer: Message) -> None:
    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.send(answer)
        peer.confirm()
        while True:
            peer.oblige(peer.receive())

    _, client = stage(script)
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


EMPTY: list[tuple[str, Message, Any]] = [
    ("get_user_orders", {"all_orders_response": None}, OpenOrders()),
    ("get_user_orders", {"user_orders": None, "count": 0}, OpenOrders()),
    ("get_user_trades", {"user_trades_response": None}, []),
    ("get_user_trades", {"user_trades": None, "count": 0}, []),
    ("get_leverage", {"user_leverage_response": None}, []),
    ("get_available_leverage", {"available_leverage_levels_response": None}, []),
]
COMMANDS = {
    "get_leverage": "get_user_leverage",
    "get_available_leverage": "get_available_leverage_levels",
}


@pytest.mark.parametrize("method, answer, expected", EMPTY)
def test_a_null_list_is_an_empty_list(stage: Stage, method: str, answer: Message, expected: Any) -> None:
    _, client = stage(answering({COMMANDS.get(method, method): answer}))
    assert getattr(client, method)() == expected


def test_an_error_beside_null_lists_is_an_error(stage: Stage) -> None:
    refusal = {"error_code": "RateLimited", "incoming_message": {"type": "get_user_orders"}}
    _, client = stage(
        answering({"get_user_orders": {"all_orders_response": None, "user_orders": None, "err": refusal}})
    )
    assert isinstance(outcome(client.get_user_orders), RateLimited)


def test_a_login_that_comes_back_in_words_shows_no_key() -> None:
    proof = CREDENTIALS.auth_params()
    text = redact_text(f"refused: {json.dumps({'type': 'auth', 'params': proof})}")
    for secret in (CREDENTIALS.public_key, proof["hmac"]["signature"], proof["hmac"]["nonce"]):  # type: ignore[index]
        assert secret not in text
    assert "auth" in text

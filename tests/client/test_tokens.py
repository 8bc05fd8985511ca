"""Login tokens that a function gives: renewed for every connection, and once more when one is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from qfex import (
    AuthenticationError,
    Channel,
    ConnectionState,
    JwtCredentials,
    NotConnected,
    OutcomeUnknown,
    TradeClient,
)
from qfex.errors import ConfigurationError
from tests.support.exchange import Peer, ScriptedExchange
from tests.support.helpers import AAPL, QUICK, Received, wait_for_reconnects

VALID = "valid"


@pytest.fixture
def shown() -> list[str]:
    """The tokens that the exchange saw, one for each connection."""
    return []


@pytest.fixture
def exchange(shown: list[str]) -> Iterator[ScriptedExchange]:
    """An exchange that takes one token, and drops a connection when a cancel comes."""

    def script(peer: Peer) -> None:
        peer.upgrade()
        token = peer.receive("auth")["params"]["jwt"]
        assert f"Bearer {token}" in peer.request
        shown.append(token)
        peer.send({"authenticated": token.startswith(VALID)})
        while token.startswith(VALID):
            request = peer.receive()
            if request["type"] == "cancel_order":
                peer.drop()
            peer.answer(request)

    with ScriptedExchange(script) as exchange:
        yield exchange


def client_of(exchange: ScriptedExchange, token: Any, **options: Any) -> TradeClient:
    return TradeClient(exchange.environment, JwtCredentials(token), request_timeout=5, **options)


def test_each_connection_has_a_token_of_its_own(exchange: ScriptedExchange, shown: list[str]) -> None:
    numbers = itertools.count(1)
    with client_of(exchange, lambda: f"{VALID}{next(numbers)}", reconnect=QUICK) as client:
        changes = Received(client, Channel.CONNECTION)
        with pytest.raises(OutcomeUnknown):
            client.cancel_order("o1", symbol=AAPL)
        wait_for_reconnects(changes)
        assert shown == ["valid1", "valid2"]


@pytest.mark.parametrize("reconnect", [QUICK, None], ids=["reconnects", "does not reconnect"])
def test_a_refused_token_is_replaced_once(
    exchange: ScriptedExchange, shown: list[str], reconnect: Any
) -> None:
    tokens = iter(["old", VALID])
    with client_of(exchange, lambda: next(tokens), reconnect=reconnect) as client:
        assert client.state is ConnectionState.READY and shown == ["old", VALID]


def test_a_token_that_is_refused_twice_ends_the_client(exchange: ScriptedExchange, shown: list[str]) -> None:
    client = client_of(exchange, lambda: "old", reconnect=QUICK)
    with pytest.raises(AuthenticationError):
        client.connect()
    assert shown == ["old", "old"]
    client.close()


def test_a_token_that_is_a_text_is_refused_once(exchange: ScriptedExchange, shown: list[str]) -> None:
    client = client_of(exchange, "old", reconnect=QUICK)
    with pytest.raises(AuthenticationError):
        client.connect()
    assert shown == ["old"]
    client.close()


def test_an_accepted_token_permits_another_replacement_later(
    exchange: ScriptedExchange, shown: list[str]
) -> None:
    tokens = iter(["old", VALID, "old", VALID])
    with client_of(exchange, lambda: next(tokens), reconnect=QUICK) as client:
        changes = Received(client, Channel.CONNECTION)
        with pytest.raises(OutcomeUnknown):
            client.cancel_order("o1", symbol=AAPL)
        wait_for_reconnects(changes)
        assert shown == ["old", VALID, "old", VALID]


def test_a_function_that_fails_is_called_again(exchange: ScriptedExchange, shown: list[str]) -> None:
    def token() -> str:
        if next(attempts) < 2:
            raise OSError("the login server said secret-text")
        return VALID

    attempts = itertools.count()
    with client_of(exchange, token, reconnect=QUICK):
        assert shown == [VALID] and next(attempts) == 3


def test_the_error_of_a_function_is_named_without_its_text(exchange: ScriptedExchange) -> None:
    def token() -> str:
        raise OSError("the login server said secret-text")

    client = client_of(exchange, token, reconnect=None)
    with pytest.raises(NotConnected, match="raised OSError$") as caught:
        client.connect()
    assert caught.value.__cause__ is None and "secret-text" not in repr(caught.value)
    client.close()


@pytest.mark.parametrize("value", [None, "", b"valid", 7])
def test_a_function_that_returns_no_text_ends_the_client(exchange: ScriptedExchange, value: Any) -> None:
    client = client_of(exchange, lambda: value, reconnect=QUICK)
    with pytest.raises(AuthenticationError, match="no token"):
        client.connect()
    client.close()


def test_the_credentials_show_neither_token_nor_function() -> None:
    assert (
        repr(JwtCredentials(lambda: VALID)) == repr(JwtCredentials(VALID)) == "JwtCredentials(token='****')"
    )


def test_a_token_is_a_text_or_a_function() -> None:
    for value in (b"valid", None, 7):
        with pytest.raises(ConfigurationError, match=f"not {type(value).__name__}"):
            JwtCredentials(value)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="empty"):
        JwtCredentials("")


def test_an_order_is_placed_with_a_renewed_token(exchange: ScriptedExchange) -> None:
    tokens = iter(["old"])
    with client_of(exchange, lambda: next(tokens, VALID), reconnect=QUICK) as client:
        assert client.place_order(AAPL, "BUY", 1, 200).is_live

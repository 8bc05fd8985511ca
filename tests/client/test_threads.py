"""Threads of the user and of the client: messages stay whole, and a thread that dies is reported (R18, R22)."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, NoReturn

import pytest

from qfex import (
    Channel,
    ConnectionState,
    NotConnected,
    Order,
    OutcomeUnknown,
    QfexError,
    TradeClient,
)
from tests.support.exchange import Scripted, answers_everything, answers_nothing
from tests.support.helpers import AAPL, background, eventually, outcome


class Bug(BaseException):
    """An exception that no code expects."""


def fails(*arguments: Any) -> NoReturn:
    raise Bug("unexpected")


def assert_over(client: TradeClient, cause: str) -> None:
    """Check that the cause reaches a wait for the end and every later call."""
    with pytest.raises(QfexError, match=cause):
        client.block_for_close(timeout=5)
    assert not client.is_alive
    with pytest.raises(NotConnected, match=cause):
        client.get_user_orders()
    with pytest.raises(NotConnected, match=cause):
        client.place_order(AAPL, "BUY", 1, 200)
    with pytest.raises(NotConnected, match=cause):
        client.wait_until_ready()


def test_r18_a_dead_reader_thread_is_reported_to_every_call(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, client = scripted(answers_nothing)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    with background(lambda: outcome(client.block_for_close)) as ended:
        monkeypatch.setattr(client._session.lifecycle._reader, "_handle", fails)
        exchange.peers[0].send({"unknown": 1})
        assert isinstance(outcome(pending.result), OutcomeUnknown)
        assert isinstance(ended(), QfexError)
    assert_over(client, "reader thread died")
    assert client.state is ConnectionState.DISCONNECTED


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, Bug])
def test_r18_a_dead_dispatcher_thread_is_reported_to_every_call(
    scripted: Scripted, raised: type[BaseException]
) -> None:
    asked = threading.Event()

    def callback(event: Any) -> None:
        raise raised("from a callback")

    def script(peer: Any) -> None:
        peer.accept()
        peer.receive("get_user_trades")
        asked.set()
        peer.send({"nonsense": 1})
        peer.read_until_closed()

    _, client = scripted(script)
    client.on(Channel.ERRORS, callback)
    with background(lambda: outcome(client.get_user_trades)) as answer:
        assert asked.wait(5)
        assert isinstance(answer(), QfexError)
    assert_over(client, "dispatcher thread died")


def test_r18_a_client_whose_thread_died_can_be_connected_again(scripted: Scripted) -> None:
    def callback(order: Any) -> None:
        raise SystemExit

    _, client = scripted(answers_everything)
    registration = client.on(Channel.ORDERS, callback)
    client.submit_order(AAPL, "BUY", 1, 200)
    with pytest.raises(QfexError):
        client.block_for_close(timeout=5)
    registration.cancel()
    client.connect()
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


def test_r18_a_message_that_makes_the_matching_fail_does_not_end_the_reader(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(request: Any, message: Any) -> NoReturn:
        raise ZeroDivisionError

    from qfex.protocol.trade.commands import AddOrder
    from qfex.protocol.trade.specs import SPECS

    _, client = scripted(answers_everything)
    errors: list[Any] = []
    client.on(Channel.ERRORS, errors.append)
    monkeypatch.setitem(SPECS[AddOrder].answers, Order, bug)  # type: ignore[arg-type]
    assert isinstance(outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.3)), OutcomeUnknown)
    monkeypatch.undo()
    assert client.place_order(AAPL, "BUY", 1, 200).is_live
    assert eventually(lambda: errors, "the error")[0].kind == "internal"


def test_r22_sixteen_threads_send_a_thousand_messages_each_and_all_arrive_whole(scripted: Scripted) -> None:
    """`submit_order` does not wait, so that the threads really write at once. The exchange parses every frame."""
    exchange, client = scripted(answers_everything, rate_limit=None)

    def send(name: int) -> None:
        for number in range(1000):
            client.submit_order(
                AAPL, "BUY", 1, 200, client_order_id=f"{name}-{number}-{'x' * (number % 200)}"
            )

    threads = [threading.Thread(target=send, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    eventually(lambda: client.stats().pending == 0, "all replies", patience=30)
    ids = Counter(
        command["params"]["client_order_id"]
        for command in exchange.peers[0].commands
        if command["type"] == "add_order"
    )
    assert len(ids) == 16_000 and set(ids.values()) == {1}

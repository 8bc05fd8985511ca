"""The end of a cancel of all orders where the exchange says little."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from qfex import OutcomeUnknown
from tests.client.conftest import Stage
from tests.support.exchange import Message, Peer, Script, order, silent
from tests.support.helpers import AAPL, outcome

Answer = Callable[[Peer, Message], None]


def exchange(cancel: Answer, listing: Answer) -> Script:
    def script(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            {"cancel_all_orders": cancel, "get_user_orders": listing}.get(request["type"], Peer.oblige)(
                peer, request
            )

    return script


def nothing(peer: Peer, request: Message) -> None:
    """Say nothing."""


def cancels_one(peer: Peer, request: Message) -> None:
    peer.send(order("one", "CANCELLED"))


def lists_a_stop(peer: Peer, request: Message) -> None:
    stop = order("stop", type="STOP_LOSS", side="SELL")["order_response"]
    peer.send({"all_orders_response": {"orders": [stop], "twaps": []}})


def test_without_orders_and_without_any_answer_it_ends_after_a_silence(stage: Stage) -> None:
    _, client = stage(silent, request_timeout=60.0)
    assert client.cancel_all_orders() == []


def test_what_was_cancelled_is_returned_though_no_list_confirms_it(stage: Stage) -> None:
    _, client = stage(exchange(cancels_one, nothing), request_timeout=60.0)
    for name in ("one", "two"):
        client.place_order(AAPL, "BUY", 1, 200, client_order_id=name)
    assert [each.client_order_id for each in client.cancel_all_orders()] == ["one"]


def test_a_stop_that_stays_does_not_keep_it_from_ending(stage: Stage) -> None:
    _, client = stage(exchange(nothing, lists_a_stop), request_timeout=60.0)
    client.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 100, client_order_id="stop")
    assert client.cancel_all_orders() == []


def test_a_late_acknowledgement_ends_it_though_the_list_is_silent(stage: Stage) -> None:
    asked = threading.Event()
    acknowledged: list[Message] = []

    def asks(peer: Peer, request: Message) -> None:
        asked.set()
        peer.send({"ack": {"incoming_message": acknowledged[0]}})

    def cancel(peer: Peer, request: Message) -> None:
        acknowledged.append(request)

    _, client = stage(exchange(cancel, asks), request_timeout=60.0)
    client.place_order(AAPL, "BUY", 1, 200)
    assert client.cancel_all_orders() == [] and asked.is_set()


def test_complete_silence_about_orders_is_an_unknown_outcome(stage: Stage) -> None:
    there, client = stage(exchange(nothing, nothing))
    client.place_order(AAPL, "BUY", 1, 200)
    assert isinstance(outcome(lambda: client.cancel_all_orders(timeout=2.5)), OutcomeUnknown)
    assert len(there.peers) == 1


@pytest.mark.parametrize("orders", [0, 1])
def test_what_is_closed_meanwhile_is_an_unknown_outcome(stage: Stage, orders: int) -> None:
    client_closes = threading.Event()

    def cancel(peer: Peer, request: Message) -> None:
        client_closes.set()

    _, client = stage(exchange(cancel, nothing))
    for _ in range(orders):
        client.place_order(AAPL, "BUY", 1, 200)

    def close() -> None:
        assert client_closes.wait(5)
        client.close()

    closer = threading.Thread(target=close)
    closer.start()
    ended = outcome(client.cancel_all_orders)
    closer.join()
    assert isinstance(ended, OutcomeUnknown) and ended.reason == "closed"

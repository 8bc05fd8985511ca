"""Each fill is delivered once and in order, however often the connection is lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from qfex import Channel
from tests.support.exchange import (
    Disconnected,
    Message,
    Peer,
    Scripted,
    acknowledgement,
    drops_after_an_order,
    order_response,
)
from tests.support.helpers import AAPL, Received, background, eventually, wait_for_reconnects
from tests.support.websocket import TEXT, close_frame, server_frame


@pytest.fixture(autouse=True)
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for replies that never come."""
    monkeypatch.setattr("qfex.session.lifecycle._RESYNC_LIMIT", 0.3)


def fill(number: int) -> Message:
    """A live fill."""
    return {"fill_response": {**_row(number), "timestamp": 1760545414.0 + number}}


def _row(number: int) -> Message:
    terms = {"order_id": "mine", "symbol": AAPL, "side": "BUY", "price": 200.0, "quantity": 1.0}
    return {"trade_id": str(number), **terms}


class History:
    """The trades that the scripted exchange lists: newest first, without times."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)

    def answer(self, peer: Peer, request: Message) -> None:
        if request["type"] == "get_user_trades":
            peer.send({"user_trades_response": [_row(number) for number in reversed(self.numbers)]})
        elif request["type"] == "get_user_orders":
            peer.send({"all_orders_response": {"orders": [], "twaps": []}})
        elif request["type"] == "subscribe":
            peer.send(*({"subscribed": channel} for channel in request["params"]["channels"]))

    def serve(self, peer: Peer) -> None:
        """Answer reads and subscribes until the client disconnects."""
        while True:
            self.answer(peer, peer.receive())


def trade_numbers(received: Received) -> list[int]:
    return [int(event.trade_id) for event in received.events]


def test_a_fill_missed_before_the_first_history_was_read_is_delivered(scripted: Scripted) -> None:
    """The connection is lost while the client asks for the trades before its subscription."""
    history = History(1)

    def first(peer: Peer) -> None:
        peer.accept()
        peer.confirm_subscribe()
        peer.receive("get_user_trades")
        peer.drop()

    def second(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            if request["type"] == "get_user_trades" and request["params"].get("limit") == 7:
                history.numbers.append(2)  # while there is no connection
                peer.drop()
                raise Disconnected
            history.answer(peer, request)

    def third(peer: Peer) -> None:
        peer.accept()
        history.serve(peer)

    _, client = scripted(first, second, third)
    received = Received(client, Channel.FILLS)
    client.get_user_trades(limit=7)
    received.count(1)
    assert trade_numbers(received) == [2]


def test_fills_are_recovered_when_the_history_was_being_read_at_the_subscription(scripted: Scripted) -> None:
    """Another call is waiting for the history when fills are subscribed."""
    history, asked, pause = History(1), threading.Event(), threading.Event()

    def first(peer: Peer) -> None:
        peer.accept()
        busy = peer.receive("get_user_trades")
        asked.set()
        peer.confirm_subscribe()
        pause.wait(0.2)
        history.answer(peer, busy)
        while (request := peer.receive())["type"] != "add_order":
            history.answer(peer, request)
        history.numbers.append(2)
        peer.drop()

    def second(peer: Peer) -> None:
        peer.accept()
        history.serve(peer)

    _, client = scripted(first, second)
    with background(client.get_user_trades) as rows:
        assert asked.wait(5)
        received = Received(client, Channel.FILLS)
        rows()
    client.submit_order(AAPL, "BUY", 1, 200)
    received.count(1)
    assert trade_numbers(received) == [2]


def test_live_fills_stay_behind_missed_ones_when_the_connection_is_lost_during_a_resync(
    scripted: Scripted,
) -> None:
    history = History(1)

    def first(peer: Peer) -> None:
        peer.accept()
        while (request := peer.receive())["type"] != "add_order":
            history.answer(peer, request)
        history.numbers.append(2)
        peer.drop()

    def dies_in_the_recovery(peer: Peer) -> None:
        peer.accept()
        request = peer.receive()
        history.numbers.append(3)
        peer.send(fill(3))
        if request["type"] == "get_user_orders":
            history.answer(peer, request)
            peer.receive()
        peer.drop()

    def third(peer: Peer) -> None:
        peer.accept()
        history.serve(peer)

    _, client = scripted(first, dies_in_the_recovery, third)
    received = Received(client, Channel.FILLS)
    client.submit_order(AAPL, "BUY", 1, 200)
    received.count(2)
    assert trade_numbers(received) == [2, 3]


def test_missed_fills_are_recovered_however_many_orders_have_ended(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client asks about each order that has ended. Slow replies to that must not cost the fills."""
    monkeypatch.setattr("qfex.session.lifecycle._RESYNC_LIMIT", 0.5)
    history, orders, pause = History(1), 5, threading.Event()

    def first(peer: Peer) -> None:
        peer.accept()
        for _ in range(orders):
            while (request := peer.receive())["type"] != "add_order":
                history.answer(peer, request)
            peer.send(acknowledgement(request))
        history.numbers.append(2)
        peer.drop()

    def slow(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            history.answer(peer, request)
            if request["type"] == "get_order":
                pause.wait(0.2)
                peer.send(order_response(request["params"]["order_id"].removeprefix("id-of-"), "CANCELLED"))

    _, client = scripted(first, slow)
    received = Received(client, Channel.FILLS)
    for _ in range(orders):
        client.place_order(AAPL, "BUY", 1, 200)
    received.count(1)
    assert trade_numbers(received) == [2]


def test_fills_before_the_first_subscription_are_never_delivered(scripted: Scripted) -> None:
    history = History(1, 2)

    def first(peer: Peer) -> None:
        peer.accept()
        while (request := peer.receive())["type"] != "add_order":
            history.answer(peer, request)
        peer.drop()

    def second(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            history.answer(peer, request)
            if request["type"] == "add_order":
                history.numbers.append(3)
                peer.send(fill(3), fill(3))

    _, client = scripted(first, second)
    received, changes = Received(client, Channel.FILLS), Received(client, Channel.CONNECTION)
    client.submit_order(AAPL, "BUY", 1, 200)
    wait_for_reconnects(changes)
    client.submit_order(AAPL, "BUY", 1, 200)
    received.count(1)
    eventually(lambda: client.stats().queue_depth == 0, "the last callback")
    assert trade_numbers(received) == [3]


@pytest.mark.parametrize("known", [0, 1])
def test_a_burst_of_missed_fills_comes_once_each_oldest_first_and_before_the_live_ones(
    scripted: Scripted, known: int
) -> None:
    history = History(*range(known))
    missed = range(known, known + 50)

    def first(peer: Peer) -> None:
        peer.accept()
        while (request := peer.receive())["type"] != "add_order":
            history.answer(peer, request)
        history.numbers.extend(missed)
        peer.drop()

    def second(peer: Peer) -> None:
        peer.accept()
        live: Any = iter(range(missed.stop, missed.stop + 3))
        while True:
            request = peer.receive()
            number = next(live, None)
            if number is not None:  # a live fill before each reply of the resync
                history.numbers.append(number)
                peer.send(fill(number))
            history.answer(peer, request)

    _, client = scripted(first, second)
    received = Received(client, Channel.FILLS)
    client.submit_order(AAPL, "BUY", 1, 200)
    received.count(50 + 2)
    assert trade_numbers(received)[:52] == list(range(known, known + 52))


def test_fills_are_delivered_after_a_first_connection_that_was_lost_before_it_was_ready(
    scripted: Scripted,
) -> None:
    """Nothing was missed, so nothing may be held back for a resync that does not come."""

    def dies_as_it_opens(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.send({"authenticated": True})
        request = peer.receive("subscribe")
        last = close_frame(1000)  # in one piece with the last confirmation
        peer.write(b"".join(_confirmations(request)) + last)
        peer.read_until_closed()

    def second(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.send({"authenticated": True})
        history = History(1)
        while True:
            request = peer.receive()
            history.answer(peer, request)
            if request["type"] == "add_order":
                peer.send(fill(2))

    _, client = scripted(dies_as_it_opens, second, connected=False)
    received = Received(client, Channel.FILLS)
    client.connect()
    client.submit_order(AAPL, "BUY", 1, 200)
    received.count(1)
    assert trade_numbers(received) == [2]


def _confirmations(request: Message) -> list[bytes]:
    channels = request["params"]["channels"]
    return [server_frame(TEXT, f'{{"subscribed":"{channel}"}}'.encode()) for channel in channels]


@pytest.mark.parametrize("listed", [[2, 3, 4], [4, 3, 2], [2, 3, 4, 5], [5, 4, 3, 2]], ids=str)
def test_live_fills_reveal_the_order_of_a_history_without_times(
    scripted: Scripted, listed: Sequence[int]
) -> None:
    live = [number for number in (4, 5) if number in listed]

    def second(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            if request["type"] == "get_user_trades":
                peer.send(*({"fill_response": {**_row(number), "timestamp": 17.0}} for number in live))
                peer.send({"user_trades_response": [_row(number) for number in listed]})
            else:
                peer.answer(request)

    _, client = scripted(drops_after_an_order, second)
    received = Received(client, Channel.FILLS)
    client.place_order(AAPL, "BUY", 1, 200)
    fills = received.count(len(listed))
    assert [int(fill.trade_id) for fill in fills] == sorted(listed)
    assert [fill.time is not None for fill in fills] == [int(fill.trade_id) in live for fill in fills]

"""Callbacks that fall too far behind: the connection is ended in the way that leaves the account's orders alone (R38)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from qfex import Channel, ConnectionState, TradeClient
from qfex.sim import Simulator
from tests.support.exchange import (
    Disconnected,
    Peer,
    Scripted,
    acknowledgement,
    answers_everything,
    order_response,
)
from tests.support.helpers import AAPL, Received, background, eventually, outcome, wait_for_reconnects

FLOOD = [order_response(str(number)) for number in range(100)]


@pytest.fixture(autouse=True)
def short_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qfex.session.events.QUEUE_LIMIT", 50)
    monkeypatch.setattr("qfex.session.events._CAUGHT_UP", 10)


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Set, it lets the callbacks go on; at the end it is."""
    go_on = threading.Event()
    yield go_on
    go_on.set()


def armed(peer: Peer) -> None:
    """Let a client in that wants cancel-on-disconnect."""
    peer.upgrade()
    peer.receive("auth")
    peer.send({"authenticated": True})
    arming = peer.receive("cancel_on_disconnect")
    peer.send({"ack": {"incoming_message": arming}})
    peer.confirm_subscribe()


def slow(client: TradeClient, held: threading.Event) -> None:
    client.on(Channel.ORDERS, lambda update: held.wait(10))


def test_cancel_on_disconnect_is_disarmed_before_the_close_frame(
    scripted: Scripted, held: threading.Event
) -> None:
    connected, read = threading.Event(), list[Any]()

    def floods(peer: Peer) -> None:
        armed(peer)
        connected.wait(10)
        peer.send(*FLOOD)
        try:
            while True:
                peer.receive()
        except Disconnected:
            read.extend(peer.commands)
            read.append(peer.closes)

    def again(peer: Peer) -> None:
        armed(peer)
        while True:
            peer.answer(peer.receive())

    _, client = scripted(floods, again, connected=False, cancel_on_disconnect=True)
    changes = Received(client, Channel.CONNECTION)
    slow(client, held)
    client.connect()
    connected.set()
    eventually(lambda: client.state is ConnectionState.RECONNECTING, "the end of the connection")
    eventually(lambda: read, "the peer noticed")
    assert read[-1] == 1
    assert read[-2]["type"] == "cancel_on_disconnect" and read[-2]["params"]["cancel_on_disconnect"] is False
    held.set()
    wait_for_reconnects(changes)


@pytest.mark.parametrize("dialect", ["live"], indirect=True)
def test_the_orders_of_the_account_live_on(sim: Simulator, held: threading.Event) -> None:
    with TradeClient(sim.environment, sim.credentials, cancel_on_disconnect=True) as client:
        changes = Received(client, Channel.CONNECTION)
        resting = client.place_order(AAPL, "BUY", 1, 150)
        slow(client, held)
        while client.state is ConnectionState.READY:
            outcome(lambda: client.place_order(AAPL, "BUY", 1, 150, time_in_force="IOC", timeout=0.5))
        held.set()
        wait_for_reconnects(changes)
        assert resting.order_id in client.open_orders
        assert resting.order_id in {each.order_id for each in client.get_user_orders().orders}


def test_a_call_in_flight_gets_its_answer_while_the_connection_ends(
    scripted: Scripted, held: threading.Event
) -> None:
    def floods(peer: Peer) -> None:
        armed(peer)
        placed = peer.receive("add_order")
        peer.send(*FLOOD)
        peer.receive("cancel_on_disconnect")
        peer.send(acknowledgement(placed))
        peer.read_until_closed()

    _, client = scripted(floods, answers_everything, connected=False, cancel_on_disconnect=True)
    slow(client, held)
    client.connect()
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


@pytest.mark.parametrize("reads", [True, False])
def test_a_peer_that_does_not_answer_the_close_frame_holds_the_end_up_for_no_longer_than_a_moment(
    scripted: Scripted, held: threading.Event, reads: bool
) -> None:
    connected = threading.Event()

    def floods(peer: Peer) -> None:
        armed(peer)
        peer.answers_closes = False
        connected.wait(10)
        peer.send(*FLOOD)
        peer.read_until_closed() if reads else peer.stop_reading()

    _, client = scripted(floods, answers_everything, connected=False, cancel_on_disconnect=True)
    slow(client, held)
    client.connect()
    connected.set()
    begun = monotonic()
    eventually(lambda: client.state is ConnectionState.RECONNECTING, "the end of the connection")
    assert monotonic() - begun < 2.5


def test_a_client_that_is_closed_while_its_connection_ends_is_closed_at_once(
    scripted: Scripted, held: threading.Event
) -> None:
    connected = threading.Event()

    def floods(peer: Peer) -> None:
        armed(peer)
        peer.answers_closes = False
        connected.wait(10)
        peer.send(*FLOOD)
        peer.read_until_closed()

    _, client = scripted(floods, connected=False, cancel_on_disconnect=True)
    slow(client, held)
    client.connect()
    connected.set()
    eventually(lambda: client._session.current and client._session.current.stopping, "it is being ended")
    with background(client.close) as closed:
        closed()
    assert client.state is ConnectionState.CLOSED

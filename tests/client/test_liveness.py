"""Heartbeats: when a connection is considered dead, and when it must not be (R5, R6, R8, R9, R20)."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

import pytest

from qfex import Channel, ConnectionState, OutcomeUnknown, ReconnectPolicy, TradeClient
from qfex.sim import Simulator
from tests.support.exchange import Peer, Scripted, answers_everything
from tests.support.helpers import (
    AAPL,
    ALERT,
    Connect,
    Received,
    background,
    eventually,
    live_only,
    outcome,
    wait_for_reconnects,
)
from tests.support.websocket import PING, server_frame

#: For connections that must survive: a silent peer is noticed after 1.5 s, so that a busy machine is not mistaken for one.
PATIENT = ReconnectPolicy(initial_delay=0.001, max_delay=0.02, heartbeat_interval=0.5, heartbeat_timeout=1.0)
HUGE = "x" * 8_000_000  # a client order id that no socket buffer holds


def states(received: Received) -> list[ConnectionState]:
    return [event.state for event in received.events]


@live_only
def test_r08_a_slow_callback_and_a_clock_jump_do_not_end_the_connection(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(sim, reconnect=PATIENT)
    busy, received = threading.Event(), Received(client, Channel.CONNECTION)
    client.on(Channel.ORDERS, lambda order: busy.wait(2.5))
    client.place_order(AAPL, "BUY", 1, 190)
    for module in ("qfex.net.transport.time", "qfex.client.time.time"):
        monkeypatch.setattr(module, lambda: 1e10)
    assert not busy.wait(2.5)
    client.get_user_orders()
    assert client.stats().reconnects == 0 and received.events == []
    busy.set()


@live_only
def test_r08_a_silent_peer_is_noticed_within_two_intervals(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=ALERT)
    received = Received(client, Channel.CONNECTION)
    begun = monotonic()
    sim.faults.go_silent()
    wait_for_reconnects(received)
    assert states(received)[:2] == [ConnectionState.STALE, ConnectionState.RECONNECTING]
    assert monotonic() - begun < 2 * (0.25 + 0.25) + 1
    assert client.get_user_orders().orders == []


def test_r08_a_connection_survives_while_its_reader_is_held_up(scripted: Scripted) -> None:
    """The machine slept, or the interpreter was busy. What the exchange has sent since waits in the socket."""
    sent_both, go_on = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        go_on.wait(10)
        peer.send({"unknown": 1}, {"unknown": 2})
        sent_both.set()
        while True:
            peer.answer(peer.receive())

    exchange, client = scripted(script, reconnect=ALERT)
    with client._session.mutex:  # the reader needs it to handle a message
        go_on.set()
        assert sent_both.wait(5)
        threading.Event().wait(1.0)
    assert client.place_order(AAPL, "BUY", 1, 200).is_live
    assert len(exchange.peers) == 1


def test_r08_a_ping_that_finds_the_socket_busy_is_sent_later(scripted: Scripted) -> None:
    """The exchange is slow to read a large message. The ping that falls due in the meantime must not be skipped."""
    taken = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        taken.wait(0.8)  # a ping falls due after 0.5 s
        peer.receive("add_order")
        peer.read_until_closed()

    exchange, client = scripted(script, reconnect=PATIENT)
    with background(lambda: outcome(lambda: client.place_order(HUGE, "BUY", 1, 200, timeout=3.5))) as ended:
        assert isinstance(ended(), OutcomeUnknown)
    assert exchange.peers[0].pings >= 1
    assert len(exchange.peers) == 1 and ended().reason == "timeout"


def test_r08_a_pong_that_finds_the_socket_busy_is_sent_later(scripted: Scripted) -> None:
    answered = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        answered.wait(0.5)
        peer.write(server_frame(PING, b"are you there"))
        answered.wait(0.3)
        peer.receive("add_order")
        while not peer.pongs:
            peer.receive_any()
        answered.set()
        peer.read_until_closed()

    _, client = scripted(script)
    with background(lambda: outcome(lambda: client.place_order(HUGE, "BUY", 1, 200, timeout=2))) as ended:
        ended()
    assert answered.is_set()


@live_only
def test_r09_the_heartbeat_works_after_twenty_reconnects(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=ALERT)
    received = Received(client, Channel.CONNECTION)
    for number in range(1, 21):
        sim.faults.drop_now()
        wait_for_reconnects(received, number)
    sim.faults.go_silent()
    wait_for_reconnects(received, 21)
    assert states(received).count(ConnectionState.STALE) == 1


def test_r05_a_peer_that_stops_reading_ends_the_call_and_the_connection_in_time(scripted: Scripted) -> None:
    def stops_reading(peer: Peer) -> None:
        peer.accept()
        peer.stop_reading()

    exchange, client = scripted(stops_reading, answers_everything)
    begun = monotonic()
    with background(lambda: outcome(lambda: client.get_user_trades(timeout=0.6))) as other:
        first = outcome(lambda: client.place_order(HUGE, "BUY", 1, 200, timeout=0.6))
        assert isinstance(first, OutcomeUnknown)
        assert isinstance(other(), Exception)
    assert monotonic() - begun < 0.6 + 1
    eventually(lambda: len(exchange.peers) == 2, "a new connection")
    client.wait_until_ready()


def test_r06_nothing_is_sent_on_a_connection_after_a_failed_send(scripted: Scripted) -> None:
    """Half a frame was sent: whatever follows would be read as its rest. The outcome is unknown, not unsent."""
    cut_short, received = threading.Event(), []

    def stops_reading(peer: Peer) -> None:
        peer.accept()
        cut_short.wait(10)
        try:
            while data := peer.sock.recv(1 << 20):
                received.append(data)
        except OSError:
            pass

    exchange, client = scripted(stops_reading, answers_everything)
    failed = outcome(lambda: client.place_order(HUGE, "BUY", 1, 200, client_order_id="mine", timeout=0.3))
    assert isinstance(failed, OutcomeUnknown) and failed.client_order_id == "mine"
    eventually(lambda: len(exchange.peers) == 2, "a new connection")
    client.submit_order(AAPL, "BUY", 1, 200, client_order_id="next")
    eventually(lambda: _orders(exchange.peers[1]), "the next order")
    cut_short.set()
    client.close()
    sent = b"".join(received)
    assert len(sent) < len(HUGE), "the whole order was sent"
    assert _orders(exchange.peers[1]) == ["next"]


def _orders(peer: Peer) -> list[Any]:
    return [each["params"]["client_order_id"] for each in peer.commands if each["type"] == "add_order"]


@live_only
def test_r20_a_connection_that_died_without_a_close_is_replaced(sim: Simulator) -> None:
    cable = sim.cable()
    client = TradeClient(cable.environment, sim.credentials, reconnect=ALERT, request_timeout=1)
    with client:
        received = Received(client, Channel.CONNECTION)
        cable.lose()
        received.wait(lambda events: ConnectionState.STALE in states(received))
        cable.flow()
        wait_for_reconnects(received)
        client.get_user_orders()
    gone = [event.state for event in received.events]
    assert gone.index(ConnectionState.STALE) < gone.index(ConnectionState.RECONNECTING)


@live_only
def test_r20_a_temporary_failure_of_name_resolution_is_survived(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    client = connect(sim, reconnect=ALERT)
    received, attempts = Received(client, Channel.CONNECTION), []
    resolve = socket.getaddrinfo

    def fails(*arguments: Any, **options: Any) -> Any:
        attempts.append(arguments)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    sim.faults.drop_now()
    eventually(lambda: len(attempts) >= 3, "attempts to connect")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    wait_for_reconnects(received)

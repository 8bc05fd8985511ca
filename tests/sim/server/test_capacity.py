"""Many connections, and slow consumers."""

from __future__ import annotations

import gc
import threading

import pytest

from qfex.sim import Simulator, websocket
from qfex.sim.gateway.session import TradeSession
from qfex.sim.server.connection import Connection
from qfex.sim.server.faults.transport import FaultTransport
from qfex.sim.websocket import WebSocketWriter
from tests.sim.clients import RawClient, connect, open_orders, order_message
from tests.support.helpers import eventually

CONNECTIONS = 60
ORDERS = 20


def test_sixty_connections_trade_at_once_and_receive_only_their_own_messages() -> None:
    with Simulator(symbols=["AAPL-USD"], liquidity=False, rate_limits=False) as sim:
        clients = [connect(sim, sim.create_account(), "order_responses") for _ in range(CONNECTIONS)]
        received: dict[int, list[str]] = {}

        def run(number: int, client: RawClient) -> None:
            for count in range(ORDERS):
                client.send(order_message("BUY", 0.1, 330, client_order_id=f"{number}-{count}"))
            acks = [client.receive()["order_response"] for _ in range(ORDERS)]
            received[number] = [ack["client_order_id"] for ack in acks if ack["status"] == "ACK"]

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert received == {number: [f"{number}-{i}" for i in range(ORDERS)] for number in range(CONNECTIONS)}
        assert len(sim.connections) == CONNECTIONS
        assert sim.ledger.count("add_order") == CONNECTIONS * ORDERS


def test_a_consumer_that_is_too_slow_is_disconnected(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "BUFFER_LIMIT", 100_000)
    connect(sim, None, "positions")
    for _ in range(100_000):
        if not sim.connections:
            break
        sim.advance(5)
    assert sim.connections == []


def test_a_slow_consumer_does_not_delay_the_others(sim: Simulator) -> None:
    slow, quick = connect(sim), connect(sim)
    sim.faults.go_silent(connection=sim.connections[0].id)
    for number in range(500):
        quick.send(order_message("BUY", 0.1, 330, client_order_id=f"n{number}"))
    assert [quick.receive()["order_response"]["client_order_id"] for _ in range(500)] == [
        f"n{number}" for number in range(500)
    ]
    sim.faults.speak()
    assert slow.receive()["order_response"]["client_order_id"] == "n0"


def test_a_failing_condition_of_a_fault_is_in_the_audit_trail() -> None:
    with Simulator(symbols=["AAPL-USD"], clock="manual") as sim:
        client = connect(sim)
        sim.faults.swallow_command("add_order", when=lambda message: message["no such key"])
        client.send(order_message("BUY", 1, 330))
        eventually(lambda: sim.ledger.errors != [], "the error is in the audit trail")
        assert isinstance(sim.ledger.errors[0], KeyError)
        assert open_orders(sim) == []


def test_a_simulator_starts_once() -> None:
    sim = Simulator(symbols=["AAPL-USD"])
    with sim, pytest.raises(RuntimeError):
        sim.start()
    with pytest.raises(RuntimeError):
        sim.start()


def test_closed_connections_leave_nothing_behind(sim: Simulator) -> None:
    for number in range(30):
        client = connect(sim)
        client.send(order_message("BUY", 0.1, 330))
        if number % 2:
            sim.faults.drop_now(reset=True)
        client.vanish()
    eventually(lambda: sim.connections == [], "all connections ended")

    def left() -> list[str]:
        gc.collect()
        kinds = (TradeSession, Connection, WebSocketWriter, FaultTransport)
        return [type(one).__name__ for one in gc.get_objects() if isinstance(one, kinds)]

    eventually(lambda: left() == [], "no object refers to them")

"""The network between: what one side notices and the other does not."""

from __future__ import annotations

import time
from typing import Any

import pytest
import websocket

from qfex.sim import Simulator
from qfex.sim.server.cable import Cable

from .helpers import Script, auth_message, eventually, open_orders, order_message, trader

ORDER = order_message("BUY", 1, 330, client_order_id="mine")


def through(cable: Cable, sim: Simulator) -> Script:
    """Return an authenticated script at the far end of a cable."""
    script = Script(cable.environment.trade_url)
    assert script.ask(auth_message(sim.credentials)) == {"authenticated": True}
    script.ask({"type": "subscribe", "params": {"channels": ["order_responses"]}})
    return script


def arm(script: Script) -> None:
    """Turn cancel on disconnect on."""
    script.send({"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}})
    script.until("ack")


def test_a_cable_carries_everything_both_ways(sim: Simulator) -> None:
    cable = sim.cable()
    script = through(cable, sim)
    for number in range(50):
        name = f"n{number}"
        ack = script.ask(order_message("BUY", 1, 330, client_order_id=name))
        assert ack["order_response"]["client_order_id"] == name
    assert cable.connections == 1
    assert cable.environment.rest_url == sim.environment.rest_url
    script.close()
    eventually(lambda: cable.connections == 0, "the connection is over")
    eventually(lambda: sim.connections == [], "on the server's side too")


def test_large_messages_pass(sim: Simulator) -> None:
    script = through(sim.cable(), sim)
    for number in range(400):
        script.send(order_message("BUY", 0.1, 330, client_order_id=f"n{number}"))
    for _ in range(400):
        script.receive()
    orders = script.ask({"type": "get_user_orders", "params": {}})["all_orders_response"]["orders"]
    assert len(orders) == 400


@pytest.mark.parametrize("reset", [False, True])
def test_both_sides_notice_a_cut(sim: Simulator, reset: bool) -> None:
    cable = sim.cable()
    script = through(cable, sim)
    cable.cut(reset=reset)
    assert isinstance(script.closed(), ConnectionResetError) is reset
    eventually(lambda: sim.connections == [], "the server noticed")
    through(cable, sim)


def test_the_client_alone_notices_and_its_orders_live_on(sim: Simulator) -> None:
    cable = sim.cable()
    script = through(cable, sim)
    arm(script)
    script.ask(ORDER)
    cable.cut("client")
    assert script.closed() is not None
    assert len(sim.connections) == 1
    assert open_orders(sim) == ["mine"]
    cable.cut("server")
    eventually(lambda: open_orders(sim) == [], "the server noticed and cancelled")


def test_the_server_alone_notices_and_the_client_believes_on(sim: Simulator) -> None:
    cable = sim.cable()
    script = through(cable, sim)
    arm(script)
    script.ask(ORDER)
    cable.cut("server", reset=True)
    eventually(lambda: open_orders(sim) == [], "the server noticed and cancelled")
    script.socket.settimeout(0.1)
    with pytest.raises(websocket.WebSocketTimeoutException):
        script.socket.recv()


@pytest.mark.parametrize("count", [1, 3, 100])
def test_bytes_are_counted_exactly(sim: Simulator, count: int) -> None:
    cable = sim.cable()
    script = through(cable, sim)
    cable.cut_after_bytes(count, "out")
    script.send(ORDER)
    data = b""
    while more := script.socket.sock.recv(4096):
        data += more
    assert len(data) == count
    with pytest.raises(ValueError, match="at least 1"):
        cable.cut_after_bytes(0)


def test_bytes_in_are_counted_from_the_upgrade_on(sim: Simulator) -> None:
    cable = sim.cable()
    cable.cut_after_bytes(20, "in")
    with pytest.raises((OSError, websocket.WebSocketException)):
        Script(cable.environment.trade_url)
    assert sim.ledger.frames_in == 0


@pytest.mark.parametrize("direction", ["in", "out", None])
def test_a_stalled_cable_delivers_when_it_flows(sim: Simulator, direction: Any) -> None:
    cable = sim.cable()
    script = through(cable, sim)
    cable.stall(direction)
    script.send(ORDER)
    if direction == "out":
        eventually(lambda: open_orders(sim) == ["mine"], "the order got through")
    else:
        time.sleep(0.05)  # gives a leaking cable the time to leak
        assert open_orders(sim) == []
    cable.flow()
    assert script.receive()["order_response"]["status"] == "ACK"


def test_a_stalled_cable_stalls_new_connections_too(sim: Simulator) -> None:
    cable = sim.cable()
    cable.stall()
    with pytest.raises(websocket.WebSocketTimeoutException):
        websocket.create_connection(cable.environment.trade_url, timeout=0.1)
    cable.flow()
    through(cable, sim)


def test_a_lossy_cable_is_a_dead_line_that_nobody_closed(sim: Simulator) -> None:
    cable = sim.cable()
    script = through(cable, sim)
    cable.lose()
    script.send(ORDER)
    script.vanish()
    time.sleep(0.05)  # gives the end of the connection the time to get through
    assert len(sim.connections) == 1
    assert open_orders(sim) == []


def test_a_slow_cable_delivers_in_small_pieces(sim: Simulator) -> None:
    cable = sim.cable()
    script = through(cable, sim)
    cable.throttle(20_000, "out")
    script.send(ORDER)
    first = script.socket.sock.recv(4096)
    assert len(first) == 16
    cable.throttle(None)
    with pytest.raises(websocket.WebSocketException):
        script.receive()  # the frame's beginning was taken from it


def test_without_a_simulator_there_is_no_cable() -> None:
    with pytest.raises(RuntimeError):
        Simulator(symbols=["AAPL-USD"]).cable()


def test_a_cable_ends_with_its_simulator() -> None:
    with Simulator(symbols=["AAPL-USD"]) as sim:
        cable = sim.cable()
        script = through(cable, sim)
        trader(sim)
    assert script.closed() is not None
    with pytest.raises(OSError):
        Script(cable.environment.trade_url)

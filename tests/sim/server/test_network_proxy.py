"""The network proxy: connections that end or die on one side only."""

from __future__ import annotations

import time
from typing import Any

import pytest
import websocket

from qfex.sim import Simulator
from qfex.sim.server.network_proxy import NetworkProxy
from tests.sim.clients import RawClient, auth_message, connect, open_orders, order_message
from tests.support.helpers import eventually

ORDER = order_message("BUY", 1, 330, client_order_id="mine")


def through(proxy: NetworkProxy, sim: Simulator) -> RawClient:
    """Return an authenticated client that is connected through a proxy."""
    client = RawClient(proxy.environment.trade_url)
    assert client.ask(auth_message(sim.credentials)) == {"authenticated": True}
    client.ask({"type": "subscribe", "params": {"channels": ["order_responses"]}})
    return client


def enable_cancel_on_disconnect(client: RawClient) -> None:
    """Enable cancel on disconnect."""
    client.send({"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}})
    client.until("ack")


def test_a_proxy_forwards_messages_in_both_directions(sim: Simulator) -> None:
    proxy = sim.cable()
    client = through(proxy, sim)
    for number in range(50):
        name = f"n{number}"
        ack = client.ask(order_message("BUY", 1, 330, client_order_id=name))
        assert ack["order_response"]["client_order_id"] == name
    assert proxy.connections == 1
    assert proxy.environment.rest_url == sim.environment.rest_url
    client.close()
    eventually(lambda: proxy.connections == 0, "the connection ended")
    eventually(lambda: sim.connections == [], "the connection ended on the server")


def test_large_messages_pass(sim: Simulator) -> None:
    client = through(sim.cable(), sim)
    for number in range(400):
        client.send(order_message("BUY", 0.1, 330, client_order_id=f"n{number}"))
    for _ in range(400):
        client.receive()
    orders = client.ask({"type": "get_user_orders", "params": {}})["all_orders_response"]["orders"]
    assert len(orders) == 400


@pytest.mark.parametrize("reset", [False, True])
def test_both_sides_notice_a_cut(sim: Simulator, reset: bool) -> None:
    proxy = sim.cable()
    client = through(proxy, sim)
    proxy.cut(reset=reset)
    assert isinstance(client.closed(), ConnectionResetError) is reset
    eventually(lambda: sim.connections == [], "the server noticed")
    through(proxy, sim)


def test_a_cut_on_the_clients_side_leaves_orders_open(sim: Simulator) -> None:
    proxy = sim.cable()
    client = through(proxy, sim)
    enable_cancel_on_disconnect(client)
    client.ask(ORDER)
    proxy.cut("client")
    assert client.closed() is not None
    assert len(sim.connections) == 1
    assert open_orders(sim) == ["mine"]
    proxy.cut("server")
    eventually(lambda: open_orders(sim) == [], "the server noticed and cancelled")


def test_a_cut_on_the_servers_side_is_not_visible_to_the_client(sim: Simulator) -> None:
    proxy = sim.cable()
    client = through(proxy, sim)
    enable_cancel_on_disconnect(client)
    client.ask(ORDER)
    proxy.cut("server", reset=True)
    eventually(lambda: open_orders(sim) == [], "the server noticed and cancelled")
    client.socket.settimeout(0.1)
    with pytest.raises(websocket.WebSocketTimeoutException):
        client.socket.recv()


@pytest.mark.parametrize("count", [1, 3, 100])
def test_bytes_are_counted_exactly(sim: Simulator, count: int) -> None:
    proxy = sim.cable()
    client = through(proxy, sim)
    proxy.cut_after_bytes(count, "out")
    client.send(ORDER)
    data = b""
    while more := client.socket.sock.recv(4096):
        data += more
    assert len(data) == count
    with pytest.raises(ValueError, match="at least 1"):
        proxy.cut_after_bytes(0)


def test_bytes_in_are_counted_from_the_upgrade_on(sim: Simulator) -> None:
    proxy = sim.cable()
    proxy.cut_after_bytes(20, "in")
    with pytest.raises((OSError, websocket.WebSocketException)):
        RawClient(proxy.environment.trade_url)
    assert sim.ledger.frames_in == 0


@pytest.mark.parametrize("direction", ["in", "out", None])
def test_a_stalled_proxy_delivers_after_flow(sim: Simulator, direction: Any) -> None:
    proxy = sim.cable()
    client = through(proxy, sim)
    proxy.stall(direction)
    client.send(ORDER)
    if direction == "out":
        eventually(lambda: open_orders(sim) == ["mine"], "the order was placed")
    else:
        time.sleep(0.05)  # A proxy that leaks would forward the order in this time.
        assert open_orders(sim) == []
    proxy.flow()
    assert client.receive()["order_response"]["status"] == "ACK"


def test_a_stalled_proxy_stalls_new_connections_too(sim: Simulator) -> None:
    proxy = sim.cable()
    proxy.stall()
    with pytest.raises(websocket.WebSocketTimeoutException):
        websocket.create_connection(proxy.environment.trade_url, timeout=0.1)
    proxy.flow()
    through(proxy, sim)


def test_a_lossy_proxy_makes_a_dead_connection_that_nobody_closed(sim: Simulator) -> None:
    proxy = sim.cable()
    client = through(proxy, sim)
    proxy.lose()
    client.send(ORDER)
    client.vanish()
    time.sleep(0.05)  # A proxy that leaks would forward the end of the connection in this time.
    assert len(sim.connections) == 1
    assert open_orders(sim) == []


def test_a_throttled_proxy_delivers_in_small_pieces(sim: Simulator) -> None:
    proxy = sim.cable()
    client = through(proxy, sim)
    proxy.throttle(20_000, "out")
    client.send(ORDER)
    first = client.socket.sock.recv(4096)
    assert len(first) == 16
    proxy.throttle(None)
    with pytest.raises(websocket.WebSocketException):
        client.receive()  # The beginning of the frame has been read already.


def test_a_proxy_requires_a_running_simulator() -> None:
    with pytest.raises(RuntimeError):
        Simulator(symbols=["AAPL-USD"]).cable()


def test_a_proxy_ends_with_its_simulator() -> None:
    with Simulator(symbols=["AAPL-USD"]) as sim:
        proxy = sim.cable()
        client = through(proxy, sim)
        connect(sim)
    assert client.closed() is not None
    with pytest.raises(OSError):
        RawClient(proxy.environment.trade_url)

"""Faults of connections: cuts, silence, refused and stalled upgrades."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

import pytest
import websocket

from qfex.sim import Simulator
from tests.sim.clients import RawClient, auth_message, connect, open_orders, order_message
from tests.support.helpers import eventually

ORDER = order_message("BUY", 1, 330, client_order_id="mine")


@pytest.mark.parametrize("reset", [False, True])
def test_drop_now_cuts_every_trade_connection(sim: Simulator, reset: bool) -> None:
    clients = [connect(sim), connect(sim)]
    assert sim.faults.drop_now(reset=reset) == 2
    assert sim.connections == []
    for client in clients:
        assert isinstance(client.closed(), ConnectionResetError) is reset
    assert connect(sim).ask(ORDER)["order_response"]["status"] == "ACK"


def test_drop_now_may_choose_one(sim: Simulator) -> None:
    first, second = connect(sim), connect(sim)
    assert sim.faults.drop_now(connection=sim.connections[0].id) == 1
    assert first.closed() is not None
    assert second.ask(ORDER)["order_response"]["status"] == "ACK"


def test_a_cut_counts_as_a_disconnect(sim: Simulator) -> None:
    client = connect(sim)
    client.send({"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}})
    client.until("ack")
    client.ask(ORDER)
    sim.faults.drop_now()
    assert open_orders(sim) == []


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_drop_after_frames_in_answers_the_last_one(sim: Simulator, frames: int) -> None:
    client = connect(sim)
    sim.faults.drop_after(frames=frames, direction="in")
    for _ in range(frames):
        assert client.ask(ORDER)["order_response"]["status"] == "ACK"
    assert client.closed() is not None
    assert len(open_orders(sim)) == frames
    assert connect(sim).ask(ORDER)["order_response"]["status"] == "ACK"


@pytest.mark.parametrize(("frames", "statuses"), [(1, ["ACK"]), (2, ["ACK", "FILLED"])])
def test_drop_after_frames_out_cuts_within_an_answer(
    sim: Simulator, frames: int, statuses: list[str]
) -> None:
    connect(sim, sim.create_account()).ask(order_message("SELL", 1, 336))
    client = connect(sim, None, "order_responses")
    sim.faults.drop_after(frames=frames, direction="out")
    client.send(order_message("BUY", 1, 336))
    assert [client.receive()["order_response"]["status"] for _ in range(frames)] == statuses
    assert client.closed() is not None


def test_a_count_must_be_at_least_one(sim: Simulator) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sim.faults.drop_after(frames=0)
    with pytest.raises(ValueError, match="at least 1"):
        sim.faults.drop_after_bytes(0)


def received(client: RawClient) -> bytes:
    """Read raw bytes below the WebSocket until the connection ends."""
    data = b""
    try:
        while more := client.socket.sock.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


def test_bytes_out_are_cut_exactly(sim: Simulator) -> None:
    whole = json.dumps(ORDER)
    client = connect(sim)
    client.send(json.loads(whole))
    answer = client.socket.sock.recv(65536)
    for count in (1, 2, 5, len(answer) - 1, len(answer)):
        client = connect(sim)
        sim.faults.drop_after_bytes(count, "out")
        client.send(json.loads(whole))
        got = received(client)
        assert len(got) == count
        assert got[:4] == answer[:count][:4]


def test_bytes_in_are_cut_exactly(sim: Simulator) -> None:
    frame = websocket.ABNF.create_frame(json.dumps(ORDER), websocket.ABNF.OPCODE_TEXT).format()
    for count in (1, 7, len(frame) - 1):
        client = connect(sim)
        sim.faults.drop_after_bytes(count, "in")
        client.socket.sock.sendall(frame)
        assert received(client) == b""
        assert open_orders(sim) == []
    client = connect(sim)
    sim.faults.drop_after_bytes(len(frame), "in")
    client.socket.sock.sendall(frame)
    received(client)
    eventually(lambda: open_orders(sim) == ["mine"], "the whole frame was processed")


def test_every_complete_message_before_a_cut_is_processed(sim: Simulator) -> None:
    frame = websocket.ABNF.create_frame(json.dumps(ORDER), websocket.ABNF.OPCODE_TEXT).format()
    client = connect(sim)
    sim.faults.drop_after_bytes(2 * len(frame) + 5, "in")
    client.socket.sock.sendall(frame * 4)
    received(client)
    eventually(lambda: open_orders(sim) == ["mine"] * 2, "two whole frames were processed")
    eventually(lambda: sim.connections == [], "the connection ended")


def test_bytes_of_the_upgrade_count(sim: Simulator) -> None:
    sim.faults.drop_after_bytes(10, "out")
    with pytest.raises((websocket.WebSocketException, OSError)):
        RawClient(sim.environment.trade_url)
    RawClient(sim.environment.trade_url)


def test_bytes_of_other_sockets_do_not_count(default_sim: Simulator) -> None:
    default_sim.faults.drop_after_bytes(10, "out")
    default_sim.faults.drop_after_bytes(10, "in")
    host, port = default_sim.environment.rest_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /nowhere HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 4")


def test_close_with_a_code(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.close_with(1012, "restart")
    opcode, data = client.socket.recv_data()
    assert (opcode, data[:2], data[2:]) == (websocket.ABNF.OPCODE_CLOSE, struct.pack("!H", 1012), b"restart")
    eventually(lambda: sim.connections == [], "the connection ended")


def test_a_silent_server_processes_commands_and_sends_nothing(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.go_silent()
    client.socket.ping()
    client.send(ORDER)
    eventually(lambda: open_orders(sim) == ["mine"], "the order was placed")
    client.socket.settimeout(0.1)
    with pytest.raises(websocket.WebSocketTimeoutException):
        client.socket.recv_data(control_frame=True)
    sim.faults.speak()
    client.socket.settimeout(10)
    assert client.receive()["order_response"]["status"] == "ACK"


def test_a_server_that_does_not_read_blocks_its_client(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.stop_reading()
    client.socket.settimeout(0.2)
    text = "x" * 1_000_000
    with pytest.raises((websocket.WebSocketTimeoutException, TimeoutError, BlockingIOError)):
        for _ in range(1_000):
            client.socket.send(text)


def test_reading_resumes_where_it_stopped(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.stop_reading()
    client.send(ORDER)
    time.sleep(0.05)  # A server that reads would process the order in this time.
    assert open_orders(sim) == []
    sim.faults.resume_reading()
    assert client.receive()["order_response"]["status"] == "ACK"


def test_refused_connections(sim: Simulator) -> None:
    sim.faults.refuse_connections(2)
    for _ in range(2):
        with pytest.raises((OSError, websocket.WebSocketException)):
            RawClient(sim.environment.trade_url)
    connect(sim)
    sim.faults.refuse_connections()
    for _ in range(3):
        with pytest.raises((OSError, websocket.WebSocketException)):
            RawClient(sim.environment.trade_url)
    sim.faults.accept_connections()
    connect(sim)


def test_an_upgrade_may_stay_unanswered(sim: Simulator) -> None:
    sim.faults.stall_connections(1)
    with pytest.raises(websocket.WebSocketTimeoutException):
        websocket.create_connection(sim.environment.trade_url, timeout=0.2)
    connect(sim)


def test_refused_authentication(sim: Simulator) -> None:
    sim.faults.reject_auth(times=1)
    client = RawClient(sim.environment.trade_url)
    assert client.ask(auth_message(sim.credentials)) == {"authenticated": False}
    assert client.ask(auth_message(sim.credentials)) == {"authenticated": True}


def test_clear_disarms_everything(sim: Simulator) -> None:
    client = connect(sim)
    faults: Any = sim.faults
    faults.go_silent()
    faults.stop_reading()
    faults.drop_after(frames=1, direction="out")
    faults.drop_after_bytes(1, "in")
    faults.swallow_command("add_order")
    faults.garble()
    faults.refuse_connections()
    faults.clear()
    assert client.ask(ORDER)["order_response"]["status"] == "ACK"
    connect(sim)

"""Faults of the line itself: cuts, silence, doors that stay shut."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

import pytest
import websocket

from qfex.sim import Simulator

from .helpers import Script, auth_message, eventually, open_orders, order_message, trader

ORDER = order_message("BUY", 1, 330, client_order_id="mine")


@pytest.mark.parametrize("reset", [False, True])
def test_drop_now_cuts_every_trade_connection(sim: Simulator, reset: bool) -> None:
    scripts = [trader(sim), trader(sim)]
    assert sim.faults.drop_now(reset=reset) == 2
    assert sim.connections == []
    for script in scripts:
        assert isinstance(script.closed(), ConnectionResetError) is reset
    assert trader(sim).ask(ORDER)["order_response"]["status"] == "ACK"


def test_drop_now_may_choose_one(sim: Simulator) -> None:
    first, second = trader(sim), trader(sim)
    assert sim.faults.drop_now(connection=sim.connections[0].id) == 1
    assert first.closed() is not None
    assert second.ask(ORDER)["order_response"]["status"] == "ACK"


def test_a_cut_is_a_disconnect_to_the_exchange(sim: Simulator) -> None:
    script = trader(sim)
    script.send({"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}})
    script.until("ack")
    script.ask(ORDER)
    sim.faults.drop_now()
    assert open_orders(sim) == []


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_drop_after_frames_in_answers_the_last_one(sim: Simulator, frames: int) -> None:
    script = trader(sim)
    sim.faults.drop_after(frames=frames, direction="in")
    for _ in range(frames):
        assert script.ask(ORDER)["order_response"]["status"] == "ACK"
    assert script.closed() is not None
    assert len(open_orders(sim)) == frames
    assert trader(sim).ask(ORDER)["order_response"]["status"] == "ACK"


@pytest.mark.parametrize(("frames", "statuses"), [(1, ["ACK"]), (2, ["ACK", "FILLED"])])
def test_drop_after_frames_out_cuts_within_an_answer(
    sim: Simulator, frames: int, statuses: list[str]
) -> None:
    trader(sim, sim.create_account()).ask(order_message("SELL", 1, 336))
    script = trader(sim, None, "order_responses")
    sim.faults.drop_after(frames=frames, direction="out")
    script.send(order_message("BUY", 1, 336))
    assert [script.receive()["order_response"]["status"] for _ in range(frames)] == statuses
    assert script.closed() is not None


def test_a_count_starts_at_one(sim: Simulator) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sim.faults.drop_after(frames=0)
    with pytest.raises(ValueError, match="at least 1"):
        sim.faults.drop_after_bytes(0)


def received(script: Script) -> bytes:
    """Read what arrives below the WebSocket until the line is over."""
    data = b""
    try:
        while more := script.socket.sock.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


def test_bytes_out_are_cut_exactly(sim: Simulator) -> None:
    whole = json.dumps(ORDER)
    script = trader(sim)
    script.send(json.loads(whole))
    answer = script.socket.sock.recv(65536)
    for count in (1, 2, 5, len(answer) - 1, len(answer)):
        script = trader(sim)
        sim.faults.drop_after_bytes(count, "out")
        script.send(json.loads(whole))
        got = received(script)
        assert len(got) == count
        assert got[:4] == answer[:count][:4]


def test_bytes_in_are_cut_exactly(sim: Simulator) -> None:
    frame = websocket.ABNF.create_frame(json.dumps(ORDER), websocket.ABNF.OPCODE_TEXT).format()
    for count in (1, 7, len(frame) - 1):
        script = trader(sim)
        sim.faults.drop_after_bytes(count, "in")
        script.socket.sock.sendall(frame)
        assert received(script) == b""
        assert open_orders(sim) == []
    script = trader(sim)
    sim.faults.drop_after_bytes(len(frame), "in")
    script.socket.sock.sendall(frame)
    received(script)
    eventually(lambda: open_orders(sim) == ["mine"], "the whole frame was processed")


def test_every_whole_message_before_the_cut_counts_even_if_the_line_is_gone(sim: Simulator) -> None:
    frame = websocket.ABNF.create_frame(json.dumps(ORDER), websocket.ABNF.OPCODE_TEXT).format()
    script = trader(sim)
    sim.faults.drop_after_bytes(2 * len(frame) + 5, "in")
    script.socket.sock.sendall(frame * 4)
    received(script)
    eventually(lambda: open_orders(sim) == ["mine"] * 2, "two whole frames were processed")
    eventually(lambda: sim.connections == [], "the connection is over")


def test_bytes_of_the_upgrade_count(sim: Simulator) -> None:
    sim.faults.drop_after_bytes(10, "out")
    with pytest.raises((websocket.WebSocketException, OSError)):
        Script(sim.environment.trade_url)
    Script(sim.environment.trade_url)


def test_bytes_of_other_sockets_do_not_count(market: Simulator) -> None:
    market.faults.drop_after_bytes(10, "out")
    market.faults.drop_after_bytes(10, "in")
    host, port = market.environment.rest_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(b"GET /nowhere HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 4")


def test_close_with_a_code(sim: Simulator) -> None:
    script = trader(sim)
    sim.faults.close_with(1012, "restart")
    opcode, data = script.socket.recv_data()
    assert (opcode, data[:2], data[2:]) == (websocket.ABNF.OPCODE_CLOSE, struct.pack("!H", 1012), b"restart")
    eventually(lambda: sim.connections == [], "the connection is over")


def test_silence_processes_and_says_nothing(sim: Simulator) -> None:
    script = trader(sim)
    sim.faults.go_silent()
    script.socket.ping()
    script.send(ORDER)
    eventually(lambda: open_orders(sim) == ["mine"], "the order was taken")
    script.socket.settimeout(0.1)
    with pytest.raises(websocket.WebSocketTimeoutException):
        script.socket.recv_data(control_frame=True)
    sim.faults.speak()
    script.socket.settimeout(10)
    assert script.receive()["order_response"]["status"] == "ACK"


def test_a_server_that_does_not_read_blocks_its_client(sim: Simulator) -> None:
    script = trader(sim)
    sim.faults.stop_reading()
    script.socket.settimeout(0.2)
    text = "x" * 1_000_000
    with pytest.raises((websocket.WebSocketTimeoutException, TimeoutError, BlockingIOError)):
        for _ in range(1_000):
            script.socket.send(text)


def test_reading_goes_on_where_it_stopped(sim: Simulator) -> None:
    script = trader(sim)
    sim.faults.stop_reading()
    script.send(ORDER)
    time.sleep(0.05)  # gives a server that reads the time to do so
    assert open_orders(sim) == []
    sim.faults.resume_reading()
    assert script.receive()["order_response"]["status"] == "ACK"


def test_refused_connections(sim: Simulator) -> None:
    sim.faults.refuse_connections(2)
    for _ in range(2):
        with pytest.raises((OSError, websocket.WebSocketException)):
            Script(sim.environment.trade_url)
    trader(sim)
    sim.faults.refuse_connections()
    for _ in range(3):
        with pytest.raises((OSError, websocket.WebSocketException)):
            Script(sim.environment.trade_url)
    sim.faults.accept_connections()
    trader(sim)


def test_an_upgrade_without_an_answer(sim: Simulator) -> None:
    sim.faults.stall_connections(1)
    with pytest.raises(websocket.WebSocketTimeoutException):
        websocket.create_connection(sim.environment.trade_url, timeout=0.2)
    trader(sim)


def test_refused_authentication(sim: Simulator) -> None:
    sim.faults.reject_auth(times=1)
    script = Script(sim.environment.trade_url)
    assert script.ask(auth_message(sim.credentials)) == {"authenticated": False}
    assert script.ask(auth_message(sim.credentials)) == {"authenticated": True}


def test_clear_disarms_everything(sim: Simulator) -> None:
    script = trader(sim)
    faults: Any = sim.faults
    faults.go_silent()
    faults.stop_reading()
    faults.drop_after(frames=1, direction="out")
    faults.drop_after_bytes(1, "in")
    faults.swallow_command("add_order")
    faults.garble()
    faults.refuse_connections()
    faults.clear()
    assert script.ask(ORDER)["order_response"]["status"] == "ACK"
    trader(sim)

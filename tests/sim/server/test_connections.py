"""Connections: upgrades, deadlines, pings, cancel on disconnect, start and stop."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from typing import Any

import pytest
import websocket

from qfex.sim import Simulator
from tests.sim.clients import RawClient, auth_message, connect, open_orders, order_message
from tests.support.helpers import eventually


def refused(url: str, **options: Any) -> int:
    """Return the HTTP status of a refused upgrade."""
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        RawClient(url, **options)
    status: int = caught.value.status_code
    return status


def test_the_url_may_have_a_known_key(sim: Simulator) -> None:
    url = f"{sim.environment.trade_url}?api_key={sim.credentials.public_key}"
    assert RawClient(url).ask(auth_message(sim.credentials)) == {"authenticated": True}


def test_the_path_may_end_in_a_slash_before_the_query(sim: Simulator) -> None:
    url = f"{sim.environment.trade_url}/?api_key={sim.credentials.public_key}"
    assert RawClient(url).ask(auth_message(sim.credentials)) == {"authenticated": True}


def test_an_unknown_key_in_the_url_is_refused(sim: Simulator) -> None:
    assert refused(f"{sim.environment.trade_url}?api_key=qfex_pub_unknown") == 401


def test_the_upgrade_accepts_signed_headers(sim: Simulator) -> None:
    headers = sim.credentials.headers()
    url = sim.environment.trade_url
    assert RawClient(url, header=headers).ask(auth_message(sim.credentials)) == {"authenticated": True}
    assert refused(url, header=headers) == 401  # The nonce has been used.
    wrong = {**sim.credentials.headers(), "x-qfex-hmac-signature": "0" * 64}
    assert refused(url, header=wrong) == 401


def test_the_upgrade_and_auth_accept_tokens(sim: Simulator) -> None:
    token = sim.jwt(sim.credentials)
    url = sim.environment.trade_url
    message = {"type": "auth", "params": {"jwt": token}}
    assert RawClient(url, header={"Authorization": f"Bearer {token}"}).ask(message) == {"authenticated": True}
    assert RawClient(f"{url}?jwt={token}").ask(message) == {"authenticated": True}
    assert refused(url, header={"Authorization": "Bearer nonsense"}) == 401
    assert refused(f"{url}?jwt=nonsense") == 401


def test_a_request_without_an_upgrade_is_a_bad_request(sim: Simulator) -> None:
    host, port = sim.environment.trade_url.removeprefix("ws://").removesuffix("/trade").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /trade HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n")
        assert b"400 Bad Request" in connection.recv(4096)


def test_a_connection_without_authentication_is_closed_after_a_minute(sim: Simulator) -> None:
    client, punctual = RawClient(sim.environment.trade_url), connect(sim)
    eventually(lambda: len(sim.connections) == 2, "both connected")
    sim.advance(60)
    opcode, data = client.socket.recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE
    assert struct.unpack("!H", data[:2]) == (1008,)
    assert punctual.ask(order_message("BUY", 1, 330))["order_response"]["status"] == "ACK"


def test_the_server_disconnects_clients_that_do_not_answer_pings() -> None:
    with Simulator(symbols=["AAPL-USD"], ping_interval=0.05) as sim:
        client = connect(sim)
        opcode, _ = client.socket.recv_data(control_frame=True)
        assert opcode == websocket.ABNF.OPCODE_PING
        eventually(lambda: sim.connections == [], "the silent client was disconnected")


def test_a_client_that_pings_is_answered(sim: Simulator) -> None:
    client = connect(sim)
    client.socket.ping("hello")
    assert client.socket.recv_data(control_frame=True) == (websocket.ABNF.OPCODE_PONG, b"hello")


def enable_cancel_on_disconnect(client: RawClient) -> None:
    """Enable cancel on disconnect."""
    message = {"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}}
    assert client.ask(message) == {"ack": {"incoming_message": message}}


def reset(client: RawClient) -> None:
    """Close the connection with RST."""
    client.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.sock.close()


@pytest.mark.parametrize("leave", [RawClient.close, RawClient.vanish, reset])
def test_cancel_on_disconnect_however_the_connection_ends(sim: Simulator, leave: Any) -> None:
    leaving, other = connect(sim), connect(sim)
    enable_cancel_on_disconnect(leaving)
    leaving.ask(order_message("BUY", 1, 330))
    other.ask(order_message("BUY", 1, 331))
    leave(leaving)
    assert other.until("order_response", status="CANCELLED")["price"] == 330.0
    assert other.until("order_response", status="CANCELLED")["price"] == 331.0
    assert open_orders(sim) == []


def test_commands_sent_just_before_disconnecting_are_executed(sim: Simulator) -> None:
    client = connect(sim)
    client.send(order_message("BUY", 1, 330, client_order_id="last"))
    client.vanish()
    eventually(lambda: open_orders(sim) == ["last"], "the last order rests")


def test_cancel_on_disconnect_when_the_client_is_killed(sim: Simulator) -> None:
    program = (
        "import json, sys, websocket\n"
        "url, *messages = json.loads(sys.argv[1])\n"
        "ws = websocket.create_connection(url)\n"
        "for message in messages:\n"
        "    ws.send(json.dumps(message)); ws.recv()\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    flag = {"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}}
    channels = {"type": "subscribe", "params": {"channels": ["order_responses"]}}
    client = [sim.environment.trade_url, auth_message(sim.credentials), flag, channels]
    arguments = json.dumps([*client, order_message("BUY", 1, 330)])
    with subprocess.Popen(
        [sys.executable, "-c", program, arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert len(open_orders(sim)) == 1
        child.kill()
    eventually(lambda: open_orders(sim) == [], "the orders are cancelled")


def test_connections_are_listed_with_their_state(sim: Simulator) -> None:
    assert sim.connections == []
    client = connect(sim)
    enable_cancel_on_disconnect(client)
    (info,) = sim.connections
    assert info.account_id == sim.account_id(sim.credentials)
    assert info.channels == {"order_responses", "fills"}
    assert info.cancel_on_disconnect
    assert (info.frames_in, info.frames_out) == (4, 4)
    client.close()
    eventually(lambda: sim.connections == [], "the connection ended")


def test_stopping_sends_close_frames_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    sim = Simulator(symbols=["AAPL-USD"])
    with sim:
        clients = [connect(sim) for _ in range(5)]
    assert set(threading.enumerate()) == before
    for client in clients:
        opcode, data = client.socket.recv_data()
        assert (opcode, struct.unpack("!H", data[:2])) == (websocket.ABNF.OPCODE_CLOSE, (1001,))
    with pytest.raises(OSError):
        RawClient(sim.environment.trade_url)
    sim.stop()


def test_a_taken_port_is_reported_and_leaves_no_thread(sim: Simulator) -> None:
    port = int(sim.environment.rest_url.rsplit(":", 1)[1])
    before = set(threading.enumerate())
    with pytest.raises(OSError):
        Simulator(port=port).start()
    assert set(threading.enumerate()) == before


def test_a_chosen_port_is_used_and_free_again() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for _ in range(3):
        with Simulator(port=port, symbols=["AAPL-USD"]) as sim:
            assert sim.environment.rest_url == f"http://127.0.0.1:{port}"
            connect(sim)


@pytest.mark.parametrize(
    "options", [{"dialect": "french"}, {"clock": "none"}, {"speed": 0}, {"symbols": ["NO-USD"]}]
)
def test_invalid_options_are_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Simulator(**options)


def test_accounts_can_be_opened_before_and_after_the_start() -> None:
    sim = Simulator(symbols=["AAPL-USD"])
    early = sim.create_account(balance="123.45")
    with sim:
        late = sim.create_account()
        for credentials in (early, late, sim.credentials):
            connect(sim, credentials)
        sub = sim.create_subaccount(early, balance=10)
        assert sim.exchange_call(lambda exchange: exchange.balance(sub).deposit) == 10


def test_the_real_clock_moves_at_its_speed() -> None:
    with Simulator(symbols=["AAPL-USD"], speed=600) as sim:
        client = connect(sim, None, "balances")
        started = sim.now
        for _ in range(100):
            assert "balance_response" in client.receive()
        assert sim.now - started >= 90

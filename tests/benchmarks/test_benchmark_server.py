"""The stand-in server against an independent WebSocket implementation."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from benchmarks.clients import messages
from benchmarks.processes import Server
from benchmarks.server import bursts, frames, session


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Server(frozenset()) as server:
        yield server.url


@pytest.fixture
def connection(url: str) -> Iterator[websocket.WebSocket]:
    opened = websocket.create_connection(url, timeout=10)
    yield opened
    opened.close()


def ask(connection: websocket.WebSocket, message: dict[str, Any]) -> dict[str, Any]:
    connection.send(json.dumps(message))
    return receive(connection)


def receive(connection: websocket.WebSocket) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(connection.recv())
    return answer


def order(symbol: str, quantity: int = 1, client_order_id: str = "mine") -> dict[str, Any]:
    return messages.add_order(symbol, quantity, client_order_id)


def test_authenticates_and_subscribes_each_channel(connection: websocket.WebSocket) -> None:
    connection.send(messages.auth())
    connection.send(messages.subscribe("order_responses", "fills"))
    assert [receive(connection) for _ in range(3)] == [
        {"authenticated": True},
        {"subscribed": "order_responses"},
        {"subscribed": "fills"},
    ]


def test_acknowledges_an_order_under_its_own_id(connection: websocket.WebSocket) -> None:
    answers = [
        ask(connection, order(session.ORDER, client_order_id=name))["order_response"] for name in ("a", "b")
    ]
    assert [answer["client_order_id"] for answer in answers] == ["a", "b"]
    assert {answer["status"] for answer in answers} == {"ACK"}
    assert answers[0]["order_id"] != answers[1]["order_id"]


def test_cancels_an_ioc_order(connection: websocket.WebSocket) -> None:
    message = order(session.ORDER)
    message["params"]["order_time_in_force"] = "IOC"
    assert ask(connection, message)["order_response"]["status"] == "CANCELLED"


def test_a_fill_comes_before_the_answer(connection: websocket.WebSocket) -> None:
    assert ask(connection, order(session.WITH_FILL))["fill_response"]["client_order_id"] == "mine"
    assert receive(connection)["order_response"]["client_order_id"] == "mine"


def test_held_orders_are_answered_on_release(connection: websocket.WebSocket) -> None:
    for name in ("a", "b"):
        connection.send(json.dumps(order(session.HOLD, client_order_id=name)))
    assert (
        ask(connection, order(session.ORDER, client_order_id="c"))["order_response"]["client_order_id"] == "c"
    )
    connection.send(json.dumps(order(session.RELEASE, client_order_id="d")))
    assert [receive(connection)["order_response"]["client_order_id"] for _ in range(3)] == ["a", "b", "d"]


@pytest.mark.parametrize("kind", bursts.KINDS)
def test_a_burst_follows_the_order_that_fires_it(connection: websocket.WebSocket, kind: str) -> None:
    ask(connection, order(kind, 300))
    ask(connection, order(kind, 200))
    assert ask(connection, order(bursts.FIRE))["order_response"]["symbol"] == bursts.FIRE
    pushed = [next(iter(receive(connection).values())) for _ in range(500)]
    assert len({message["order_id"] for message in pushed}) == 500
    assert [message["symbol"] == bursts.LAST for message in pushed].count(True) == 2
    assert pushed[-1]["symbol"] == bursts.LAST


def test_answers_pings(connection: websocket.WebSocket) -> None:
    connection.ping("are you there")
    opcode, payload = connection.recv_data(control_frame=True)
    assert (opcode, payload) == (websocket.ABNF.OPCODE_PONG, b"are you there")


def test_survives_a_client_that_disconnects_during_the_handshake(url: str) -> None:
    host, port = url.removeprefix("ws://").split(":")
    with socket.create_connection((host, int(port))) as intruder:
        intruder.sendall(b"GET / HTTP/1.1\r\n")
    connection = websocket.create_connection(url, timeout=10)
    assert ask(connection, order(session.ORDER))["order_response"]["status"] == "ACK"
    connection.close()


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_frames_are_read_whatever_the_chunks(length: int) -> None:
    payload = bytes(index % 251 for index in range(length))
    frame = bytes(websocket.ABNF.create_frame(payload, websocket.ABNF.OPCODE_TEXT).format()) * 2
    for cut in {1, 2, 5, 6, 7, 9, 13, 14, len(frame) // 2, len(frame) - 1}:
        reader = frames.FrameReader()
        assert reader.feed(frame[:cut]) + reader.feed(frame[cut:]) == [(frames.TEXT, payload)] * 2

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
def line(url: str) -> Iterator[websocket.WebSocket]:
    connection = websocket.create_connection(url, timeout=10)
    yield connection
    connection.close()


def ask(line: websocket.WebSocket, message: dict[str, Any]) -> dict[str, Any]:
    line.send(json.dumps(message))
    return receive(line)


def receive(line: websocket.WebSocket) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(line.recv())
    return answer


def order(symbol: str, quantity: int = 1, client_order_id: str = "mine") -> dict[str, Any]:
    return messages.add_order(symbol, quantity, client_order_id)


def test_authenticates_and_subscribes_each_channel(line: websocket.WebSocket) -> None:
    line.send(messages.auth())
    line.send(messages.subscribe("order_responses", "fills"))
    assert [receive(line) for _ in range(3)] == [
        {"authenticated": True},
        {"subscribed": "order_responses"},
        {"subscribed": "fills"},
    ]


def test_acknowledges_an_order_under_its_own_id(line: websocket.WebSocket) -> None:
    answers = [ask(line, order(session.ORDER, client_order_id=name))["order_response"] for name in ("a", "b")]
    assert [answer["client_order_id"] for answer in answers] == ["a", "b"]
    assert {answer["status"] for answer in answers} == {"ACK"}
    assert answers[0]["order_id"] != answers[1]["order_id"]


def test_cancels_what_may_not_rest(line: websocket.WebSocket) -> None:
    message = order(session.ORDER)
    message["params"]["order_time_in_force"] = "IOC"
    assert ask(line, message)["order_response"]["status"] == "CANCELLED"


def test_a_fill_comes_before_the_answer(line: websocket.WebSocket) -> None:
    assert ask(line, order(session.WITH_FILL))["fill_response"]["client_order_id"] == "mine"
    assert receive(line)["order_response"]["client_order_id"] == "mine"


def test_held_orders_are_answered_on_release(line: websocket.WebSocket) -> None:
    for name in ("a", "b"):
        line.send(json.dumps(order(session.HOLD, client_order_id=name)))
    assert ask(line, order(session.ORDER, client_order_id="c"))["order_response"]["client_order_id"] == "c"
    line.send(json.dumps(order(session.RELEASE, client_order_id="d")))
    assert [receive(line)["order_response"]["client_order_id"] for _ in range(3)] == ["a", "b", "d"]


@pytest.mark.parametrize("kind", bursts.KINDS)
def test_a_burst_follows_the_order_that_fires_it(line: websocket.WebSocket, kind: str) -> None:
    ask(line, order(kind, 300))
    ask(line, order(kind, 200))
    assert ask(line, order(bursts.FIRE))["order_response"]["symbol"] == bursts.FIRE
    pushed = [next(iter(receive(line).values())) for _ in range(500)]
    assert len({message["order_id"] for message in pushed}) == 500
    assert [message["symbol"] == bursts.LAST for message in pushed].count(True) == 2
    assert pushed[-1]["symbol"] == bursts.LAST


def test_answers_pings(line: websocket.WebSocket) -> None:
    line.ping("are you there")
    opcode, payload = line.recv_data(control_frame=True)
    assert (opcode, payload) == (websocket.ABNF.OPCODE_PONG, b"are you there")


def test_outlives_a_client_that_breaks_off(url: str) -> None:
    host, port = url.removeprefix("ws://").split(":")
    with socket.create_connection((host, int(port))) as intruder:
        intruder.sendall(b"GET / HTTP/1.1\r\n")
    connection = websocket.create_connection(url, timeout=10)
    assert ask(connection, order(session.ORDER))["order_response"]["status"] == "ACK"
    connection.close()


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_frames_survive_any_cut(length: int) -> None:
    payload = bytes(index % 251 for index in range(length))
    frame = bytes(websocket.ABNF.create_frame(payload, websocket.ABNF.OPCODE_TEXT).format()) * 2
    for cut in {1, 2, 5, 6, 7, 9, 13, 14, len(frame) // 2, len(frame) - 1}:
        reader = frames.FrameReader()
        assert reader.feed(frame[:cut]) + reader.feed(frame[cut:]) == [(frames.TEXT, payload)] * 2

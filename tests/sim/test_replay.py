"""Recordings played back, to a client and into a report."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import websocket

from qfex.environment import Environment
from qfex.sim import Simulator
from qfex.sim.record import RecordedFrame, load
from qfex.sim.replay import Replay, main
from qfex.sim.report import report
from tests.sim.clients import AAPL, TIMEOUT, RawClient, connect_market_data, order_message, subscribe_message

ORDER = order_message("BUY", 2, 330)["params"]


def session(environment: Environment, auth: dict[str, Any], order: dict[str, Any]) -> list[dict[str, Any]]:
    """Enter an order, cancel it, buy at the market, and return all frames."""
    client = RawClient(environment.trade_url)
    frames: list[dict[str, Any]] = []

    def send(command: str, params: dict[str, Any], replies: int) -> None:
        client.send({"type": command, "params": params})
        frames.extend(client.read(replies))

    send("auth", auth, 1)
    send("subscribe", {"channels": ["order_responses", "fills"]}, 2)
    send("add_order", order, 1)
    order_id = frames[-1]["order_response"]["order_id"]
    cancel = {"symbol": AAPL, "order_id": order_id, "cancel_order_id_type": "order_id"}
    send("cancel_order", cancel, 1)
    market = {"order_type": "MARKET", "order_time_in_force": "IOC", "price": 0}
    send("add_order", {**order, **market, "client_order_id": f"{order['client_order_id']}-2"}, 3)
    send("modify_order", {"symbol": AAPL}, 1)
    client.close()
    return frames


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.jsonl"
    with Simulator(record=path, clock="manual") as sim:
        session(sim.environment, sim.credentials.auth_params(), {**ORDER, "client_order_id": "mine"})
        feed = connect_market_data(sim.environment, "bbo")
        feed.read(2)
        feed.close()
    return path


def test_a_client_receives_the_recording_with_its_own_ids(recording: Path) -> None:
    recorded = [
        frame.message() for frame in load(recording) if (frame.socket, frame.direction) == ("trade", "out")
    ]
    with Replay(recording) as replay:
        frames = session(replay.environment, {"jwt": "another"}, {**ORDER, "client_order_id": "theirs"})
        assert not replay.wait_finished(0), "the market data connection has not been played"
        ack, bbo = connect_market_data(replay.environment, "bbo").read(2)
        assert (ack["type"], bbo["sequence"]) == ("subscribed", 1)
        assert replay.wait_finished(TIMEOUT)
    assert replay.mismatches == []
    assert json.loads(json.dumps(frames).replace("theirs", "mine")) == recorded


def test_a_frame_that_differs_from_the_recording_ends_the_connection(recording: Path) -> None:
    with Replay(recording) as replay:
        client = RawClient(replay.environment.trade_url)
        client.ask({"type": "auth", "params": {"jwt": "secret-token"}})
        client.send(subscribe_message("balances"))
        code, payload = client.socket.recv_data()
        assert (code, int.from_bytes(payload[:2], "big")) == (websocket.ABNF.OPCODE_CLOSE, 1008)
    [mismatch] = replay.mismatches
    assert "balances" in mismatch and "order_responses" in mismatch


def test_a_connection_that_was_not_recorded_is_refused(recording: Path) -> None:
    with Replay(recording) as replay:
        RawClient(replay.environment.trade_url)
        with pytest.raises(websocket.WebSocketBadStatusException):
            RawClient(replay.environment.trade_url)


def test_recorded_pauses_can_be_kept() -> None:
    frames = [
        RecordedFrame(0.0, "trade", 1, "out", '{"a":1}'),
        RecordedFrame(5.0, "trade", 1, "out", '{"b":2}'),
    ]
    with Replay(frames, speed=1000.0) as replay:
        assert RawClient(replay.environment.trade_url).read(2) == [{"a": 1}, {"b": 2}]
        assert replay.wait_finished(TIMEOUT)


def test_the_report_has_counts_latencies_and_outcomes(recording: Path) -> None:
    summary = report(load(recording))
    assert summary.sent == {"auth": 1, "subscribe": 2, "add_order": 2, "cancel_order": 1, "modify_order": 1}
    assert summary.received["order_response"] == 4
    assert {name: len(values) for name, values in summary.latencies.items()} == dict(summary.sent)
    assert all(value >= 0 for values in summary.latencies.values() for value in values)
    assert not summary.unanswered
    cancelled, filled = summary.orders.values()
    assert (cancelled.statuses, cancelled.final_status) == (["ACK", "CANCELLED"], "CANCELLED")
    assert (filled.client_order_id, filled.final_status, filled.filled) == ("mine-2", "FILLED", 2)
    assert filled.average_price == Decimal("336.23") and cancelled.average_price is None


def test_unanswered_commands_are_reported() -> None:
    order = {"type": "add_order", "params": {"client_order_id": "lost"}}
    other = {"order_response": {"order_id": "1", "client_order_id": "other", "status": "ACK"}}
    error = {"err": {"error_code": "InvalidOrder", "incoming_message": order}}
    asked = RecordedFrame(1.0, "trade", 1, "in", json.dumps(order))

    def answered(message: dict[str, Any], connection: int = 1) -> bool:
        frame = RecordedFrame(1.25, "trade", connection, "out", json.dumps(message))
        summary = report([asked, frame])
        assert sum(summary.unanswered.values()) + len(summary.latencies) == 1
        return summary.latencies == {"add_order": [0.25]}

    assert not answered(other)
    assert answered(error)
    assert not answered(error, connection=2)


def test_the_command_line_prints_the_report(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(recording), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [order["end"] for order in summary["orders"]] == ["CANCELLED", "FILLED"]
    assert summary["latencies"]["add_order"]["count"] == 2
    assert main([str(recording)]) == 0
    assert "end=FILLED" in capsys.readouterr().out

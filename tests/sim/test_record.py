"""Recordings of sessions, without secrets."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.sim import Simulator
from qfex.sim.record import REDACTED, SECRETS, RecordedFrame, Recorder, load, redact
from tests.sim.clients import connect, connect_market_data

SECRET = "qfex_secret_abc123"

secret_member = st.tuples(st.sampled_from(sorted(SECRETS)), st.just(SECRET))
messages = st.recursive(
    st.one_of(st.integers(), st.text(max_size=5), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["type", "params", *SECRETS]), inner)
    ),
    max_leaves=10,
)


def test_text_without_secrets_is_unchanged() -> None:
    for text in ('{"type": "add_order" ,"params":{"quantity":1.10}}', "not json", "", "[1, 2.50]"):
        assert redact(text) == text


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_members_are_replaced_at_any_depth(name: str) -> None:
    message = {"type": "auth", "params": {"hmac": [{name: SECRET, "unix_ts": 1}]}}
    redacted = json.loads(redact(json.dumps(message)))
    assert redacted["params"]["hmac"] == [{name: REDACTED, "unix_ts": 1}]


@given(messages, secret_member)
def test_no_secret_survives(message: Any, member: tuple[str, str]) -> None:
    text = json.dumps({"around": message, "params": dict([member])})
    quoted = json.dumps({"err": {"incoming_message": text}})
    twice = json.dumps({"err": {"incoming_message": quoted}})
    for variant in (text, quoted, twice):
        assert SECRET not in redact(variant)


@given(st.integers(0, 60))
def test_a_truncated_message_reveals_no_secret(length: int) -> None:
    text = json.dumps({"type": "auth", "params": {"hmac": {"signature": SECRET * 2}}})
    assert "abc123" not in redact(text[: len(text) - length])


def test_frames_are_numbered_by_socket_and_connection() -> None:
    file = io.StringIO()
    recorder = Recorder(file, clock=lambda: 12.5)
    first, second, other = (recorder.connection(socket) for socket in ("trade", "trade", "market_data"))
    first.record("in", '{"type":"auth"}')
    second.record("out", b'{"authenticated":true}')
    other.record("out", b"\xff")
    rows = [RecordedFrame(**json.loads(line)) for line in file.getvalue().splitlines()]
    assert rows == [
        RecordedFrame(12.5, "trade", 1, "in", '{"type":"auth"}'),
        RecordedFrame(12.5, "trade", 2, "out", '{"authenticated":true}'),
        RecordedFrame(12.5, "market_data", 1, "out", "\ufffd"),
    ]


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"time": 1}'])
def test_an_invalid_recording_names_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "recording.jsonl"
    good = json.dumps({"time": 1, "socket": "trade", "connection": 1, "direction": "in", "text": ""})
    path.write_text(f"{good}\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match="line 2"):
        load(path)


def test_the_simulator_records_both_sockets(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    with Simulator(record=path, clock="manual") as sim:
        client = connect(sim, None, "order_responses", "balances")
        client.until("balance_response")
        client.socket.send('{"type":"auth","params":{"hmac":{"signature":"cut-off-secre')
        client.until("err")
        client.close()
        feed = connect_market_data(sim.environment, "bbo")
        _, bbo = feed.socket.recv(), feed.socket.recv()
        feed.close()
    frames = load(path)
    assert [frame.message().get("type") for frame in frames if frame.direction == "in"] == [
        "auth",
        "subscribe",
        "subscribe",
        None,
        "subscribe",
    ]
    assert frames[-1].text == bbo
    text = path.read_text("utf-8")
    for secret in (sim.credentials.public_key, sim.credentials.secret_key, "cut-off-secre"):
        assert secret not in text
    assert text.count(REDACTED) >= 4

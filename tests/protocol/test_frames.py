"""WebSocket frames: bytes to messages and back, and every way in which a peer may break the protocol."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.net.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameError,
    FrameReader,
    close_code,
    encode_close,
    encode_frame,
)
from tests.support.websocket import CONTINUATION, read_client_frame, server_frame


def feed(*parts: bytes, max_message: int = 1 << 20) -> list[tuple[int, bytes]]:
    reader = FrameReader(max_message)
    return [message for part in parts for message in reader.feed(part)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
def test_lengths_of_all_three_forms(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    assert feed(server_frame(TEXT, payload[:size])) == [(TEXT, payload[:size])]


@pytest.mark.parametrize("size", [0, 5, 200, 70_000])
def test_bytes_may_come_one_by_one(size: int) -> None:
    frame = server_frame(BINARY, b"x" * size) + server_frame(PING, b"p")
    parts = [frame[i : i + 1] for i in range(12)] + [frame[12:-1], frame[-1:]]
    assert feed(*[part for part in parts if part]) == [(BINARY, b"x" * size), (PING, b"p")]


def test_fragments_are_joined_and_control_frames_come_in_between() -> None:
    stream = (
        server_frame(TEXT, b"a", fin=False)
        + server_frame(PING, b"now")
        + server_frame(CONTINUATION, b"", fin=False)
        + server_frame(PONG)
        + server_frame(CONTINUATION, b"bc")
        + server_frame(BINARY, b"next")
    )
    assert feed(stream) == [(PING, b"now"), (PONG, b""), (TEXT, b"abc"), (BINARY, b"next")]


def test_the_longest_control_frame() -> None:
    assert feed(server_frame(PING, b"a" * 125)) == [(PING, b"a" * 125)]


def test_empty_fragments_are_fragments_too() -> None:
    assert feed(server_frame(TEXT, b"", fin=False) + server_frame(CONTINUATION, b"")) == [(TEXT, b"")]


BROKEN = {
    "reserved bit 1": server_frame(TEXT, b"a", flags=0x40),
    "reserved bit 2": server_frame(TEXT, b"a", flags=0x20),
    "reserved bit 3": server_frame(TEXT, b"a", flags=0x10),
    "masked": server_frame(TEXT, b"abcd", masked=True),
    "unknown data opcode": server_frame(0x3, b"a"),
    "unknown control opcode": server_frame(0xB, b"a"),
    "fragmented ping": server_frame(PING, b"a", fin=False),
    "long ping": server_frame(PING, b"a" * 126),
    "long close": server_frame(CLOSE, b"a" * 126),
    "continuation of nothing": server_frame(CONTINUATION, b"a"),
    "a message inside another": server_frame(TEXT, b"a", fin=False) + server_frame(TEXT, b"b"),
}


@pytest.mark.parametrize("stream", BROKEN.values(), ids=BROKEN)
def test_a_protocol_error_has_its_close_code(stream: bytes) -> None:
    with pytest.raises(FrameError) as broken:
        feed(stream)
    assert broken.value.code == 1002


def test_a_message_that_is_too_big_is_refused_before_it_is_read() -> None:
    with pytest.raises(FrameError) as one:
        feed(server_frame(TEXT, b"x" * 1001)[:10], max_message=1000)
    fragment = server_frame(TEXT, b"x" * 600, fin=False)
    with pytest.raises(FrameError) as joined:
        feed(fragment, server_frame(CONTINUATION, b"x" * 600, fin=False), max_message=1000)
    assert one.value.code == joined.value.code == 1009
    assert feed(server_frame(TEXT, b"x" * 1000), max_message=1000) == [(TEXT, b"x" * 1000)]
    with pytest.raises(FrameError):
        feed(bytes((0x81, 127)) + b"\xff" * 8)


def test_messages_before_a_protocol_error_are_not_lost() -> None:
    reader = FrameReader()
    assert reader.feed(server_frame(TEXT, b"a") + BROKEN["masked"]) == [(TEXT, b"a")]
    assert reader.error is not None and reader.error.code == 1002
    with pytest.raises(FrameError):
        reader.feed(server_frame(TEXT, b"b"))


def test_nothing_counts_after_a_close_frame() -> None:
    goodbye = server_frame(CLOSE, struct.pack("!H", 1001))
    reader = FrameReader()
    assert reader.feed(goodbye + BROKEN["masked"] + server_frame(TEXT, b"late")) == [(CLOSE, b"\x03\xe9")]
    assert reader.error is None


# --- our own frames ----------------------------------------------------------------------------------------------


def unmask(frame: bytes) -> tuple[int, bytes]:
    """Read one masked frame as a server does, to its last byte."""
    stream = io.BytesIO(frame)
    message = read_client_frame(stream.read)
    assert stream.read() == b""
    return message


@given(st.sampled_from([TEXT, BINARY, PING, PONG, CLOSE]), st.binary(max_size=300))
def test_frames_are_masked_and_whole(opcode: int, payload: bytes) -> None:
    assert unmask(encode_frame(opcode, payload)) == (opcode, payload)


@pytest.mark.parametrize("size", [125, 126, 65535, 65536])
def test_the_shortest_form_of_the_length_is_used(size: int) -> None:
    frame = encode_frame(TEXT, b"x" * size)
    assert len(frame) == size + 4 + (2 if size < 126 else 4 if size < 65536 else 10)
    assert unmask(frame) == (TEXT, b"x" * size)


def test_each_frame_has_a_key_of_its_own() -> None:
    assert len({encode_frame(TEXT, b"same")[2:6] for _ in range(20)}) > 15


@pytest.mark.parametrize(
    "code, reason", [(1000, ""), (1001, "going away"), (4000, "ü" * 200), (1011, "x" * 500)]
)
def test_close_frames_fit_and_read_back(code: int, reason: str) -> None:
    opcode, payload = unmask(encode_close(code, reason))
    assert opcode == CLOSE and len(payload) <= 125
    read, text = close_code(payload)
    assert read == code and reason.startswith(text) and len(text) >= min(len(reason), 50)
    payload[2:].decode("utf-8")  # strictly: a peer may insist


@pytest.mark.parametrize("payload", [b"", b"\x03"])
def test_a_close_frame_may_be_empty(payload: bytes) -> None:
    assert close_code(payload) == (None, "")


def test_a_close_reason_that_is_not_text_does_no_harm() -> None:
    code, reason = close_code(struct.pack("!H", 1008) + b"\xff\xfeno")
    assert code == 1008 and reason.endswith("no")


# --- mask keys ---------------------------------------------------------------------------------------------------


def mask_key(frame: bytes) -> bytes:
    return frame[2:6]


def test_every_frame_has_a_key_of_its_own_from_any_thread() -> None:
    def keys(_: int) -> list[bytes]:
        return [mask_key(encode_frame(TEXT, b"a")) for _ in range(700)]

    with ThreadPoolExecutor(4) as pool:
        drawn = [key for found in pool.map(keys, range(4)) for key in found]
    # Of 2800 keys out of 2**32 two are the same once in a thousand times; three pairs never.
    assert len(set(drawn)) > len(drawn) - 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_masks_with_keys_of_its_own() -> None:
    script = """
import os
from qfex.net.frames import TEXT, encode_frame
encode_frame(TEXT, b"a")
if child := os.fork():
    os.waitpid(child, 0)
print(encode_frame(TEXT, b"a")[2:6].hex(), flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    parents, childs = done.stdout.split()
    assert parents != childs

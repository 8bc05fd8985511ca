"""The frame reader against a well-kept implementation, on streams of every kind, cut anywhere."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfex.net.frames import CLOSE, FrameError, FrameReader
from tests.support.websocket import BINARY, CONTINUATION, TEXT, server_frame

websockets_protocol = pytest.importorskip("websockets.protocol")

LIMIT = 2000  # bytes of one message
Outcome = tuple[list[tuple[int, bytes]], int | None]


def ours(parts: list[bytes]) -> Outcome:
    """Messages up to the first close frame, and the code of the break, if any."""
    reader, messages = FrameReader(LIMIT), list[tuple[int, bytes]]()
    try:
        for part in parts:
            messages += reader.feed(part)
            if messages and messages[-1][0] == CLOSE:
                return messages, None
            if reader.error is not None:
                raise reader.error
    except FrameError as error:
        return messages, error.code
    return messages, None


def theirs(parts: list[bytes]) -> Outcome:
    """The same of the other implementation, whose fragments are joined here."""
    protocol = websockets_protocol.Protocol(websockets_protocol.CLIENT, max_size=LIMIT)
    for part in parts:
        protocol.receive_data(part)
    messages, fragments, opcode = list[tuple[int, bytes]](), list[bytes](), 0
    for frame in protocol.events_received():
        if frame.opcode > 7:
            messages.append((int(frame.opcode), bytes(frame.data)))
            continue
        opcode = opcode if frame.opcode == CONTINUATION else int(frame.opcode)
        fragments.append(bytes(frame.data))
        if frame.fin:
            messages.append((opcode, b"".join(fragments)))
            fragments = []
    return messages, None if protocol.parser_exc is None else int(protocol.close_sent.code)


PAYLOADS = st.binary(max_size=20) | st.integers(120, 700).map(lambda size: b"x" * size)
CODES = st.sampled_from([1000, 1001, 1002, 1003, 1008, 1011, 3000, 4999])
CLOSES = st.one_of(st.just(b""), st.builds(lambda code: struct.pack("!H", code) + b"bye", CODES))


@st.composite
def messages(draw: st.DrawFn) -> list[bytes]:
    """The frames of a message, control frames between its fragments."""
    payloads = draw(st.lists(PAYLOADS, min_size=1, max_size=4))
    opcode = draw(st.sampled_from([TEXT, BINARY]))
    frames = []
    for number, payload in enumerate(payloads):
        if draw(st.booleans()):
            frames.append(server_frame(draw(st.sampled_from([0x9, 0xA])), draw(st.binary(max_size=125))))
        frames.append(
            server_frame(opcode if number == 0 else CONTINUATION, payload, fin=number == len(payloads) - 1)
        )
    return frames


def cut(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    """The stream in pieces, as a network may deliver it."""
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]
    return [piece for piece in pieces if piece]


@st.composite
def good_streams(draw: st.DrawFn) -> list[bytes]:
    frames = [one for message in draw(st.lists(messages(), max_size=5)) for one in message]
    if draw(st.booleans()):
        frames += [server_frame(CLOSE, draw(CLOSES)), draw(st.binary(max_size=20))]
    return cut(draw, b"".join(frames))


@st.composite
def spoiled_streams(draw: st.DrawFn) -> list[bytes]:
    """Good frames with a frame in between that breaks a rule."""
    frames = [one for message in draw(st.lists(messages(), max_size=4)) for one in message]
    kind = draw(st.sampled_from(["flags", "opcode", "masked", "control", "continuation", "text"]))
    bad = {
        "flags": server_frame(TEXT, b"abcd", flags=draw(st.sampled_from([0x10, 0x20, 0x40, 0x70]))),
        "opcode": server_frame(draw(st.sampled_from([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])), b"abcd"),
        "masked": server_frame(TEXT, b"abcd", masked=True),
        "control": server_frame(0x9, b"x" * draw(st.sampled_from([1, 126])), fin=draw(st.booleans())),
        "continuation": server_frame(CONTINUATION, b"abcd", fin=draw(st.booleans())),
        "text": server_frame(TEXT, b"abcd", fin=draw(st.booleans())),
    }[kind]
    place = draw(st.integers(0, len(frames)))
    return cut(draw, b"".join([*frames[:place], bad, *frames[place:]]))


@settings(max_examples=200)
@given(good_streams())
def test_both_read_the_same_messages(parts: list[bytes]) -> None:
    assert ours(parts) == theirs(parts)


@settings(max_examples=200)
@given(spoiled_streams())
def test_both_find_the_same_break_after_the_same_messages(parts: list[bytes]) -> None:
    assert ours(parts) == theirs(parts)


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_on_noise_both_agree_whether_it_is_broken(parts: list[bytes]) -> None:
    read, code = ours(parts)
    # We refuse a bad header at once, they after its payload: give them enough to come to it.
    other, their_code = theirs([*parts, b"\0" * (LIMIT + 20)] if code is not None else parts)
    closes_badly = bool(read) and read[-1][0] == CLOSE  # they also check what a close frame says
    assert (code is None) == (their_code is None) or closes_badly
    assert read == other[: len(read)] or closes_badly


@given(st.integers(LIMIT - 3, LIMIT + 3), st.integers(1, 4))
def test_both_refuse_a_message_beyond_the_limit(size: int, count: int) -> None:
    payload = b"x" * size
    step = -(-size // count)
    pieces = [payload[start : start + step] for start in range(0, size, step)]
    frames = [
        server_frame(TEXT if number == 0 else CONTINUATION, piece, fin=number == len(pieces) - 1)
        for number, piece in enumerate(pieces)
    ]
    assert ours(frames) == theirs(frames)

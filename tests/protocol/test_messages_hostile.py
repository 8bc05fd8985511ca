"""Reading a frame never raises, whatever its bytes, and the fast path and the careful path agree."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfex import Balance, Fill, OpenOrders, Order, Position, StopOrder, Twap
from qfex.protocol.trade import messages
from qfex.protocol.trade.messages import Authenticated, Message, Subscribed, Unsubscribed, decode
from qfex.protocol.wire.failures import Undecodable

from . import recorded

FRAMES = [value for name, value in vars(recorded).items() if name.isupper() and value.startswith(("{", "["))]
KINDS = get_args(Message)
KEYS = [
    *messages._READERS,
    "type",
    "error_code",
    "contents",
    "channel",
    "channels",
    "result",
    "orders",
    "order_id",
]

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["NaN", "auth", "error", "subscribed", "FILLED", "", "1e999999999", "9" * 40])
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def check(frame: bytes) -> None:
    for message in decode(frame):
        assert isinstance(message, KINDS)
        repr(message)


@given(st.binary(max_size=200))
def test_any_bytes(frame: bytes) -> None:
    check(frame)


@given(JSON)
def test_any_json(value: Any) -> None:
    check(json.dumps(value).encode())


@given(st.sampled_from(sorted(messages._READERS)), JSON)
def test_any_payload_under_a_known_key(key: str, value: Any) -> None:
    check(json.dumps({key: value}).encode())


@given(st.sampled_from(FRAMES), st.data())
def test_a_known_frame_with_one_member_changed(frame: str, data: st.DataObject) -> None:
    value = json.loads(frame)
    target = next(iter(value.values()))
    rows = target if isinstance(target, list) else [target]
    if isinstance(rows[0], dict) and rows[0]:
        rows[0][data.draw(st.sampled_from(sorted(rows[0])))] = data.draw(JSON)
    check(json.dumps(value).encode())


@given(st.sampled_from(FRAMES), st.integers(0, 400), st.binary(min_size=1, max_size=2))
def test_a_known_frame_with_bytes_overwritten(frame: str, position: int, garbage: bytes) -> None:
    spoiled = bytearray(frame.encode())
    spoiled[position : position + len(garbage)] = garbage
    check(bytes(spoiled))


@given(st.sampled_from(FRAMES), st.integers(0, 400))
def test_a_known_frame_cut_short(frame: str, length: int) -> None:
    check(frame.encode()[:length])


@pytest.mark.parametrize(
    "frame", [b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe\x00", b'{"order_response":' * 5000]
)
def test_deep_and_binary_frames(frame: bytes) -> None:
    check(frame)


# --- both ways agree ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", FRAMES)
def test_the_fast_path_and_the_careful_path_agree(frame: str) -> None:
    assert list(decode(frame.encode())) == list(messages._decode_with_care(frame.encode()))


def agreed(members: dict[str, Any]) -> list[Message]:
    """What a frame is read as, both ways."""
    frame = json.dumps(members).encode()
    read = list(decode(frame))
    assert read == list(messages._decode_with_care(frame))
    return read


@pytest.mark.parametrize(
    "members, kind",
    [
        ({"user_orders": {}, "subscribed": "x"}, OpenOrders),
        ({"authenticated": True, "subscribed": "x"}, Subscribed),
        ({"authenticated": True, "subscribed": None}, Authenticated),
        ({"authenticated": True, "ack": {}}, Authenticated),
        ({"authenticated": True, "colour": 1}, Authenticated),
        ({"authenticated": True, "unsubscribed": "x"}, Unsubscribed),
        ({"authenticated": 1}, Authenticated),
        ({"authenticated": False, "subscribed": "x"}, Subscribed),
        ({"subscribed": ""}, Subscribed),
        ({"stop_order_response": "x", "authenticated": True}, Undecodable),
        ({"all_orders_response": {"stop_orders": [{"order_id": "s"}]}, "subscribed": "x"}, OpenOrders),
        ({"all_orders_response": {}, "twap_response": {"twap_id": "t"}}, Twap),
        ({"all_orders_response": {}, "stop_order_response": {"stop_order_id": "s"}}, StopOrder),
        ({"all_orders_response": {}, "stop_order_response": None, "subscribed": "x"}, OpenOrders),
        ({"position_response": {"symbol": "A", "leverage": "NaN"}, "balance_response": {}}, Undecodable),
    ],
)
def test_both_paths_agree_on_which_member_takes_precedence(members: dict[str, Any], kind: type) -> None:
    assert [type(message) for message in agreed(members)] == [kind]


@given(st.lists(st.sampled_from([frame for frame in FRAMES if frame[0] == "{"]), min_size=2, max_size=3))
def test_both_paths_agree_on_several_messages_in_one_frame(frames: list[str]) -> None:
    agreed({name: value for frame in frames for name, value in json.loads(frame).items()})


MODELS: dict[type, tuple[str, dict[str, Any]]] = {
    Order: ("order_response", json.loads(recorded.ACK)["order_response"]),
    Fill: ("fill_response", json.loads(recorded.FILL)["fill_response"]),
    Position: ("position_response", {"symbol": "AAPL-USD"}),
    Balance: ("balance_response", {}),
    Twap: ("twaps", json.loads(recorded.TWAP)["twap_response"]),
}
NUMBERS = [
    (model, name)
    for model in MODELS
    for name, kind in get_type_hints(model).items()
    if Decimal in (kind, *get_args(kind))
]


def framed(model: type, **members: Any) -> dict[str, Any]:
    key, others = MODELS[model]
    row = {**others, **members}
    return {"all_orders_response": {"twaps": [row]}} if model is Twap else {key: row}


NOT_FINITE = st.builds(
    lambda sign, word, rest: sign + word + rest,
    st.sampled_from(["", "+", "-", " "]),
    st.sampled_from(["NaN", "nan", "sNaN", "SNAN", "Infinity", "infinity", "inf", "INF"]),
    st.sampled_from(["", " ", "\t"]),
)


def test_every_number_of_a_message_is_tested() -> None:
    assert [sum(model is each for each, _ in NUMBERS) for model in MODELS] == [5, 8, 11, 9, 3]


@pytest.mark.parametrize("model, name", NUMBERS, ids=[f"{model.__name__}.{name}" for model, name in NUMBERS])
@settings(max_examples=20)
@given(text=NOT_FINITE)
def test_both_paths_refuse_a_number_that_is_not_finite(model: type, name: str, text: str) -> None:
    (message,) = agreed(framed(model, **{name: text}))
    assert isinstance(message, Undecodable)
    if model is Order:
        row = framed(model, **{name: text})["order_response"]
        assert isinstance(agreed({"all_orders_response": {"orders": [row]}})[0], Undecodable)


@pytest.mark.parametrize("model, name", NUMBERS, ids=[f"{model.__name__}.{name}" for model, name in NUMBERS])
@settings(max_examples=10)
@given(number=st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_may_be_text(model: type, name: str, number: Decimal) -> None:
    (message,) = agreed(framed(model, **{name: str(number)}))
    read: Any = message.twaps[0] if isinstance(message, OpenOrders) else message
    assert type(read) is model and getattr(read, name).as_tuple() == number.as_tuple()


AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=9)


@settings(max_examples=60)
@given(
    key=st.sampled_from(["order_response", "fill_response", "position_response", "balance_response"]),
    amounts=st.lists(AMOUNTS, min_size=12, max_size=12),
    texts=st.lists(st.text(max_size=12), min_size=12, max_size=12),
    time=st.floats(0, 4e9),
)
def test_both_paths_agree_on_any_values(
    key: str, amounts: list[Decimal], texts: list[str], time: float
) -> None:
    name = next(name for name in vars(recorded) if f'"{key}"' in str(getattr(recorded, name)))
    members = json.loads(getattr(recorded, name))[key]
    numbers, words = iter(amounts * 2), iter(texts * 2)
    for member, value in members.items():
        if member in ("update_time", "timestamp"):
            members[member] = time
        elif isinstance(value, float):
            members[member] = f"<{next(numbers):f}>"
        elif isinstance(value, str):
            members[member] = next(words)
    frame = json.dumps({key: members}, separators=(",", ":")).replace('"<', "").replace('>"', "").encode()
    fast, careful = list(decode(frame)), list(messages._decode_with_care(frame))
    assert [without_times(each) for each in fast] == [without_times(each) for each in careful]
    assert all(abs(one - other) < 2e-6 for one, other in zip(times(fast), times(careful), strict=True))


def without_times(message: Any) -> Any:
    changed = {name: None for name in ("update_time", "time") if hasattr(message, name)}
    return attrs.evolve(message, **changed) if attrs.has(type(message)) else message


def times(read: list[Any]) -> list[float]:
    found = [getattr(message, name, None) for message in read for name in ("update_time", "time")]
    return [moment.timestamp() for moment in found if moment is not None]

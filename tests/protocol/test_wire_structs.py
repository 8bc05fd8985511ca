"""Wire structs: models made from what msgspec filled are like any other, and usual messages are read this way."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import msgspec
import pytest

from qfex import Fill, Order
from qfex.protocol.trade import messages
from qfex.protocol.wire.codec import struct_of, twin_of

from . import recorded

FAST_PATH = (
    recorded.ACK,
    recorded.CANCELLED,
    recorded.FILLED,
    recorded.STOP_CANCELLED,
    recorded.FILL,
    recorded.ALL_ORDERS,
    recorded.EMPTY_ORDERS,
    recorded.NULL_ORDERS,
)


@pytest.mark.parametrize("frame", FAST_PATH)
def test_orders_fills_and_their_lists_take_the_fast_path(frame: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = list(messages._decode_with_care(frame.encode()))

    def slow(_frame: bytes) -> None:
        raise AssertionError("took the careful path")

    monkeypatch.setattr(messages, "_decode_with_care", slow)
    assert list(messages.decode(frame.encode())) == expected


MAKERS: dict[type, Callable[[Any], Any]] = {Order: messages._make_order, Fill: messages._make_fill}


def made(model: Any) -> tuple[Any, Any]:
    """A model made from a wire struct, and one made by its own constructor."""
    values = [f"value of {field.name}" for field in attrs.fields(model)]
    struct = msgspec.defstruct("Wire", [field.name for field in attrs.fields(model)])(*values)
    return MAKERS[model](struct), model(*values)


@pytest.mark.parametrize("model", [Order, Fill])
def test_a_made_model_is_like_a_constructed_one(model: Any) -> None:
    quick, plain = made(model)
    assert (
        type(quick) is model and quick == plain and hash(quick) == hash(plain) and repr(quick) == repr(plain)
    )
    assert copy.copy(quick) == pickle.loads(pickle.dumps(quick)) == attrs.evolve(quick) == plain
    assert not hasattr(quick, "__dict__")


@pytest.mark.parametrize("model", [Order, Fill])
def test_a_made_model_is_frozen(model: Any) -> None:
    quick, _ = made(model)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        quick.order_id = "another"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del quick.order_id


def test_a_wire_struct_has_the_defaults_of_its_model() -> None:
    read = msgspec.json.decode(
        b'{"order_id":"1","type":"LIMIT","unknown":0}', type=struct_of(Order), strict=False
    )
    assert MAKERS[Order](read) == Order("1", order_type=read.order_type)


@pytest.mark.parametrize("text", ["NULL", "null", "none", "", "SOMETHING_NEW"])
def test_an_unknown_text_of_an_enumeration_is_kept_and_not_taken_for_null(text: str) -> None:
    frame = recorded.FILL.replace('"IOC"', f'"{text}"').encode()
    (fill,) = messages.decode(frame)
    assert isinstance(fill, Fill) and fill.time_in_force is not None and fill.time_in_force.value == text


@pytest.mark.parametrize("member", ["aggressor_side", "order_type", "tif"])
def test_a_null_in_place_of_an_enumeration_is_none(member: str) -> None:
    members = msgspec.json.decode(recorded.FILL)["fill_response"] | {member: None}
    (fill,) = messages.decode(msgspec.json.encode({"fill_response": members}))
    assert isinstance(fill, Fill) and None in (fill.aggressor_side, fill.order_type, fill.time_in_force)


def test_a_model_that_cannot_be_made_from_a_struct_is_refused_at_import() -> None:
    @attrs.frozen
    class WithWeakReferences:
        name: str

    with pytest.raises(TypeError, match="layout"):
        twin_of(WithWeakReferences)

"""Numbers on the wire, models, and words that the client does not know (R25, R27, R39 to R42)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal as D
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import (
    Channel,
    Instrument,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    TradeClient,
    ValidationError,
)
from qfex.protocol.market.messages import decode as decode_market
from qfex.protocol.rest import instruments as read_instruments
from qfex.protocol.trade.messages import Undecodable, decode
from qfex.protocol.trade.orders import OrderTracker
from qfex.protocol.wire.codec import parse_json
from tests.support.exchange import Peer, Scripted, ScriptedExchange, answers_everything, order_response
from tests.support.helpers import AAPL, Received

FIXTURES = Path(__file__).parents[1] / "fixtures"
REFDATA = "rest-refdata-2026-10-10.json"


# --- order states -------------------------------------------------------------------------------------------


_TERMS = {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC, "side": Side.BUY, "symbol": AAPL}


def _state(status: str, remaining: int) -> Order:
    return Order(
        "o", "c", status=OrderStatus(status), quantity=D(10), quantity_remaining=D(remaining), **_TERMS
    )  # type: ignore[arg-type]


_LIVE = [status for status in OrderStatus if not status.is_terminal and status is not OrderStatus.FILLED]
_updates = st.lists(
    st.builds(_state, st.sampled_from([status.value for status in _LIVE]), st.integers(1, 10))
    | st.builds(_state, st.just("FILLED"), st.integers(1, 10)),
    max_size=12,
)


@given(_updates)
def test_r25_only_a_final_status_ends_an_order(updates: list[Order]) -> None:
    """Statuses that are not final leave an order open, in any number and order."""
    tracker = OrderTracker()
    for update in updates:
        tracker.apply(update)
    assert all(order.is_live for order in tracker.live.values())
    assert len(tracker.live) == bool(updates)


@given(st.permutations(["ACK", "FILLED", "FILLED", "CANCELLED"]), st.lists(st.integers(0, 3), max_size=6))
def test_r27_reordered_and_repeated_messages_lead_to_the_same_order_state(
    arrival: list[str], again: list[int]
) -> None:
    remaining = iter([8, 5])
    updates = [
        _state(each, next(remaining) if each == "FILLED" else 5 if each == "CANCELLED" else 10)
        for each in arrival
    ]
    tracker = OrderTracker()
    for update in [*updates, *(updates[index] for index in again)]:
        tracker.apply(update)
    state = tracker.get("o")
    assert state is not None and tracker.live == {}
    assert (state.status, state.quantity_remaining) == (OrderStatus.CANCELLED, 5)
    assert state.quantity_filled + state.quantity_remaining == state.quantity


# --- numbers ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[ScriptedExchange, TradeClient]]:
    """A client of an exchange that accepts every order."""
    with (
        ScriptedExchange(answers_everything) as exchange,
        TradeClient(exchange.environment, exchange.credentials, rate_limit=None) as client,
    ):
        yield exchange, client


_decimals = st.decimals("0.00000001", "99999999", allow_nan=False, allow_infinity=False, places=8)


@given(quantity=_decimals, price=_decimals, as_text=st.booleans())
def test_r39_a_number_on_the_wire_is_the_callers_own(
    listener: tuple[ScriptedExchange, TradeClient], quantity: D, price: D, as_text: bool
) -> None:
    """Every digit is sent, without an exponent."""
    exchange, client = listener
    given_quantity, given_price = (str(quantity), str(price)) if as_text else (quantity, price)
    placed = client.place_order(AAPL, "BUY", given_quantity, given_price)
    text = exchange.peers[0].texts[-1]
    members = parse_json(text)["params"]
    assert (members["quantity"], members["price"]) == (quantity, price)
    assert (
        "e" not in _number_text(text, "quantity").lower() and "e" not in _number_text(text, "price").lower()
    )
    assert placed.client_order_id


def _number_text(text: str, name: str) -> str:
    return text.split(f'"{name}":')[1].split(",")[0].rstrip("}")


@given(st.floats(min_value=1e-6, max_value=1e9, allow_nan=False))
def test_r39_a_float_counts_as_its_shortest_text(
    listener: tuple[ScriptedExchange, TradeClient], value: float
) -> None:
    exchange, client = listener
    client.place_order(AAPL, "BUY", value, 16.9)
    members = parse_json(exchange.peers[0].texts[-1])["params"]
    assert members["quantity"] == D(repr(value)) and members["price"] == D("16.9")


def instruments() -> dict[str, Instrument]:
    return read_instruments(json.loads((FIXTURES / REFDATA).read_text(), parse_float=D))


def test_r39_a_price_or_quantity_off_the_tick_or_lot_is_not_sent(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything, instruments=instruments())
    known = instruments()[AAPL]
    for quantity, price in (
        (known.lot_size / 10, known.tick_size * 100),
        (known.min_quantity, known.tick_size * 100 + known.tick_size / 10),
        (known.max_quantity + known.lot_size, known.tick_size * 100),
    ):
        with pytest.raises(ValidationError):
            client.place_order(AAPL, "BUY", quantity, price)
    assert [each["type"] for each in exchange.peers[0].commands] == ["auth", "subscribe"]


def test_r40_rounding_has_a_direction_and_never_makes_a_quantity_vanish() -> None:
    known = instruments()[AAPL]
    with pytest.raises(TypeError):
        known.round_quantity(D(1))  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        known.round_quantity(known.lot_size / 10, "ROUND_DOWN")
    assert known.round_quantity(known.lot_size / 10, "ROUND_UP") == known.lot_size


# --- models -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mds-messages-2026-09-24.json", "mds-messages-2026-09-30.json"])
def test_r41_every_captured_message_is_read_with_exact_numbers(name: str) -> None:
    for message in json.loads((FIXTURES / name).read_text(), parse_float=D):
        (understood,) = decode_market(json.dumps(message, default=str).encode())
        assert not isinstance(understood, Undecodable), message
        assert not any(isinstance(value, float) for value in attrs.asdict(understood).values())


def test_r41_every_captured_instrument_is_read() -> None:
    assert all(isinstance(known.tick_size, D) for known in instruments().values())


def test_r42_new_enum_values_members_and_messages_break_nothing(scripted: Scripted) -> None:
    def from_the_future(peer: Peer) -> None:
        peer.accept()
        command = peer.receive("add_order")
        peer.send('{"order_response": {"order_id": 1', b"\xff\xfe", "[]", '"text"', {"who_knows": {"a": 1}})
        peer.send({"order_response": {"order_id": None}})
        client_order_id = command["params"]["client_order_id"]
        peer.send(
            order_response(
                client_order_id, "PARKED", side="BOTH", type="ICEBERG", fresh={"a": [1]}, time_in_force="GTD"
            )
        )
        while True:
            peer.answer(peer.receive())

    _, client = scripted(from_the_future)
    errors = Received(client, Channel.ERRORS)
    placed = client.place_order(AAPL, "BUY", 1, 200)
    assert placed.status == OrderStatus("PARKED") and placed.status.value == "PARKED"
    assert (placed.side.value, placed.order_type.value, placed.time_in_force.value) == (
        "BOTH",
        "ICEBERG",
        "GTD",
    )
    assert placed.is_live and client.place_order(AAPL, "BUY", 1, 200).status is OrderStatus.ACK
    undecodable = [event for event in errors.count(4) if event.kind == "undecodable"]
    assert undecodable[0].text == '{"order_response": {"order_id": 1'


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_r42_reading_never_raises(frame: bytes) -> None:
    decode(frame)
    decode_market(frame)

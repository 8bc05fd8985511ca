"""Decoding of the market data gateway's frames, captured and made up."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.enums import CandleInterval, ErrorCode, Side
from qfex.models import market
from qfex.models.market import Level
from qfex.protocol.market.messages import SubscriptionAck, decode
from qfex.protocol.wire.failures import Failure, Undecodable

FIXTURES = Path(__file__).parent.parent / "fixtures"
NOON = "2025-05-08T12:00:00.000Z"
AT_NOON = datetime(2025, 5, 8, 12, tzinfo=timezone.utc)


def captured(name: str) -> list[Any]:
    frames = json.loads((FIXTURES / f"{name}.json").read_text())
    return [message for frame in frames for message in decode(json.dumps(frame).encode())]


def only(frame: dict[str, Any] | list[Any]) -> Any:
    (message,) = decode(json.dumps(frame).encode())
    return message


def test_a_captured_session_reads_in_order() -> None:
    acknowledged, first, second, funding, last = captured("mds-messages-2026-09-30")
    assert acknowledged == SubscriptionAck(True, ("bbo", "funding"), ("TSLA-USD", "NVDA-USD"))
    assert first == market.Bbo(
        "TSLA-USD",
        Level(Decimal("354.31"), Decimal("0.846")),
        Level(Decimal("354.4"), Decimal("258.696")),
        datetime(2026, 9, 30, 3, 45, 58, 826648, timezone.utc),
        1,
    )
    assert [message.sequence for message in (first, second, funding, last)] == [1, 2, 3, 4]
    assert (funding.time_remaining, str(last.funding_rate)) == (902, "0.00000")


def test_captured_frames_without_some_members_read() -> None:
    bbo, trade, mark = captured("mds-messages-2026-09-24")
    assert str(bbo.bid.quantity) == "0.888"
    assert (trade.side, trade.size, trade.trade_id) == (Side.SELL, Decimal("5.005"), "")
    assert mark == market.MarkPrice("AAPL-USD", Decimal("336.18"))


CHANNELS: list[tuple[dict[str, Any], Any]] = [
    (
        {"type": "level2", "symbol": "A", "time": NOON, "bid": [["564.10", "0.1"]], "ask": [], "sig_figs": 2},
        market.OrderBook("A", [Level(Decimal("564.10"), Decimal("0.1"))], [], AT_NOON, 2),
    ),
    (
        {"type": "bbo", "symbol": "A", "time": NOON, "bid": [], "ask": None, "sequence": "7"},
        market.Bbo("A", None, None, AT_NOON, 7),
    ),
    (
        {"type": "trade", "symbol": "A", "time": NOON, "price": "1", "size": "2", "side": "sell",
         "trade_id": "t", "execution_type": "T"},
        market.PublicTrade("A", Decimal(1), Decimal(2), Side.SELL, AT_NOON, "t", "T"),
    ),
    (
        {"type": "candle", "symbol": "A", "start": NOON, "resolution": "1MIN", "low": "155.70", "high": "157",
         "open": "156", "close": "156.9", "usdVolume": "16700", "trades": "16"},
        market.Candle("A", CandleInterval.ONE_MINUTE, AT_NOON, Decimal(156), Decimal(157), Decimal("155.7"),
                      Decimal("156.9"), Decimal(16700), 16),
    ),
    (
        {"type": "mark_price", "symbol": "A", "time": NOON, "price": 437.45},
        market.MarkPrice("A", Decimal("437.45"), AT_NOON),
    ),
    (
        {"type": "underlier", "symbol": "A", "time": NOON, "price": "437.45", "source": "internal"},
        market.Underlier("A", Decimal("437.45"), "internal", AT_NOON),
    ),
    (
        {"type": "funding", "symbol": "A", "time": NOON, "funding_rate": "0.21", "time_remaining": "32"},
        market.FundingRate("A", Decimal("0.21"), None, 32, AT_NOON),
    ),
    (
        {"type": "open_interest", "symbol": "A", "time": NOON, "open_interest": "1000000"},
        market.OpenInterest("A", Decimal(1000000), AT_NOON),
    ),
    (
        {"type": "minmax_price", "symbol": "A", "time": NOON, "min_price": "400.00", "max_price": "450"},
        market.MinMaxPrice("A", Decimal(400), Decimal(450), AT_NOON),
    ),
    (
        {"type": "market_stats", "symbol": "*", "time": NOON, "sequence": 30272540,
         "bbos": [{"symbol": "A", "time": NOON, "bid": [["1", "2"]], "ask": []}],
         "mark_prices": [{"symbol": "A", "time": NOON, "price": "1.5"}],
         "open_interests": [{"symbol": "A", "time": NOON, "open_interest": "3"}],
         "daily_volumes": [{"symbol": "A", "volume": "12.5"}]},
        market.MarketStats(
            AT_NOON,
            [market.Bbo("A", Level(Decimal(1), Decimal(2)), None, AT_NOON)],
            [market.MarkPrice("A", Decimal("1.5"), AT_NOON)],
            [market.OpenInterest("A", Decimal(3), AT_NOON)],
            [market.DailyVolume("A", Decimal("12.5"))],
            30272540,
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "expected"), CHANNELS, ids=lambda value: getattr(value, "get", str)("type")
)
def test_every_channel(frame: dict[str, Any], expected: Any) -> None:
    assert only(frame) == expected
    assert only({**frame, "new_member": {"deep": [1]}}) == expected


@pytest.mark.parametrize(
    ("frame", "expected"), CHANNELS, ids=lambda value: getattr(value, "get", str)("type")
)
def test_every_channel_in_an_array_and_in_an_envelope(frame: dict[str, Any], expected: Any) -> None:
    assert decode(json.dumps([frame, frame]).encode()) == [expected, expected]
    inner = {name: value for name, value in frame.items() if name not in ("type", "sequence")}
    envelope = {"type": frame["type"], "connection_id": "c", "message_id": 9, "contents": [inner]}
    if "sequence" in frame:
        envelope["sequence"] = frame["sequence"]
    assert decode(json.dumps(envelope).encode()) == [expected]
    named = {**envelope, "type": "channel_data", "channel": frame["type"]}
    assert decode(json.dumps(named).encode()) == [expected]


def test_digits_stay_as_they_were_sent() -> None:
    level = only({"type": "bbo", "symbol": "A", "bid": [["336.10", "1.000"]], "ask": []}).bid
    assert (str(level.price), str(level.quantity)) == ("336.10", "1.000")
    (mark,) = decode(b'{"type":"mark_price","symbol":"A","price":336.100000000000000000001}')
    assert str(mark.price) == "336.100000000000000000001"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-09-30T03:45:58.999999999Z", datetime(2026, 9, 30, 3, 45, 59, tzinfo=timezone.utc)),
        ("2026-09-30T12:45:58+09:00", datetime(2026, 9, 30, 3, 45, 58, tzinfo=timezone.utc)),
        ("2026-09-30T03:45:58", datetime(2026, 9, 30, 3, 45, 58, tzinfo=timezone.utc)),
    ],
)
def test_times_are_utc(text: str, expected: datetime) -> None:
    moment = only({"type": "mark_price", "symbol": "A", "price": "1", "time": text}).time
    assert moment == expected
    assert moment.utcoffset() == timedelta(0)


def test_levels_may_grow_members() -> None:
    assert only({"type": "bbo", "symbol": "A", "bid": [["1", "2", 5]], "ask": []}).bid == Level(
        Decimal(1), Decimal(2)
    )


def test_an_unknown_side_or_interval_is_kept() -> None:
    assert (
        only({"type": "trade", "symbol": "A", "price": "1", "size": "1", "side": "CROSS"}).side.value
        == "CROSS"
    )
    candle = {**CHANNELS[3][0], "resolution": "30MINS"}
    assert only(candle).interval.value == "30MINS"


@pytest.mark.parametrize("subscribed", [True, False])
def test_acknowledgements(subscribed: bool) -> None:
    kind = "subscribed" if subscribed else "unsubscribed"
    frame = {"type": kind, "channels": ["level2"], "symbols": ["*"], "sig_figs": [0]}
    assert only(frame) == SubscriptionAck(subscribed, ("level2",), ("*",), (0,))


@pytest.mark.parametrize(
    "frame",
    [
        {
            "type": "error",
            "error_code": "InvalidParameter",
            "message": "unknown symbol",
            "incoming_message": "{}",
        },
        {"err": {"error_code": "invalid_parameter", "message": "unknown symbol", "incoming_message": {}}},
    ],
)
def test_errors_in_any_shape(frame: dict[str, Any]) -> None:
    failure = only(frame)
    assert isinstance(failure, Failure)
    assert (failure.code, failure.message) == (ErrorCode.INVALID_PARAMETER, "unknown symbol")


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"{", b"\xff\xfe", b"null", b"3", b"[1]", b"{}", b'{"type":"leaderboard"}', b'{"type":"bbo"}',
        b'{"type":"mark_price","symbol":"A","price":"NaN"}',
        b'{"type":"mark_price","symbol":"A","price":"x"}',
        b'{"type":"bbo","symbol":"A","bid":[["inf","1"]]}', b'{"type":"bbo","symbol":"A","bid":[["1"]]}',
        b'{"type":"candle","symbol":"A","start":"yesterday"}', b'{"type":"trade","symbol":null}',
        b'{"order_response":{"order_id":"1"}}', b'{"type":["bbo"]}', b"[" * 100_000, b'{"a":' * 100_000,
        b'{"type":"bbo","contents":[[[]]]}',
    ],
)  # fmt: skip
def test_a_frame_that_cannot_be_read_is_undecodable(frame: bytes) -> None:
    for message in decode(frame):
        assert isinstance(message, Undecodable)
        assert message.reason


def test_a_bad_message_does_not_affect_the_others_of_its_frame() -> None:
    good = {"type": "mark_price", "symbol": "A", "price": "1"}
    first, bad, last = decode(json.dumps([good, {**good, "price": None}, good]).encode())
    assert first == last == market.MarkPrice("A", Decimal(1))
    assert isinstance(bad, Undecodable)
    assert json.loads(bad.text) == {**good, "price": None}


member = st.sampled_from(
    [
        "type",
        "symbol",
        "bid",
        "ask",
        "price",
        "size",
        "time",
        "start",
        "sequence",
        "contents",
        "channel",
        "err",
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(member, inner, max_size=6),
    max_leaves=20,
)
frame_like = st.dictionaries(member, anything, max_size=8).flatmap(
    lambda members: st.sampled_from(CHANNELS).map(lambda channel: {**channel[0], **members})
)


@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_raise(frame: bytes) -> None:
    for message in decode(frame):
        assert message is not None


@given(frame_like)
def test_no_mangled_frame_raises(frame: dict[str, Any]) -> None:
    for message in decode(json.dumps(frame).encode()):
        if isinstance(message, market.MarkPrice):
            assert message.price.is_finite()

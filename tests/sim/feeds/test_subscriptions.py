"""Market data subscriptions: requests, acknowledgements and errors."""

from __future__ import annotations

from typing import Any

import pytest

from qfex.sim.feeds.market_data import MarketData

from .helpers import AAPL, INDEX, Reader


def test_the_acknowledgement_is_the_captured_one(reader: Reader) -> None:
    ack = reader.subscribe("bbo", "funding", symbols=(AAPL, INDEX))[0]
    assert ack == {"type": "subscribed", "channels": ["bbo", "funding"], "symbols": [AAPL, INDEX]}


def test_acknowledgements_of_level2_and_candle_have_their_options(reader: Reader) -> None:
    assert reader.subscribe("level2")[0]["sig_figs"] == [0]
    assert reader.subscribe("level2", sig_figs=[1, 2])[0]["sig_figs"] == [1, 2]
    ack = reader.subscribe("candle", intervals=["1MIN", "1HOUR"])[0]
    assert ack["intervals"] == ["1MIN", "1HOUR"] and "sig_figs" not in ack


def test_current_values_follow_channel_by_channel_with_one_sequence(reader: Reader) -> None:
    ack, *values = reader.subscribe("bbo", "funding", symbols=(AAPL, INDEX))
    assert "sequence" not in ack
    seen = [(value["sequence"], value["type"], value["symbol"]) for value in values]
    assert seen == [(1, "bbo", AAPL), (2, "bbo", INDEX), (3, "funding", AAPL), (4, "funding", INDEX)]


def test_each_connection_has_a_sequence_of_its_own(market_data: MarketData) -> None:
    first, second = Reader(market_data), Reader(market_data)
    first.subscribe("bbo", "mark_price", symbols=("*",))
    assert second.subscribe("bbo")[1]["sequence"] == 1


def test_a_star_is_every_symbol(reader: Reader) -> None:
    ack, *values = reader.subscribe("mark_price", symbols=("*",))
    assert ack["symbols"] == ["*"]
    assert [value["symbol"] for value in values] == [AAPL, INDEX]


def test_a_star_of_market_stats_is_one_stream(reader: Reader) -> None:
    _, *values = reader.subscribe("market_stats", symbols=("*",))
    assert [value["symbol"] for value in values] == ["*"]
    assert [bbo["symbol"] for bbo in values[0]["bbos"]] == [AAPL, INDEX]
    _, *values = reader.subscribe("market_stats", symbols=(INDEX,))
    assert [bbo["symbol"] for bbo in values[0]["bbos"]] == [INDEX]


def test_trades_have_no_current_value(reader: Reader) -> None:
    assert len(reader.subscribe("trade")) == 1


def test_every_other_channel_has_a_current_value(reader: Reader) -> None:
    channels = (
        "level2", "bbo", "candle", "mark_price", "underlier", "funding", "open_interest", "minmax_price",
        "market_stats",
    )  # fmt: skip
    _, *values = reader.subscribe(*channels, intervals=["1MIN"])
    assert [value["type"] for value in values] == list(channels)


def test_subscribing_again_sends_current_values_again(reader: Reader) -> None:
    reader.subscribe("bbo")
    ack, value = reader.subscribe("bbo")
    assert ack["type"] == "subscribed" and value["sequence"] == 2


def test_unsubscribing_is_acknowledged(reader: Reader) -> None:
    reader.subscribe("level2", sig_figs=[0, 1])
    ack = {"type": "unsubscribed", "channels": ["level2"], "symbols": [AAPL], "sig_figs": [1]}
    assert reader.unsubscribe("level2", sig_figs=[1]) == [ack]
    assert reader.unsubscribe("mark_price")[0]["type"] == "unsubscribed"


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"channels": ["bbo"], "symbols": ["NOPE-USD"]}, "unknown symbol 'NOPE-USD'"),
        ({"channels": ["nope"], "symbols": [AAPL]}, "unknown channel 'nope'"),
        ({"channels": ["refdata"], "symbols": [AAPL]}, "unknown channel 'refdata'"),
        ({"channels": ["candle"], "symbols": [AAPL]}, "channel candle needs intervals"),
        ({"channels": ["candle"], "symbols": [AAPL], "intervals": ["2MIN"]}, "unknown interval '2MIN'"),
        ({"channels": ["level2"], "symbols": [AAPL], "sig_figs": [3]}, "unknown sig_figs 3"),
        ({"channels": ["level2"], "symbols": [AAPL], "sig_figs": [True]}, "unknown sig_figs True"),
    ],
)
def test_unknown_items_are_errors(reader: Reader, message: dict[str, Any], problem: str) -> None:
    frames = reader.send({"type": "subscribe", **message})
    assert [frame["type"] for frame in frames] == ["error"]
    assert (frames[0]["error_code"], frames[0]["message"]) == ("InvalidParameter", problem)


@pytest.mark.parametrize(
    "message",
    [
        "not json",
        b"\xff",
        "[]",
        {"type": "publish", "channels": ["bbo"], "symbols": [AAPL]},
        {"type": "subscribe", "symbols": [AAPL]},
        {"type": "subscribe", "channels": [], "symbols": [AAPL]},
        {"type": "subscribe", "channels": "bbo", "symbols": [AAPL]},
        {"type": "subscribe", "channels": ["bbo"], "symbols": [1]},
        {"type": "subscribe", "channels": ["level2"], "symbols": [AAPL], "sig_figs": 0},
        {"type": "subscribe", "params": {"channels": ["bbo"], "symbols": [AAPL]}},
    ],
)
def test_malformed_requests_are_errors(reader: Reader, message: Any) -> None:
    frames = reader.send(message)
    assert [(frame["type"], frame["error_code"]) for frame in frames] == [("error", "InvalidJSONFormat")]


def test_the_documented_dialect_sends_no_errors(market_data: MarketData) -> None:
    silent = Reader(market_data, reports_errors=False)
    assert silent.subscribe("nope") == []
    assert silent.send("not json") == []


@pytest.mark.parametrize("reports_errors", [True, False])
def test_the_valid_part_of_a_request_is_executed(market_data: MarketData, reports_errors: bool) -> None:
    reader = Reader(market_data, reports_errors)
    ack, value, *errors = reader.subscribe("bbo", "nope", symbols=(AAPL, "NOPE-USD"))
    assert ack == {"type": "subscribed", "channels": ["bbo"], "symbols": [AAPL]}
    assert value["type"] == "bbo"
    assert len(errors) == (2 if reports_errors else 0)

"""Market data over a real socket."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import websocket

from qfex.sim import Simulator
from tests.sim.clients import AAPL, RawClient, connect, connect_market_data, order_message

from .rest_harness import Rest


def test_the_first_values_follow_the_acknowledgement_at_once(rest: Rest) -> None:
    feed = connect_market_data(rest.sim.environment, "bbo", "level2")
    ack, bbo, level2 = feed.read(3)
    assert ack == {"type": "subscribed", "channels": ["bbo", "level2"], "symbols": [AAPL], "sig_figs": [0]}
    assert (bbo["type"], bbo["sequence"], level2["type"], level2["sequence"]) == ("bbo", 1, "level2", 2)
    assert bbo["bid"][0] == level2["bid"][0] and len(level2["bid"]) == 12
    feed.close()


def test_the_manual_clock_drives_periodic_messages(rest: Rest) -> None:
    feed = connect_market_data(rest.sim.environment, "level2", "mark_price")
    feed.read(3)
    rest.sim.advance(1)
    assert sorted(message["type"] for message in feed.read(3)) == ["level2", "level2", "mark_price"]
    rest.sim.set_mark_price(AAPL, 350)
    [moved] = feed.read(1)
    assert (moved["type"], moved["price"], moved["sequence"]) == ("mark_price", "350", 6)
    feed.close()


def test_the_real_clock_drives_periodic_messages() -> None:
    with Simulator(symbols=[AAPL]) as sim:
        feed = connect_market_data(sim.environment, "level2")
        messages = feed.read(4)
        assert [message.get("sequence") for message in messages] == [None, 1, 2, 3]
        feed.close()


def test_a_trade_made_on_the_trade_socket_is_published(rest: Rest) -> None:
    feed = connect_market_data(rest.sim.environment, "trade")
    feed.read(1)
    client = connect(rest.sim)
    client.send(order_message("SELL", 1.5))
    filled = client.until("order_response", status="FILLED")
    [trade] = feed.read(1)
    assert (trade["trade_id"], trade["side"], trade["size"]) == (filled["trade_id"], "SELL", "1.5")
    feed.close()


def test_an_invalid_message_leaves_the_connection_open(rest: Rest) -> None:
    feed = connect_market_data(rest.sim.environment, "nope")
    feed.socket.send("not json")
    feed.send({"type": "subscribe", "channels": ["mark_price"], "symbols": [AAPL]})
    unknown, malformed, ack = feed.read(3)
    assert [unknown["error_code"], malformed["error_code"]] == ["InvalidParameter", "InvalidJSONFormat"]
    assert ack["type"] == "subscribed"
    feed.close()


def test_a_closed_connection_ends_its_streams(rest: Rest) -> None:
    feed = connect_market_data(rest.sim.environment, "level2")
    feed.read(2)
    feed.close()
    other = connect_market_data(rest.sim.environment, "level2")
    other.read(2)
    rest.sim.advance(0.5)
    assert [message["sequence"] for message in other.read(1)] == [2]
    other.close()


def test_fifty_connections_get_the_same(rest: Rest) -> None:
    feeds = [connect_market_data(rest.sim.environment, "bbo", symbols=("*",)) for _ in range(50)]
    count = len(rest.get("/refdata")["data"])
    for feed in feeds:
        assert len(feed.read(1 + count)) == 1 + count
    rest.sim.set_mark_price(AAPL, Decimal("400"))
    rest.sim.advance(0.1)
    messages = [feed.read(1)[0] for feed in feeds]
    assert {message["sequence"] for message in messages} == {count + 1}
    assert len({json.dumps(message) for message in messages}) == 1
    for feed in feeds:
        feed.close()


@pytest.mark.parametrize("suffix", ["", "/"])
def test_the_path_may_end_in_a_slash(rest: Rest, suffix: str) -> None:
    url = rest.sim.environment.market_data_url + suffix
    RawClient(url).close()


def test_the_simulator_closes_with_a_close_frame() -> None:
    with Simulator(clock="manual") as sim:
        feed = connect_market_data(sim.environment, "bbo")
        feed.read(2)
    code, _ = feed.socket.recv_data()
    assert code == websocket.ABNF.OPCODE_CLOSE
    feed.vanish()

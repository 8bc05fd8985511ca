"""Market data over a real socket."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import websocket

from qfex.sim import Simulator

from .rest_client import AAPL, TIMEOUT, Rest, Trader


class Feed:
    """A client of the market data socket."""

    def __init__(self, sim: Simulator, *channels: str, symbols: tuple[str, ...] = (AAPL,)) -> None:
        self.socket = websocket.create_connection(sim.environment.market_data_url, timeout=TIMEOUT)
        self.send(type="subscribe", channels=channels, symbols=symbols)

    def send(self, **message: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps(message))

    def read(self, count: int) -> list[dict[str, Any]]:
        """Return the next messages."""
        return [json.loads(self.socket.recv()) for _ in range(count)]


def test_a_blocking_read_gets_its_first_value_at_once(rest: Rest) -> None:
    feed = Feed(rest.sim, "bbo", "level2")
    ack, bbo, level2 = feed.read(3)
    assert ack == {"type": "subscribed", "channels": ["bbo", "level2"], "symbols": [AAPL], "sig_figs": [0]}
    assert (bbo["type"], bbo["sequence"], level2["type"], level2["sequence"]) == ("bbo", 1, "level2", 2)
    assert bbo["bid"][0] == level2["bid"][0] and len(level2["bid"]) == 12
    feed.socket.close()


def test_the_clock_drives_the_pulses(rest: Rest) -> None:
    feed = Feed(rest.sim, "level2", "mark_price")
    feed.read(3)
    rest.sim.advance(1)
    assert sorted(message["type"] for message in feed.read(3)) == ["level2", "level2", "mark_price"]
    rest.sim.set_mark_price(AAPL, 350)
    [moved] = feed.read(1)
    assert (moved["type"], moved["price"], moved["sequence"]) == ("mark_price", "350", 6)
    feed.socket.close()


def test_a_real_clock_drives_them_too() -> None:
    with Simulator(symbols=[AAPL]) as sim:
        feed = Feed(sim, "level2")
        messages = feed.read(4)
        assert [message.get("sequence") for message in messages] == [None, 1, 2, 3]
        feed.socket.close()


def test_a_trade_made_on_the_trade_socket_is_published(rest: Rest) -> None:
    feed = Feed(rest.sim, "trade")
    feed.read(1)
    trader = Trader(rest.sim, rest.credentials)
    order = {"symbol": AAPL, "side": "SELL", "order_type": "MARKET", "order_time_in_force": "IOC"}
    trader.send("add_order", {**order, "quantity": 1.5, "price": 0})
    filled = trader.until("order_response", status="FILLED")
    [trade] = feed.read(1)
    assert (trade["trade_id"], trade["side"], trade["size"]) == (filled["trade_id"], "SELL", "1.5")
    trader.socket.close()
    feed.socket.close()


def test_what_is_wrong_leaves_the_connection_open(rest: Rest) -> None:
    feed = Feed(rest.sim, "nope")
    feed.socket.send("not json")
    feed.send(type="subscribe", channels=["mark_price"], symbols=[AAPL])
    unknown, malformed, ack = feed.read(3)
    assert [unknown["error_code"], malformed["error_code"]] == ["InvalidParameter", "InvalidJSONFormat"]
    assert ack["type"] == "subscribed"
    feed.socket.close()


def test_the_end_of_a_connection_ends_its_streams(rest: Rest) -> None:
    feed = Feed(rest.sim, "level2")
    feed.read(2)
    feed.socket.close()
    other = Feed(rest.sim, "level2")
    other.read(2)
    rest.sim.advance(0.5)
    assert [message["sequence"] for message in other.read(1)] == [2]
    other.socket.close()


def test_fifty_connections_get_the_same(rest: Rest) -> None:
    feeds = [Feed(rest.sim, "bbo", symbols=("*",)) for _ in range(50)]
    count = len(rest.get("/refdata")["data"])
    for feed in feeds:
        assert len(feed.read(1 + count)) == 1 + count
    rest.sim.set_mark_price(AAPL, Decimal("400"))
    rest.sim.advance(0.1)
    messages = [feed.read(1)[0] for feed in feeds]
    assert {message["sequence"] for message in messages} == {count + 1}
    assert len({json.dumps(message) for message in messages}) == 1
    for feed in feeds:
        feed.socket.close()


@pytest.mark.parametrize("suffix", ["", "/"])
def test_the_path_may_end_in_a_slash(rest: Rest, suffix: str) -> None:
    url = rest.sim.environment.market_data_url + suffix
    socket = websocket.create_connection(url, timeout=TIMEOUT)
    socket.close()


def test_the_simulator_says_good_bye() -> None:
    with Simulator(clock="manual") as sim:
        feed = Feed(sim, "bbo")
        feed.read(2)
    code, _ = feed.socket.recv_data()
    assert code == websocket.ABNF.OPCODE_CLOSE
    feed.socket.shutdown()

"""Messages of both sockets have the published shapes, except for the listed differences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from qfex.sim.feeds.market_data import MarketData
from qfex.sim.gateway.accounts import Accounts
from qfex.sim.gateway.audit import AuditTrail
from qfex.sim.gateway.clock import Clock
from qfex.sim.gateway.dialects import Documented, Live
from qfex.sim.gateway.gateway import TradeGateway
from qfex.sim.gateway.rate_limit import RateLimiter

from .helpers import AAPL, START, MarketHarness, Reader
from .shapes import differences
from .socket_facts import (
    MARKET_DATA_EXCEPTIONS,
    MARKET_DATA_SCHEMAS,
    TRADE_EXCEPTIONS,
    TRADE_FRAMES,
    TRADE_SCHEMAS,
)

CHANNELS = ["order_responses", "fills", "positions", "balances", "stop_orders"]
ORDER = {"symbol": AAPL, "side": "BUY", "order_type": "LIMIT", "order_time_in_force": "GTC", "quantity": 1}
MODIFY = {"symbol": AAPL, "side": "BUY", "order_type": "LIMIT", "quantity": 1, "reduce_only": False}
STOP = {**ORDER, "side": "SELL", "order_type": "STOP_LOSS", "quantity": 0.5, "price": 320}
TWAP = {"symbol": AAPL, "side": "BUY", "total_quantity": 1, "num_orders": 2, "order_interval_secs": 30}


class GatewayConnection:
    """A trade connection without a socket; it keeps every message."""

    def __init__(self, dialect: str) -> None:
        market = MarketHarness(liquidity=True)
        spoken = Live() if dialect == "live" else Documented()
        accounts = Accounts(market.exchange, wall=lambda: START)
        self.clock = Clock(market.exchange)
        gateway = TradeGateway(market.exchange, self.clock, accounts, spoken, RateLimiter(None), AuditTrail())
        self.token = accounts.issue_token(
            accounts.open(market.exchange.balance(market.buyer).deposit).user_id
        )
        self.gateway = gateway
        self.session = gateway.connect()
        self.messages: list[dict[str, Any]] = []

    def send(self, command: str, **params: Any) -> None:
        """Send a command and keep the replies."""
        text = json.dumps({"type": command, "params": params})
        self.keep(self.gateway.receive(self.session, text))

    def keep(self, frames: list[Any]) -> None:
        """Keep messages."""
        self.messages += [json.loads(frame.data) for frame in frames]

    def advance(self, seconds: float) -> None:
        """Let time pass and keep what is sent."""
        self.clock.advance(seconds)
        self.keep(self.gateway.take(self.session))

    def order_ids(self, kind: str) -> list[str]:
        """Return the ids of the accepted orders of a type."""
        rows = [message["order_response"] for message in self.messages if "order_response" in message]
        return [row["order_id"] for row in rows if (row["type"], row["status"]) == (kind, "ACK")]


def provoke_every_reply(connection: GatewayConnection) -> None:
    """Send commands that cause every kind of reply."""
    send = connection.send
    send("auth", jwt=connection.token)
    send("auth", jwt=connection.token)
    send("subscribe", channels=CHANNELS)
    send("cancel_on_disconnect", cancel_on_disconnect=True)
    send("set_user_leverage", symbol=AAPL, leverage=5)
    send("get_user_leverage")
    send("get_available_leverage_levels")
    send("add_order", **{**ORDER, "order_type": "MARKET", "order_time_in_force": "IOC", "price": 0})
    send("add_order", **{**ORDER, "order_type": "MARKET", "order_time_in_force": "IOC", "price": 5})
    send("add_order", **{**ORDER, "order_time_in_force": "IOC", "price": 330, "client_order_id": "unfilled"})
    send("add_order", **{**ORDER, "price": 330, "client_order_id": "resting"})
    send("add_order", **{**ORDER, "price": 330.001})
    send("add_order", **STOP)
    send("get_order", order_id="resting", symbol=AAPL)
    send("get_user_orders")
    send("get_user_trades")
    send("modify_order", order_id=connection.order_ids("LIMIT")[-1], price=331, **MODIFY)
    for stop_id in connection.order_ids("STOP_LOSS"):
        send("modify_stop_order", stop_order_id=stop_id, symbol=AAPL, price=319, quantity=0.4)
        send("cancel_stop_order", stop_order_id=stop_id)
    send("add_twap", reduce_only=False, **TWAP)
    send("add_twap", reduce_only=False, **{**TWAP, "num_orders": 1})
    connection.advance(2)
    send("cancel_order", symbol=AAPL, order_id="unknown", cancel_order_id_type="order_id")
    send("cancel_all_orders")
    send("close_position", symbol=AAPL)
    send("unsubscribe", channels=CHANNELS)


def trade_differences(message: dict[str, Any]) -> Iterator[str]:
    """Yield the differences of one trade message from its published shape."""
    key = "auth" if message.get("type") == "auth" else next(iter(message))
    if key in TRADE_FRAMES:
        yield from differences(TRADE_SCHEMAS, TRADE_FRAMES[key], message[key], key)
    else:
        yield f"{key}: no such frame"


@pytest.mark.parametrize("dialect", ["live", "documented"])
def test_trade_messages_have_their_published_shapes(dialect: str) -> None:
    connection = GatewayConnection(dialect)
    provoke_every_reply(connection)
    found = {one for message in connection.messages for one in trade_differences(message)}
    assert found == set(TRADE_EXCEPTIONS[dialect])


def test_every_published_frame_was_seen() -> None:
    seen = set()
    for dialect in ("live", "documented"):
        connection = GatewayConnection(dialect)
        provoke_every_reply(connection)
        seen |= {next(iter(message)) for message in connection.messages}
    assert set(TRADE_FRAMES) <= seen


def test_market_data_has_its_published_shapes(market: MarketHarness) -> None:
    reader = Reader(MarketData(market.exchange, market.clock))
    channels = sorted(set(MARKET_DATA_SCHEMAS) - {"DailyVolume"})
    frames = reader.subscribe(*channels, symbols=("*",), intervals=["1MIN", "1DAY"], sig_figs=[0, 1, 2])[1:]
    for _ in range(3):
        market.trade("1", "336.20")
        market.order(market.buyer, "BUY", "1", "335.00")
        market.advance(61)
        frames += reader.take()
    found, received = set(), set()
    for frame in frames:
        kind, sequence = frame.pop("type"), frame.pop("sequence")
        assert isinstance(sequence, int)
        found.update(differences(MARKET_DATA_SCHEMAS, kind, frame))
        received.add(kind)
    assert found == set(MARKET_DATA_EXCEPTIONS)
    assert received == set(channels)


def test_entries_of_market_stats_are_those_of_the_channels(market: MarketHarness) -> None:
    reader = Reader(MarketData(market.exchange, market.clock))
    market.order(market.buyer, "BUY", "1", "335.00")
    stats, bbo, mark, interest = reader.subscribe("market_stats", "bbo", "mark_price", "open_interest")[1:]
    for entries, message in (("bbos", bbo), ("mark_prices", mark), ("open_interests", interest)):
        del message["type"], message["sequence"]
        assert stats[entries] == [message]

"""Positions and balance are those of the exchange from the first read on, and never older than a reported fill."""

from __future__ import annotations

from typing import Any

import pytest

from qfex import Channel, RequestTimeout, TradeClient
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, Scripted, order_response
from tests.support.helpers import AAPL, GOLD, QUICK, Connect, D, Received, outcome, wait_for_reconnects


@pytest.fixture
def trader(market: Simulator, connect: Connect) -> TradeClient:
    return connect(market, reconnect=QUICK)


def held(client: TradeClient) -> dict[str, Any]:
    return {symbol: each.position for symbol, each in client.positions.items() if each.position}


def test_r54_the_first_read_says_what_is_held_and_not_nothing(trader: TradeClient) -> None:
    trader.place_order(AAPL, "BUY", 1, wait=True)
    assert held(trader) == {AAPL: 1}
    assert trader.balance is not None


def test_r54_a_position_is_never_older_than_a_fill_that_was_reported(trader: TradeClient) -> None:
    """The exchange reports positions in pulses; here its clock stands still, so that none comes."""
    fills = Received(trader, Channel.FILLS)
    for side, quantity, position in [("BUY", 1, 1), ("BUY", 2, 3), ("SELL", 3, 0), ("SELL", 1, -1)]:
        trader.place_order(AAPL, side, quantity, wait=True)
        fills.next(lambda fill: fill.remaining_quantity == 0)
        assert held(trader) == ({AAPL: position} if position else {})


def test_r54_each_symbol_is_as_new_as_its_own_fills(trader: TradeClient) -> None:
    trader.place_order(AAPL, "BUY", 1, wait=True)
    trader.place_order(GOLD, "BUY", "0.1", wait=True)
    assert held(trader) == {AAPL: 1, GOLD: D("0.1")}
    trader.place_order(GOLD, "SELL", "0.1", wait=True)
    assert held(trader) == {AAPL: 1}


def test_r54_the_balance_is_not_older_than_a_fill(trader: TradeClient) -> None:
    before = trader.balance
    trader.place_order(AAPL, "BUY", 1, wait=True)
    after = trader.balance
    assert before is not None and after is not None
    assert before.position_margin == 0 < after.position_margin


def test_r54_positions_are_those_of_the_exchange_after_an_outage(
    market: Simulator, connect: Connect, trader: TradeClient
) -> None:
    states = Received(trader, Channel.CONNECTION)
    trader.place_order(AAPL, "BUY", 2, wait=True)
    resting = trader.place_order(AAPL, "SELL", 1, 400)
    assert held(trader) == {AAPL: 2}
    other = connect(market)
    market.faults.refuse_connections()
    market.faults.drop_now(connection=market.connections[0].id)
    other.place_order(AAPL, "BUY", 1, wait=True)
    market.faults.accept_connections()
    wait_for_reconnects(states)
    trader.cancel_order(resting)
    assert held(trader) == {AAPL: 3}


def test_r54_positions_that_nobody_reports_are_no_empty_dict(scripted: Scripted) -> None:
    """Neither the channel nor REST answers; nothing held would be a lie."""

    def script(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        peer.send(order_response("mine", "FILLED", quantity_remaining=0.0))
        while True:
            peer.answer(peer.receive())

    _, client = scripted(script, request_timeout=0.3)
    client.wait_until_done(client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine"))
    assert isinstance(outcome(lambda: client.positions), RequestTimeout)


def test_r54_where_rest_does_not_answer_the_next_report_is_waited_for(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        peer.send(order_response("mine", "FILLED", quantity_remaining=0.0))
        while True:
            request = peer.receive()
            peer.answer(request)
            if "positions" in request["params"].get("channels", ()):
                peer.send(position(1.0))

    _, client = scripted(script)
    client.wait_until_done(client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine"))
    assert held(client) == {AAPL: 1}


def position(size: float) -> Message:
    return {"position_response": {"symbol": AAPL, "position": size, "average_price": 200.0}}

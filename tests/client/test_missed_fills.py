"""Fills that were missed are found, whatever the order and the paging of the trade history."""

from __future__ import annotations

import pytest

from qfex import Channel, TradeClient
from qfex.sim import Simulator
from tests.support.exchange import ExchangeScript, Message, Peer, Scripted
from tests.support.helpers import AAPL, QUICK, Connect, Received, wait_for_reconnects

BEFORE = 3  # trades before the subscription


def row(number: int) -> Message:
    """A trade of the history. All have one time, in whole seconds."""
    return {
        "trade_id": f"t{number}", "order_id": "o1", "symbol": AAPL, "side": "BUY", "price": 200.0, "quantity": 1.0,
        "timestamp": 1760545414,
    }  # fmt: skip


class Archive:
    """A trade history that is read in pages while trades happen."""

    def __init__(self, *, newest_first: bool, count: int) -> None:
        self._newest_first = newest_first
        self.count = count

    def page(self, request: Message) -> Message:
        rows = [row(number) for number in range(self.count)]
        if self._newest_first:
            rows.reverse()
        offset = request["params"].get("offset") or 0
        return {"user_trades_response": rows[offset : offset + (request["params"].get("limit") or 1000)]}


def connection(archive: Archive, *, trades_while_read: bool = False) -> ExchangeScript:
    """A script of one connection that answers from the archive."""

    def script(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            if request["type"] != "get_user_trades":
                peer.answer(request)
                continue
            page = archive.page(request)
            peer.send(page)
            if trades_while_read and page["user_trades_response"] and archive.count < 20:
                peer.send({"fill_response": row(archive.count)})
                archive.count += 1

    return script


@pytest.mark.parametrize("newest_first", [True, False], ids=["newest first", "oldest first"])
@pytest.mark.parametrize("missed", [1, 5, 2300])
def test_r53_every_missed_fill_is_found_whatever_the_order_of_the_history(
    scripted: Scripted, newest_first: bool, missed: int
) -> None:
    archive = Archive(newest_first=newest_first, count=BEFORE)
    exchange, client = scripted(connection(archive), connection(archive))
    fills, states = Received(client, Channel.FILLS), Received(client, Channel.CONNECTION)
    archive.count += missed
    exchange.peers[0].drop()
    wait_for_reconnects(states)
    delivered = fills.count(missed)
    assert [fill.trade_id for fill in delivered] == [f"t{BEFORE + number}" for number in range(missed)]


@pytest.mark.parametrize("newest_first", [True, False], ids=["newest first", "oldest first"])
def test_r53_fills_that_happen_while_the_history_is_read_come_behind_those_that_were_missed(
    scripted: Scripted, newest_first: bool
) -> None:
    archive = Archive(newest_first=newest_first, count=BEFORE)
    exchange, client = scripted(connection(archive), connection(archive, trades_while_read=True))
    fills, states = Received(client, Channel.FILLS), Received(client, Channel.CONNECTION)
    archive.count += 4
    exchange.peers[0].drop()
    wait_for_reconnects(states)
    delivered = fills.count(archive.count - BEFORE)
    assert [fill.trade_id for fill in delivered] == [f"t{number}" for number in range(BEFORE, archive.count)]


def test_r53_what_was_traded_while_fills_were_not_subscribed_is_never_delivered_as_new(
    sim: Simulator, connect: Connect, counterparty: TradeClient
) -> None:
    client = connect(sim, reconnect=QUICK)
    states, fills = Received(client, Channel.CONNECTION), Received(client, Channel.FILLS)
    sim.set_mark_price(AAPL, 200)
    client.place_order(AAPL, "BUY", 9, 199)

    def trade(quantity: int) -> None:
        counterparty.place_order(AAPL, "SELL", quantity, 199, wait=True)

    trade(1)
    fills.count(1)
    client.unsubscribe(Channel.FILLS)
    trade(2)
    client.subscribe(Channel.FILLS)
    trade(3)
    fills.count(2)
    sim.faults.refuse_connections()
    sim.faults.drop_now(connection=sim.connections[-1].id)
    counterparty.wait_until_ready()
    trade(1)
    sim.faults.accept_connections()
    wait_for_reconnects(states)
    assert [fill.quantity for fill in fills.count(3)] == [1, 3, 1]

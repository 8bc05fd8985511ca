"""What is read after an outage, however much of it the exchange answers and in whatever order it lists."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qfex import Channel
from tests.client.conftest import Stage
from tests.support.exchange import Message, Peer, order
from tests.support.helpers import AAPL, Heard

NONE_OPEN: Message = {"all_orders_response": {"orders": [], "twaps": []}}


@pytest.fixture(autouse=True)
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for long for answers that never come."""
    monkeypatch.setattr("qfex.session.lifecycle._RESYNC_LIMIT", 0.3)


def until_an_order(peer: Peer) -> None:
    """Oblige, then acknowledge an order and vanish."""
    peer.greet()
    while (request := peer.receive())["type"] != "add_order":
        peer.oblige(request)
    peer.oblige(request)
    peer.vanish()


def test_orders_are_read_though_the_trades_are_not_answered(stage: Stage) -> None:
    def second(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            if request["type"] == "get_user_orders":
                peer.send(NONE_OPEN)
            elif request["type"] == "get_order":
                peer.send(order("x", "CANCELLED", order_id=request["params"]["order_id"]))

    _, client = stage(until_an_order, second)
    client.on(Channel.FILLS, lambda fill: None)
    placed = client.place_order(AAPL, "BUY", 1, 200, client_order_id="x")
    assert client.wait_until_done(placed).status == "CANCELLED"


def test_what_the_list_says_is_told_though_one_order_is_not_answered(stage: Stage) -> None:
    def first(peer: Peer) -> None:
        peer.greet()
        peer.oblige(peer.receive("add_order"))
        peer.oblige(peer.receive("add_order"))
        peer.vanish()

    def second(peer: Peer) -> None:
        peer.greet()
        while True:
            if peer.receive()["type"] == "get_user_orders":
                partly = order("listed", "ACK", quantity_remaining=0.25)["order_response"]
                peer.send({"all_orders_response": {"orders": [partly], "twaps": []}})

    _, client = stage(first, second)
    heard = Heard(client, Channel.ORDERS)
    for name in ("listed", "gone"):
        client.place_order(AAPL, "BUY", 1, 200, client_order_id=name)
    last = heard.count(3)[2]
    assert (last.client_order_id, str(last.quantity_remaining)) == ("listed", "0.25")
    assert client.open_orders.keys() == {"id-of-listed", "id-of-gone"}


@pytest.mark.parametrize("listed", [[2, 3, 4], [4, 3, 2], [2, 3, 4, 5], [5, 4, 3, 2]], ids=str)
def test_without_times_live_fills_tell_the_order_of_the_history(stage: Stage, listed: Sequence[int]) -> None:
    live = [number for number in (4, 5) if number in listed]

    def second(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            if request["type"] == "get_user_trades":
                peer.send(*({"fill_response": {**_row(number), "timestamp": 17.0}} for number in live))
                peer.send({"user_trades_response": [_row(number) for number in listed]})
            else:
                peer.oblige(request)

    _, client = stage(until_an_order, second)
    heard = Heard(client, Channel.FILLS)
    client.place_order(AAPL, "BUY", 1, 200)
    told = heard.count(len(listed))
    assert [int(fill.trade_id) for fill in told] == sorted(listed)
    assert [fill.time is not None for fill in told] == [int(fill.trade_id) in live for fill in told]


def _row(number: int) -> Message:
    terms = {"order_id": "mine", "symbol": AAPL, "side": "BUY", "price": 200.0, "quantity": 1.0}
    return {"trade_id": str(number), **terms}

"""What is not given to a modify keeps the order's own value, however little the exchange's replies tell."""

from __future__ import annotations

from decimal import Decimal as D

from tests.client.conftest import Stage
from tests.support.exchange import Message, Peer, order
from tests.support.helpers import AAPL

_TERMS = {"take_profit": D(300), "stop_loss": D(100), "reduce_only": True}


def test_stops_and_flag_survive_replies_that_leave_them_out(stage: Stage) -> None:
    modifies: list[Message] = []

    def script(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            if request["type"] == "modify_order":
                modifies.append(request["params"])
                terms = {name: request["params"][name] for name in ("price", "quantity")}
                size = terms["quantity"]
                peer.send(order("", "MODIFIED", order_id="new", quantity_remaining=size, **terms))
            else:
                peer.oblige(request)

    _, client = stage(script)
    placed = client.place_order(AAPL, "BUY", 1, 200, take_profit=300, stop_loss=100, reduce_only=True)
    first = client.modify_order(placed, price=201)
    second = client.modify_order(placed, quantity=2)  # by the state before the first
    for state in (placed, first, second, client.open_orders["new"]):
        assert {name: getattr(state, name) for name in _TERMS} == _TERMS
    assert [modify["order_id"] for modify in modifies] == [placed.order_id, "new"]
    for modify in modifies:
        assert {name: modify[name] for name in _TERMS} == _TERMS


def test_stops_that_the_exchange_says_are_gone_stay_gone(stage: Stage) -> None:
    _, client = stage(_without_stops)
    placed = client.place_order(AAPL, "BUY", 1, 200, take_profit=300)
    assert placed.take_profit == 0


def _without_stops(peer: Peer) -> None:
    peer.greet()
    request = peer.receive("add_order")
    peer.send(order(request["params"]["client_order_id"], take_profit=0.0, stop_loss=0.0))
    peer.until_gone()

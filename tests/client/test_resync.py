"""What the client believes of orders that changed while the connection was lost (R26)."""

from __future__ import annotations

from typing import Any

import pytest

from qfex import Channel, NotConnected, OrderStatus, OutcomeUnknown, TradeClient
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, Scripted, drops_after_an_order, order_response
from tests.support.helpers import AAPL, QUICK, Connect, Received, background, wait_for_reconnects


@pytest.fixture
def watched(sim: Simulator, connect: Connect) -> tuple[TradeClient, Received]:
    client = connect(sim, reconnect=QUICK)
    return client, Received(client, Channel.CONNECTION)


def test_an_order_whose_modify_got_no_reply_stays_open(
    sim: Simulator, watched: tuple[TradeClient, Received]
) -> None:
    client, received = watched
    placed = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.drop_before_reply("modify_order")
    with pytest.raises(OutcomeUnknown):
        client.modify_order(placed, price=191)
    wait_for_reconnects(received)
    state = client.wait_until_done(placed, timeout=0.1)
    assert state.is_live and state.price == 191
    assert [order.price for order in client.open_orders.values()] == [191]
    assert client.cancel_order(placed).status is OrderStatus.CANCELLED
    assert client.open_orders == {}


def test_two_orders_with_one_client_order_id_are_not_confused(
    sim: Simulator, watched: tuple[TradeClient, Received]
) -> None:
    """One of them ended while there was no connection. The other is not its replacement."""
    client, received = watched
    first = client.place_order(AAPL, "BUY", 1, 190, client_order_id="same")
    client.place_order(AAPL, "BUY", 1, 191, client_order_id="same")
    sim.faults.drop_before_reply("cancel_order")
    with pytest.raises(OutcomeUnknown):
        client.cancel_order(first)
    wait_for_reconnects(received)
    assert client.wait_until_done(first, timeout=1).is_done
    assert [order.price for order in client.open_orders.values()] == [191]


def test_a_fill_while_the_connection_was_lost_ends_the_wait(
    sim: Simulator, counterparty: TradeClient, watched: tuple[TradeClient, Received]
) -> None:
    client, received = watched
    sim.set_mark_price(AAPL, 200)
    placed = client.place_order(AAPL, "BUY", 2, 199)
    with background(lambda: client.wait_until_done(placed, timeout=5)) as done:
        sim.faults.refuse_connections()
        sim.faults.drop_now(connection=sim.connections[-1].id)
        counterparty.wait_until_ready()
        counterparty.place_order(AAPL, "SELL", 2, 199)
        sim.faults.accept_connections()
        wait_for_reconnects(received)
        state = done()
    assert state.is_done and state.quantity_filled == 2


def test_r26_a_query_that_failed_ends_no_order(sim: Simulator, watched: tuple[TradeClient, Received]) -> None:
    """The resync asks about the orders. Neither an error nor a missing reply ends one."""
    client, received = watched
    placed = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.error_reply("get_user_orders", "ServerError")
    sim.faults.error_reply("get_user_trades", "ServerError")
    sim.faults.drop_now()
    wait_for_reconnects(received)
    assert client.open_orders[placed.order_id].is_live


def no_history(inquiry: Any) -> Any:
    raise NotConnected("the history is unreachable")


def test_r26_an_order_ends_only_by_a_reply_about_this_order(
    sim: Simulator, watched: tuple[TradeClient, Received]
) -> None:
    """The client asks about an order that is missing from the list. An error leaves the order as it was."""
    client, received = watched
    client._session.answer_inquiry = no_history
    placed = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.error_reply("get_order", "ServerError", times=2)
    sim.faults.drop_before_reply("cancel_order")
    with pytest.raises(OutcomeUnknown):
        client.cancel_order(placed)
    wait_for_reconnects(received)
    assert client.open_orders[placed.order_id].is_live
    assert client.wait_until_done(placed, timeout=5).is_done


# --- replies that are missing -------------------------------------------------------------------------------


NONE_OPEN: Message = {"all_orders_response": {"orders": [], "twaps": []}}


@pytest.fixture(autouse=True)
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for replies that never come."""
    monkeypatch.setattr("qfex.session.lifecycle._RESYNC_LIMIT", 0.3)


def test_orders_are_recovered_when_the_trades_get_no_reply(scripted: Scripted) -> None:
    def second(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            if request["type"] == "get_user_orders":
                peer.send(NONE_OPEN)
            elif request["type"] == "get_order":
                peer.send(order_response("x", "CANCELLED", order_id=request["params"]["order_id"]))

    _, client = scripted(drops_after_an_order, second)
    client.on(Channel.FILLS, lambda fill: None)
    placed = client.place_order(AAPL, "BUY", 1, 200, client_order_id="x")
    assert client.wait_until_done(placed).status == "CANCELLED"


def test_listed_orders_are_delivered_when_a_query_for_another_gets_no_reply(scripted: Scripted) -> None:
    def first(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        peer.answer(peer.receive("add_order"))
        peer.drop()

    def second(peer: Peer) -> None:
        peer.accept()
        while True:
            if peer.receive()["type"] == "get_user_orders":
                partly = order_response("listed", "ACK", quantity_remaining=0.25)["order_response"]
                peer.send({"all_orders_response": {"orders": [partly], "twaps": []}})

    _, client = scripted(first, second)
    received = Received(client, Channel.ORDERS)
    for name in ("listed", "gone"):
        client.place_order(AAPL, "BUY", 1, 200, client_order_id=name)
    last = received.count(3)[2]
    assert (last.client_order_id, str(last.quantity_remaining)) == ("listed", "0.25")
    assert client.open_orders.keys() == {"id-of-listed", "id-of-gone"}

"""What the client believes of orders becomes what the exchange has, whatever was lost, refused or changed elsewhere."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from qfex import Channel, Order, OrderRejected, OrderStatus, OutcomeUnknown, TradeClient
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, Scripted, order_response
from tests.support.helpers import (
    AAPL,
    QUICK,
    Connect,
    D,
    Received,
    background,
    eventually,
    outcome,
    wait_for_reconnects,
)

Pair = tuple[TradeClient, TradeClient]


@pytest.fixture
def sessions(sim: Simulator, connect: Connect) -> Pair:
    """Two clients of one account: mine, and that of somebody else."""
    account = sim.create_account(balance=500)
    return connect(sim, account, reconnect=QUICK), connect(sim, account)


def prices(client: TradeClient) -> list[Any]:
    return [order.price for order in client.open_orders.values()]


# --- an end is the exchange's word about this order --------------------------------------------------------------


def test_r47_a_refused_modify_of_another_session_does_not_end_my_order(sessions: Pair) -> None:
    mine, other = sessions
    order = mine.place_order(AAPL, "BUY", "0.5", 330)
    received = Received(mine, Channel.ORDERS)
    with pytest.raises(OrderRejected):
        other.modify_order(order, quantity=20)  # more than the margin allows
    received.count(1)
    assert mine.wait_until_done(order, timeout=0.2).is_live
    assert list(mine.open_orders) == [order.order_id]
    assert mine.cancel_order(order).status is OrderStatus.CANCELLED


def lose_its_end(sim: Simulator, mine: TradeClient, other: TradeClient) -> Order:
    """An order that another session cancelled, and of whose end no message arrives."""
    order = mine.place_order(AAPL, "BUY", "0.5", 330)
    assert (
        len(mine.open_orders) == len(other.open_orders) == 1
    )  # the first read asks for the list, later ones do not
    sim.faults.swallow_frame("order_response", times=2)
    with pytest.raises(OutcomeUnknown):
        other.cancel_order(order, timeout=0.2)
    sim.faults.clear()
    assert list(mine.open_orders) == [order.order_id]
    return order


@pytest.mark.parametrize("ask", ["cancel", "modify", "query", "list"])
def test_r48_whatever_shows_that_an_order_is_gone_ends_it(sim: Simulator, sessions: Pair, ask: str) -> None:
    mine, other = sessions
    order = lose_its_end(sim, mine, other)
    if ask == "list":
        assert mine.get_user_orders().orders == []
    elif ask == "query":
        outcome(lambda: mine.get_order(AAPL, order.order_id))
    else:
        change = mine.cancel_order if ask == "cancel" else lambda order: mine.modify_order(order, price=331)
        with pytest.raises(OrderRejected) as refused:
            change(order)
        assert "NO_SUCH_ORDER" in refused.value.status
    eventually(lambda: not mine.open_orders, "the order ends")
    assert mine.wait_until_done(order, timeout=1).is_done and mine.stats().unconfirmed == 0


@pytest.mark.parametrize("number", [3, 230])
def test_r48_all_orders_that_ended_while_the_connection_was_lost_are_known_to_have_ended(
    quiet: Simulator, connect: Connect, number: int
) -> None:
    mine, other = connect(quiet, reconnect=QUICK), connect(quiet)
    states, received = Received(mine, Channel.CONNECTION), Received(mine, Channel.ORDERS)
    placed = [mine.place_order(AAPL, "BUY", 1, 190) for _ in range(number)]
    kept = other.place_order(AAPL, "BUY", 1, 191)
    received.count(number + 1)
    quiet.faults.refuse_connections()
    quiet.faults.drop_now(connection=quiet.connections[0].id)
    for order in placed:
        other.cancel_order(order)
    quiet.faults.accept_connections()
    wait_for_reconnects(states)
    eventually(lambda: list(mine.open_orders) == [kept.order_id], "all ends are known")
    ends = received.wait(lambda events: sum(event.is_done for event in events) >= number)
    assert {event.order_id for event in ends if event.is_done} == {order.order_id for order in placed}


def test_r48_what_cannot_be_asked_yet_is_counted_and_reported_once(scripted: Scripted) -> None:
    """The refusal of another session's request about an order is a question to which the exchange has no answer."""
    answers = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept()
        order = peer.receive("add_order")
        peer.answer(order)
        peer.send(order_response("mine", "REJECTED"))
        while True:
            request = peer.receive()
            if request["type"] == "get_user_orders" and not answers.is_set():
                peer.send({"err": {"error_code": "ServerError", "message": "", "incoming_message": request}})
            elif request["type"] == "get_user_orders":
                listed = order_response("mine")["order_response"]
                peer.send({"all_orders_response": {"orders": [listed], "twaps": []}})
            else:
                peer.answer(request)

    exchange, client = scripted(script)
    errors = Received(client, Channel.ERRORS)
    order = client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    eventually(lambda: client.stats().unconfirmed == 1, "the question is open")
    commands = exchange.peers[0].commands
    eventually(lambda: [c["type"] for c in commands].count("get_user_orders") >= 3, "it is asked again")
    assert client.open_orders == {order.order_id: order} and len(errors.events) == 1
    answers.set()
    eventually(lambda: client.stats().unconfirmed == 0, "the question is answered")
    assert client.open_orders == {order.order_id: order} and len(errors.events) == 1


def test_r48_an_order_that_was_never_seen_is_asked_for_before_it_is_waited_for(
    sim: Simulator, connect: Connect
) -> None:
    first = connect(sim)
    order = first.place_order(AAPL, "BUY", 1, 330)
    first.cancel_order(order)
    late = connect(sim)  # it was not there when the order ended
    assert late.wait_until_done(order, timeout=5).is_done


# --- the newest state --------------------------------------------------------------------------------------------


def test_r49_a_modify_of_another_session_during_an_outage_is_the_newer_state(
    sim: Simulator, connect: Connect
) -> None:
    cable = sim.cable()
    other = connect(sim)
    mine = TradeClient(cable.environment, sim.credentials, reconnect=QUICK)
    with mine:
        states = Received(mine, Channel.CONNECTION)
        order = mine.modify_order(mine.place_order(AAPL, "BUY", "0.7", 330), price=331)
        other.get_user_orders()
        sim.faults.refuse_connections()
        cable.cut()
        theirs = other.modify_order(other.open_orders[order.order_id], price=332, quantity="0.5")
        sim.faults.accept_connections()
        wait_for_reconnects(states)
        eventually(lambda: prices(mine) == [332], "the price is the other session's")
        changed = mine.modify_order(order, quantity="0.4")
        assert (changed.price, changed.quantity) == (theirs.price, D("0.4"))


# --- modifies that the exchange carries out as cancel and replace -------------------------------------------------


def old_and_new(request: Message) -> dict[str, Message]:
    """The messages of a modify: the cancel of the old id, the new id, and a fill of it."""
    changed = {"price": request["params"]["price"], "order_id": "new"}
    return {
        "old": order_response("mine", "CANCELLED"),
        "new": order_response("mine", "MODIFIED", **changed),
        "fill": order_response("mine", "FILLED", quantity_remaining=0.5, **changed),
    }


@pytest.mark.parametrize("sequence", ["old new", "new old", "old new fill", "old fill new", "fill new old"])
def test_r50_a_modify_never_ends_the_order_whatever_the_sequence_of_its_messages(
    scripted: Scripted, sequence: str
) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        request = peer.receive("modify_order")
        messages = old_and_new(request)
        for name in sequence.split():
            peer.send(messages[name])
        while True:
            peer.answer(peer.receive())

    _, client = scripted(script)
    received = Received(client, Channel.ORDERS)
    order = client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    with background(lambda: client.wait_until_done(order, timeout=0.5)) as waited:
        assert client.modify_order(order, price=201).order_id == "new"
        state = waited()
    assert state.is_live and (state.order_id, state.price) == ("new", 201)
    assert list(client.open_orders) == ["new"]
    assert not any(event.is_done for event in received.events)


def test_r50_a_modify_of_another_session_without_a_client_order_id_leaves_no_open_ghost(
    scripted: Scripted,
) -> None:
    new = order_response("mine", "MODIFIED", order_id="new", price=201.0)["order_response"]

    def script(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        peer.send({"order_response": {**new, "client_order_id": ""}})
        while True:
            request = peer.receive()
            if request["type"] == "get_user_orders":
                peer.send({"all_orders_response": {"orders": [{**new, "status": "ACK"}], "twaps": []}})
            else:
                peer.answer(request)

    _, client = scripted(script)
    order = client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    eventually(lambda: list(client.open_orders) == ["new"], "only the new id is open")
    assert client.wait_until_done(order, timeout=0.1).price == 201


def test_r50_a_modify_without_an_answer_whose_order_was_filled_while_away_counts_the_fill(
    sim: Simulator, connect: Connect, counterparty: TradeClient
) -> None:
    sim.set_mark_price(AAPL, 200)
    client = connect(sim, reconnect=QUICK)
    order = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.refuse_connections()
    sim.faults.drop_before_reply("modify_order")
    with pytest.raises(OutcomeUnknown):
        client.modify_order(order, price=199)
    counterparty.wait_until_ready()
    counterparty.place_order(AAPL, "SELL", 1, 199, wait=True)
    sim.faults.accept_connections()
    state = client.wait_until_done(order, timeout=5)
    assert (state.status, state.quantity_filled) == (OrderStatus.FILLED, 1)


# --- order events ------------------------------------------------------------------------------------------------


def test_r52_order_events_do_not_go_backwards_after_a_reconnect(scripted: Scripted) -> None:
    """The list of the resync and the cancel that follows it arrive in one packet."""

    def first(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        peer.drop()

    def second(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            if request["type"] == "get_user_orders":
                listed = order_response("mine", quantity_remaining=0.75)["order_response"]
                ended = order_response("mine", "CANCELLED", quantity_remaining=0.75)
                peer.send({"all_orders_response": {"orders": [listed], "twaps": []}}, ended)
            else:
                peer.answer(request)

    _, client = scripted(first, second)
    received = Received(client, Channel.ORDERS)
    client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    events = received.count(3)
    states = [(event.is_done, event.quantity_remaining) for event in events]
    assert states == [(False, 1), (False, D("0.75")), (True, D("0.75"))]


def test_r52_a_repeated_message_is_not_delivered_behind_a_newer_state(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        acknowledged = peer.receive("add_order")
        peer.answer(acknowledged)
        peer.send(order_response("mine", "FILLED", quantity_remaining=0.0))
        peer.answer(acknowledged)  # once more
        peer.send(order_response("other"))
        while True:
            peer.answer(peer.receive())

    _, client = scripted(script)
    received = Received(client, Channel.ORDERS)
    client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    events = received.wait(lambda events: any(event.client_order_id == "other" for event in events))
    assert [str(event.status) for event in events if event.client_order_id == "mine"] == ["ACK", "FILLED"]

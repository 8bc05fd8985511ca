"""What the client believes of an order that changed while nobody listened (R26, R31)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qfex import Channel, NotConnected, OrderStatus, OutcomeUnknown, TradeClient
from qfex.sim import Simulator

from .helpers import AAPL, QUICK, Heard, background, restored

Connect = Callable[..., TradeClient]


@pytest.fixture
def watched(sim: Simulator, connect: Connect) -> tuple[TradeClient, Heard]:
    client = connect(sim, reconnect=QUICK)
    return client, Heard(client, Channel.CONNECTION)


def test_an_order_modified_by_a_call_whose_answer_was_lost_lives_on(
    sim: Simulator, watched: tuple[TradeClient, Heard]
) -> None:
    client, heard = watched
    placed = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.drop_before_reply("modify_order")
    with pytest.raises(OutcomeUnknown):
        client.modify_order(placed, price=191)
    restored(heard)
    state = client.wait_until_done(placed, timeout=0.1)
    assert state.is_live and state.price == 191
    assert [order.price for order in client.open_orders.values()] == [191]
    assert client.cancel_order(placed).status is OrderStatus.CANCELLED
    assert client.open_orders == {}


def test_two_orders_of_one_client_id_are_not_taken_for_each_other(
    sim: Simulator, watched: tuple[TradeClient, Heard]
) -> None:
    """One of them ended while the line was down; the other is not its replacement."""
    client, heard = watched
    first = client.place_order(AAPL, "BUY", 1, 190, client_order_id="same")
    client.place_order(AAPL, "BUY", 1, 191, client_order_id="same")
    sim.faults.drop_before_reply("cancel_order")
    with pytest.raises(OutcomeUnknown):
        client.cancel_order(first)
    restored(heard)
    assert client.wait_until_done(first, timeout=1).is_done
    assert [order.price for order in client.open_orders.values()] == [191]


def test_a_wait_ends_by_what_happened_while_the_line_was_down(
    sim: Simulator, peer: TradeClient, watched: tuple[TradeClient, Heard]
) -> None:
    client, heard = watched
    sim.set_mark_price(AAPL, 200)
    placed = client.place_order(AAPL, "BUY", 2, 199)
    with background(lambda: client.wait_until_done(placed, timeout=5)) as done:
        sim.faults.refuse_connections()
        sim.faults.drop_now(connection=sim.connections[-1].id)
        peer.wait_until_ready()
        peer.place_order(AAPL, "SELL", 2, 199)
        sim.faults.accept_connections()
        restored(heard)
        state = done()
    assert state.is_done and state.quantity_filled == 2


def test_r31_a_partial_fill_does_not_end_an_order_that_may_rest(
    sim: Simulator, client: TradeClient, peer: TradeClient
) -> None:
    placed = client.place_order(AAPL, "BUY", 3, 199)
    sim.set_mark_price(AAPL, 200)
    peer.place_order(AAPL, "SELL", 1, 199)
    partly = client.wait_until_done(placed, timeout=0.3)
    assert partly.status is OrderStatus.FILLED and partly.quantity_remaining == 2 and partly.is_live
    with background(lambda: client.wait_until_done(placed)) as done:
        peer.place_order(AAPL, "SELL", 2, 199)
        assert done().quantity_remaining == 0


def test_r26_a_query_that_failed_ends_no_order(sim: Simulator, watched: tuple[TradeClient, Heard]) -> None:
    """The recovery asks what became of the orders; errors are no answer, and neither is silence."""
    client, heard = watched
    placed = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.error_reply("get_user_orders", "ServerError")
    sim.faults.error_reply("get_user_trades", "ServerError")
    sim.faults.drop_now()
    restored(heard)
    assert client.open_orders[placed.order_id].is_live


def no_history(inquiry: Any) -> Any:
    raise NotConnected("the history is away")


def test_r26_only_the_exchanges_word_about_this_order_ends_it(
    sim: Simulator, watched: tuple[TradeClient, Heard]
) -> None:
    """An order that is missing from the list is asked for; an error leaves it as it was, until another source knows."""
    client, heard = watched
    client._session.answer_inquiry = no_history
    placed = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.error_reply("get_order", "ServerError", times=2)
    sim.faults.drop_before_reply("cancel_order")
    with pytest.raises(OutcomeUnknown):
        client.cancel_order(placed)
    restored(heard)
    assert client.open_orders[placed.order_id].is_live
    assert client.wait_until_done(placed, timeout=5).is_done


def test_r26_a_source_that_stays_silent_does_not_keep_resolve_from_the_others(
    sim: Simulator, client: TradeClient
) -> None:
    placed = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.swallow_reply("get_user_orders")
    found = client.resolve(placed.client_order_id, AAPL, timeout=5)
    assert found is not None and found.order_id == placed.order_id

"""What a call can end in: the table of outcomes where it is hardest to keep."""

from __future__ import annotations

import threading
from time import monotonic

import pytest

from qfex import ConnectionLost, NotConnected, OutcomeUnknown, RequestTimeout

from .conftest import Stage
from .exchange import Peer, acknowledged, order, silent
from .helpers import AAPL, background, eventually, outcome


def acknowledging(peer: Peer) -> None:
    """Let the client in and acknowledge its orders."""
    peer.greet()
    while True:
        peer.send(acknowledged(peer.receive("add_order")))


def test_a_pending_order_is_never_answered_with_nothing(stage: Stage) -> None:
    exchange, client = stage(silent)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    with pytest.raises(OutcomeUnknown):
        pending.result(timeout=0.05)
    exchange.peers[0].vanish()
    eventually(lambda: len(exchange.peers) == 2, "a new line")
    with pytest.raises(OutcomeUnknown) as caught:
        pending.result(timeout=1)
    assert caught.value.client_order_id == pending.client_order_id


def test_an_overdue_lane_without_reconnecting_ends_in_time(stage: Stage) -> None:
    _, client = stage(silent, reconnect=None)
    first = outcome(lambda: client.get_user_trades(timeout=0.05))
    assert isinstance(first, RequestTimeout) and first.sent
    begun = monotonic()
    second = outcome(lambda: client.get_user_trades(timeout=2.5))
    assert isinstance(second, RequestTimeout) and not second.sent
    assert monotonic() - begun < 3.5


def test_a_short_call_does_not_wait_for_a_renewal_with_more_time(stage: Stage) -> None:
    _, client = stage(silent)
    stuck = client.submit_order(AAPL, "BUY", 1, 200, timeout=30)  # in flight, so that the renewal has to wait
    outcome(lambda: client.get_user_trades(timeout=0.01))
    with background(lambda: outcome(lambda: client.get_user_trades(timeout=4))) as patient:
        eventually(lambda: client._session.current_line.renewing, "the renewal")  # type: ignore[union-attr]
        begun = monotonic()
        hasty = outcome(lambda: client.get_user_trades(timeout=0.2))
        assert isinstance(hasty, RequestTimeout) and not hasty.sent
        assert monotonic() - begun < 1.2
        client.close()
        patient()
    assert isinstance(outcome(stuck.result), OutcomeUnknown)


def test_a_read_that_was_sent_is_never_told_as_not_sent(stage: Stage) -> None:
    def dies_while_asked(peer: Peer) -> None:
        peer.greet()
        peer.receive("get_user_trades")
        peer.vanish()

    _, client = stage(dies_while_asked, reconnect=None)
    with pytest.raises(ConnectionLost):
        client.get_user_trades()


def test_a_read_that_was_sent_and_closed_is_never_told_as_not_sent(stage: Stage) -> None:
    asked = threading.Event()

    def listens(peer: Peer) -> None:
        peer.greet()
        peer.receive("get_user_trades")
        asked.set()
        peer.until_gone()

    _, client = stage(listens)
    with background(client.get_user_trades) as answer:
        assert asked.wait(5)
        client.close()
        with pytest.raises(ConnectionLost):
            answer()


def test_an_order_that_exists_is_not_told_as_never_sent_when_its_wait_is_cut_short(stage: Stage) -> None:
    _, client = stage(acknowledging)
    with background(lambda: client.place_order(AAPL, "BUY", 1, 200, wait=True)) as placed:
        eventually(lambda: client.open_orders, "the acknowledgement")
        client.close()
        assert placed().order_id


def test_an_order_that_exists_is_not_told_as_never_sent_when_the_line_is_lost_for_good(stage: Stage) -> None:
    exchange, client = stage(acknowledging, reconnect=None)
    with background(lambda: client.place_order(AAPL, "BUY", 1, 200, wait=True)) as placed:
        eventually(lambda: client.open_orders, "the acknowledgement")
        exchange.peers[0].vanish()
        assert placed().is_live
    with pytest.raises(NotConnected):
        client.place_order(AAPL, "BUY", 1, 200)


def test_arming_that_was_sent_is_never_told_as_not_sent(stage: Stage) -> None:
    """The proving subscribe cannot be sent, since its lane waits for an overdue confirmation."""

    def confirms_no_more(peer: Peer) -> None:
        peer.greet()
        peer.receive("cancel_on_disconnect")
        peer.send({"ack": {"incoming_message": peer.commands[-1]}})
        peer.until_gone()

    exchange, client = stage(confirms_no_more)
    client.set_cancel_on_disconnect(True)
    second = outcome(lambda: client.set_cancel_on_disconnect(False, timeout=0.3))
    sent = [each for each in exchange.peers[0].commands if each["type"] == "cancel_on_disconnect"]
    assert len(sent) == 2
    assert isinstance(second, OutcomeUnknown)


def test_arming_that_was_never_sent_is_not_remembered(stage: Stage) -> None:
    exchange, client = stage(silent, Peer.stall)
    exchange.peers[0].vanish()
    eventually(lambda: len(exchange.peers) == 2, "the attempt that hangs")
    arming = outcome(lambda: client.set_cancel_on_disconnect(True, timeout=0.05))
    assert isinstance(arming, RequestTimeout) and not arming.sent
    assert client._dialogue.cancel_on_disconnect is False


def test_a_list_that_shows_another_order_with_the_same_client_id_answers_nobody(stage: Stage) -> None:
    """Client order ids need not be unique: an older order in a list says nothing about the new one."""
    listed = threading.Event()

    def script(peer: Peer) -> None:
        peer.greet()
        peer.receive("add_order")
        older = order("mine", order_id="older")
        peer.send(older)
        peer.receive("add_order")
        peer.receive("get_user_orders")
        peer.send({"all_orders_response": {"orders": [older["order_response"]], "twaps": []}})
        listed.wait(5)
        peer.send(order("mine", order_id="newer"))

    _, client = stage(script)
    client.place_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    pending = client.submit_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    client.get_user_orders()
    listed.set()
    assert pending.result().order_id == "newer"

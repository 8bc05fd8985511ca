"""What a call can end in: the table of outcomes where it is hardest to keep."""

from __future__ import annotations

import threading
from time import monotonic

import pytest

from qfex import ConnectionLost, NotConnected, OutcomeUnknown, RequestTimeout
from tests.client.conftest import Stage
from tests.support.exchange import Peer, acknowledged, order, silent
from tests.support.helpers import AAPL, PATIENCE, background, eventually, outcome


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
        eventually(lambda: client._session.current.renewing, "the renewal")  # type: ignore[union-attr]
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
    assert client._session.endpoint.account.cancel_on_disconnect is False


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


def test_whoever_waits_longer_gets_the_answer_that_another_gave_up(stage: Stage) -> None:
    answer = threading.Event()

    def slow(peer: Peer) -> None:
        peer.greet()
        request = peer.receive("add_order")
        answer.wait(PATIENCE)
        peer.send(acknowledged(request))
        peer.until_gone()

    _, client = stage(slow)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    with background(pending.result) as patient, background(lambda: pending.result(PATIENCE)) as other:
        assert isinstance(outcome(lambda: pending.result(timeout=0.05)), OutcomeUnknown)
        answer.set()
        assert patient() == other() == pending.result()
    assert patient().order_id in client.open_orders


@pytest.mark.parametrize("end", ["the exchange leaves", "the client is closed"])
def test_whoever_waits_longer_than_another_hears_of_the_end_at_once(stage: Stage, end: str) -> None:
    exchange, client = stage(silent, reconnect=None)
    pending = client.submit_order(AAPL, "BUY", 1, 200, timeout=1e6)
    with background(lambda: outcome(pending.result)) as patient:
        assert isinstance(outcome(lambda: pending.result(timeout=0.05)), OutcomeUnknown)
        exchange.peers[0].vanish() if end == "the exchange leaves" else client.close()
        unknown = patient()
    assert isinstance(unknown, OutcomeUnknown) and unknown.reason != "timeout"


def test_an_answer_to_an_order_of_a_lost_line_answers_no_order_of_the_next(stage: Stage) -> None:
    """The same client order id on two lines: the first order's late answer is not the second one's."""
    answer = threading.Event()

    def dies(peer: Peer) -> None:
        peer.greet()
        peer.receive("add_order")
        peer.vanish()

    def second(peer: Peer) -> None:
        peer.greet()
        while (request := peer.receive())["type"] != "add_order":
            peer.oblige(request)
        peer.send(
            {
                "err": {
                    "error_code": "InvalidOrder",
                    "incoming_message": {**request, "params": {**request["params"], "quantity": 7}},
                }
            }
        )
        answer.wait(PATIENCE)
        peer.send(acknowledged(request))
        peer.until_gone()

    _, client = stage(dies, second)
    first = outcome(lambda: client.place_order(AAPL, "BUY", 7, 200, client_order_id="mine"))
    assert isinstance(first, OutcomeUnknown) and first.reason == "connection lost"
    client.wait_until_ready()
    later = client.submit_order(AAPL, "BUY", 1, 200, client_order_id="mine")
    errors = outcome(lambda: later.result(timeout=0.2))
    assert isinstance(errors, OutcomeUnknown), "the error was about the order of seven"
    answer.set()
    assert later.result(timeout=PATIENCE).quantity == 1

"""Renewal: the client replaces a connection because of an overdue reply, or of callbacks that are too slow (R38)."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

import pytest

from qfex import Channel, ConnectionState, OutcomeUnknown, RequestTimeout, SlowConsumer
from qfex.sim import Simulator
from tests.support.exchange import Peer, Scripted, answers_everything, answers_nothing, order_response
from tests.support.helpers import (
    AAPL,
    Connect,
    Received,
    background,
    eventually,
    outcome,
    wait_for_reconnects,
)

AT_ONCE = pytest.mark.usefixtures("no_grace")


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for overdue replies."""
    monkeypatch.setattr("qfex.session.connection.LATE_REPLY_GRACE", 0.0)


@AT_ONCE
def test_an_overdue_reply_renews_the_connection_without_cancelling_orders(
    sim: Simulator, connect: Connect
) -> None:
    """Disarmed before the old connection ends, armed on the new one before anything else."""
    client = connect(sim, cancel_on_disconnect=True)
    received = Received(client, Channel.CONNECTION)
    resting = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.swallow_reply("get_user_trades")
    outcome(lambda: client.get_user_trades(timeout=0.05))
    client.get_user_trades()
    wait_for_reconnects(received)
    assert list(client.open_orders) == [resting.order_id]
    assert sim.connections[0].cancel_on_disconnect
    arming = [each for each in sim.ledger.received if each.command == "cancel_on_disconnect"]
    assert [each.params["cancel_on_disconnect"] for each in arming] == [True, False, True]
    assert [each.connection for each in arming][:2] == [arming[0].connection] * 2
    first = next(each for each in sim.ledger.received if each.connection == arming[2].connection)
    assert first in sim.ledger.received and _second(sim, arming[2].connection) == "cancel_on_disconnect"


def _second(sim: Simulator, connection: int) -> str:
    return [each.command for each in sim.ledger.received if each.connection == connection][1]


@AT_ONCE
def test_the_reason_of_a_renewal_is_reported(scripted: Scripted) -> None:
    _, client = scripted(answers_nothing, answers_everything)
    received = Received(client, Channel.CONNECTION)
    outcome(lambda: client.get_user_trades(timeout=0.05))
    client.get_user_trades()
    wait_for_reconnects(received)
    reasons = {event.reason for event in received.events if event.state is ConnectionState.RECONNECTING}
    assert len(reasons) == 1 and "reply" in reasons.pop()


@AT_ONCE
def test_ctrl_c_during_a_renewal_leaves_a_client_that_works(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = scripted(answers_nothing, answers_everything)
    outcome(lambda: client.get_user_trades(timeout=0.05))
    connection = client._session.current
    assert connection is not None
    drain = connection.drain

    def interrupted(deadline: Any) -> None:
        drain(deadline)
        raise KeyboardInterrupt

    monkeypatch.setattr(connection, "drain", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.get_user_trades()
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


def test_r38_callbacks_that_fall_too_far_behind_end_the_connection_and_the_reason_is_reported(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event is lost, and the next connection waits until the callbacks have caught up."""
    monkeypatch.setattr("qfex.session.events.QUEUE_LIMIT", 50)
    monkeypatch.setattr("qfex.session.events._CAUGHT_UP", 10)
    go_on, seen = threading.Event(), []

    def floods(peer: Peer) -> None:
        peer.accept()
        peer.receive("subscribe")
        peer.answer(peer.commands[-1])
        peer.send(*(order_response(str(number)) for number in range(100)))
        peer.read_until_closed()

    def slow(update: Any) -> None:
        go_on.wait(10)
        seen.append(int(update.client_order_id))

    exchange, client = scripted(floods, answers_everything, connected=False)
    errors, changes = Received(client, Channel.ERRORS), Received(client, Channel.CONNECTION)
    client.on(Channel.ORDERS, slow)
    client.connect()
    client.subscribe(Channel.STOP_ORDERS)
    eventually(lambda: client.state is ConnectionState.RECONNECTING, "the end of the connection")
    with pytest.raises(RequestTimeout):
        client.wait_until_ready(0.3)
    assert len(exchange.peers) == 1
    go_on.set()
    wait_for_reconnects(changes)
    assert seen[:100] == list(range(100))
    slow_consumer = [event for event in errors.events if event.kind == "slow consumer"]
    assert slow_consumer and isinstance(slow_consumer[0].error, SlowConsumer)
    reasons = [event.reason for event in changes.events if event.state is ConnectionState.RECONNECTING]
    assert "behind" in reasons[0]


@AT_ONCE
def test_a_renewal_ends_within_a_second_after_the_callers_timeout(scripted: Scripted) -> None:
    """Even when the exchange reads nothing more, so that the teardown cannot be sent."""

    def stops_reading(peer: Peer) -> None:
        peer.accept()
        peer.stop_reading()

    _, client = scripted(stops_reading, cancel_on_disconnect=True)
    outcome(lambda: client.get_user_trades(timeout=0.05))
    huge = "x" * 8_000_000  # no socket buffer holds it
    with background(lambda: outcome(lambda: client.place_order(huge, "BUY", 1, 200, timeout=4))) as blocked:
        eventually(lambda: client._session.current.transport._writer, "a sender that is blocked")  # type: ignore[union-attr]
        begun = monotonic()
        assert isinstance(outcome(lambda: client.get_user_trades(timeout=0.3)), RequestTimeout)
        assert monotonic() - begun < 0.3 + 1
        assert isinstance(blocked(), OutcomeUnknown)

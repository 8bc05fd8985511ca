"""When the client reconnects, and what it sends on a new connection (R11 to R14, R19, R21)."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

import pytest

from qfex import (
    AuthenticationError,
    Channel,
    ConnectionState,
    NotConnected,
    ReconnectPolicy,
)
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, Scripted, answers_everything
from tests.support.helpers import (
    AAPL,
    PATIENCE,
    QUICK,
    Connect,
    Received,
    eventually,
    live_only,
    wait_for_reconnects,
)

# --- when the client reconnects -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1008, 1011, 1012, 1013, 4000])
def test_r11_a_close_of_the_exchange_is_followed_by_a_new_connection(scripted: Scripted, code: int) -> None:
    exchange, client = scripted(answers_everything)
    received = Received(client, Channel.CONNECTION)
    exchange.peers[0].close(code, "going down")
    wait_for_reconnects(received)
    assert client.place_order(AAPL, "BUY", 1, 200).is_live
    assert len(exchange.peers) == 2


def test_r11_a_close_of_the_client_is_final(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything)
    client.close()
    assert not threading.Event().wait(0.1)
    assert len(exchange.peers) == 1 and client.state is ConnectionState.CLOSED


def test_r11_without_a_policy_a_lost_connection_stays_lost(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything, reconnect=None)
    exchange.peers[0].drop()
    with pytest.raises(NotConnected):
        client.block_for_close(PATIENCE)
    assert len(exchange.peers) == 1 and not client.is_alive


@live_only
def test_r21_refused_credentials_end_reconnecting_after_one_attempt(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=QUICK)
    attempts = sim.ledger.count("auth")
    sim.faults.reject_auth(times=None)
    sim.faults.drop_now()
    with pytest.raises(AuthenticationError):
        client.block_for_close(PATIENCE)
    assert sim.ledger.count("auth") == attempts and not client.is_alive
    with pytest.raises(NotConnected, match="refused the credentials"):
        client.get_user_orders()


@live_only
def test_r21_temporary_failures_do_not_end_reconnecting(sim: Simulator, connect: Connect) -> None:
    """Refused connections, connections that are lost during the login, and an exchange that is busy."""
    client = connect(sim, reconnect=QUICK)
    received = Received(client, Channel.CONNECTION)
    sim.faults.refuse_connections(5)
    sim.faults.error_reply("auth", "ServerError", times=2)
    sim.faults.rate_limit("auth")
    sim.faults.error_reply("subscribe", "ServerError")
    sim.faults.drop_before_command("auth")
    sim.faults.drop_before_reply("subscribe", reset=True)
    sim.faults.drop_before_reply("get_user_orders")
    sim.faults.drop_now(reset=True)
    wait_for_reconnects(received)
    assert client.place_order(AAPL, "BUY", 1, 190).is_live


def test_r21_attempts_are_spread_and_become_rarer() -> None:
    """Full jitter: each delay is drawn from its whole range, and the range doubles up to a limit."""
    policy = ReconnectPolicy(initial_delay=1.0, max_delay=8.0)
    for attempt, ceiling in enumerate([1, 2, 4, 8, 8, 8], start=1):
        delays = [policy.delay(attempt) for _ in range(2000)]
        assert 0 <= min(delays) < ceiling * 0.05 and ceiling * 0.95 < max(delays) <= ceiling
        assert abs(sum(delays) / len(delays) - ceiling / 2) < ceiling * 0.05
    assert policy.delay(10_000) <= 8.0


# --- what it sends on a new connection ----------------------------------------------------------------------


@live_only
def test_r12_a_new_connection_logs_in_arms_subscribes_and_then_resyncs(
    sim: Simulator, connect: Connect
) -> None:
    client = connect(sim, cancel_on_disconnect=True, reconnect=QUICK)
    received = Received(client, Channel.CONNECTION)
    for channel in (Channel.FILLS, Channel.POSITIONS, Channel.FILLS):
        client.subscribe(channel)
    client.subscribe(Channel.BALANCES)
    client.unsubscribe(Channel.BALANCES)
    sim.faults.drop_now()
    wait_for_reconnects(received)
    new = sim.connections[-1]
    entries = [entry for entry in sim.ledger.received if entry.connection == new.id]
    login = ["auth", "cancel_on_disconnect", "subscribe", "subscribe", "subscribe"]
    assert [entry.command for entry in entries] == [*login, "get_user_trades", "get_user_orders"]
    assert [entry.params["channels"] for entry in entries[2:5]] == [
        ["order_responses"],
        ["fills"],
        ["positions"],
    ]
    assert new.cancel_on_disconnect


def test_r12_nothing_private_is_sent_before_the_login_is_accepted(scripted: Scripted) -> None:
    early: list[Message] = []

    def slow_to_recognise(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.sock.settimeout(0.3)
        try:
            early.append(peer.receive())
        except Exception:  # nothing was sent, as it should be
            peer.sock.settimeout(PATIENCE)
        peer.send({"authenticated": True})
        while True:
            peer.answer(peer.receive())

    exchange, client = scripted(answers_everything, slow_to_recognise, cancel_on_disconnect=True)
    received = Received(client, Channel.CONNECTION)
    exchange.peers[0].drop()
    eventually(lambda: client.state is not ConnectionState.READY, "the loss of the connection")
    assert client.place_order(AAPL, "BUY", 1, 200).is_live
    wait_for_reconnects(received)
    assert early == []


@live_only
def test_r12_a_subscription_confirmed_as_the_connection_is_lost_is_restored(
    sim: Simulator, connect: Connect
) -> None:
    """The thread that subscribed may be slower than the loss of the connection and the next login."""
    client = connect(sim, reconnect=QUICK)
    received = Received(client, Channel.CONNECTION)
    sim.faults.drop_after(frames=1, direction="out")
    client.subscribe(Channel.BALANCES)
    wait_for_reconnects(received)
    assert "balances" in sim.connections[0].channels


@live_only
def test_r13_subscribing_twice_and_ten_reconnects_double_no_event(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=QUICK)
    changes, orders = Received(client, Channel.CONNECTION), Received(client, Channel.ORDERS)
    fills = Received(client, Channel.FILLS)
    client.subscribe(Channel.FILLS, Channel.ORDERS)
    for number in range(1, 11):
        sim.faults.drop_now()
        wait_for_reconnects(changes, number)
    seller = connect(sim, sim.create_account())
    sim.set_mark_price(AAPL, 200)
    seller.place_order(AAPL, "SELL", 1, 200)
    client.place_order(AAPL, "BUY", 1, 200)
    fills.count(1)
    orders.count(2)
    client.get_user_orders()  # an event that was delivered twice would have been by now
    eventually(lambda: client.stats().queue_depth == 0, "the last callback")
    assert [order.status.value for order in orders.events] == ["ACK", "FILLED"]
    assert len(fills.events) == 1


@live_only
def test_r14_an_outage_is_reported_once_with_its_bounds_after_everything_is_restored(
    sim: Simulator, connect: Connect
) -> None:
    client, restored_then = connect(sim, reconnect=QUICK), []
    received = Received(client, Channel.CONNECTION)

    def look(event: Any) -> None:
        if event.gap_end is not None:
            restored_then.append((sim.connections[0].channels, sim.ledger.received[-1].command))

    client.on(Channel.CONNECTION, look)
    client.subscribe(Channel.FILLS)
    sim.faults.refuse_connections(2)
    sim.faults.drop_now()
    (event,) = wait_for_reconnects(received)
    client.get_user_orders()
    assert len([each for each in received.events if each.gap_start or each.gap_end]) == 1
    assert event.gap_start is not None and event.gap_end is not None and event.gap_start < event.gap_end
    assert event.attempt == 3
    eventually(lambda: restored_then, "the other callback")
    assert restored_then == [(frozenset({"order_responses", "fills"}), "get_user_orders")]


def test_r19_the_processor_rests_between_two_attempts_to_connect(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts are as rare as the policy says, and nothing polls between them."""
    monkeypatch.setattr(
        ReconnectPolicy, "delay", lambda policy, attempt: 600.0
    )  # jitter may give no delay at all
    exchange, client = scripted(answers_everything, reconnect=ReconnectPolicy())
    exchange.peers[0].drop()
    eventually(lambda: client.state is ConnectionState.RECONNECTING, "the loss of the connection")
    reader = client._session._reader_thread
    assert reader is not None
    used, begun = _cpu(), monotonic()
    assert not threading.Event().wait(1.0)
    assert (_cpu() - used) / (monotonic() - begun) < 0.05
    assert len(exchange.peers) == 1


def _cpu() -> float:
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

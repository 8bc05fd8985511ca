"""What happens on a new line, and when there is to be one (R10 to R14, R19, R21, R30)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from qfex import (
    AuthenticationError,
    Channel,
    ConnectionState,
    NotConnected,
    QfexConnectionError,
    ReconnectPolicy,
    RequestTimeout,
    TradeClient,
)
from qfex.sim import Simulator

from .conftest import Stage
from .exchange import Message, Peer, obliging
from .helpers import AAPL, PATIENCE, QUICK, Heard, eventually, outcome, restored

LIVE = pytest.mark.parametrize("dialect", ["live"], indirect=True)
Connect = Callable[..., TradeClient]


# --- when ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1008, 1011, 1012, 1013, 4000])
def test_r11_a_servers_close_is_followed_by_a_new_line(stage: Stage, code: int) -> None:
    exchange, client = stage(obliging)
    heard = Heard(client, Channel.CONNECTION)
    exchange.peers[0].close(code, "going down")
    restored(heard)
    assert client.place_order(AAPL, "BUY", 1, 200).is_live
    assert len(exchange.peers) == 2


def test_r11_a_local_close_is_not(stage: Stage) -> None:
    exchange, client = stage(obliging)
    client.close()
    assert not threading.Event().wait(0.1)
    assert len(exchange.peers) == 1 and client.state is ConnectionState.CLOSED


def test_r11_without_a_policy_a_lost_line_stays_lost(stage: Stage) -> None:
    exchange, client = stage(obliging, reconnect=None)
    exchange.peers[0].vanish()
    with pytest.raises(NotConnected):
        client.block_for_close(PATIENCE)
    assert len(exchange.peers) == 1 and not client.is_alive


@LIVE
def test_r21_refused_credentials_end_it_after_one_attempt(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=QUICK)
    attempts = sim.ledger.count("auth")
    sim.faults.reject_auth(times=None)
    sim.faults.drop_now()
    with pytest.raises(AuthenticationError):
        client.block_for_close(PATIENCE)
    assert sim.ledger.count("auth") == attempts and not client.is_alive
    with pytest.raises(NotConnected, match="refused the credentials"):
        client.get_user_orders()


@LIVE
def test_r21_what_may_pass_does_not_end_it(sim: Simulator, connect: Connect) -> None:
    """Refused connections, lines that die while they are opened, an exchange that is busy."""
    client = connect(sim, reconnect=QUICK)
    heard = Heard(client, Channel.CONNECTION)
    sim.faults.refuse_connections(5)
    sim.faults.error_reply("auth", "ServerError", times=2)
    sim.faults.rate_limit("auth")
    sim.faults.error_reply("subscribe", "ServerError")
    sim.faults.drop_before_command("auth")
    sim.faults.drop_before_reply("subscribe", reset=True)
    sim.faults.drop_before_reply("get_user_orders")
    sim.faults.drop_now(reset=True)
    restored(heard)
    assert client.place_order(AAPL, "BUY", 1, 190).is_live


def test_r21_attempts_are_spread_and_grow_rarer() -> None:
    """Full jitter: each delay is drawn from all of its range, and the range doubles up to a limit."""
    policy = ReconnectPolicy(initial_delay=1.0, max_delay=8.0)
    for attempt, ceiling in enumerate([1, 2, 4, 8, 8, 8], start=1):
        delays = [policy.delay(attempt) for _ in range(2000)]
        assert 0 <= min(delays) < ceiling * 0.05 and ceiling * 0.95 < max(delays) <= ceiling
        assert abs(sum(delays) / len(delays) - ceiling / 2) < ceiling * 0.05
    assert policy.delay(10_000) <= 8.0


# --- what ----------------------------------------------------------------------------------------------------------


@LIVE
def test_r12_a_new_line_is_authenticated_armed_and_subscribed_once_each_and_then_asked(
    sim: Simulator, connect: Connect
) -> None:
    client = connect(sim, cancel_on_disconnect=True, reconnect=QUICK)
    heard = Heard(client, Channel.CONNECTION)
    for channel in (Channel.FILLS, Channel.POSITIONS, Channel.FILLS):
        client.subscribe(channel)
    client.subscribe(Channel.BALANCES)
    client.unsubscribe(Channel.BALANCES)
    sim.faults.drop_now()
    restored(heard)
    new = sim.connections[-1]
    said = [entry for entry in sim.ledger.received if entry.connection == new.id]
    opening = ["auth", "cancel_on_disconnect", "subscribe", "subscribe", "subscribe"]
    assert [entry.command for entry in said] == [*opening, "get_user_trades", "get_user_orders"]
    assert [entry.params["channels"] for entry in said[2:5]] == [
        ["order_responses"],
        ["fills"],
        ["positions"],
    ]
    assert new.cancel_on_disconnect


def test_r12_nothing_private_is_said_before_the_exchange_knows_who_is_there(stage: Stage) -> None:
    early: list[Message] = []

    def slow_to_recognise(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.sock.settimeout(0.3)
        try:
            early.append(peer.receive())
        except Exception:  # nothing came, as it should be
            peer.sock.settimeout(PATIENCE)
        peer.send({"authenticated": True})
        while True:
            peer.oblige(peer.receive())

    exchange, client = stage(obliging, slow_to_recognise, cancel_on_disconnect=True)
    heard = Heard(client, Channel.CONNECTION)
    exchange.peers[0].vanish()
    eventually(lambda: client.state is not ConnectionState.READY, "the loss")
    assert client.place_order(AAPL, "BUY", 1, 200).is_live
    restored(heard)
    assert early == []


@LIVE
def test_r12_a_subscription_that_is_confirmed_as_the_line_dies_is_restored(
    sim: Simulator, connect: Connect
) -> None:
    """The thread that subscribed may be slower than the loss of the line and the next opening."""
    client = connect(sim, reconnect=QUICK)
    heard = Heard(client, Channel.CONNECTION)
    sim.faults.drop_after(frames=1, direction="out")
    client.subscribe(Channel.BALANCES)
    restored(heard)
    assert "balances" in sim.connections[0].channels


def test_r30_no_order_goes_out_on_a_new_line_before_it_is_armed(stage: Stage) -> None:
    """The reply to a subscribe that follows it proves that the exchange took the setting in."""
    armed = threading.Event()

    def slow_to_confirm(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.send({"authenticated": True})
        peer.receive("subscribe")
        armed.wait(5)
        peer.oblige(peer.commands[-1])
        while True:
            peer.oblige(peer.receive())

    exchange, client = stage(obliging, slow_to_confirm, cancel_on_disconnect=True)
    exchange.peers[0].vanish()
    eventually(lambda: len(exchange.peers) == 2 and len(exchange.peers[1].commands) == 3, "the arming")
    early = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.3))
    assert isinstance(early, RequestTimeout) and early.sent is False
    said = [command["type"] for command in exchange.peers[1].commands]
    assert said == ["auth", "cancel_on_disconnect", "subscribe"]
    armed.set()
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


def test_r30_where_arming_is_refused_no_order_can_be_placed(stage: Stage) -> None:
    def refuses(peer: Peer) -> None:
        peer.upgrade()
        peer.receive("auth")
        peer.send({"authenticated": True})
        request = peer.receive("cancel_on_disconnect")
        peer.send({"err": {"error_code": "ServerError", "message": "not now", "incoming_message": request}})
        peer.confirm()
        peer.until_gone()

    exchange, client = stage(refuses, connected=False, cancel_on_disconnect=True, reconnect=None)
    assert isinstance(outcome(client.connect), QfexConnectionError)
    assert isinstance(outcome(lambda: client.place_order(AAPL, "BUY", 1, 200)), NotConnected)
    assert all(command["type"] != "add_order" for peer in exchange.peers for command in peer.commands)


def test_r30_nothing_is_armed_unless_it_was_asked_for(stage: Stage) -> None:
    exchange, client = stage(obliging)
    client.get_user_orders()
    assert [command["type"] for command in exchange.peers[0].commands] == [
        "auth",
        "subscribe",
        "get_user_orders",
    ]


@LIVE
def test_r13_subscribing_twice_and_ten_new_lines_double_nothing(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=QUICK)
    changes, orders = Heard(client, Channel.CONNECTION), Heard(client, Channel.ORDERS)
    fills = Heard(client, Channel.FILLS)
    client.subscribe(Channel.FILLS, Channel.ORDERS)
    for number in range(1, 11):
        sim.faults.drop_now()
        restored(changes, number)
    seller = connect(sim, sim.create_account())
    sim.set_mark_price(AAPL, 200)
    seller.place_order(AAPL, "SELL", 1, 200)
    client.place_order(AAPL, "BUY", 1, 200)
    fills.count(1)
    orders.count(2)
    client.get_user_orders()  # whatever was told twice was told by now
    eventually(lambda: client.stats().queue_depth == 0, "the last callback")
    assert [order.status.value for order in orders.events] == ["ACK", "FILLED"]
    assert len(fills.events) == 1


@LIVE
def test_r14_an_outage_is_told_once_with_its_bounds_and_after_everything_is_restored(
    sim: Simulator, connect: Connect
) -> None:
    client, restored_then = connect(sim, reconnect=QUICK), []
    heard = Heard(client, Channel.CONNECTION)

    def look(event: Any) -> None:
        if event.gap_end is not None:
            restored_then.append((sim.connections[0].channels, sim.ledger.received[-1].command))

    client.on(Channel.CONNECTION, look)
    client.subscribe(Channel.FILLS)
    sim.faults.refuse_connections(2)
    sim.faults.drop_now()
    (event,) = restored(heard)
    client.get_user_orders()
    assert len([each for each in heard.events if each.gap_start or each.gap_end]) == 1
    assert event.gap_start is not None and event.gap_end is not None and event.gap_start < event.gap_end
    assert event.attempt == 3
    eventually(lambda: restored_then, "the other callback")
    assert restored_then == [(frozenset({"order_responses", "fills"}), "get_user_orders")]


def test_r19_nothing_is_done_between_two_attempts(stage: Stage) -> None:
    """Attempts are as rare as the policy says, and nothing polls in between."""
    exchange, client = stage(obliging, reconnect=ReconnectPolicy(initial_delay=600, max_delay=600))
    exchange.peers[0].vanish()
    eventually(lambda: client.state is ConnectionState.RECONNECTING, "the loss")
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

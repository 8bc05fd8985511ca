"""Closing: prompt, once, and reported to every waiting caller (R1 to R4, R7, R15)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from qfex import (
    Channel,
    ConnectionLost,
    ConnectionState,
    NotConnected,
    Order,
    OrderStatus,
    OutcomeUnknown,
    ReconnectPolicy,
    RequestTimeout,
    TradeClient,
    Twap,
)
from qfex.sim import Simulator
from tests.support.exchange import Peer, Scripted, answers_everything, order_response
from tests.support.helpers import (
    AAPL,
    PATIENCE,
    Connect,
    Received,
    background,
    eventually,
    live_only,
    new_client,
    outcome,
)
from tests.support.websocket import TEXT, server_frame

CLOSING = 2.0  # seconds that `close` may take


def timed(work: Callable[[], Any]) -> float:
    begun = monotonic()
    work()
    return monotonic() - begun


def silent_peer(peer: Peer) -> None:
    """Accept the client, then send nothing more, not even a close frame."""
    peer.answers_closes = False
    peer.accept()
    peer.read_until_closed()


def stalled_peer(peer: Peer) -> None:
    """Accept the client, then read nothing more."""
    peer.accept()
    peer.stop_reading()


def halfway_peer(peer: Peer) -> None:
    """Accept the client, then send half a frame."""
    peer.answers_closes = False
    peer.accept()
    peer.write(server_frame(TEXT, b"x" * 1000)[:500])
    peer.read_until_closed()


def talking_peer(peer: Peer) -> None:
    """Accept the client, then send without end."""
    peer.accept()
    while True:
        peer.send(*[order_response("somebody else")] * 100)


PEERS = [answers_everything, silent_peer, stalled_peer, halfway_peer, talking_peer]


@pytest.mark.parametrize("script", PEERS)
def test_r02_close_is_prompt_whatever_the_peer_does(scripted: Scripted, script: Any) -> None:
    exchange, client = scripted(script)
    assert timed(client.close) <= CLOSING
    assert timed(client.close) <= CLOSING
    assert client.state is ConnectionState.CLOSED
    assert _threads() == []
    assert exchange.peers[0].closes <= 1


@pytest.mark.parametrize("script", PEERS)
def test_r02_close_is_prompt_from_a_callback(scripted: Scripted, script: Any) -> None:
    _, client = scripted(script, connected=False)
    took: list[float] = []
    client.on(
        Channel.CONNECTION, lambda event: event.state.value == "READY" and took.append(timed(client.close))
    )
    ended = outcome(client.connect)  # the callback may run before `connect` returns
    assert ended is None or isinstance(ended, NotConnected)
    eventually(lambda: took, "the end")
    assert took[0] <= CLOSING
    eventually(lambda: not _threads(), "the end of the client's threads")


def test_r02_close_is_prompt_while_a_sender_is_blocked(scripted: Scripted) -> None:
    _, client = scripted(stalled_peer)
    huge = "x" * 8_000_000
    with background(lambda: outcome(lambda: client.place_order(huge, "BUY", 1, 200, timeout=20))) as blocked:
        eventually(lambda: client._session.current.transport._writer, "a sender that is blocked")  # type: ignore[union-attr]
        assert timed(client.close) <= CLOSING
        assert isinstance(blocked(), OutcomeUnknown)


@pytest.mark.parametrize("script", [Peer.discard_input, Peer.upgrade], ids=["handshake", "authentication"])
def test_r02_close_is_prompt_while_connecting(scripted: Scripted, script: Any) -> None:
    exchange, client = scripted(script, connected=False)
    with background(lambda: outcome(client.connect)) as connected:
        eventually(lambda: exchange.peers, "the attempt to connect")
        assert timed(client.close) <= CLOSING
        assert isinstance(connected(), NotConnected)
    eventually(lambda: not _threads(), "the end of the client's threads")


def test_r02_close_is_prompt_between_two_attempts(scripted: Scripted) -> None:
    slow = ReconnectPolicy(initial_delay=600, max_delay=600)
    exchange, client = scripted(answers_everything, reconnect=slow)
    exchange.peers[0].drop()
    eventually(lambda: client.state is ConnectionState.RECONNECTING, "the loss of the connection")
    assert timed(client.close) <= 1
    assert _threads() == []


def test_r02_several_threads_may_close_at_once(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything)
    closers = [threading.Thread(target=client.close) for _ in range(8)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join(PATIENCE)
    assert _threads() == []
    eventually(lambda: exchange.peers[0].closes == 1, "the close frame")


@live_only
def test_r03_a_busy_callback_does_not_hold_up_closing(sim: Simulator, connect: Connect) -> None:
    client, busy, entered, names = connect(sim), threading.Event(), threading.Event(), []

    def callback(order: Any) -> None:
        names.append(threading.current_thread().name)
        entered.set()
        busy.wait(10)

    client.on(Channel.ORDERS, callback)
    client.place_order(AAPL, "BUY", 1, 190)
    assert entered.wait(PATIENCE)
    assert timed(client.close) <= CLOSING
    client.block_for_close(timeout=0)
    busy.set()
    assert names == ["qfex-trade-dispatcher"]


def test_r04_full_queues_do_not_hold_up_closing(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback that does not return, a stream that nobody reads, and an exchange that sends without end."""
    monkeypatch.setattr("qfex.session.events.QUEUE_LIMIT", 100)
    _, client = scripted(talking_peer)
    never = threading.Event()
    client.on(Channel.ORDERS, lambda order: never.wait(10))
    stream = client.stream(Channel.ORDERS, maxsize=10)
    eventually(lambda: client.stats().queue_depth > 100 and len(stream) >= 10, "full queues")
    assert timed(client.close) <= CLOSING
    never.set()
    eventually(lambda: not _threads(), "the end of the client's threads")


def test_r07_the_exchanges_close_reaches_every_waiting_call_with_its_code(scripted: Scripted) -> None:
    def leaves(peer: Peer) -> None:
        peer.accept()
        for _ in range(2):
            peer.receive()
        peer.close(1011, "out of order")
        peer.read_until_closed()

    _, client = scripted(leaves, reconnect=None)
    received = Received(client, Channel.CONNECTION)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    with pytest.raises(ConnectionLost) as caught:
        client.get_user_trades()
    assert caught.value.code == 1011 and "out of order" in caught.value.reason
    with pytest.raises(OutcomeUnknown, match="connection lost"):
        pending.result()
    events = received.wait(lambda events: any(each.state is ConnectionState.DISCONNECTED for each in events))
    assert "out of order" in events[-1].reason


def test_r07_closing_ends_a_wait_while_the_connection_is_lost(scripted: Scripted) -> None:
    away = ReconnectPolicy(initial_delay=30.0, max_delay=30.0)
    exchange, client = scripted(answers_everything, reconnect=away)
    order = client.place_order(AAPL, "BUY", 1, 200)
    exchange.peers[0].drop()
    with background(lambda: client.wait_until_done(order, 60.0)) as waited:
        eventually(
            lambda: client.state is ConnectionState.RECONNECTING and client._session.state_changed,
            "the wait",
        )
        client.close()
        with pytest.raises(NotConnected):
            waited()


def test_r07_closing_wakes_every_waiting_call(scripted: Scripted) -> None:
    """Calls, streams and waits all end."""
    _, client = scripted(silent_peer)
    waits: list[Callable[[], Any]] = [
        lambda: client.place_order(AAPL, "BUY", 1, 200),
        lambda: client.get_user_trades(),
        lambda: next(iter(client.stream(Channel.ORDERS))),
        lambda: client.stream(Channel.ORDERS).get(30),
        lambda: client.block_for_close(30),
    ]
    ended: list[Any] = []
    threads = [threading.Thread(target=lambda wait=wait: ended.append(outcome(wait))) for wait in waits]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    eventually(lambda: client.stats().pending == 2, "calls in flight")
    client.close()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(ended) == len(waits)


@live_only
def test_r15_a_closed_client_leaves_no_thread(sim: Simulator) -> None:
    before = set(threading.enumerate())
    for _ in range(5):
        with TradeClient(sim.environment, sim.credentials) as client:
            client.on(Channel.FILLS, print)
            client.place_order(AAPL, "BUY", 1, 190)
        assert set(threading.enumerate()) == before


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("qfex-trade")]


def test_a_client_that_was_closed_while_connecting_stays_closed(scripted: Scripted) -> None:
    exchange, client = scripted(Peer.discard_input, connected=False)
    with background(lambda: outcome(client.connect)) as connecting:
        eventually(lambda: exchange.peers, "the attempt to connect")
        client.close()
        assert isinstance(connecting(), NotConnected)
    again = outcome(client.connect)
    assert isinstance(again, NotConnected) and "closed" in str(again)
    assert isinstance(outcome(client.get_user_orders), NotConnected)
    assert client.state is ConnectionState.CLOSED and not client.is_alive


def test_r01_a_close_that_is_interrupted_by_ctrl_c_still_closes(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs_up_late(peer: Peer) -> None:
        peer.answers_closes = False
        answers_everything(peer)

    exchange, client = scripted(hangs_up_late)
    reader, stream = client._session._reader_thread, client.stream(Channel.ORDERS)
    assert reader is not None

    def interrupted(timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reader, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.close()
    reader.join(PATIENCE)
    assert not reader.is_alive() and client.state is ConnectionState.CLOSED
    assert list(stream) == []
    assert isinstance(outcome(lambda: client.place_order(AAPL, "BUY", 1, 200)), NotConnected)
    assert [command["type"] for command in exchange.peers[0].commands] == ["auth", "subscribe"]
    client.close()


# --- waiting for the end ------------------------------------------------------------------------------------


@live_only
def test_block_for_close_waits_until_the_client_is_closed(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    with pytest.raises(RequestTimeout) as still:
        client.block_for_close(0.0)
    assert still.value.sent is False
    closer = threading.Thread(target=client.close)
    closer.start()
    client.block_for_close(PATIENCE)
    closer.join()


@live_only
def test_block_for_close_raises_the_reason_of_a_lost_connection(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=None)
    sim.faults.drop_now()
    with pytest.raises(NotConnected, match="lost"):
        client.block_for_close(PATIENCE)
    assert client.state is ConnectionState.DISCONNECTED
    with pytest.raises(NotConnected):
        client.get_leverage()


@live_only
def test_a_callback_cannot_wait_for_the_client_to_close(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    caught: list[Exception] = []
    done = threading.Event()

    def wait(_: Any) -> None:
        try:
            client.block_for_close(PATIENCE)
        except NotConnected as error:
            caught.append(error)
        done.set()

    client.on(Channel.ORDERS, wait)
    client.place_order(AAPL, "BUY", 1, 330)
    assert done.wait(PATIENCE) and "callback" in str(caught[0])


@live_only
def test_a_callback_may_close_the_client(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    client.on(Channel.ORDERS, lambda _: client.close())
    client.submit_order(AAPL, "BUY", 1, 330)
    client.block_for_close(PATIENCE)
    assert client.state is ConnectionState.CLOSED


@live_only
def test_closing_ends_a_waiting_call_at_once(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, request_timeout=60.0)
    order = client.place_order(AAPL, "BUY", 1, 330)
    ended: list[Exception] = []

    def wait() -> None:
        try:
            client.wait_until_done(order)
        except NotConnected as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    client.close()
    waiting.join(PATIENCE)
    assert len(ended) == 1


@live_only
def test_a_placed_order_is_returned_when_closing_ends_the_wait_for_its_fill(
    sim: Simulator, connect: Connect
) -> None:
    client = connect(sim)
    client.on(Channel.ORDERS, lambda order: client.close())
    order = client.place_order(AAPL, "BUY", 1, 330, wait=True)
    assert order.is_live
    client.block_for_close(PATIENCE)
    assert client.state is ConnectionState.CLOSED


# --- a client that is not connected -------------------------------------------------------------------------


CALLS: dict[str, Any] = {
    "connect": lambda client: client.connect(),
    "wait_until_ready": lambda client: client.wait_until_ready(0.1),
    "place_order": lambda client: client.place_order(AAPL, "BUY", 1, 330),
    "cancel_all_orders": lambda client: client.cancel_all_orders(),
    "get_user_orders": lambda client: client.get_user_orders(),
    "set_leverage": lambda client: client.set_leverage(AAPL, 5),
    "subscribe": lambda client: client.subscribe(Channel.FILLS),
}


@live_only
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_closed_client_cannot_be_used_again(sim: Simulator, call: Any) -> None:
    with new_client(sim) as client:
        pass
    with pytest.raises(NotConnected, match="closed"):
        call(client)


@live_only
@pytest.mark.parametrize("call", [call for name, call in CALLS.items() if name != "connect"])
def test_a_client_that_is_not_connected_sends_nothing(sim: Simulator, call: Any) -> None:
    with pytest.raises(NotConnected, match="not connected"):
        call(new_client(sim))
    assert not sim.ledger.received


AFTER_CLOSING: list[Callable[[TradeClient], Any]] = [
    lambda client: client.on(Channel.ERRORS, print),
    lambda client: client.on(Channel.FILLS, print),
    lambda client: client.stream(Channel.ERRORS),
    lambda client: client.subscribe(Channel.ORDERS),
    lambda client: client.unsubscribe(Channel.FILLS),
    lambda client: client.wait_until_done(Order("known", status=OrderStatus.CANCELLED), 1),
    lambda client: client.wait_until_twap_done(Twap("t"), 1),
    lambda client: client.wait_until_ready(1),
    lambda client: list(client.iter_user_orders()),
]


@pytest.mark.parametrize("number", range(len(AFTER_CLOSING)))
def test_every_call_of_a_closed_client_is_refused(scripted: Scripted, number: int) -> None:
    _, client = scripted(answers_everything)
    client.close()
    assert isinstance(outcome(lambda: AFTER_CLOSING[number](client)), NotConnected)

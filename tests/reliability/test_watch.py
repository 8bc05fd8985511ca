"""Who reads a line: a caller takes it over from the reader thread, and nothing gets lost between the two."""

from __future__ import annotations

import select
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any

import pytest

from qfex import Channel, ConnectionState, OutcomeUnknown, ReconnectPolicy, TradeClient
from qfex.session.watch import Watch

from .conftest import Stage
from .exchange import Peer, acknowledged, obliging, order, silent
from .helpers import AAPL, ALERT, PATIENCE, Heard, background, eventually, outcome

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="needs epoll")

READER = "qfex-trade-reader"
#: With `only_woken`: a reader that wakes when there is something to read, and at no other time.
SLEEPY = ReconnectPolicy(initial_delay=0.001, heartbeat_interval=4000, heartbeat_timeout=4000)


@pytest.fixture
def only_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qfex.session.line._LONGEST_WAIT", 1000)


def place(client: TradeClient, **options: Any) -> Any:
    return client.place_order(AAPL, "BUY", 1, 200, **options)


def watch_of(client: TradeClient) -> Watch:
    line = client._session.current_line
    assert line is not None
    return line.watch


def takers(client: TradeClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the threads that take messages, as they do."""
    names: list[str] = []
    receive = client._dialogue.receive

    def noted(message: Any, answered: Sequence[Any]) -> Any:
        names.append(threading.current_thread().name)
        return receive(message, answered)

    monkeypatch.setattr(client._dialogue, "receive", noted)
    return names


class Held:
    """An exchange that answers orders when it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answer = threading.Event()

    def __call__(self, peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            if request["type"] == "add_order":
                self.asked.set()
                assert self.answer.wait(PATIENCE)
            peer.oblige(request)


def test_a_caller_to_whom_nobody_listens_reads_its_answer_itself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = stage(obliging, rate_limit=None)
    names = takers(client, monkeypatch)
    placed = [place(client).order_id for _ in range(50)]
    assert names.count("MainThread") > 40
    assert sorted(client.open_orders) == sorted(placed)


@pytest.mark.parametrize(
    "listen",
    [
        lambda client: client.on(Channel.ORDERS, lambda order: None),
        lambda client: client.stream(Channel.ORDERS),
    ],
)
def test_where_somebody_listens_the_reader_reads(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, listen: Any
) -> None:
    _, client = stage(obliging, rate_limit=None)
    listen(client)
    names = takers(client, monkeypatch)
    for _ in range(20):
        place(client)
    assert set(names) == {READER}


def test_when_nobody_listens_any_more_callers_read_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = stage(obliging, rate_limit=None)
    registration = client.on(Channel.ORDERS, lambda order: None)
    with client.stream(Channel.ORDERS):
        registration.cancel()
    names = takers(client, monkeypatch)
    for _ in range(20):
        place(client)
    assert "MainThread" in names


def test_what_a_caller_reads_for_others_reaches_them(stage: Stage) -> None:
    """The answer to the second comes first, and later an update of neither."""

    def backwards(peer: Peer) -> None:
        peer.greet()
        first, second = peer.receive("add_order"), peer.receive("add_order")
        peer.send(acknowledged(second), order("another", order_id="another"), acknowledged(first))
        peer.until_gone()

    _, client = stage(backwards, rate_limit=None)
    with background(lambda: place(client, client_order_id="first")) as first:
        eventually(lambda: client.stats().pending, "the first")
        assert place(client, client_order_id="second").client_order_id == "second"
        assert first().client_order_id == "first"
    eventually(lambda: "another" in client.open_orders, "the update")


def test_a_caller_who_reads_gives_it_back_as_soon_as_somebody_listens(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, only_woken: None
) -> None:
    held = Held()
    exchange, client = stage(held, rate_limit=None, reconnect=SLEEPY)
    with background(lambda: place(client, client_order_id="mine")) as placed:
        assert held.asked.wait(PATIENCE)
        heard = Heard(client, Channel.ORDERS)
        exchange.peers[0].send(order("read by the caller", order_id="one"))
        heard.count(1)
        names = takers(client, monkeypatch)
        exchange.peers[0].send(order("read by the reader", order_id="two"))
        heard.count(2)
        held.answer.set()
        assert placed().client_order_id == "mine"
        assert [each.order_id for each in heard.count(3)][:2] == ["one", "two"]
    assert names == [READER, READER]


def test_the_end_of_the_line_reaches_a_caller_who_reads(stage: Stage) -> None:
    exchange, client = stage(silent, obliging, rate_limit=None)
    with background(lambda: outcome(lambda: place(client))) as placed:
        eventually(lambda: watch_of(client).turn.locked(), "the caller reads")
        exchange.peers[0].vanish()
        assert isinstance(placed(), OutcomeUnknown)
    client.wait_until_ready()
    assert place(client).is_live


def test_a_farewell_of_the_exchange_is_told_though_a_caller_read_it(stage: Stage) -> None:
    exchange, client = stage(silent, obliging, rate_limit=None)
    with background(lambda: outcome(lambda: place(client))) as placed:
        eventually(lambda: watch_of(client).turn.locked(), "the caller reads")
        exchange.peers[0].close(1012, "maintenance")
        assert isinstance(placed(), OutcomeUnknown)
    eventually(lambda: client._session.last_error or client.state is ConnectionState.READY, "the end")
    assert exchange.peers[0].closes == 1


def test_a_peer_that_goes_silent_is_noticed_by_a_caller_who_reads(stage: Stage) -> None:
    def mute(peer: Peer) -> None:
        peer.answers_pings = False
        peer.greet()
        peer.until_gone()

    _, client = stage(mute, rate_limit=None, reconnect=ALERT)
    unknown = outcome(lambda: place(client))
    assert isinstance(unknown, OutcomeUnknown) and unknown.reason == "connection lost"


def test_a_client_can_be_closed_while_a_caller_reads(stage: Stage) -> None:
    _, client = stage(silent, rate_limit=None)
    with background(lambda: outcome(lambda: place(client))) as placed:
        eventually(lambda: watch_of(client).turn.locked(), "the caller reads")
        client.close()
        unknown = placed()
    assert isinstance(unknown, OutcomeUnknown) and unknown.reason == "closed"


def test_a_caller_whose_time_is_up_gives_the_reading_back(stage: Stage, only_woken: None) -> None:
    exchange, client = stage(silent, rate_limit=None, reconnect=SLEEPY)
    unknown = outcome(lambda: place(client, timeout=0.05))
    assert isinstance(unknown, OutcomeUnknown) and unknown.reason == "timeout"
    exchange.peers[0].send(order("another", order_id="another"))
    eventually(lambda: "another" in client.open_orders, "the update")


def test_a_caller_that_never_gave_the_reading_back_does_not_silence_the_line(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after Ctrl-C between two steps: the reader comes upon the first message late, and upon the second at once."""
    exchange, client = stage(silent, rate_limit=None, reconnect=SLEEPY)
    line = client._session.current_line
    assert line is not None and line.watch.begin()
    exchange.peers[0].send(order("one", order_id="one"))
    eventually(lambda: "one" in client.open_orders, "the update")
    monkeypatch.setattr("qfex.session.line._LONGEST_WAIT", 1000)
    eventually(lambda: line._next_check > monotonic() + 100, "a long sleep")
    exchange.peers[0].send(order("two", order_id="two"))
    eventually(lambda: "two" in client.open_orders, "the update")
    with background(line.watch.begin) as begun:
        assert not begun()
    assert line.watch.begin(), "the same thread may begin again"


def test_ctrl_c_while_a_message_is_taken_gives_up_the_line_and_lets_the_orders_live(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can know what became of the message. Cancel-on-disconnect is disarmed before the line is closed."""

    def acknowledging(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            if request["type"] == "cancel_on_disconnect":
                peer.send({"ack": {"incoming_message": request}})
            peer.oblige(request)

    exchange, client = stage(acknowledging, rate_limit=None)
    client.set_cancel_on_disconnect(True)
    apply = client._dialogue.orders.apply

    def interrupted(*arguments: Any) -> Any:
        monkeypatch.setattr(client._dialogue.orders, "apply", apply)
        raise KeyboardInterrupt

    monkeypatch.setattr(client._dialogue.orders, "apply", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place(client)
    eventually(lambda: len(exchange.peers) == 2 and client.state is ConnectionState.READY, "a new line")
    armed = [each["params"] for each in exchange.peers[0].commands if each["type"] == "cancel_on_disconnect"]
    assert [each["cancel_on_disconnect"] for each in armed] == [True, False]
    assert exchange.peers[0].closes == 1
    assert place(client).is_live
    assert client.stats().pending == 0


def test_callers_take_turns_and_each_gets_its_own_answer(stage: Stage) -> None:
    _, client = stage(obliging, rate_limit=None)
    wrong: list[str] = []

    def work(name: str) -> None:
        for number in range(100):
            mine = f"{name}-{number}"
            if place(client, client_order_id=mine).client_order_id != mine:
                wrong.append(mine)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(client.open_orders) == 800

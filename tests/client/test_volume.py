"""Many connections, many messages, slow consumers: nothing grows, and every loss is counted (R10, R19, R36 to R38)."""

from __future__ import annotations

import contextlib
import sys

import pytest

from qfex import Channel, OrderRejected, OrderStatus, SlowConsumer
from qfex.sim import Simulator
from tests.soak import figures
from tests.support.exchange import Peer, Scripted, answers_everything, order_response
from tests.support.helpers import AAPL, Connect, eventually, live_only

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@LINUX
def test_r10_a_thousand_reconnects_leak_nothing() -> None:
    figure = figures.reconnects(1000)
    # The first measurement may fall between two connections: then the connection itself is one more.
    assert figure["more threads"] <= 0 and figure["more descriptors"] <= 1
    assert figure["more memory, MB"] < 5


@LINUX
@pytest.mark.parametrize("connected", [True, False])
def test_r19_the_processor_rests_while_nothing_happens(connected: bool) -> None:
    assert figures.idle(3, connected)["processor, %"] < 1


@LINUX
def test_r36_an_unread_flood_uses_no_memory_and_every_loss_is_counted() -> None:
    figure = figures.flood(3)
    assert figure["more memory, MB"] < 50
    assert figure["trades lost"] == figure["counted as dropped"] > 0
    assert figure["quotes replaced"] == figure["counted as conflated"] > 0


def test_r37_replies_do_not_fill_the_queue_of_an_unread_stream(
    scripted: Scripted,
) -> None:
    """Twenty thousand reads and orders, and a stream of another channel with room for one event."""
    _, client = scripted(answers_everything, rate_limit=None)
    stream = client.stream(Channel.FILLS, maxsize=1)
    for _ in range(5_000):
        client.get_leverage()
    for _ in range(15):
        pending = [client.submit_order(AAPL, "BUY", 1, 200) for _ in range(1_000)]
        assert all(each.result().is_live for each in pending)
    assert len(stream) == 0 and client.stats().dropped == 0
    assert client.is_alive and client.stats().reconnects == 0


def test_r37_replies_to_queries_about_an_order_are_not_delivered_as_events(
    market: Simulator, connect: Connect
) -> None:
    client = connect(market)
    placed = client.place_order(AAPL, "BUY", 1, 150)
    with client.stream(Channel.ORDERS) as stream:
        client.get_order(AAPL, placed.order_id)
        for order_id in (placed.order_id, "00000000-0000-0000-0000-000000000000"):
            with contextlib.suppress(OrderRejected):
                client.get_order(AAPL, order_id)
        client.cancel_order(placed)
        assert [order.status for order in (stream.get(timeout=0) for _ in range(len(stream)))] == [
            OrderStatus.CANCELLED
        ]


def test_r38_a_slow_stream_raises_and_the_client_goes_on(scripted: Scripted) -> None:
    def floods(peer: Peer) -> None:
        peer.accept()
        peer.receive("get_user_trades")
        peer.send(*(order_response(str(number)) for number in range(20)))
        peer.answer(peer.commands[-1])
        while True:
            peer.answer(peer.receive())

    _, client = scripted(floods)
    with client.stream(Channel.ORDERS, maxsize=10) as slow, client.stream(Channel.ORDERS) as quick:
        client.get_user_trades()
        eventually(lambda: len(quick) == 20, "the flood")
        assert [slow.get().client_order_id for _ in range(10)] == [str(number) for number in range(10)]
        with pytest.raises(SlowConsumer):
            slow.get(timeout=1)
        with pytest.raises(SlowConsumer):
            next(iter(slow))
    assert client.stats().dropped >= 1
    assert client.place_order(AAPL, "BUY", 1, 200).is_live


@live_only
def test_r36_positions_are_conflated_and_orders_and_fills_are_not(
    market: Simulator, connect: Connect
) -> None:
    client = connect(market)
    client.subscribe(Channel.POSITIONS, Channel.FILLS)
    with client.stream(Channel.POSITIONS, Channel.ORDERS, Channel.FILLS) as stream:
        for _ in range(20):
            client.place_order(AAPL, "BUY", 1, wait=True)
            market.advance(1)
        client.get_user_orders()
        kinds = [type(stream.get(timeout=0)).__name__ for _ in range(len(stream))]
    account = market.account_id(market.credentials)
    assert kinds.count("Fill") == len(market.ledger.fills_of(account)) >= 20
    assert kinds.count("Order") >= 40
    assert kinds.count("Position") == 2, "the newest of each symbol"
    assert client.stats().conflated > 0

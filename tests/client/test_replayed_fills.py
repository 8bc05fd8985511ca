"""No fill is counted twice, whatever a new connection repeats (R28)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import Channel, HmacCredentials, Order
from qfex.protocol.connection import Procedure
from qfex.protocol.events import Event
from qfex.protocol.trade.connection import TradeEndpoint
from tests.support.exchange import Message, Peer, Scripted, acknowledgement, order_response
from tests.support.helpers import AAPL, Received, eventually, wait_for_reconnects

QUANTITY = 100
MINE = "id-of-mine"


def feed_of(parts: Sequence[int], fill_first: Sequence[bool]) -> list[Message]:
    """The messages about an order that is filled in parts: for each part its new state and the fill, in either order."""
    feed, left = (
        [order_response("mine", quantity=float(QUANTITY), quantity_remaining=float(QUANTITY))],
        QUANTITY,
    )
    for number, (part, first) in enumerate(zip(parts, fill_first, strict=True)):
        left -= part
        terms = {"quantity": float(QUANTITY), "quantity_remaining": float(left), "trade_id": f"t{number}"}
        state = order_response("mine", "FILLED", **terms, update_time=1760545415.0 + number)
        fill = {"fill_response": {**row(number, part), "timestamp": 1760545415.0 + number}}
        feed += [fill, state] if first else [state, fill]
    return feed


def row(number: int, part: int) -> Message:
    terms = {"order_id": MINE, "symbol": AAPL, "side": "BUY", "price": 200.0}
    return {"trade_id": f"t{number}", "quantity": float(part), **terms}


def rows_of(parts: Sequence[int]) -> list[Message]:
    """The history as production sends it: newest first, without times."""
    return [row(number, part) for number, part in enumerate(parts)][::-1]


# --- any feed and any outages -------------------------------------------------------------------------------


class Account:
    """The protocol's connection without sockets: it takes messages and records the fills that come out."""

    def __init__(self) -> None:
        keys = HmacCredentials("qfex_pub_1", "qfex_secret_1")
        self._endpoint = TradeEndpoint("wss://trade.example/", keys, None, lambda: 1_000_000.0)
        self._endpoint.account.channels[Channel.FILLS] = None
        self.fills: list[str] = []
        self.traded = D(0)
        self._open([])
        self._connection.release()
        self._endpoint.account.fills.set_baseline([])

    def _open(self, history: Sequence[Message]) -> None:
        """A new connection, logged in."""
        self._history = history
        self._connection = self._endpoint.new_connection(lambda: 0.0)
        self._run(self._connection.login(lambda: None))

    def _run(self, procedure: Procedure) -> None:
        run = self._connection.start(procedure)
        while self._connection.outgoing:
            sent, self._connection.outgoing = self._connection.outgoing, []
            for message in sent:
                self.take(self._replies(json.loads(message)))
        assert run.done and run.error is None

    def _replies(self, request: Message) -> Sequence[Message]:
        if request["type"] == "auth":
            return [{"authenticated": True}]
        if request["type"] == "subscribe":
            return [{"subscribed": channel} for channel in request["params"]["channels"]]
        if request["type"] == "get_user_trades":
            return [{"user_trades_response": list(self._history)}]
        assert request["type"] == "get_user_orders", f"no order has ended, and yet it asks {request}"
        live = self._endpoint.account.orders.live.values()
        terms = [
            (each.client_order_id, float(each.quantity), float(each.quantity_remaining)) for each in live
        ]
        rows = [order_response(name, quantity=size, quantity_remaining=left) for name, size, left in terms]
        return [{"all_orders_response": {"orders": [row["order_response"] for row in rows], "twaps": []}}]

    def take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            _, events = self._connection.receive(json.dumps(message).encode())
            self._note(events)

    def _note(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.channel is Channel.FILLS:
                self.fills.append(event.value.trade_id)
                self.traded += event.value.quantity

    def reconnect(self, meanwhile: Iterable[Message], history: Sequence[Message]) -> None:
        """A new connection, on which messages arrive before the resync is answered."""
        self._open(history)
        self.take(meanwhile)
        self._run(self._connection.resync())
        self._note(self._connection.release())

    @property
    def order(self) -> Order | None:
        return self._endpoint.account.orders.get(MINE)


@st.composite
def feeds(draw: st.DrawFn) -> tuple[list[int], list[Message]]:
    parts = draw(
        st.lists(st.integers(1, 12), min_size=1, max_size=8)
    )  # at most 96 of 100, so that the order stays open
    return parts, feed_of(parts, draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts))))


@given(feeds(), st.data())
def test_r28_replaying_any_prefix_of_the_feed_leaves_quantities_unchanged(
    made: tuple[list[int], list[Message]], data: st.DataObject
) -> None:
    parts, feed = made
    account = Account()
    account.take(feed)
    before, fills = account.order, list(account.fills)
    assert fills == [f"t{number}" for number in range(len(parts))]
    prefix = feed[: data.draw(st.integers(0, len(feed)), "prefix")]
    if data.draw(st.booleans(), "after a reconnect"):
        account.reconnect(prefix, rows_of(parts))
    else:
        account.take(prefix)
    assert account.order == before and account.fills == fills


@given(feeds(), st.data())
def test_r28_filled_and_remaining_add_up_to_the_quantity_whatever_was_missed_and_repeated(
    made: tuple[list[int], list[Message]], data: st.DataObject
) -> None:
    parts, feed = made
    account = Account()
    for _ in range(data.draw(st.integers(1, 3), "outages")):
        first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(feed))] * 2), "what came live"))
        account.take(feed[first:last])
        done = data.draw(st.integers(0, len(parts)), "trades in the history")
        account.reconnect(feed[: data.draw(st.integers(0, len(feed)), "prefix")], rows_of(parts[:done]))
        assert len(set(account.fills)) == len(account.fills)
        assert account.traded <= QUANTITY
    account.take(feed)
    assert sorted(account.fills) == [f"t{number}" for number in range(len(parts))]
    assert account.order is not None
    assert account.traded + account.order.quantity_remaining == account.order.quantity == QUANTITY
    assert account.order.quantity_filled == sum(parts)


# --- over sockets -------------------------------------------------------------------------------------------

PARTS = [30, 20, 10, 5]
LIVE = 1 + 2 * 3  # messages of the feed before the connection is lost: the last fill is missed


@pytest.mark.parametrize("prefix", range(LIVE + 1))
def test_r28_fills_repeated_on_a_new_connection_are_counted_once(scripted: Scripted, prefix: int) -> None:
    feed = feed_of(PARTS, [True, False, True, False])

    def history(peer: Peer, traded: int) -> Message:
        while (request := peer.receive())["type"] != "add_order":
            if request["type"] == "get_user_trades":
                peer.send({"user_trades_response": rows_of(PARTS[:traded])})
            elif request["type"] == "get_user_orders":
                peer.send({"all_orders_response": {"orders": [feed[-2]["order_response"]], "twaps": []}})
            else:
                peer.answer(request)
        return request

    def first(peer: Peer) -> None:
        peer.accept()
        history(peer, 0)
        peer.send(*feed[:LIVE])
        peer.drop()

    def second(peer: Peer) -> None:
        peer.accept()
        peer.send(*feed[:prefix])
        peer.send(acknowledgement(history(peer, 4)))
        peer.read_until_closed()

    _, client = scripted(first, second)
    fills, changes = Received(client, Channel.FILLS), Received(client, Channel.CONNECTION)
    client.place_order(AAPL, "BUY", QUANTITY, 200, client_order_id="mine")
    wait_for_reconnects(changes)
    client.place_order(AAPL, "BUY", 1, 100, client_order_id="a fence")
    eventually(lambda: client.stats().queue_depth == 0, "the last callback")
    assert [fill.trade_id for fill in fills.count(4)] == ["t0", "t1", "t2", "t3"]
    mine = client.open_orders[MINE]
    assert sum(fill.quantity for fill in fills.events) + mine.quantity_remaining == mine.quantity == QUANTITY

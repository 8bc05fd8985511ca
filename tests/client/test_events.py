"""Subscriptions, events, streams and counters."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from qfex import (
    Balance,
    Channel,
    ConnectionState,
    Fill,
    OrderStatus,
    PermissionDenied,
    Position,
    ReconnectPolicy,
    RequestTimeout,
    Side,
    SlowConsumer,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.helpers import (
    AAPL,
    GOLD,
    PATIENCE,
    Connect,
    D,
    Received,
    catch_up,
    live_only,
    next_event,
    sent,
)

# --- subscriptions ------------------------------------------------------------------------------------------


def test_each_channel_is_subscribed_once(sim: Simulator, client: TradeClient) -> None:
    client.subscribe(Channel.FILLS, "positions", Channel.FILLS)
    client.subscribe("positions")
    assert sent(sim, "subscribe")[1:] == [{"channels": ["fills", "positions"]}]
    assert sim.connections[0].channels == {"order_responses", "fills", "positions"}


def test_channels_can_be_unsubscribed(sim: Simulator, client: TradeClient) -> None:
    client.subscribe(Channel.FILLS, Channel.BALANCES)
    client.unsubscribe("balances")
    assert sim.connections[0].channels == {"order_responses", "fills"}
    client.subscribe(Channel.BALANCES)
    assert "balances" in sim.connections[0].channels


def test_a_callback_or_stream_subscribes_its_channels(sim: Simulator, client: TradeClient) -> None:
    client.on(Channel.POSITIONS, print)
    with client.stream(Channel.BALANCES, "stop_orders", Channel.ERRORS, Channel.TWAPS, Channel.CONNECTION):
        assert sim.connections[0].channels == {"order_responses", "positions", "balances", "stop_orders"}


def test_channels_requested_before_connecting_are_subscribed_on_the_first_connection(sim: Simulator) -> None:
    client = TradeClient(sim.environment, sim.credentials, request_timeout=PATIENCE)
    received = Received()
    client.on(Channel.BALANCES, received)
    client.on(Channel.CONNECTION, connections := Received())
    with client.stream(Channel.POSITIONS) as positions, client:
        assert isinstance(received.next(), Balance) and isinstance(next_event(positions), Position)
        assert sent(sim, "subscribe") == [
            {"channels": [channel]} for channel in ("order_responses", "balances", "positions")
        ]
        states = [connections.next().state for _ in range(3)]
    assert states == [ConnectionState.CONNECTING, ConnectionState.AUTHENTICATING, ConnectionState.READY]


@live_only
def test_a_refused_subscription_leaves_no_callback_behind(sim: Simulator, client: TradeClient) -> None:
    received = Received()
    sim.faults.error_reply("subscribe", "PermissionDenied", times=2)
    with pytest.raises(PermissionDenied):
        client.on(Channel.POSITIONS, received)
    with pytest.raises(PermissionDenied):
        client.stream(Channel.POSITIONS)
    assert sim.connections[0].channels == {"order_responses"}
    with client.stream(Channel.POSITIONS) as positions:
        next_event(positions)
    client.on(Channel.POSITIONS, last := Received())
    sim.advance(1)
    last.next()
    assert received.is_empty


# --- events -------------------------------------------------------------------------------------------------


def test_every_change_of_an_order_is_delivered_in_order(
    client: TradeClient, counterparty: TradeClient
) -> None:
    received = Received()
    client.on(Channel.ORDERS, received)
    order = client.place_order(AAPL, "BUY", 2, 335)
    counterparty.place_order(AAPL, "SELL", "0.5", 335, wait=True)
    client.cancel_order(order)
    updates = [received.next() for _ in range(3)]
    assert [(each.status, each.quantity_remaining) for each in updates] == [
        (OrderStatus.ACK, 2), (OrderStatus.FILLED, D("1.5")), (OrderStatus.CANCELLED, D("1.5")),
    ]  # fmt: skip
    assert received.threads == {"qfex-trade-dispatcher"}


def test_fills_are_delivered_to_both_sides(client: TradeClient, counterparty: TradeClient) -> None:
    with client.stream(Channel.FILLS) as mine, counterparty.stream(Channel.FILLS) as theirs:
        resting = counterparty.place_order(AAPL, "SELL", 1, 335)
        client.place_order(AAPL, "BUY", 1, 336, client_order_id="taker")
        bought, sold = next_event(mine), next_event(theirs)
    assert isinstance(bought, Fill)
    assert (bought.price, bought.quantity, bought.side, bought.client_order_id) == (335, 1, Side.BUY, "taker")
    assert (sold.trade_id, sold.order_id, sold.is_maker, bought.is_maker) == (
        bought.trade_id, resting.order_id, True, False,
    )  # fmt: skip
    assert bought.fee > 0 and bought.order_price == 336 and bought.remaining_quantity == 0
    assert bought.time is not None and bought.time.utcoffset().total_seconds() == 0


def test_positions_and_balance_are_the_latest_known(
    sim: Simulator, client: TradeClient, counterparty: TradeClient
) -> None:
    assert {symbol: row.position for symbol, row in client.positions.items()} == {AAPL: 0, GOLD: 0}
    assert client.balance is not None and client.balance.deposit == 100_000
    counterparty.place_order(AAPL, "SELL", 2, 336)
    client.place_order(AAPL, "BUY", 2, 336, wait=True)
    client.subscribe(Channel.POSITIONS, Channel.BALANCES)
    sim.set_mark_price(AAPL, 340)
    with client.stream(Channel.POSITIONS) as positions:
        sim.advance(1)
        next_event(positions, lambda each: each.symbol == AAPL and each.unrealised_pnl == 8)
    catch_up(client)
    position, balance = client.positions[AAPL], client.balance
    assert (position.position, position.average_price, position.unrealised_pnl) == (2, 336, 8)
    assert set(client.positions) == {AAPL, GOLD} and client.positions[GOLD].position == 0
    assert balance is not None and balance.deposit == 100_000 and balance.unrealised_pnl == 8
    assert balance.equity == 100_000 + 8 - (balance.fees or 0)
    client.positions.clear()
    assert client.positions


@live_only
def test_errors_that_belong_to_no_call_reach_the_errors_channel(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330)
    with client.stream(Channel.ERRORS) as errors:
        sim.faults.inject({"err": {"error_code": "ServerError", "message": "the engine hiccuped"}})
        sim.faults.inject("this is no JSON")
        sim.faults.inject({"news": "market opens"})
        exchange, undecodable, unknown = (next_event(errors) for _ in range(3))
    assert exchange.kind == "exchange" and "hiccuped" in exchange.message
    assert (undecodable.kind, undecodable.text) == ("undecodable", "this is no JSON")
    assert unknown.kind == "undecodable" and client.open_orders == {order.order_id: order}


@live_only
def test_changes_of_the_connection_are_delivered(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=ReconnectPolicy(initial_delay=0.01, max_delay=0.02))
    with client.stream(Channel.CONNECTION) as states:
        sim.faults.drop_now()
        lost = next_event(states, lambda event: event.state is ConnectionState.RECONNECTING)
        ready = next_event(states, lambda event: event.state is ConnectionState.READY)
    assert lost.reason and lost.gap_start is None
    assert ready.gap_start is not None and ready.gap_end >= ready.gap_start
    assert ready.gap_end.utcoffset().total_seconds() == 0 and ready.attempt >= 1
    assert client.stats().reconnects == 1


# --- streams ------------------------------------------------------------------------------------------------


@live_only
def test_a_stream_is_an_iterable_queue(client: TradeClient) -> None:
    with client.stream(Channel.ORDERS) as stream:
        for price in (330, 331, 332):
            client.place_order(AAPL, "BUY", 1, price)
        catch_up(client)
        assert len(stream) == 3
        assert stream.get(timeout=0).price == 330
        stream.close()
        assert [order.price for order in stream] == [331, 332]  # events that had arrived are still there


@live_only
def test_an_empty_stream_raises_after_its_timeout(client: TradeClient) -> None:
    with client.stream(Channel.ORDERS) as stream:
        with pytest.raises(RequestTimeout) as empty:
            stream.get(timeout=0.01)
        assert isinstance(empty.value, queue.Empty) and empty.value.sent is False


@live_only
def test_closing_the_client_ends_its_streams(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    seen: list[Any] = []
    with client.stream(Channel.ORDERS) as stream:
        reader = threading.Thread(target=lambda: seen.extend(stream))
        reader.start()
        client.place_order(AAPL, "BUY", 1, 330)
        client.close()
        reader.join(PATIENCE)
    assert not reader.is_alive() and [order.price for order in seen] == [330]


@live_only
def test_a_stream_of_several_channels_keeps_their_order(
    client: TradeClient, counterparty: TradeClient
) -> None:
    counterparty.place_order(AAPL, "SELL", 1, 335)
    with client.stream(Channel.ORDERS, Channel.FILLS) as stream:
        client.place_order(AAPL, "BUY", 1, 335, wait=True)
        kinds = [type(next_event(stream)) for _ in range(3)]
    assert sorted(kind.__name__ for kind in kinds) == ["Fill", "Order", "Order"]


@live_only
def test_a_full_stream_delivers_what_it_holds_and_then_raises(client: TradeClient) -> None:
    with client.stream(Channel.ORDERS, maxsize=2) as stream:
        for price in (330, 331, 332, 333):
            client.place_order(AAPL, "BUY", 1, price)
        catch_up(client)
        assert [stream.get(0).price, stream.get(0).price] == [330, 331]
        with pytest.raises(SlowConsumer):
            stream.get(0)
        with pytest.raises(SlowConsumer):
            next(stream)
        assert stream.dropped >= 1
    assert client.stats().dropped >= 1


@live_only
def test_balances_and_positions_are_conflated_to_the_newest(sim: Simulator, client: TradeClient) -> None:
    with client.stream(Channel.BALANCES, Channel.POSITIONS) as stream:
        catch_up(client)
        held = len(stream)
        for _ in range(5):
            sim.advance(1)
        catch_up(client)
        assert len(stream) == held and stream.conflated >= 5
        newest = [next_event(stream) for _ in range(held)]
    assert sorted(each.symbol for each in newest if isinstance(each, Position)) == [AAPL, GOLD]
    assert sum(isinstance(each, Balance) for each in newest) == 1
    assert client.stats().conflated >= 5


# --- counters -----------------------------------------------------------------------------------------------


@live_only
def test_counters_follow_every_message(sim: Simulator, client: TradeClient) -> None:
    before = client.stats()
    assert (before.sent, before.received, before.pending, before.reconnects) == (2, 2, 0, 0)
    for _ in range(10):
        client.place_order(AAPL, "BUY", 1, 330)
    now = client.stats()
    assert now.sent == before.sent + 10 and now.received == before.received + 10
    assert (
        now.round_trip_p50 is not None and 0 < now.round_trip_p50 <= now.round_trip_p90 <= now.round_trip_p99
    )
    assert (now.queue_depth, now.dropped, now.conflated, now.callback_errors, now.sequence_gaps) == (
        0,
        0,
        0,
        0,
        0,
    )
    held = sim.faults.hold_reply("add_order")
    pending = client.submit_order(AAPL, "BUY", 1, 330)
    assert client.stats().pending == 1
    catch_up(client)
    held.release()
    pending.result()
    assert client.stats().pending == 0


@live_only
def test_the_counters_of_a_client_that_never_connected_are_zero(sim: Simulator) -> None:
    stats = TradeClient(sim.environment, sim.credentials).stats()
    assert (stats.sent, stats.received, stats.pending, stats.round_trip_p50) == (0, 0, 0, None)

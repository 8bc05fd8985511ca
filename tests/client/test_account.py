"""Queries about the account, with their pages; leverage; cancel-on-disconnect."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from qfex import (
    ApiError,
    Channel,
    ConnectionState,
    InvalidParameter,
    Leverage,
    OpenOrders,
    OrderRejected,
    OrderStatus,
    OrderType,
    ReconnectPolicy,
    Side,
    TimeInForce,
    TradeClient,
    UserTrade,
)
from qfex.sim import Simulator

from .helpers import AAPL, GOLD, Connect, D, fence, sent, until


@pytest.fixture
def busy(client: TradeClient) -> TradeClient:
    """A client with five orders, the last in gold."""
    for number in range(4):
        client.place_order(AAPL, "BUY", 1, 326 + number, client_order_id=f"n{number}")
    client.place_order(GOLD, "BUY", 1, 4200, client_order_id="n4")
    return client


def ids(orders: Any) -> list[str]:
    return [order.client_order_id for order in orders]


# --- orders ------------------------------------------------------------------------------------------------------


def test_open_orders_with_their_pages(sim: Simulator, busy: TradeClient) -> None:
    page = busy.get_user_orders()
    assert isinstance(page, OpenOrders) and sorted(ids(page.orders)) == ["n0", "n1", "n2", "n3", "n4"]
    assert all(order.status is OrderStatus.ACK and order.is_live for order in page.orders)
    first, second = busy.get_user_orders(limit=3), busy.get_user_orders(limit=3, offset=3)
    assert ids([*first.orders, *second.orders]) == ids(page.orders) and len(first.orders) == 3
    assert ids(busy.get_user_orders(symbol=GOLD).orders) == ["n4"]
    assert busy.get_user_orders(offset=10).orders == []
    assert sent(sim, "get_user_orders")[0] == {}


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_going_through_all_pages(sim: Simulator, busy: TradeClient, size: int) -> None:
    assert sorted(ids(busy.iter_user_orders(page_size=size))) == ["n0", "n1", "n2", "n3", "n4"]
    assert ids(busy.iter_user_orders(symbol=GOLD, page_size=size)) == ["n4"]
    asked = sent(sim, "get_user_orders")
    assert [each["offset"] for each in asked if "symbol" not in each] == list(range(0, 6, size))[: len(asked)]


def test_pages_are_read_as_they_are_needed(sim: Simulator, busy: TradeClient) -> None:
    orders = busy.iter_user_orders(page_size=2)
    assert sent(sim, "get_user_orders") == []
    next(orders), next(orders)
    assert len(sent(sim, "get_user_orders")) == 1
    next(orders)
    assert len(sent(sim, "get_user_orders")) == 2


def test_one_order_by_either_id(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    for name in (order.order_id, "mine"):
        found = client.get_order(AAPL, name)
        assert (found.order_id, found.status, found.price) == (order.order_id, OrderStatus.ACK, 330)


@pytest.mark.parametrize("name", ["never-placed", "11111111-2222-4333-8444-555555555555"])
def test_an_order_that_there_is_not(client: TradeClient, name: str) -> None:
    with pytest.raises(OrderRejected) as refused:
        client.get_order(AAPL, name)
    assert refused.value.status is OrderStatus.NO_SUCH_ORDER


def test_queries_do_not_disturb_what_is_known(busy: TradeClient) -> None:
    before = busy.open_orders
    busy.get_user_orders(limit=1)
    with pytest.raises(OrderRejected):
        busy.get_order(AAPL, "never-placed")
    assert busy.open_orders == before


def test_open_orders_are_a_copy(busy: TradeClient) -> None:
    busy.open_orders.clear()
    assert len(busy.open_orders) == 5


# --- trades ------------------------------------------------------------------------------------------------------


@pytest.fixture
def traded(sim: Simulator, client: TradeClient, peer: TradeClient) -> TradeClient:
    """A client that bought three times, a minute apart."""
    for number in range(3):
        peer.place_order(AAPL, "SELL", 1, 336 + number)
        client.place_order(AAPL, "BUY", 1, 336 + number, wait=True)
        sim.advance(60)
    return client


def test_trades(traded: TradeClient, dialect: str) -> None:
    rows = traded.get_user_trades()
    assert all(isinstance(row, UserTrade) for row in rows)
    assert sorted(row.price for row in rows) == [336, 337, 338]
    assert {(row.symbol, row.side, row.quantity) for row in rows} == {(AAPL, Side.BUY, 1)}
    assert {(row.order_type, row.time_in_force) for row in rows} == {(OrderType.LIMIT, TimeInForce.GTC)}
    assert all(row.trade_id and row.order_id and row.fee > 0 for row in rows)
    assert all((row.time is None) == (dialect == "live") for row in rows)


def test_trades_of_one_order_and_their_pages(sim: Simulator, traded: TradeClient) -> None:
    rows = traded.get_user_trades()
    assert traded.get_user_trades(order_id=rows[1].order_id) == [rows[1]]
    assert (
        traded.get_user_trades(limit=2) == rows[:2] and traded.get_user_trades(limit=2, offset=2) == rows[2:]
    )
    assert traded.get_user_trades(order_id="never-placed") == []
    assert sent(sim, "get_user_trades")[0] == {}


def test_trades_between_two_times_are_exact_whatever_the_rows_of_the_socket_carry(
    traded: TradeClient,
) -> None:
    assert traded.get_user_trades(start=datetime.now(timezone.utc) + timedelta(days=900)) == []
    rows = traded.get_user_trades(end=datetime.now(timezone.utc) + timedelta(days=1))
    assert {row.trade_id for row in rows} == {row.trade_id for row in traded.get_user_trades()}
    times = sorted(row.time for row in rows if row.time is not None)
    assert len(times) == 3
    between = traded.get_user_trades(start=times[1] - timedelta(seconds=1), end=times[1] + timedelta(seconds=1))
    assert times[1] in [row.time for row in between]
    assert traded.get_user_trades(start=times[2] + timedelta(seconds=1)) == []


# --- leverage ----------------------------------------------------------------------------------------------------


def of(rows: list[Leverage], symbol: str) -> list[Leverage]:
    return [row for row in rows if row.symbol == symbol]


def test_leverage_is_read_and_set(sim: Simulator, client: TradeClient) -> None:
    (before,) = of(client.get_leverage(), AAPL)
    assert isinstance(before.leverage, D) and abs(before.initial_margin - 1 / before.leverage) < D("0.001")
    levels = [row.leverage for row in of(client.get_available_leverage(), AAPL)]
    assert len(levels) > 1 and before.leverage in levels
    other = next(level for level in levels if level != before.leverage)
    assert client.set_leverage(AAPL, other) is None  # type: ignore[func-returns-value]
    (after,) = of(client.get_leverage(), AAPL)
    assert after.leverage == other and after.max_notional != before.max_notional
    assert sent(sim, "set_user_leverage") == [{"symbol": AAPL, "leverage": other}]


def test_leverage_lists_have_pages(client: TradeClient) -> None:
    rows = client.get_leverage()
    assert client.get_leverage(limit=1, offset=1) == rows[1:2]
    assert client.get_available_leverage(limit=2) == client.get_available_leverage()[:2]


def test_leverage_cannot_change_under_an_order(client: TradeClient) -> None:
    client.place_order(AAPL, "BUY", 1, 330)
    with pytest.raises(ApiError) as refused:
        client.set_leverage(AAPL, 2)
    assert refused.value.message and refused.value.incoming_message["type"] == "set_user_leverage"


@pytest.mark.parametrize("level", [17, "0.5", 1000])
def test_a_level_that_is_not_offered_is_refused(client: TradeClient, level: Any) -> None:
    with pytest.raises(InvalidParameter):
        client.set_leverage(AAPL, level)


# --- cancel on disconnect ----------------------------------------------------------------------------------------


def open_orders(sim: Simulator) -> int:
    account = sim.account_id(sim.credentials)
    return sim.exchange_call(lambda exchange: len(exchange.open_orders(account)))


def leave(sim: Simulator, client: TradeClient) -> None:
    client.close()
    while sim.connections:  # asked on the exchange's own thread, which sees the end a moment later
        pass


def test_orders_stay_when_a_client_leaves(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    client.place_order(AAPL, "BUY", 1, 330)
    leave(sim, client)
    assert open_orders(sim) == 1 and sent(sim, "cancel_on_disconnect") == []


def test_armed_from_the_start_orders_go_with_the_client(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, cancel_on_disconnect=True)
    commands = [entry.command for entry in sim.ledger.received]
    assert commands == ["auth", "cancel_on_disconnect", "subscribe"]  # before an order can leave
    client.place_order(AAPL, "BUY", 1, 330)
    leave(sim, client)
    assert open_orders(sim) == 0


def test_it_can_be_armed_and_disarmed(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    client.place_order(AAPL, "BUY", 1, 330)
    assert client.set_cancel_on_disconnect(True) is None  # type: ignore[func-returns-value]
    assert [one.cancel_on_disconnect for one in sim.connections] == [True]
    client.set_cancel_on_disconnect(False)
    assert sent(sim, "cancel_on_disconnect") == [
        {"cancel_on_disconnect": True},
        {"cancel_on_disconnect": False},
    ]
    leave(sim, client)
    assert open_orders(sim) == 1


def test_the_orders_of_all_sessions_of_the_account_go(sim: Simulator, connect: Connect) -> None:
    other, client = connect(sim), connect(sim, cancel_on_disconnect=True)
    order = other.place_order(AAPL, "BUY", 1, 330)
    client.close()
    done = other.wait_until_done(order)
    assert done.status is OrderStatus.CANCELLED and other.open_orders == {}


def test_it_is_armed_again_on_every_line(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=ReconnectPolicy(initial_delay=0.01, max_delay=0.02))
    client.set_cancel_on_disconnect(True)
    with client.stream(Channel.CONNECTION) as states:
        sim.faults.drop_now()
        until(states, lambda event: event.state is ConnectionState.READY)
    assert sent(sim, "cancel_on_disconnect") == [{"cancel_on_disconnect": True}] * 2
    assert [one.cancel_on_disconnect for one in sim.connections] == [True]


def test_a_refusal_raises_and_leaves_it_as_it_was(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=ReconnectPolicy(initial_delay=0.01, max_delay=0.02))
    sim.faults.error_reply("cancel_on_disconnect", "ServerError", "not now")
    with pytest.raises(ApiError, match="not now"):
        client.set_cancel_on_disconnect(True)
    with client.stream(Channel.CONNECTION) as states:
        sim.faults.drop_now()
        until(states, lambda event: event.state is ConnectionState.READY)
    fence(client)
    assert [one.cancel_on_disconnect for one in sim.connections] == [False]

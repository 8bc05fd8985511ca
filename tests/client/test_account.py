"""Queries about the account, with their pages, and leverage."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from qfex import (
    ApiError,
    InvalidParameter,
    Leverage,
    OpenOrders,
    OrderRejected,
    OrderStatus,
    OrderType,
    RateLimited,
    Side,
    TimeInForce,
    TradeClient,
    UserTrade,
)
from qfex.sim import Simulator
from tests.support.exchange import ExchangeScript, Message, Peer, Scripted
from tests.support.helpers import AAPL, GOLD, D, outcome, sent


@pytest.fixture
def busy(client: TradeClient) -> TradeClient:
    """A client with five open orders, the last one in gold."""
    for number in range(4):
        client.place_order(AAPL, "BUY", 1, 326 + number, client_order_id=f"n{number}")
    client.place_order(GOLD, "BUY", 1, 4200, client_order_id="n4")
    return client


def ids(orders: Any) -> list[str]:
    return [order.client_order_id for order in orders]


# --- orders -------------------------------------------------------------------------------------------------


def test_open_orders_are_read_page_by_page(sim: Simulator, busy: TradeClient) -> None:
    page = busy.get_user_orders()
    assert isinstance(page, OpenOrders) and sorted(ids(page.orders)) == ["n0", "n1", "n2", "n3", "n4"]
    assert all(order.status is OrderStatus.ACK and order.is_live for order in page.orders)
    first, second = busy.get_user_orders(limit=3), busy.get_user_orders(limit=3, offset=3)
    assert ids([*first.orders, *second.orders]) == ids(page.orders) and len(first.orders) == 3
    assert ids(busy.get_user_orders(symbol=GOLD).orders) == ["n4"]
    assert busy.get_user_orders(offset=10).orders == []
    assert sent(sim, "get_user_orders")[0] == {}


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_iterating_over_open_orders_reads_every_page(sim: Simulator, busy: TradeClient, size: int) -> None:
    assert sorted(ids(busy.iter_user_orders(page_size=size))) == ["n0", "n1", "n2", "n3", "n4"]
    assert ids(busy.iter_user_orders(symbol=GOLD, page_size=size)) == ["n4"]
    asked = sent(sim, "get_user_orders")
    # Each page begins with the last order of the one before, and only a page without another order is the last one.
    step = max(size, 2) - 1
    offsets = [each["offset"] for each in asked if "symbol" not in each]
    assert offsets == ([*range(0, 4, step), 4] if step <= 4 else [0, 4])


def test_iterating_asks_for_a_page_only_when_it_is_needed(sim: Simulator, busy: TradeClient) -> None:
    orders = busy.iter_user_orders(page_size=2)
    assert sent(sim, "get_user_orders") == []
    next(orders), next(orders)
    assert len(sent(sim, "get_user_orders")) == 1
    next(orders)
    assert len(sent(sim, "get_user_orders")) == 2


def test_an_order_is_found_by_order_id_and_by_client_order_id(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    for name in (order.order_id, "mine"):
        found = client.get_order(AAPL, name)
        assert (found.order_id, found.status, found.price) == (order.order_id, OrderStatus.ACK, 330)


@pytest.mark.parametrize("name", ["never-placed", "11111111-2222-4333-8444-555555555555"])
def test_asking_for_an_unknown_order_raises_no_such_order(client: TradeClient, name: str) -> None:
    with pytest.raises(OrderRejected) as refused:
        client.get_order(AAPL, name)
    assert refused.value.status is OrderStatus.NO_SUCH_ORDER


def test_queries_do_not_change_the_open_orders(busy: TradeClient) -> None:
    before = busy.open_orders
    busy.get_user_orders(limit=1)
    with pytest.raises(OrderRejected):
        busy.get_order(AAPL, "never-placed")
    assert busy.open_orders == before


def test_open_orders_is_a_copy(busy: TradeClient) -> None:
    busy.open_orders.clear()
    assert len(busy.open_orders) == 5


# --- trades -------------------------------------------------------------------------------------------------


@pytest.fixture
def traded(sim: Simulator, client: TradeClient, counterparty: TradeClient) -> TradeClient:
    """A client that bought three times, a minute apart."""
    for number in range(3):
        counterparty.place_order(AAPL, "SELL", 1, 336 + number)
        client.place_order(AAPL, "BUY", 1, 336 + number, wait=True)
        sim.advance(60)
    return client


def test_own_trades_are_listed_with_their_terms(traded: TradeClient, dialect: str) -> None:
    rows = traded.get_user_trades()
    assert all(isinstance(row, UserTrade) for row in rows)
    assert sorted(row.price for row in rows) == [336, 337, 338]
    assert {(row.symbol, row.side, row.quantity) for row in rows} == {(AAPL, Side.BUY, 1)}
    assert {(row.order_type, row.time_in_force) for row in rows} == {(OrderType.LIMIT, TimeInForce.GTC)}
    assert all(row.trade_id and row.order_id and row.fee > 0 for row in rows)
    assert all((row.time is None) == (dialect == "live") for row in rows)


def test_trades_can_be_filtered_by_order_and_paged(sim: Simulator, traded: TradeClient) -> None:
    rows = traded.get_user_trades()
    assert traded.get_user_trades(order_id=rows[1].order_id) == [rows[1]]
    assert (
        traded.get_user_trades(limit=2) == rows[:2] and traded.get_user_trades(limit=2, offset=2) == rows[2:]
    )
    assert traded.get_user_trades(order_id="never-placed") == []
    assert sent(sim, "get_user_trades")[0] == {}


def test_trades_between_two_times_are_exact_though_the_socket_sends_no_times(traded: TradeClient) -> None:
    assert traded.get_user_trades(start=datetime.now(timezone.utc) + timedelta(days=900)) == []
    rows = traded.get_user_trades(end=datetime.now(timezone.utc) + timedelta(days=1))
    assert {row.trade_id for row in rows} == {row.trade_id for row in traded.get_user_trades()}
    times = sorted(row.time for row in rows if row.time is not None)
    assert len(times) == 3
    between = traded.get_user_trades(
        start=times[1] - timedelta(seconds=1), end=times[1] + timedelta(seconds=1)
    )
    assert times[1] in [row.time for row in between]
    assert traded.get_user_trades(start=times[2] + timedelta(seconds=1)) == []


# --- leverage -----------------------------------------------------------------------------------------------


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


def test_leverage_lists_are_read_page_by_page(client: TradeClient) -> None:
    rows = client.get_leverage()
    assert client.get_leverage(limit=1, offset=1) == rows[1:2]
    assert client.get_available_leverage(limit=2) == client.get_available_leverage()[:2]


def test_leverage_cannot_change_while_an_order_is_open(client: TradeClient) -> None:
    client.place_order(AAPL, "BUY", 1, 330)
    with pytest.raises(ApiError) as refused:
        client.set_leverage(AAPL, 2)
    assert refused.value.message and refused.value.incoming_message["type"] == "set_user_leverage"


@pytest.mark.parametrize("level", [17, "0.5", 1000])
def test_a_leverage_that_is_not_offered_is_refused(client: TradeClient, level: Any) -> None:
    with pytest.raises(InvalidParameter):
        client.set_leverage(AAPL, level)


# --- empty lists --------------------------------------------------------------------------------------------


def answering(answers: dict[str, Message]) -> ExchangeScript:
    """An exchange that gives these answers to some commands, and the usual ones to all others."""

    def script(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            if request["type"] in answers:
                peer.send(answers[request["type"]])
            else:
                peer.answer(request)

    return script


EMPTY: list[tuple[str, Message, Any]] = [
    ("get_user_orders", {"all_orders_response": None}, OpenOrders()),
    ("get_user_orders", {"user_orders": None, "count": 0}, OpenOrders()),
    ("get_user_trades", {"user_trades_response": None}, []),
    ("get_user_trades", {"user_trades": None, "count": 0}, []),
    ("get_leverage", {"user_leverage_response": None}, []),
    ("get_available_leverage", {"available_leverage_levels_response": None}, []),
]
COMMANDS = {
    "get_leverage": "get_user_leverage",
    "get_available_leverage": "get_available_leverage_levels",
}


@pytest.mark.parametrize("method, answer, expected", EMPTY)
def test_a_null_in_place_of_a_list_is_an_empty_list(
    scripted: Scripted, method: str, answer: Message, expected: Any
) -> None:
    _, client = scripted(answering({COMMANDS.get(method, method): answer}))
    assert getattr(client, method)() == expected


def test_an_error_beside_a_null_list_is_an_error(scripted: Scripted) -> None:
    refusal = {"error_code": "RateLimited", "incoming_message": {"type": "get_user_orders"}}
    _, client = scripted(
        answering({"get_user_orders": {"all_orders_response": None, "user_orders": None, "err": refusal}})
    )
    assert isinstance(outcome(client.get_user_orders), RateLimited)

"""Finished orders, fills, public trades and candles."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import Rules

from .helpers import AAPL, NOON, Arena


def test_a_filled_order_tells_how(arena: Arena) -> None:
    row = arena.buy(arena.alice, 3, 201, client_order_id="mine")
    arena.exchange.advance(10)
    arena.sell(arena.bob, 1, 201)
    arena.exchange.advance(10)
    arena.sell(arena.bob, 2, 201)
    [finished] = arena.exchange.finished_orders(arena.alice)
    assert (finished.order.order_id, finished.order.status) == (row.order_id, "FILLED")
    assert (finished.filled_quantity, finished.passive_quantity, finished.average_price) == (3, 3, 201)
    times = (finished.order.created, finished.first_fill, finished.last_fill, finished.finished)
    assert times == (NOON, NOON + 10, NOON + 20, NOON + 20)


def test_the_average_price_of_an_aggressive_order_is_what_it_paid(arena: Arena) -> None:
    arena.sell(arena.bob, 1, 200)
    arena.sell(arena.bob, 1, 202)
    arena.buy(arena.alice, 2, 205)
    [finished] = arena.exchange.finished_orders(arena.alice)
    assert (finished.average_price, finished.passive_quantity) == (201, 0)


def test_cancelled_and_rejected_orders_are_history_too(arena: Arena) -> None:
    row = arena.buy(arena.alice, 1, 199)
    arena.exchange.cancel_all_orders(arena.alice)
    arena.buy(arena.alice, 1, 221)
    rows = arena.exchange.finished_orders(arena.alice)
    assert [finished.order.status for finished in rows] == [
        "REJECTED_GREATER_THAN_MAX_PRICE_BAND",
        "CANCELLED",
    ]
    assert rows[1].average_price is rows[1].first_fill is None
    found = arena.exchange.order(arena.alice, AAPL, row.order_id)
    assert found is not None and found.status == "CANCELLED"


def test_history_is_filtered_and_paged() -> None:
    arena = Arena(AAPL, "CL-USD")
    for number in range(4):
        arena.buy(arena.alice, 1, 199, tif="IOC", client_order_id=f"c{number}")
        arena.exchange.advance(1)
    arena.buy(arena.alice, 1, 90, symbol="CL-USD", tif="IOC")
    ask = arena.exchange.finished_orders
    assert [row.order.client_order_id for row in ask(arena.alice, symbol=AAPL)] == ["c3", "c2", "c1", "c0"]
    assert [row.order.client_order_id for row in ask(arena.alice, limit=2, offset=1)] == ["c3", "c2"]
    assert [row.order.client_order_id for row in ask(arena.alice, client_order_id="c1")] == ["c1"]
    inside = ask(arena.alice, start=NOON + 1, end=NOON + 2)
    assert [row.order.client_order_id for row in inside] == ["c2", "c1"]


def test_fills_are_filtered_and_paged(arena: Arena) -> None:
    rows = []
    for _ in range(3):
        arena.sell(arena.bob, 1, 200)
        rows.append(arena.buy(arena.alice, 1, 200))
        arena.exchange.advance(1)
    arena.buy(arena.bob, 1, 200)
    arena.market(arena.alice, "SELL", 1)
    ask = arena.exchange.trades
    assert [fill.side for fill in ask(arena.alice)] == ["SELL", "BUY", "BUY", "BUY"]
    assert [fill.order_id for fill in ask(arena.alice, order_id=rows[1].order_id)] == [rows[1].order_id]
    assert len(ask(arena.alice, order_type="MARKET")) == len(ask(arena.alice, side="SELL")) == 1
    assert len(ask(arena.alice, start=NOON + 1, end=NOON + 2)) == 2
    assert ask(arena.alice, limit=1, offset=3) == ask(arena.alice)[3:]
    assert ask(arena.alice, symbol="CL-USD") == []
    assert ask(arena.alice) == list(reversed(arena.fills(arena.alice)))


def test_the_oldest_history_is_forgotten() -> None:
    arena = Arena(rules=Rules(history_limit=3))
    for number in range(5):
        arena.sell(arena.bob, 1, 200)
        arena.buy(arena.alice, 1, 200, client_order_id=f"c{number}")
    names = [row.order.client_order_id for row in arena.exchange.finished_orders(arena.alice)]
    assert names == ["c4", "c3", "c2"]
    assert len(arena.exchange.trades(arena.alice)) == len(arena.exchange.last_trades(AAPL)) == 3


def test_an_order_is_found_by_its_client_id_open_before_finished(arena: Arena) -> None:
    arena.buy(arena.alice, 1, 199, tif="IOC", client_order_id="again")
    found = arena.exchange.order(arena.alice, AAPL, "again")
    assert found is not None and found.status == "IOC_CANCELLED"
    arena.buy(arena.alice, 1, 198, client_order_id="again")
    newest = arena.buy(arena.alice, 1, 199, client_order_id="again")
    assert arena.exchange.order(arena.alice, AAPL, "again") == newest


@pytest.mark.parametrize(("symbol", "wanted"), [(AAPL, "nowhere"), (AAPL, ""), ("CL-USD", "mine")])
def test_an_order_that_is_not_there(symbol: str, wanted: str) -> None:
    arena = Arena(AAPL, "CL-USD")
    arena.buy(arena.alice, 1, 199)
    arena.buy(arena.alice, 1, 199, client_order_id="mine")
    assert arena.exchange.order(arena.alice, symbol, wanted) is None


def trade(arena: Arena, price: int, quantity: int = 1) -> None:
    """Make a public trade."""
    arena.sell(arena.bob, quantity, price)
    arena.buy(arena.alice, quantity, price)


def test_candles_carry_trades_and_repeat_the_close_over_gaps(arena: Arena) -> None:
    for price in (201, 205, 199, 203):
        trade(arena, price)
    arena.exchange.advance(150)
    trade(arena, 204, 2)
    rows = arena.exchange.candles(AAPL, "1MIN", NOON, NOON + 179)
    assert [(row.start - NOON, row.open, row.high, row.low, row.close) for row in rows] == [
        (0, 201, 205, 199, 203),
        (60, 203, 203, 203, 203),
        (120, 204, 204, 204, 204),
    ]
    assert [(row.trades, row.volume, row.usd_volume) for row in rows] == [(4, 4, 808), (0, 0, 0), (1, 2, 408)]


def test_longer_candles_join_minutes(arena: Arena) -> None:
    trade(arena, 201)
    arena.exchange.advance(240)
    trade(arena, 199)
    arena.exchange.advance(100)
    trade(arena, 202)
    rows = arena.exchange.candles(AAPL, "5MINS", NOON, NOON + 599)
    assert [(row.start - NOON, row.open, row.high, row.low, row.close, row.trades) for row in rows] == [
        (0, 201, 201, 199, 199, 2),
        (300, 202, 202, 202, 202, 1),
    ]


def test_before_the_first_trade_candles_show_the_first_mark(arena: Arena) -> None:
    [row] = arena.exchange.candles(AAPL, "1HOUR", arena.exchange.now, arena.exchange.now)
    assert (row.start, row.open, row.close, row.trades) == (NOON, 200, 200, 0)


def test_the_close_before_the_range_is_carried_into_it(arena: Arena) -> None:
    trade(arena, 205)
    arena.exchange.advance(600)
    [row] = arena.exchange.candles(AAPL, "1MIN", NOON + 300, NOON + 359)
    assert row.close == 205


def test_the_future_has_no_candles(arena: Arena) -> None:
    assert arena.exchange.candles(AAPL, "1MIN", NOON + 60, NOON + 600) == []


def test_a_range_has_a_limit(arena: Arena) -> None:
    with pytest.raises(ValueError, match="10000"):
        arena.exchange.candles(AAPL, "1MIN", NOON - 10**6, NOON)


def test_volume_and_latest_trades(arena: Arena) -> None:
    trade(arena, 200, 2)
    arena.exchange.advance(7200)
    trade(arena, 201, 3)
    assert [(row.price, row.quantity) for row in arena.exchange.last_trades(AAPL)] == [(201, 3), (200, 2)]
    assert len(arena.exchange.last_trades(AAPL, 1)) == 1
    assert (arena.exchange.volume(AAPL), arena.exchange.volume(AAPL, 3600)) == (5, 3)
    assert arena.exchange.open_interest(AAPL) == D(5)

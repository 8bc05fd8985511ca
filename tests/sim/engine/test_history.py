"""Finished orders, fills, public trades and candles."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import Rules

from .helpers import AAPL, NOON, EngineHarness


def test_a_finished_order_has_its_fill_details(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, 3, 201, client_order_id="mine")
    harness.exchange.advance(10)
    harness.sell(harness.bob, 1, 201)
    harness.exchange.advance(10)
    harness.sell(harness.bob, 2, 201)
    [finished] = harness.exchange.finished_orders(harness.alice)
    assert (finished.order.order_id, finished.order.status) == (row.order_id, "FILLED")
    assert (finished.filled_quantity, finished.passive_quantity, finished.average_price) == (3, 3, 201)
    times = (finished.order.created, finished.first_fill, finished.last_fill, finished.finished)
    assert times == (NOON, NOON + 10, NOON + 20, NOON + 20)


def test_the_average_price_of_an_aggressive_order_is_the_price_paid(harness: EngineHarness) -> None:
    harness.sell(harness.bob, 1, 200)
    harness.sell(harness.bob, 1, 202)
    harness.buy(harness.alice, 2, 205)
    [finished] = harness.exchange.finished_orders(harness.alice)
    assert (finished.average_price, finished.passive_quantity) == (201, 0)


def test_cancelled_and_rejected_orders_are_history_too(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, 1, 199)
    harness.exchange.cancel_all_orders(harness.alice)
    harness.buy(harness.alice, 1, 221)
    rows = harness.exchange.finished_orders(harness.alice)
    assert [finished.order.status for finished in rows] == [
        "REJECTED_GREATER_THAN_MAX_PRICE_BAND",
        "CANCELLED",
    ]
    assert rows[1].average_price is rows[1].first_fill is None
    found = harness.exchange.order(harness.alice, AAPL, row.order_id)
    assert found is not None and found.status == "CANCELLED"


def test_history_is_filtered_and_paged() -> None:
    harness = EngineHarness(AAPL, "CL-USD")
    for number in range(4):
        harness.buy(harness.alice, 1, 199, tif="IOC", client_order_id=f"c{number}")
        harness.exchange.advance(1)
    harness.buy(harness.alice, 1, 90, symbol="CL-USD", tif="IOC")
    ask = harness.exchange.finished_orders
    assert [row.order.client_order_id for row in ask(harness.alice, symbol=AAPL)] == ["c3", "c2", "c1", "c0"]
    assert [row.order.client_order_id for row in ask(harness.alice, limit=2, offset=1)] == ["c3", "c2"]
    assert [row.order.client_order_id for row in ask(harness.alice, client_order_id="c1")] == ["c1"]
    inside = ask(harness.alice, start=NOON + 1, end=NOON + 2)
    assert [row.order.client_order_id for row in inside] == ["c2", "c1"]


def test_fills_are_filtered_and_paged(harness: EngineHarness) -> None:
    rows = []
    for _ in range(3):
        harness.sell(harness.bob, 1, 200)
        rows.append(harness.buy(harness.alice, 1, 200))
        harness.exchange.advance(1)
    harness.buy(harness.bob, 1, 200)
    harness.market(harness.alice, "SELL", 1)
    ask = harness.exchange.trades
    assert [fill.side for fill in ask(harness.alice)] == ["SELL", "BUY", "BUY", "BUY"]
    assert [fill.order_id for fill in ask(harness.alice, order_id=rows[1].order_id)] == [rows[1].order_id]
    assert len(ask(harness.alice, order_type="MARKET")) == len(ask(harness.alice, side="SELL")) == 1
    assert len(ask(harness.alice, start=NOON + 1, end=NOON + 2)) == 2
    assert ask(harness.alice, limit=1, offset=3) == ask(harness.alice)[3:]
    assert ask(harness.alice, symbol="CL-USD") == []
    assert ask(harness.alice) == list(reversed(harness.fills(harness.alice)))


def test_the_oldest_history_is_dropped() -> None:
    harness = EngineHarness(rules=Rules(history_limit=3))
    for number in range(5):
        harness.sell(harness.bob, 1, 200)
        harness.buy(harness.alice, 1, 200, client_order_id=f"c{number}")
    names = [row.order.client_order_id for row in harness.exchange.finished_orders(harness.alice)]
    assert names == ["c4", "c3", "c2"]
    assert len(harness.exchange.trades(harness.alice)) == len(harness.exchange.last_trades(AAPL)) == 3


def test_a_client_id_finds_open_orders_before_finished_ones(harness: EngineHarness) -> None:
    harness.buy(harness.alice, 1, 199, tif="IOC", client_order_id="again")
    found = harness.exchange.order(harness.alice, AAPL, "again")
    assert found is not None and found.status == "IOC_CANCELLED"
    harness.buy(harness.alice, 1, 198, client_order_id="again")
    newest = harness.buy(harness.alice, 1, 199, client_order_id="again")
    assert harness.exchange.order(harness.alice, AAPL, "again") == newest


@pytest.mark.parametrize(("symbol", "wanted"), [(AAPL, "nowhere"), (AAPL, ""), ("CL-USD", "mine")])
def test_an_unknown_order_is_not_found(symbol: str, wanted: str) -> None:
    harness = EngineHarness(AAPL, "CL-USD")
    harness.buy(harness.alice, 1, 199)
    harness.buy(harness.alice, 1, 199, client_order_id="mine")
    assert harness.exchange.order(harness.alice, symbol, wanted) is None


def trade(harness: EngineHarness, price: int, quantity: int = 1) -> None:
    """Make a public trade."""
    harness.sell(harness.bob, quantity, price)
    harness.buy(harness.alice, quantity, price)


def test_candles_have_trades_and_repeat_the_close_over_gaps(harness: EngineHarness) -> None:
    for price in (201, 205, 199, 203):
        trade(harness, price)
    harness.exchange.advance(150)
    trade(harness, 204, 2)
    rows = harness.exchange.candles(AAPL, "1MIN", NOON, NOON + 179)
    assert [(row.start - NOON, row.open, row.high, row.low, row.close) for row in rows] == [
        (0, 201, 205, 199, 203),
        (60, 203, 203, 203, 203),
        (120, 204, 204, 204, 204),
    ]
    assert [(row.trades, row.volume, row.usd_volume) for row in rows] == [(4, 4, 808), (0, 0, 0), (1, 2, 408)]


def test_longer_candles_aggregate_minutes(harness: EngineHarness) -> None:
    trade(harness, 201)
    harness.exchange.advance(240)
    trade(harness, 199)
    harness.exchange.advance(100)
    trade(harness, 202)
    rows = harness.exchange.candles(AAPL, "5MINS", NOON, NOON + 599)
    assert [(row.start - NOON, row.open, row.high, row.low, row.close, row.trades) for row in rows] == [
        (0, 201, 201, 199, 199, 2),
        (300, 202, 202, 202, 202, 1),
    ]


def test_candles_before_the_first_trade_show_the_first_mark_price(harness: EngineHarness) -> None:
    [row] = harness.exchange.candles(AAPL, "1HOUR", harness.exchange.now, harness.exchange.now)
    assert (row.start, row.open, row.close, row.trades) == (NOON, 200, 200, 0)


def test_the_close_before_the_range_is_carried_into_it(harness: EngineHarness) -> None:
    trade(harness, 205)
    harness.exchange.advance(600)
    [row] = harness.exchange.candles(AAPL, "1MIN", NOON + 300, NOON + 359)
    assert row.close == 205


def test_there_are_no_candles_in_the_future(harness: EngineHarness) -> None:
    assert harness.exchange.candles(AAPL, "1MIN", NOON + 60, NOON + 600) == []


def test_a_range_of_candles_has_a_limit(harness: EngineHarness) -> None:
    with pytest.raises(ValueError, match="10000"):
        harness.exchange.candles(AAPL, "1MIN", NOON - 10**6, NOON)


def test_volume_and_latest_trades(harness: EngineHarness) -> None:
    trade(harness, 200, 2)
    harness.exchange.advance(7200)
    trade(harness, 201, 3)
    assert [(row.price, row.quantity) for row in harness.exchange.last_trades(AAPL)] == [(201, 3), (200, 2)]
    assert len(harness.exchange.last_trades(AAPL, 1)) == 1
    assert (harness.exchange.volume(AAPL), harness.exchange.volume(AAPL, 3600)) == (5, 3)
    assert harness.exchange.open_interest(AAPL) == D(5)

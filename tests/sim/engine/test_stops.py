"""Stops: independent and attached, limited by the position, triggered by the mark price."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import OrderChanged, OrderRow, StopChanged

from .helpers import AAPL, EngineHarness


@pytest.fixture
def long(harness: EngineHarness) -> EngineHarness:
    """Alice is long 10, and bob bids for all of it a little below the mark price."""
    harness.hold(harness.alice, "BUY", 10)
    for price in (181, 190, 195):
        harness.buy(harness.bob, 10, price)
    harness.events.clear()
    return harness


def stop(
    harness: EngineHarness, kind: str, quantity: str | int, price: str | int, side: str = "SELL"
) -> OrderRow:
    """Send one of alice's stops."""
    return harness.order(harness.alice, side, quantity, price, kind)


def test_a_stop_is_acknowledged_and_listed_with_its_trigger(long: EngineHarness) -> None:
    row = stop(long, "TAKE_PROFIT", 10, 210)
    assert (row.status, row.order_type, row.price, row.quantity_remaining) == ("ACK", "TAKE_PROFIT", 210, 10)
    assert long.exchange.open_orders(long.alice) == [row]
    assert long.exchange.order(long.alice, AAPL, row.order_id) == row
    [changed] = long.of_type(StopChanged)
    assert (changed.stop.stop_order_id, changed.stop.status, changed.stop.side) == (
        row.order_id,
        "ACTIVE",
        "SELL",
    )


@pytest.mark.parametrize(("kind", "price", "mark"), [("STOP_LOSS", 195, 195), ("TAKE_PROFIT", 210, 211)])
def test_a_triggered_stop_is_a_market_order_with_the_same_id(
    long: EngineHarness, kind: str, price: int, mark: int
) -> None:
    row = stop(long, kind, 4, price)
    long.exchange.set_mark_price(AAPL, D(mark))
    fired = [event.order for event in long.of_type(OrderChanged) if event.account_id == long.alice]
    assert [(order.status, order.order_type, order.time_in_force) for order in fired[1:]] == [
        ("ACK", "MARKET", "IOC"),
        ("FILLED", "MARKET", "IOC"),
    ]
    assert {order.order_id for order in fired} == {row.order_id}
    assert long.position(long.alice) == 6
    assert long.exchange.open_orders(long.alice) == []
    assert [event.stop.status for event in long.of_type(StopChanged)] == ["ACTIVE", "TRIGGERED"]


def test_stops_of_short_positions_buy(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "SELL", 2)
    harness.sell(harness.bob, 2, 205)
    loss = stop(harness, "STOP_LOSS", 2, 205, "BUY")
    profit = stop(harness, "TAKE_PROFIT", 2, 195, "BUY")
    harness.exchange.set_mark_price(AAPL, D("204.99"))
    assert harness.open_ids(harness.alice) == [loss.order_id, profit.order_id]
    harness.exchange.set_mark_price(AAPL, D(205))
    assert harness.position(harness.alice) == 0


def test_when_one_closes_the_position_the_other_is_cancelled(long: EngineHarness) -> None:
    profit = stop(long, "TAKE_PROFIT", 10, 210)
    stop(long, "STOP_LOSS", 10, 195)
    long.exchange.set_mark_price(AAPL, D(195))
    assert long.position(long.alice) == 0
    assert long.statuses(long.alice, profit.order_id) == ["ACK", "CANCELLED"]


def test_stops_of_one_type_may_not_exceed_the_position(long: EngineHarness) -> None:
    assert stop(long, "STOP_LOSS", 6, 190).status == "ACK"
    assert stop(long, "STOP_LOSS", 5, 189).status == "REJECTED"
    assert stop(long, "STOP_LOSS", 4, 189).status == "ACK"
    assert stop(long, "TAKE_PROFIT", 10, 210).status == "ACK"
    assert stop(long, "STOP_LOSS", 1, 210, "BUY").status == "REJECTED"


def test_a_shrinking_position_cancels_the_newest_stops(long: EngineHarness) -> None:
    rows = [stop(long, "STOP_LOSS", size, 185) for size in (4, 3, 3)]
    long.market(long.alice, "SELL", 4)
    assert long.open_ids(long.alice) == [rows[0].order_id]
    assert long.statuses(long.alice, rows[2].order_id) == ["ACK", "CANCELLED"]


def test_a_flipped_position_keeps_no_stop(long: EngineHarness) -> None:
    stop(long, "STOP_LOSS", 4, 185)
    long.market(long.alice, "SELL", 12)
    assert (long.position(long.alice), long.open_ids(long.alice)) == (-2, [])


@pytest.mark.parametrize(
    ("kind", "price", "status"),
    [
        ("TAKE_PROFIT", 200, "INVALID_TAKEPROFIT_PRICE"),
        ("STOP_LOSS", 200, "INVALID_STOPLOSS_PRICE"),
        ("STOP_LOSS", "189.999", "INVALID_TICK_SIZE_PRECISION_PRICE"),
        ("TAKE_PROFIT", 500, "ACK"),
    ],
)
def test_a_trigger_price_must_be_on_a_tick_but_may_be_outside_the_band(
    long: EngineHarness, kind: str, price: str | int, status: str
) -> None:
    assert stop(long, kind, 1, price).status == status


@pytest.mark.parametrize(
    ("quantity", "status"),
    [
        ("0.001", "ACK"),
        ("0.0005", "INVALID_TICK_SIZE_PRECISION_QUANTITY"),
        (0, "QUANTITY_LESS_THAN_MIN_QUANTITY"),
    ],
)
def test_a_stop_must_be_a_whole_number_of_lots_but_may_be_below_the_minimum(
    long: EngineHarness, quantity: str | int, status: str
) -> None:
    assert stop(long, "STOP_LOSS", quantity, 190).status == status


def test_a_stop_of_an_unknown_symbol(long: EngineHarness) -> None:
    row = long.sell(long.alice, 1, 190, order_type="STOP_LOSS", symbol="ENRON-USD")
    assert row.status == "BAD_SYMBOL"


def test_stops_wait_while_the_market_is_halted(long: EngineHarness) -> None:
    stop(long, "STOP_LOSS", 10, 195)
    long.exchange.halt(AAPL)
    long.exchange.set_mark_price(AAPL, D(195))
    assert long.position(long.alice) == 10
    long.exchange.resume(AAPL)
    assert long.position(long.alice) == 0


def test_a_triggered_stop_that_finds_no_counterparty_is_cancelled(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 1)
    row = stop(harness, "STOP_LOSS", 1, 195)
    harness.exchange.set_mark_price(AAPL, D(195))
    assert harness.statuses(harness.alice, row.order_id)[-1] == "IOC_CANCELLED"
    assert harness.position(harness.alice) == 1


def test_cancelling_a_stop(long: EngineHarness) -> None:
    row = stop(long, "STOP_LOSS", 1, 190)
    assert long.exchange.cancel_stop_order(long.alice, row.order_id).status == "CANCELLED"
    assert long.exchange.cancel_stop_order(long.alice, row.order_id).status == "NO_SUCH_ORDER"
    finished = long.exchange.order(long.alice, AAPL, row.order_id)
    assert finished is not None and finished.status == "CANCELLED"
    long.exchange.set_mark_price(AAPL, D(189))
    assert long.position(long.alice) == 10


def test_cancel_order_does_not_cancel_a_stop(long: EngineHarness) -> None:
    row = stop(long, "STOP_LOSS", 1, 190)
    assert long.exchange.cancel_order(long.alice, AAPL, "order_id", row.order_id)[0].status == "NO_SUCH_ORDER"


def test_modifying_a_stop(long: EngineHarness) -> None:
    row = stop(long, "STOP_LOSS", 10, 190)
    changed = long.exchange.modify_stop_order(long.alice, row.order_id, AAPL, D(191), D(9))
    assert (changed.status, changed.order_id, changed.price, changed.quantity) == (
        "MODIFIED",
        row.order_id,
        191,
        9,
    )
    long.exchange.set_mark_price(AAPL, D(191))
    assert long.position(long.alice) == 1


@pytest.mark.parametrize(
    ("symbol", "price", "quantity", "status"),
    [
        ("CL-USD", 191, 9, "CANNOT_MODIFY_NO_SUCH_ORDER"),
        (AAPL, 191, 11, "REJECTED"),
        (AAPL, 201, 9, "INVALID_STOPLOSS_PRICE"),
    ],
)
def test_a_stop_that_cannot_be_modified_stays_as_it_was(
    long: EngineHarness, symbol: str, price: int, quantity: int, status: str
) -> None:
    row = stop(long, "STOP_LOSS", 10, 190)
    changed = long.exchange.modify_stop_order(long.alice, row.order_id, symbol, D(price), D(quantity))
    assert changed.status == status
    assert long.exchange.open_orders(long.alice) == [row]


def test_attached_stops_appear_as_the_order_fills(harness: EngineHarness) -> None:
    harness.sell(harness.bob, 1, 200)
    harness.buy(harness.alice, 3, 200, take_profit=210, stop_loss=190)
    assert stops(harness) == [("LIMIT", 3, 200), ("TAKE_PROFIT", 1, 210), ("STOP_LOSS", 1, 190)]
    harness.sell(harness.bob, 2, 200)
    assert stops(harness) == [("TAKE_PROFIT", 3, 210), ("STOP_LOSS", 3, 190)]


def test_attached_stops_of_a_sale_buy(harness: EngineHarness) -> None:
    harness.buy(harness.bob, 1, 200)
    harness.sell(harness.alice, 1, 200, take_profit=190, stop_loss=210)
    assert {row.side for row in harness.exchange.open_orders(harness.alice)} == {"BUY"}


def test_an_order_that_only_closes_gets_no_stop(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 2)
    harness.buy(harness.bob, 1, 200)
    harness.sell(harness.alice, 1, 200, take_profit=190, stop_loss=210)
    assert harness.exchange.open_orders(harness.alice) == []


def test_attached_stops_never_exceed_the_position(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "SELL", 2)
    harness.sell(harness.bob, 3, 200)
    harness.buy(harness.alice, 3, 200, stop_loss=190)
    assert stops(harness) == [("STOP_LOSS", 1, 190)]


def test_a_fill_after_an_attached_stop_triggered_gets_a_new_stop(harness: EngineHarness) -> None:
    harness.sell(harness.bob, 1, 200)
    harness.buy(harness.alice, 3, 200, take_profit=210)
    harness.buy(harness.bob, 1, 210)
    harness.exchange.set_mark_price(AAPL, D(210))
    assert stops(harness) == [("LIMIT", 3, 200)]
    harness.exchange.set_mark_price(AAPL, D(200))
    harness.sell(harness.bob, 2, 200)
    assert stops(harness) == [("TAKE_PROFIT", 2, 210)]


def test_brackets_of_a_market_order_are_checked_against_the_mark_price(harness: EngineHarness) -> None:
    harness.sell(harness.bob, 1, 200)
    assert harness.market(harness.alice, "BUY", 1, take_profit=199).status == "INVALID_TAKEPROFIT_PRICE"
    assert harness.market(harness.alice, "BUY", 1, stop_loss="199.005").status == "INVALID_STOPLOSS_PRICE"
    assert harness.market(harness.alice, "BUY", 1, take_profit=210, stop_loss=190).status == "FILLED"
    assert stops(harness) == [("TAKE_PROFIT", 1, 210), ("STOP_LOSS", 1, 190)]


def stops(harness: EngineHarness) -> list[tuple[str, D, D]]:
    """Return alice's open orders."""
    return [(row.order_type, row.quantity, row.price) for row in harness.exchange.open_orders(harness.alice)]

"""Stops: alone and attached, bounded by the position, fired by the mark price."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import OrderChanged, OrderRow, StopChanged

from .helpers import AAPL, Arena


@pytest.fixture
def long(arena: Arena) -> Arena:
    """Alice holds 10, and bob bids for everything a little below the mark."""
    arena.hold(arena.alice, "BUY", 10)
    for price in (181, 190, 195):
        arena.buy(arena.bob, 10, price)
    arena.events.clear()
    return arena


def stop(arena: Arena, kind: str, quantity: str | int, price: str | int, side: str = "SELL") -> OrderRow:
    """Send a stop of alice's."""
    return arena.order(arena.alice, side, quantity, price, kind)


def test_a_stop_is_acknowledged_and_listed_with_its_trigger(long: Arena) -> None:
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
def test_a_stop_fires_as_a_market_order_with_its_own_id(
    long: Arena, kind: str, price: int, mark: int
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


def test_short_positions_are_stopped_from_the_other_side(arena: Arena) -> None:
    arena.hold(arena.alice, "SELL", 2)
    arena.sell(arena.bob, 2, 205)
    loss = stop(arena, "STOP_LOSS", 2, 205, "BUY")
    profit = stop(arena, "TAKE_PROFIT", 2, 195, "BUY")
    arena.exchange.set_mark_price(AAPL, D("204.99"))
    assert arena.open_ids(arena.alice) == [loss.order_id, profit.order_id]
    arena.exchange.set_mark_price(AAPL, D(205))
    assert arena.position(arena.alice) == 0


def test_when_one_closes_the_position_the_other_is_cancelled(long: Arena) -> None:
    profit = stop(long, "TAKE_PROFIT", 10, 210)
    stop(long, "STOP_LOSS", 10, 195)
    long.exchange.set_mark_price(AAPL, D(195))
    assert long.position(long.alice) == 0
    assert long.statuses(long.alice, profit.order_id) == ["ACK", "CANCELLED"]


def test_stops_of_one_type_may_not_exceed_the_position(long: Arena) -> None:
    assert stop(long, "STOP_LOSS", 6, 190).status == "ACK"
    assert stop(long, "STOP_LOSS", 5, 189).status == "REJECTED"
    assert stop(long, "STOP_LOSS", 4, 189).status == "ACK"
    assert stop(long, "TAKE_PROFIT", 10, 210).status == "ACK"
    assert stop(long, "STOP_LOSS", 1, 210, "BUY").status == "REJECTED"


def test_a_shrinking_position_cancels_the_newest_stops(long: Arena) -> None:
    rows = [stop(long, "STOP_LOSS", size, 185) for size in (4, 3, 3)]
    long.market(long.alice, "SELL", 4)
    assert long.open_ids(long.alice) == [rows[0].order_id]
    assert long.statuses(long.alice, rows[2].order_id) == ["ACK", "CANCELLED"]


def test_a_flipped_position_keeps_no_stop(long: Arena) -> None:
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
def test_a_trigger_keeps_the_tick_but_not_the_band(
    long: Arena, kind: str, price: str | int, status: str
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
def test_a_stop_keeps_the_lot_but_not_the_minimum(long: Arena, quantity: str | int, status: str) -> None:
    assert stop(long, "STOP_LOSS", quantity, 190).status == status


def test_a_stop_of_an_unknown_symbol(long: Arena) -> None:
    row = long.sell(long.alice, 1, 190, order_type="STOP_LOSS", symbol="ENRON-USD")
    assert row.status == "BAD_SYMBOL"


def test_stops_wait_while_the_market_is_halted(long: Arena) -> None:
    stop(long, "STOP_LOSS", 10, 195)
    long.exchange.halt(AAPL)
    long.exchange.set_mark_price(AAPL, D(195))
    assert long.position(long.alice) == 10
    long.exchange.resume(AAPL)
    assert long.position(long.alice) == 0


def test_a_stop_without_counterpart_is_over(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 1)
    row = stop(arena, "STOP_LOSS", 1, 195)
    arena.exchange.set_mark_price(AAPL, D(195))
    assert arena.statuses(arena.alice, row.order_id)[-1] == "IOC_CANCELLED"
    assert arena.position(arena.alice) == 1


def test_cancelling_a_stop(long: Arena) -> None:
    row = stop(long, "STOP_LOSS", 1, 190)
    assert long.exchange.cancel_stop_order(long.alice, row.order_id).status == "CANCELLED"
    assert long.exchange.cancel_stop_order(long.alice, row.order_id).status == "NO_SUCH_ORDER"
    finished = long.exchange.order(long.alice, AAPL, row.order_id)
    assert finished is not None and finished.status == "CANCELLED"
    long.exchange.set_mark_price(AAPL, D(189))
    assert long.position(long.alice) == 10


def test_an_ordinary_cancellation_does_not_reach_a_stop(long: Arena) -> None:
    row = stop(long, "STOP_LOSS", 1, 190)
    assert long.exchange.cancel_order(long.alice, AAPL, "order_id", row.order_id)[0].status == "NO_SUCH_ORDER"


def test_modifying_a_stop(long: Arena) -> None:
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
def test_a_stop_that_cannot_be_modified_stays(
    long: Arena, symbol: str, price: int, quantity: int, status: str
) -> None:
    row = stop(long, "STOP_LOSS", 10, 190)
    changed = long.exchange.modify_stop_order(long.alice, row.order_id, symbol, D(price), D(quantity))
    assert changed.status == status
    assert long.exchange.open_orders(long.alice) == [row]


def test_attached_stops_appear_as_the_order_fills(arena: Arena) -> None:
    arena.sell(arena.bob, 1, 200)
    arena.buy(arena.alice, 3, 200, take_profit=210, stop_loss=190)
    assert stops(arena) == [("LIMIT", 3, 200), ("TAKE_PROFIT", 1, 210), ("STOP_LOSS", 1, 190)]
    arena.sell(arena.bob, 2, 200)
    assert stops(arena) == [("TAKE_PROFIT", 3, 210), ("STOP_LOSS", 3, 190)]


def test_attached_stops_of_a_sale_lie_on_the_other_side(arena: Arena) -> None:
    arena.buy(arena.bob, 1, 200)
    arena.sell(arena.alice, 1, 200, take_profit=190, stop_loss=210)
    assert {row.side for row in arena.exchange.open_orders(arena.alice)} == {"BUY"}


def test_an_order_that_only_closes_gets_no_stop(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 2)
    arena.buy(arena.bob, 1, 200)
    arena.sell(arena.alice, 1, 200, take_profit=190, stop_loss=210)
    assert arena.exchange.open_orders(arena.alice) == []


def test_attached_stops_cover_only_what_is_held(arena: Arena) -> None:
    arena.hold(arena.alice, "SELL", 2)
    arena.sell(arena.bob, 3, 200)
    arena.buy(arena.alice, 3, 200, stop_loss=190)
    assert stops(arena) == [("STOP_LOSS", 1, 190)]


def test_what_fills_after_an_attached_stop_fired_is_protected_anew(arena: Arena) -> None:
    arena.sell(arena.bob, 1, 200)
    arena.buy(arena.alice, 3, 200, take_profit=210)
    arena.buy(arena.bob, 1, 210)
    arena.exchange.set_mark_price(AAPL, D(210))
    assert stops(arena) == [("LIMIT", 3, 200)]
    arena.exchange.set_mark_price(AAPL, D(200))
    arena.sell(arena.bob, 2, 200)
    assert stops(arena) == [("TAKE_PROFIT", 2, 210)]


def test_a_market_order_is_protected_around_the_mark(arena: Arena) -> None:
    arena.sell(arena.bob, 1, 200)
    assert arena.market(arena.alice, "BUY", 1, take_profit=199).status == "INVALID_TAKEPROFIT_PRICE"
    assert arena.market(arena.alice, "BUY", 1, stop_loss="199.005").status == "INVALID_STOPLOSS_PRICE"
    assert arena.market(arena.alice, "BUY", 1, take_profit=210, stop_loss=190).status == "FILLED"
    assert stops(arena) == [("TAKE_PROFIT", 1, 210), ("STOP_LOSS", 1, 190)]


def stops(arena: Arena) -> list[tuple[str, D, D]]:
    """Return what alice has open."""
    return [(row.order_type, row.quantity, row.price) for row in arena.exchange.open_orders(arena.alice)]

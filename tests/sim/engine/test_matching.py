"""Price-time priority, times in force, self-trade prevention."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import BookChanged, Filled, OrderChanged, Rules, Traded

from .helpers import AAPL, Arena


def test_a_resting_order_is_acknowledged_and_shown(arena: Arena) -> None:
    row = arena.buy(arena.alice, "1.5", 199, client_order_id="mine")
    assert (row.status, row.client_order_id, row.quantity_remaining, row.trade_id) == (
        "ACK",
        "mine",
        D("1.5"),
        None,
    )
    assert arena.exchange.book(AAPL) == ([(D(199), D("1.5"))], [])
    assert arena.exchange.open_orders(arena.alice) == [row]
    assert len(arena.of_type(BookChanged)) == 1


def test_the_best_price_trades_first_and_at_the_resting_price(arena: Arena) -> None:
    arena.sell(arena.alice, 1, "200.02")
    arena.sell(arena.alice, 1, "200.01")
    arena.buy(arena.bob, 2, "200.05")
    assert [(fill.price, fill.quantity) for fill in arena.fills(arena.bob)] == [
        (D("200.01"), 1),
        (D("200.02"), 1),
    ]


def test_at_one_price_the_first_to_come_trades_first(arena: Arena) -> None:
    first, second = arena.sell(arena.alice, 1, 200), arena.sell(arena.bob, 1, 200)
    taker = arena.exchange.create_account()
    arena.buy(taker, "1.5", 200)
    assert arena.statuses(arena.alice, first.order_id) == ["ACK", "FILLED"]
    assert arena.exchange.order(arena.bob, AAPL, second.order_id).quantity_remaining == D("0.5")


def test_a_trade_is_told_in_a_fixed_order(arena: Arena) -> None:
    maker = arena.sell(arena.alice, 1, 200)
    arena.events.clear()
    taker = arena.buy(arena.bob, 1, 200)
    told = [(type(event), getattr(event, "account_id", None)) for event in arena.events[:6]]
    assert told == [
        (OrderChanged, arena.bob),
        (Traded, None),
        (Filled, arena.alice),
        (OrderChanged, arena.alice),
        (Filled, arena.bob),
        (OrderChanged, arena.bob),
    ]
    trade = arena.of_type(Traded)[0].trade
    fill = arena.fills(arena.bob)[0]
    assert (trade.side, trade.price, trade.quantity, trade.execution_type) == ("BUY", D(200), 1, "T")
    assert fill.trade_id == trade.trade_id == arena.fills(arena.alice)[0].trade_id
    assert (fill.order_id, fill.side, fill.aggressor_side) == (taker.order_id, "BUY", "BUY")
    assert (arena.fills(arena.alice)[0].order_id, arena.fills(arena.alice)[0].side) == (
        maker.order_id,
        "SELL",
    )


def test_a_filled_order_row_names_its_trade_and_keeps_its_own_price(arena: Arena) -> None:
    arena.sell(arena.alice, 1, 200)
    row = arena.buy(arena.bob, 1, 210)
    assert (row.status, row.price, row.trade_id) == ("FILLED", D(210), arena.fills(arena.bob)[0].trade_id)


def test_what_is_left_of_a_limit_order_rests(arena: Arena) -> None:
    arena.sell(arena.alice, 1, 200)
    row = arena.buy(arena.bob, 3, 201)
    assert (row.status, row.quantity_remaining) == ("FILLED", 2)
    assert arena.exchange.book(AAPL) == ([(D(201), D(2))], [])
    listed = arena.exchange.open_orders(arena.bob)[0]
    assert (listed.status, listed.quantity_remaining, listed.trade_id) == ("ACK", 2, None)


@pytest.mark.parametrize(
    ("offered", "statuses", "left"),
    [
        (0, ["ACK", "IOC_CANCELLED"], 2),
        (1, ["ACK", "FILLED", "IOC_PARTIALLY_FILLED"], 1),
        (2, ["ACK", "FILLED"], 0),
    ],
)
@pytest.mark.parametrize("order_type", ["LIMIT", "MARKET"])
def test_ioc_never_rests(arena: Arena, offered: int, statuses: list[str], left: int, order_type: str) -> None:
    if offered:
        arena.sell(arena.alice, offered, 200)
    price = 200 if order_type == "LIMIT" else 0
    row = arena.buy(arena.bob, 2, price, order_type=order_type, tif="IOC")
    assert arena.statuses(arena.bob) == statuses
    assert (row.quantity_remaining, arena.open_ids(arena.bob)) == (left, [])
    assert arena.exchange.book(AAPL)[0] == []


@pytest.mark.parametrize(
    ("offered", "statuses"), [(1, ["ACK", "CANCELLED"]), (2, ["ACK", "FILLED", "FILLED"])]
)
def test_fok_fills_wholly_or_not_at_all(arena: Arena, offered: int, statuses: list[str]) -> None:
    for number in range(offered):
        arena.sell(arena.alice, 1, 200 + number)
    arena.buy(arena.bob, 2, 201, tif="FOK")
    assert arena.statuses(arena.bob) == statuses
    assert len(arena.exchange.book(AAPL)[1]) == (1 if offered == 1 else 0)


def test_fok_does_not_count_what_is_too_dear(arena: Arena) -> None:
    arena.sell(arena.alice, 1, 200)
    arena.sell(arena.alice, 1, 201)
    assert arena.buy(arena.bob, 2, 200, tif="FOK").status == "CANCELLED"
    assert arena.fills(arena.bob) == []


def test_fok_does_not_count_its_own_account(arena: Arena) -> None:
    mine = arena.sell(arena.alice, 1, 200)
    arena.sell(arena.bob, 1, 200)
    arena.buy(arena.alice, 2, 200, tif="FOK")
    assert arena.statuses(arena.alice)[-1] == "CANCELLED"
    assert mine.order_id in arena.open_ids(arena.alice)


def test_fok_does_not_count_reduce_only_orders_beyond_their_position(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 1)
    arena.sell(arena.alice, 1, 200, reduce_only=True)
    arena.sell(arena.alice, 1, 200, reduce_only=True)
    row = arena.buy(arena.bob, 2, 200, tif="FOK")
    assert (row.status, arena.position(arena.alice)) == ("CANCELLED", 1)


@pytest.mark.parametrize("first_is_reduce_only", [True, False])
def test_fok_counts_all_that_several_orders_may_reduce(arena: Arena, first_is_reduce_only: bool) -> None:
    arena.hold(arena.alice, "BUY", 3)
    arena.sell(arena.alice, 1, 200, reduce_only=first_is_reduce_only)
    arena.sell(arena.alice, 3, 200, reduce_only=True)
    assert arena.buy(arena.bob, 4, 200, tif="FOK").status == "CANCELLED"
    assert arena.buy(arena.bob, 3, 200, tif="FOK").status == "FILLED"
    assert arena.position(arena.alice) == 0


def test_a_market_order_stops_at_the_band(arena: Arena) -> None:
    arena.sell(arena.alice, 1, 220)
    arena.sell(arena.alice, 1, "220.01")
    row = arena.market(arena.bob, "BUY", 2)
    assert (row.status, row.quantity_remaining, row.price) == ("IOC_PARTIALLY_FILLED", 1, D(220))


def test_self_trade_prevention_cancels_the_resting_order_and_goes_on(arena: Arena) -> None:
    mine = arena.sell(arena.alice, 1, 200)
    arena.sell(arena.bob, 1, 200)
    taker = arena.buy(arena.alice, 1, 200)
    assert arena.statuses(arena.alice, mine.order_id) == ["ACK", "CANCELLED_STP"]
    assert arena.statuses(arena.alice, taker.order_id) == ["ACK", "FILLED"]
    assert arena.fills(arena.alice)[0].order_id == taker.order_id


def test_an_alo_order_that_would_take_is_turned_down(arena: Arena) -> None:
    arena.sell(arena.alice, 1, 200)
    assert arena.buy(arena.bob, 1, "199.99", order_type="ALO").status == "ACK"
    assert arena.buy(arena.bob, 1, 200, order_type="ALO").status == "REJECTED"
    assert arena.fills(arena.bob) == []


def test_an_alo_order_that_would_take_may_be_cancelled_instead() -> None:
    arena = Arena(rules=Rules(crossing_alo="CANCELLED"))
    arena.sell(arena.alice, 1, 200)
    arena.buy(arena.bob, 1, 200, order_type="ALO")
    assert arena.statuses(arena.bob) == ["ACK", "CANCELLED"]


def test_the_speed_bump_delays_what_would_take_and_nothing_else() -> None:
    arena = Arena(rules=Rules(speed_bump=0.1))
    resting = arena.sell(arena.alice, 1, 200)
    assert resting.order_id in arena.open_ids(arena.alice)
    arena.buy(arena.bob, 1, 200)
    assert arena.fills(arena.bob) == []
    arena.exchange.advance(0.1)
    assert arena.statuses(arena.bob) == ["ACK", "FILLED"]


def test_an_order_can_be_cancelled_on_the_speed_bump() -> None:
    arena = Arena(rules=Rules(speed_bump=0.1))
    arena.sell(arena.alice, 1, 200)
    row = arena.buy(arena.bob, 1, 200)
    arena.exchange.cancel_order(arena.bob, AAPL, "order_id", row.order_id)
    arena.exchange.advance(1)
    assert arena.statuses(arena.bob) == ["ACK", "CANCELLED"]
    assert arena.fills(arena.bob) == []

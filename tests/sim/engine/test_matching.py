"""Price-time priority, times in force, self-trade prevention."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import BookChanged, Filled, OrderChanged, Rules, Traded

from .helpers import AAPL, EngineHarness


def test_a_resting_order_is_acknowledged_and_shown(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, "1.5", 199, client_order_id="mine")
    assert (row.status, row.client_order_id, row.quantity_remaining, row.trade_id) == (
        "ACK",
        "mine",
        D("1.5"),
        None,
    )
    assert harness.exchange.book(AAPL) == ([(D(199), D("1.5"))], [])
    assert harness.exchange.open_orders(harness.alice) == [row]
    assert len(harness.of_type(BookChanged)) == 1


def test_the_best_price_trades_first_and_at_the_resting_price(harness: EngineHarness) -> None:
    harness.sell(harness.alice, 1, "200.02")
    harness.sell(harness.alice, 1, "200.01")
    harness.buy(harness.bob, 2, "200.05")
    assert [(fill.price, fill.quantity) for fill in harness.fills(harness.bob)] == [
        (D("200.01"), 1),
        (D("200.02"), 1),
    ]


def test_at_the_same_price_the_oldest_order_trades_first(harness: EngineHarness) -> None:
    first, second = harness.sell(harness.alice, 1, 200), harness.sell(harness.bob, 1, 200)
    taker = harness.exchange.create_account()
    harness.buy(taker, "1.5", 200)
    assert harness.statuses(harness.alice, first.order_id) == ["ACK", "FILLED"]
    assert harness.exchange.order(harness.bob, AAPL, second.order_id).quantity_remaining == D("0.5")


def test_the_events_of_a_trade_have_a_fixed_order(harness: EngineHarness) -> None:
    maker = harness.sell(harness.alice, 1, 200)
    harness.events.clear()
    taker = harness.buy(harness.bob, 1, 200)
    events = [(type(event), getattr(event, "account_id", None)) for event in harness.events[:6]]
    assert events == [
        (OrderChanged, harness.bob),
        (Traded, None),
        (Filled, harness.alice),
        (OrderChanged, harness.alice),
        (Filled, harness.bob),
        (OrderChanged, harness.bob),
    ]
    trade = harness.of_type(Traded)[0].trade
    fill = harness.fills(harness.bob)[0]
    assert (trade.side, trade.price, trade.quantity, trade.execution_type) == ("BUY", D(200), 1, "T")
    assert fill.trade_id == trade.trade_id == harness.fills(harness.alice)[0].trade_id
    assert (fill.order_id, fill.side, fill.aggressor_side) == (taker.order_id, "BUY", "BUY")
    assert (harness.fills(harness.alice)[0].order_id, harness.fills(harness.alice)[0].side) == (
        maker.order_id,
        "SELL",
    )


def test_a_filled_order_row_has_the_trade_id_and_the_price_of_the_order(harness: EngineHarness) -> None:
    harness.sell(harness.alice, 1, 200)
    row = harness.buy(harness.bob, 1, 210)
    assert (row.status, row.price, row.trade_id) == ("FILLED", D(210), harness.fills(harness.bob)[0].trade_id)


def test_the_remainder_of_a_limit_order_rests(harness: EngineHarness) -> None:
    harness.sell(harness.alice, 1, 200)
    row = harness.buy(harness.bob, 3, 201)
    assert (row.status, row.quantity_remaining) == ("FILLED", 2)
    assert harness.exchange.book(AAPL) == ([(D(201), D(2))], [])
    listed = harness.exchange.open_orders(harness.bob)[0]
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
def test_ioc_never_rests(
    harness: EngineHarness, offered: int, statuses: list[str], left: int, order_type: str
) -> None:
    if offered:
        harness.sell(harness.alice, offered, 200)
    price = 200 if order_type == "LIMIT" else 0
    row = harness.buy(harness.bob, 2, price, order_type=order_type, tif="IOC")
    assert harness.statuses(harness.bob) == statuses
    assert (row.quantity_remaining, harness.open_ids(harness.bob)) == (left, [])
    assert harness.exchange.book(AAPL)[0] == []


@pytest.mark.parametrize(
    ("offered", "statuses"), [(1, ["ACK", "CANCELLED"]), (2, ["ACK", "FILLED", "FILLED"])]
)
def test_fok_fills_completely_or_not_at_all(
    harness: EngineHarness, offered: int, statuses: list[str]
) -> None:
    for number in range(offered):
        harness.sell(harness.alice, 1, 200 + number)
    harness.buy(harness.bob, 2, 201, tif="FOK")
    assert harness.statuses(harness.bob) == statuses
    assert len(harness.exchange.book(AAPL)[1]) == (1 if offered == 1 else 0)


def test_fok_does_not_count_orders_beyond_its_price(harness: EngineHarness) -> None:
    harness.sell(harness.alice, 1, 200)
    harness.sell(harness.alice, 1, 201)
    assert harness.buy(harness.bob, 2, 200, tif="FOK").status == "CANCELLED"
    assert harness.fills(harness.bob) == []


def test_fok_does_not_count_its_own_account(harness: EngineHarness) -> None:
    mine = harness.sell(harness.alice, 1, 200)
    harness.sell(harness.bob, 1, 200)
    harness.buy(harness.alice, 2, 200, tif="FOK")
    assert harness.statuses(harness.alice)[-1] == "CANCELLED"
    assert mine.order_id in harness.open_ids(harness.alice)


def test_fok_does_not_count_reduce_only_orders_beyond_their_position(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 1)
    harness.sell(harness.alice, 1, 200, reduce_only=True)
    harness.sell(harness.alice, 1, 200, reduce_only=True)
    row = harness.buy(harness.bob, 2, 200, tif="FOK")
    assert (row.status, harness.position(harness.alice)) == ("CANCELLED", 1)


@pytest.mark.parametrize("first_is_reduce_only", [True, False])
def test_fok_counts_several_reduce_only_orders_up_to_the_position(
    harness: EngineHarness, first_is_reduce_only: bool
) -> None:
    harness.hold(harness.alice, "BUY", 3)
    harness.sell(harness.alice, 1, 200, reduce_only=first_is_reduce_only)
    harness.sell(harness.alice, 3, 200, reduce_only=True)
    assert harness.buy(harness.bob, 4, 200, tif="FOK").status == "CANCELLED"
    assert harness.buy(harness.bob, 3, 200, tif="FOK").status == "FILLED"
    assert harness.position(harness.alice) == 0


def test_a_market_order_stops_at_the_band(harness: EngineHarness) -> None:
    harness.sell(harness.alice, 1, 220)
    harness.sell(harness.alice, 1, "220.01")
    row = harness.market(harness.bob, "BUY", 2)
    assert (row.status, row.quantity_remaining, row.price) == ("IOC_PARTIALLY_FILLED", 1, D(220))


def test_self_trade_prevention_cancels_the_resting_order_and_continues(harness: EngineHarness) -> None:
    mine = harness.sell(harness.alice, 1, 200)
    harness.sell(harness.bob, 1, 200)
    taker = harness.buy(harness.alice, 1, 200)
    assert harness.statuses(harness.alice, mine.order_id) == ["ACK", "CANCELLED_STP"]
    assert harness.statuses(harness.alice, taker.order_id) == ["ACK", "FILLED"]
    assert harness.fills(harness.alice)[0].order_id == taker.order_id


def test_an_alo_order_that_would_take_is_rejected(harness: EngineHarness) -> None:
    harness.sell(harness.alice, 1, 200)
    assert harness.buy(harness.bob, 1, "199.99", order_type="ALO").status == "ACK"
    assert harness.buy(harness.bob, 1, 200, order_type="ALO").status == "REJECTED"
    assert harness.fills(harness.bob) == []


def test_an_alo_order_that_would_take_may_be_cancelled_instead() -> None:
    harness = EngineHarness(rules=Rules(crossing_alo="CANCELLED"))
    harness.sell(harness.alice, 1, 200)
    harness.buy(harness.bob, 1, 200, order_type="ALO")
    assert harness.statuses(harness.bob) == ["ACK", "CANCELLED"]


def test_the_speed_bump_delays_only_orders_that_would_take() -> None:
    harness = EngineHarness(rules=Rules(speed_bump=0.1))
    resting = harness.sell(harness.alice, 1, 200)
    assert resting.order_id in harness.open_ids(harness.alice)
    harness.buy(harness.bob, 1, 200)
    assert harness.fills(harness.bob) == []
    harness.exchange.advance(0.1)
    assert harness.statuses(harness.bob) == ["ACK", "FILLED"]


def test_an_order_can_be_cancelled_during_the_speed_bump() -> None:
    harness = EngineHarness(rules=Rules(speed_bump=0.1))
    harness.sell(harness.alice, 1, 200)
    row = harness.buy(harness.bob, 1, 200)
    harness.exchange.cancel_order(harness.bob, AAPL, "order_id", row.order_id)
    harness.exchange.advance(1)
    assert harness.statuses(harness.bob) == ["ACK", "CANCELLED"]
    assert harness.fills(harness.bob) == []

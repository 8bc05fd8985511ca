"""Liquidation."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import Liquidated, TwapEntry

from .helpers import AAPL, Arena


@pytest.fixture
def poor(arena: Arena) -> str:
    """An account with 202 USD that holds 10 units bought at 200: margin 200, maintenance two thirds of it."""
    account = arena.exchange.create_account(D(202))
    arena.hold(account, "BUY", 10)
    return account


def test_above_maintenance_nothing_happens(arena: Arena, poor: str) -> None:
    arena.exchange.set_mark_price(AAPL, D("194"))
    assert arena.position(poor) == 10
    assert not arena.exchange.in_liquidation(poor)


def test_a_deep_book_takes_the_position_at_once(arena: Arena, poor: str) -> None:
    arena.buy(arena.bob, 10, 191)
    arena.exchange.set_mark_price(AAPL, D(192))
    assert arena.position(poor) == 0
    assert arena.fills(poor)[-1].price == 191
    assert [event.account_id for event in arena.of_type(Liquidated)] == [poor]
    assert not arena.exchange.in_liquidation(poor)
    assert arena.exchange.balance(poor).deposit == 202


def test_everything_open_is_cancelled_first(arena: Arena, poor: str) -> None:
    arena.buy(arena.bob, 10, 195)
    resting = arena.sell(poor, 1, 205, reduce_only=True)
    stop = arena.sell(poor, 1, 210, order_type="TAKE_PROFIT")
    arena.exchange.add_twap(poor, TwapEntry(AAPL, "SELL", D(2), 2, 30, reduce_only=True))
    arena.exchange.set_mark_price(AAPL, D(191))
    assert arena.statuses(poor, resting.order_id)[-1] == "CANCELLED"
    assert arena.statuses(poor, stop.order_id)[-1] == "CANCELLED"
    assert arena.exchange.twaps(poor, active=False)[0].status == "CANCELLED"
    assert (arena.open_ids(poor), arena.position(poor)) == ([], 0)


def test_in_a_thin_book_it_takes_a_few_seconds_and_then_the_house(arena: Arena, poor: str) -> None:
    arena.buy(arena.bob, 4, 185)
    arena.exchange.set_mark_price(AAPL, D(185))
    assert arena.exchange.in_liquidation(poor)
    assert arena.position(poor) == 6
    assert arena.buy(poor, 1, 185).status == "USER_IN_LIQUIDATION"
    arena.exchange.advance(1)
    assert arena.exchange.in_liquidation(poor)
    arena.exchange.advance(1)
    assert (arena.position(poor), arena.exchange.in_liquidation(poor)) == (0, False)
    assert arena.fills(poor)[-1].price == 185
    assert arena.exchange.open_interest(AAPL) == 10


def test_it_ends_as_soon_as_what_is_left_is_covered(arena: Arena, poor: str) -> None:
    arena.buy(arena.bob, 4, 190)
    arena.exchange.set_mark_price(AAPL, D(190))
    assert (arena.position(poor), arena.exchange.in_liquidation(poor)) == (6, False)


def test_it_ends_when_the_price_comes_back(arena: Arena, poor: str) -> None:
    arena.exchange.set_mark_price(AAPL, D(190))
    arena.exchange.set_mark_price(AAPL, D(200))
    arena.exchange.advance(1)
    assert (arena.position(poor), arena.exchange.in_liquidation(poor)) == (10, False)
    assert arena.sell(poor, 1, 210).status == "ACK"


def test_the_house_makes_good_what_is_lost_beyond_the_deposit(arena: Arena, poor: str) -> None:
    arena.exchange.set_mark_price(AAPL, D(150))
    arena.exchange.advance(2)
    row = arena.exchange.balance(poor)
    assert (arena.position(poor), row.available_balance) == (0, 0)
    assert row.deposit > 202


def test_a_short_is_liquidated_from_above(arena: Arena) -> None:
    poor = arena.exchange.create_account(D(202))
    arena.hold(poor, "SELL", 10)
    arena.sell(arena.bob, 10, 209)
    arena.exchange.set_mark_price(AAPL, D(208))
    assert (arena.position(poor), arena.fills(poor)[-1].price) == (0, 209)


def test_all_positions_of_the_account_are_closed() -> None:
    arena = Arena(AAPL, "US500-USD")
    poor = arena.exchange.create_account(D(500))
    arena.hold(poor, "BUY", 10)
    arena.sell(arena.bob, "0.1", 7700, symbol="US500-USD")
    arena.buy(poor, "0.1", 7700, symbol="US500-USD")
    arena.exchange.set_mark_price(AAPL, D(160))
    arena.exchange.advance(5)
    assert {event.symbol for event in arena.of_type(Liquidated)} == {AAPL, "US500-USD"}
    assert arena.position(poor) == arena.position(poor, "US500-USD") == 0


def test_a_rich_account_with_the_same_position_is_left_alone(arena: Arena, poor: str) -> None:
    arena.hold(arena.alice, "BUY", 10)
    arena.exchange.set_mark_price(AAPL, D(150))
    arena.exchange.advance(5)
    assert arena.position(arena.alice) == 10

"""Liquidation of accounts below their maintenance margin."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import Liquidated, TwapEntry

from .helpers import AAPL, EngineHarness


@pytest.fixture
def poor(harness: EngineHarness) -> str:
    """An account with 202 USD that is long 10 at 200: initial margin 200, maintenance margin two thirds of that."""
    account = harness.exchange.create_account(D(202))
    harness.hold(account, "BUY", 10)
    return account


def test_an_account_above_maintenance_margin_is_not_liquidated(harness: EngineHarness, poor: str) -> None:
    harness.exchange.set_mark_price(AAPL, D("194"))
    assert harness.position(poor) == 10
    assert not harness.exchange.in_liquidation(poor)


def test_a_deep_book_closes_the_position_at_once(harness: EngineHarness, poor: str) -> None:
    harness.buy(harness.bob, 10, 191)
    harness.exchange.set_mark_price(AAPL, D(192))
    assert harness.position(poor) == 0
    assert harness.fills(poor)[-1].price == 191
    assert [event.account_id for event in harness.of_type(Liquidated)] == [poor]
    assert not harness.exchange.in_liquidation(poor)
    assert harness.exchange.balance(poor).deposit == 202


def test_a_liquidation_cancels_everything_open_first(harness: EngineHarness, poor: str) -> None:
    harness.buy(harness.bob, 10, 195)
    resting = harness.sell(poor, 1, 205, reduce_only=True)
    stop = harness.sell(poor, 1, 210, order_type="TAKE_PROFIT")
    harness.exchange.add_twap(poor, TwapEntry(AAPL, "SELL", D(2), 2, 30, reduce_only=True))
    harness.exchange.set_mark_price(AAPL, D(191))
    assert harness.statuses(poor, resting.order_id)[-1] == "CANCELLED"
    assert harness.statuses(poor, stop.order_id)[-1] == "CANCELLED"
    assert harness.exchange.twaps(poor, active=False)[0].status == "CANCELLED"
    assert (harness.open_ids(poor), harness.position(poor)) == ([], 0)


def test_in_a_thin_book_the_house_takes_over_after_a_few_seconds(harness: EngineHarness, poor: str) -> None:
    harness.buy(harness.bob, 4, 185)
    harness.exchange.set_mark_price(AAPL, D(185))
    assert harness.exchange.in_liquidation(poor)
    assert harness.position(poor) == 6
    assert harness.buy(poor, 1, 185).status == "USER_IN_LIQUIDATION"
    harness.exchange.advance(1)
    assert harness.exchange.in_liquidation(poor)
    harness.exchange.advance(1)
    assert (harness.position(poor), harness.exchange.in_liquidation(poor)) == (0, False)
    assert harness.fills(poor)[-1].price == 185
    assert harness.exchange.open_interest(AAPL) == 10


def test_a_liquidation_ends_as_soon_as_the_margin_suffices(harness: EngineHarness, poor: str) -> None:
    harness.buy(harness.bob, 4, 190)
    harness.exchange.set_mark_price(AAPL, D(190))
    assert (harness.position(poor), harness.exchange.in_liquidation(poor)) == (6, False)


def test_a_liquidation_ends_when_the_price_recovers(harness: EngineHarness, poor: str) -> None:
    harness.exchange.set_mark_price(AAPL, D(190))
    harness.exchange.set_mark_price(AAPL, D(200))
    harness.exchange.advance(1)
    assert (harness.position(poor), harness.exchange.in_liquidation(poor)) == (10, False)
    assert harness.sell(poor, 1, 210).status == "ACK"


def test_the_house_covers_losses_beyond_the_deposit(harness: EngineHarness, poor: str) -> None:
    harness.exchange.set_mark_price(AAPL, D(150))
    harness.exchange.advance(2)
    row = harness.exchange.balance(poor)
    assert (harness.position(poor), row.available_balance) == (0, 0)
    assert row.deposit > 202


def test_a_short_position_is_liquidated_by_a_rising_price(harness: EngineHarness) -> None:
    poor = harness.exchange.create_account(D(202))
    harness.hold(poor, "SELL", 10)
    harness.sell(harness.bob, 10, 209)
    harness.exchange.set_mark_price(AAPL, D(208))
    assert (harness.position(poor), harness.fills(poor)[-1].price) == (0, 209)


def test_all_positions_of_the_account_are_closed() -> None:
    harness = EngineHarness(AAPL, "US500-USD")
    poor = harness.exchange.create_account(D(500))
    harness.hold(poor, "BUY", 10)
    harness.sell(harness.bob, "0.1", 7700, symbol="US500-USD")
    harness.buy(poor, "0.1", 7700, symbol="US500-USD")
    harness.exchange.set_mark_price(AAPL, D(160))
    harness.exchange.advance(5)
    assert {event.symbol for event in harness.of_type(Liquidated)} == {AAPL, "US500-USD"}
    assert harness.position(poor) == harness.position(poor, "US500-USD") == 0


def test_an_account_with_enough_money_is_not_liquidated(harness: EngineHarness, poor: str) -> None:
    harness.hold(harness.alice, "BUY", 10)
    harness.exchange.set_mark_price(AAPL, D(150))
    harness.exchange.advance(5)
    assert harness.position(harness.alice) == 10

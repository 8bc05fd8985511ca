"""Hourly funding."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import FundingPaid

from .helpers import AAPL, NOON, EngineHarness

SATURDAY = NOON + 4 * 86_400
HOUR = 3600


def test_longs_pay_shorts_on_the_hour(harness: EngineHarness) -> None:
    harness.buy(harness.alice, 10, 200)
    harness.sell(harness.bob, 10, 200)
    harness.exchange.set_funding_rate(AAPL, D("0.0001"))
    harness.exchange.advance(HOUR - 1)
    assert harness.of_type(FundingPaid) == []
    harness.exchange.advance(1)
    paid = {event.account_id: event.amount for event in harness.of_type(FundingPaid)}
    assert paid == {harness.alice: D("-0.2"), harness.bob: D("0.2")}
    assert {event.time for event in harness.of_type(FundingPaid)} == {NOON + HOUR}
    assert harness.exchange.balance(harness.alice).net_funding == D("-0.2")
    assert harness.exchange.position(harness.bob, AAPL).net_funding == D("0.2")


def test_funding_is_paid_every_hour(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "SELL", 10)
    harness.exchange.set_funding_rate(AAPL, D("-0.0001"))
    harness.exchange.advance(5 * HOUR)
    assert harness.exchange.balance(harness.alice).net_funding == -1


def test_a_book_around_the_index_costs_nothing(harness: EngineHarness) -> None:
    harness.buy(harness.bob, 100, 199)
    harness.sell(harness.bob, 100, 201)
    harness.hold(harness.alice, "BUY", 10)
    harness.exchange.advance(HOUR)
    assert harness.exchange.funding_rate(AAPL) == 0
    assert harness.of_type(FundingPaid) == []


@pytest.mark.parametrize(
    ("side", "price", "rate"),
    [
        ("BUY", "200.02", "0.000001"),
        ("SELL", "199.98", "-0.000001"),
        ("BUY", "205", "0.000005"),
    ],
)
def test_the_premium_is_clamped_and_scaled(harness: EngineHarness, side: str, price: str, rate: str) -> None:
    harness.order(harness.bob, side, 100, price)
    harness.exchange.advance(600)
    assert harness.exchange.funding_rate(AAPL) == D(rate)


def test_the_premium_requires_a_deep_book(harness: EngineHarness) -> None:
    harness.buy(harness.bob, 10, 205)
    harness.exchange.advance(600)
    assert harness.exchange.funding_rate(AAPL) == 0


def test_the_premium_is_a_mean_over_the_hour(harness: EngineHarness) -> None:
    row = harness.buy(harness.bob, 100, "200.04")
    harness.exchange.advance(300)
    assert harness.exchange.funding_rate(AAPL) == D("0.000002")
    harness.exchange.cancel_order(harness.bob, AAPL, "order_id", row.order_id)
    harness.exchange.advance(300)
    assert harness.exchange.funding_rate(AAPL) == D("0.000001")


def test_there_is_no_funding_on_weekends() -> None:
    harness = EngineHarness(start=SATURDAY)
    harness.buy(harness.bob, 100, 205)
    harness.exchange.advance(HOUR)
    assert harness.exchange.funding_rate(AAPL) == 0


def test_a_fixed_funding_rate_can_be_released(harness: EngineHarness) -> None:
    harness.exchange.set_funding_rate(AAPL, D("0.01"))
    harness.exchange.advance(300)
    assert harness.exchange.funding_rate(AAPL) == D("0.01")
    harness.exchange.set_funding_rate(AAPL, None)
    harness.exchange.advance(300)
    assert harness.exchange.funding_rate(AAPL) == 0

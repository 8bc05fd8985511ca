"""Hourly funding."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import FundingPaid

from .helpers import AAPL, NOON, Arena

SATURDAY = NOON + 4 * 86_400
HOUR = 3600


def test_longs_pay_shorts_on_the_hour(arena: Arena) -> None:
    arena.buy(arena.alice, 10, 200)
    arena.sell(arena.bob, 10, 200)
    arena.exchange.set_funding_rate(AAPL, D("0.0001"))
    arena.exchange.advance(HOUR - 1)
    assert arena.of_type(FundingPaid) == []
    arena.exchange.advance(1)
    paid = {event.account_id: event.amount for event in arena.of_type(FundingPaid)}
    assert paid == {arena.alice: D("-0.2"), arena.bob: D("0.2")}
    assert {event.time for event in arena.of_type(FundingPaid)} == {NOON + HOUR}
    assert arena.exchange.balance(arena.alice).net_funding == D("-0.2")
    assert arena.exchange.position(arena.bob, AAPL).net_funding == D("0.2")


def test_it_is_paid_every_hour(arena: Arena) -> None:
    arena.hold(arena.alice, "SELL", 10)
    arena.exchange.set_funding_rate(AAPL, D("-0.0001"))
    arena.exchange.advance(5 * HOUR)
    assert arena.exchange.balance(arena.alice).net_funding == -1


def test_a_book_around_the_index_costs_nothing(arena: Arena) -> None:
    arena.buy(arena.bob, 100, 199)
    arena.sell(arena.bob, 100, 201)
    arena.hold(arena.alice, "BUY", 10)
    arena.exchange.advance(HOUR)
    assert arena.exchange.funding_rate(AAPL) == 0
    assert arena.of_type(FundingPaid) == []


@pytest.mark.parametrize(
    ("side", "price", "rate"),
    [
        ("BUY", "200.02", "0.000001"),
        ("SELL", "199.98", "-0.000001"),
        ("BUY", "205", "0.000005"),
    ],
)
def test_the_premium_is_clamped_and_scaled(arena: Arena, side: str, price: str, rate: str) -> None:
    arena.order(arena.bob, side, 100, price)
    arena.exchange.advance(600)
    assert arena.exchange.funding_rate(AAPL) == D(rate)


def test_the_premium_takes_a_deep_book(arena: Arena) -> None:
    arena.buy(arena.bob, 10, 205)
    arena.exchange.advance(600)
    assert arena.exchange.funding_rate(AAPL) == 0


def test_the_premium_is_a_mean_over_the_hour(arena: Arena) -> None:
    row = arena.buy(arena.bob, 100, "200.04")
    arena.exchange.advance(300)
    assert arena.exchange.funding_rate(AAPL) == D("0.000002")
    arena.exchange.cancel_order(arena.bob, AAPL, "order_id", row.order_id)
    arena.exchange.advance(300)
    assert arena.exchange.funding_rate(AAPL) == D("0.000001")


def test_there_is_none_on_the_weekend() -> None:
    arena = Arena(start=SATURDAY)
    arena.buy(arena.bob, 100, 205)
    arena.exchange.advance(HOUR)
    assert arena.exchange.funding_rate(AAPL) == 0


def test_a_rate_set_by_hand_can_be_given_back(arena: Arena) -> None:
    arena.exchange.set_funding_rate(AAPL, D("0.01"))
    arena.exchange.advance(300)
    assert arena.exchange.funding_rate(AAPL) == D("0.01")
    arena.exchange.set_funding_rate(AAPL, None)
    arena.exchange.advance(300)
    assert arena.exchange.funding_rate(AAPL) == 0

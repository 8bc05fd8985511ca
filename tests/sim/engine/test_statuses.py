"""A scenario for every order status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D
from typing import get_args

import pytest

from qfex.sim.engine import Exchange, OrderStatus, Rules, load_instruments

from .helpers import AAPL, NOON, EngineHarness

Scenario = Callable[[], str]
SCENARIOS: dict[str, Scenario] = {}


def ends_in(status: str) -> Callable[[Scenario], Scenario]:
    """Register a scenario that must end in a status."""

    def register(scenario: Scenario) -> Scenario:
        assert status not in SCENARIOS
        SCENARIOS[status] = scenario
        return scenario

    return register


def crossed(**rules: object) -> EngineHarness:
    """Return a harness in which bob offers one unit at 200."""
    harness = EngineHarness(rules=Rules(**rules))  # type: ignore[arg-type]
    harness.sell(harness.bob, 1, 200)
    return harness


@ends_in("ACK")
def accepted() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1, 199).status


@ends_in("MODIFIED")
def replaced() -> str:
    harness = EngineHarness()
    return harness.modify(harness.alice, harness.buy(harness.alice, 1, 199), price=198).status


@ends_in("FILLED")
def filled() -> str:
    harness = crossed()
    return harness.buy(harness.alice, 1, 200).status


@ends_in("IOC_PARTIALLY_FILLED")
def ioc_filled_in_part() -> str:
    harness = crossed()
    return harness.buy(harness.alice, 2, 200, tif="IOC").status


@ends_in("IOC_CANCELLED")
def ioc_without_counterparty() -> str:
    harness = EngineHarness()
    return harness.market(harness.alice, "BUY", 1).status


@ends_in("CANCELLED")
def cancelled_by_its_owner() -> str:
    harness = EngineHarness()
    row = harness.buy(harness.alice, 1, 199)
    return harness.exchange.cancel_order(harness.alice, AAPL, "order_id", row.order_id)[0].status


@ends_in("CANCELLED_STP")
def trades_with_its_own_account() -> str:
    harness = crossed()
    row = harness.exchange.open_orders(harness.bob)[0]
    harness.buy(harness.bob, 1, 200)
    return harness.statuses(harness.bob, row.order_id)[-1]


@ends_in("REJECTED")
def reduces_nothing() -> str:
    harness = EngineHarness()
    return harness.sell(harness.alice, 1, 200, reduce_only=True).status


@ends_in("NO_SUCH_ORDER")
def cancels_nothing() -> str:
    harness = EngineHarness()
    return harness.exchange.cancel_order(harness.alice, AAPL, "order_id", "nowhere")[0].status


@ends_in("CANNOT_MODIFY_NO_SUCH_ORDER")
def modifies_the_wrong_side() -> str:
    harness = EngineHarness()
    return harness.modify(harness.alice, harness.buy(harness.alice, 1, 199), side="SELL").status


@ends_in("CANNOT_MODIFY_PARTIAL_FILL")
def modifies_after_a_fill() -> str:
    harness = crossed()
    return harness.modify(harness.alice, harness.buy(harness.alice, 2, 200), price=199).status


@ends_in("CANNOT_MODIFY_ALO_WOULD_CROSS")
def modifies_a_post_only_order_to_take() -> str:
    harness = crossed()
    return harness.modify(
        harness.alice, harness.buy(harness.alice, 1, 199, order_type="ALO"), price=200
    ).status


@ends_in("INVALID_ORDER_TYPE")
def sends_an_unknown_type() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1, 199, order_type="STOP_MARKET").status


@ends_in("BAD_SYMBOL")
def sends_an_unknown_symbol() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1, 199, symbol="ENRON-USD").status


@ends_in("INVALID_TIME_IN_FORCE")
def sends_a_post_only_ioc() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1, 199, order_type="ALO", tif="IOC").status


@ends_in("PRICE_LESS_THAN_MIN_PRICE")
def bids_far_below() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1, 19).status


@ends_in("PRICE_GREATER_THAN_MAX_PRICE")
def offers_far_above() -> str:
    harness = EngineHarness()
    return harness.sell(harness.alice, 1, 2001).status


@ends_in("REJECTED_LESS_THAN_MIN_PRICE_BAND")
def sells_below_the_band() -> str:
    harness = EngineHarness()
    return harness.sell(harness.alice, 1, "179.99").status


@ends_in("REJECTED_GREATER_THAN_MAX_PRICE_BAND")
def buys_above_the_band() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1, "220.01").status


@ends_in("INVALID_TICK_SIZE_PRECISION_PRICE")
def prices_between_ticks() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1, "199.005").status


@ends_in("INVALID_TICK_SIZE_PRECISION_QUANTITY")
def sizes_between_lots() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, "1.0005", 199).status


@ends_in("QUANTITY_LESS_THAN_MIN_QUANTITY")
def sizes_below_the_minimum() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, "0.009", 199).status


@ends_in("QUANTITY_GREATER_THAN_MAX_QUANTITY")
def sizes_above_the_maximum() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 10_000_001, 199).status


@ends_in("FAILED_MARGIN_CHECK")
def buys_more_than_it_can_pay() -> str:
    harness = EngineHarness()
    poor = harness.exchange.create_account(D(10))
    return harness.buy(poor, 1, 199).status


@ends_in("REJECTED_WOULD_BREACH_MAX_NOTIONAL")
def buys_more_than_its_leverage_allows() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1251, 200).status


@ends_in("REJECTED_LESS_THAN_MIN_NOTIONAL")
def buys_next_to_nothing() -> str:
    harness = EngineHarness(rules=Rules(min_notional=D(500)))
    return harness.buy(harness.alice, 1, 199).status


@ends_in("REJECTED_MARKET_CLOSED")
def trades_a_halted_symbol() -> str:
    harness = EngineHarness()
    harness.exchange.halt(AAPL)
    return harness.buy(harness.alice, 1, 199).status


@ends_in("REJECTED_FAILED_TO_PROCESS")
def trades_while_matching_fails() -> str:
    harness = EngineHarness()
    harness.exchange.fail(AAPL)
    return harness.buy(harness.alice, 1, 199).status


@ends_in("INVALID_TAKEPROFIT_PRICE")
def sets_a_take_profit_at_a_loss() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1, 199, take_profit=198).status


@ends_in("INVALID_STOPLOSS_PRICE")
def sets_a_stop_loss_at_a_profit() -> str:
    harness = EngineHarness()
    return harness.buy(harness.alice, 1, 199, stop_loss=200).status


@ends_in("RATE_LIMITED")
def sends_too_fast() -> str:
    harness = EngineHarness(rules=Rules(max_orders_per_second=2))
    return [harness.buy(harness.alice, 1, 199).status for _ in range(3)][-1]


@ends_in("REJECTED_TOO_MANY_OPEN_ORDERS")
def opens_one_order_too_many() -> str:
    harness = EngineHarness(rules=Rules(max_open_orders=2))
    return [harness.buy(harness.alice, 1, 199).status for _ in range(3)][-1]


@ends_in("REJECTED_OPEN_INTEREST_LIMIT")
def exceeds_the_open_interest_limit() -> str:
    harness = EngineHarness(rules=Rules(max_open_interest=D(1000)))
    return harness.buy(harness.alice, 6, 199).status


@ends_in("REJECTED_TOTAL_OPEN_INTEREST_LIMIT")
def exceeds_the_total_open_interest_limit() -> str:
    harness = EngineHarness(rules=Rules(max_total_open_interest=D(1000)))
    harness.hold(harness.alice, "BUY", 4)
    return harness.buy(harness.bob, 2, 199).status


@ends_in("USER_IN_LIQUIDATION")
def trades_while_being_liquidated() -> str:
    harness = EngineHarness()
    poor = harness.exchange.create_account(D(200))
    harness.hold(poor, "BUY", 10)
    harness.exchange.set_mark_price(AAPL, D(181))
    return harness.sell(poor, 1, 181).status


@ends_in("PERMISSION_DENIED")
def trades_without_permission() -> str:
    harness = EngineHarness()
    harness.exchange.set_flags(harness.alice, may_trade=False)
    return harness.buy(harness.alice, 1, 199).status


def test_there_is_a_scenario_for_every_status() -> None:
    assert set(SCENARIOS) == set(get_args(OrderStatus))


@pytest.mark.parametrize("status", SCENARIOS)
def test_each_scenario_ends_in_its_status(status: str) -> None:
    assert SCENARIOS[status]() == status


def test_a_rejected_order_is_not_open_and_costs_nothing() -> None:
    harness = EngineHarness()
    before = harness.exchange.balance(harness.alice)
    row = harness.buy(harness.alice, 1, "220.01")
    assert harness.open_ids(harness.alice) == []
    assert harness.exchange.balance(harness.alice) == before
    assert harness.statuses(harness.alice, row.order_id) == [row.status]


def test_trading_resumes_after_a_halt() -> None:
    harness = EngineHarness()
    resting = harness.buy(harness.alice, 1, 199)
    harness.exchange.halt(AAPL)
    assert (
        harness.exchange.cancel_order(harness.alice, AAPL, "order_id", resting.order_id)[0].status
        == "CANCELLED"
    )
    harness.exchange.resume(AAPL)
    assert harness.buy(harness.alice, 1, 199).status == "ACK"


def test_an_order_cannot_be_cancelled_while_matching_fails() -> None:
    harness = EngineHarness()
    row = harness.buy(harness.alice, 1, 199)
    harness.exchange.fail(AAPL)
    assert (
        harness.exchange.cancel_order(harness.alice, AAPL, "order_id", row.order_id)[0].status == "REJECTED"
    )
    assert harness.open_ids(harness.alice) == [row.order_id]


def test_inactive_and_delisted_instruments_have_different_statuses() -> None:
    inactive, other = load_instruments(["NOK-USD", "CL-USD"])
    exchange = Exchange([inactive, replace(other, status="DELISTED")], start=NOON)
    harness = EngineHarness()
    harness.exchange = exchange
    account = exchange.create_account()
    assert harness.buy(account, 1, 10, symbol="NOK-USD").status == "REJECTED_MARKET_CLOSED"
    assert harness.buy(account, 1, 90, symbol="CL-USD").status == "BAD_SYMBOL"


@pytest.mark.parametrize(("side", "price"), [("BUY", 100), ("SELL", 300)])
def test_an_order_outside_the_band_may_rest(side: str, price: int) -> None:
    harness = EngineHarness()
    assert harness.order(harness.alice, side, 1, price).status == "ACK"


def test_the_band_follows_the_index() -> None:
    harness = EngineHarness()
    harness.exchange.set_mark_price(AAPL, D(250))
    assert harness.exchange.price_band(AAPL) == (D(225), D(275))
    assert harness.buy(harness.alice, 1, 270).status == "ACK"

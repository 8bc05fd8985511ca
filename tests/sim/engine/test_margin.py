"""Leverage, margin, and reduce-only orders."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import PositionChanged, Refused, Rules

from .helpers import AAPL, NOON, EngineHarness

SATURDAY = NOON + 4 * 86_400


def test_leverage_levels_have_margins_and_notional_caps(harness: EngineHarness) -> None:
    rows = harness.exchange.available_leverage(harness.alice)
    assert [row.leverage for row in rows] == [1, 2, 3, 5, 7, 10]
    top = rows[-1]
    assert (top.initial_margin, top.maintenance_margin, top.max_notional) == (
        D("0.1"),
        D("0.066667"),
        250_000,
    )
    assert harness.exchange.leverage(harness.alice) == [top]
    assert len({row.id for row in rows}) == len(rows)


def test_leverage_decides_the_margin(harness: EngineHarness) -> None:
    harness.exchange.set_leverage(harness.alice, AAPL, D(2))
    harness.buy(harness.alice, 1, 200)
    assert harness.exchange.balance(harness.alice).order_margin == 100
    row = harness.exchange.position(harness.alice, AAPL)
    assert (row.leverage, row.initial_margin, row.maintenance_margin) == (2, D("0.5"), D("0.333333"))


@pytest.mark.parametrize("leverage", [0, 4, 20, -1])
def test_a_level_not_on_offer_is_refused(harness: EngineHarness, leverage: int) -> None:
    with pytest.raises(Refused, match="InvalidParameter"):
        harness.exchange.set_leverage(harness.alice, AAPL, D(leverage))


def test_leverage_of_an_unknown_symbol_is_refused(harness: EngineHarness) -> None:
    with pytest.raises(Refused, match="InvalidParameter"):
        harness.exchange.set_leverage(harness.alice, "ENRON-USD", D(1))


def test_leverage_cannot_change_while_the_symbol_is_in_use(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, 1, 199)
    with pytest.raises(Refused):
        harness.exchange.set_leverage(harness.alice, AAPL, D(2))
    harness.exchange.cancel_order(harness.alice, AAPL, "order_id", row.order_id)
    harness.hold(harness.alice, "BUY", 1)
    with pytest.raises(Refused):
        harness.exchange.set_leverage(harness.alice, AAPL, D(2))
    harness.hold(harness.alice, "SELL", 1)
    harness.exchange.set_leverage(harness.alice, AAPL, D(2))


def test_an_order_that_closes_needs_no_margin(harness: EngineHarness) -> None:
    poor = harness.exchange.create_account(D(202))
    harness.hold(poor, "BUY", 10)
    assert harness.buy(poor, 1, 199).status == "FAILED_MARGIN_CHECK"
    assert harness.sell(poor, 10, 200).status == "ACK"
    assert harness.exchange.balance(poor).order_margin == 0
    assert harness.sell(poor, 1, 200).status == "FAILED_MARGIN_CHECK"


def test_fills_turn_order_margin_into_position_margin(harness: EngineHarness) -> None:
    harness.buy(harness.alice, 10, 200)
    harness.sell(harness.bob, 4, 200)
    row = harness.exchange.balance(harness.alice)
    assert (row.order_margin, row.position_margin) == (120, 80)


def test_orders_on_both_sides_are_margined(harness: EngineHarness) -> None:
    harness.buy(harness.alice, 1, 190)
    harness.sell(harness.alice, 1, 210)
    assert harness.exchange.balance(harness.alice).order_margin == 40


def test_the_notional_cap_counts_position_and_open_orders() -> None:
    harness = EngineHarness(rules=Rules(notional_caps={"EQUITY": D(10_000)}))
    harness.hold(harness.alice, "BUY", 2)
    assert harness.buy(harness.alice, 2, 200).status == "ACK"
    assert harness.buy(harness.alice, 2, 200).status == "REJECTED_WOULD_BREACH_MAX_NOTIONAL"
    assert harness.buy(harness.alice, 1, 200).status == "ACK"
    assert harness.sell(harness.alice, 6, 210).status == "ACK"
    assert harness.sell(harness.alice, 1, 210).status == "REJECTED_WOULD_BREACH_MAX_NOTIONAL"


@pytest.mark.parametrize(("limits", "status"), [(False, "ACK"), (True, "REJECTED_WOULD_BREACH_MAX_NOTIONAL")])
def test_the_notional_cap_shrinks_on_weekends_if_the_rules_say_so(limits: bool, status: str) -> None:
    harness = EngineHarness(rules=Rules(session_limits=limits), start=SATURDAY)
    assert harness.exchange.instruments[AAPL].session(SATURDAY) == "weekend"
    assert harness.buy(harness.alice, 126, 200).status == status


def test_reduce_only_never_flips_a_position(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 2)
    harness.buy(harness.bob, 10, 200)
    row = harness.sell(harness.alice, 5, 200, reduce_only=True)
    assert (row.quantity_remaining, harness.position(harness.alice)) == (3, 0)
    assert harness.statuses(harness.alice, row.order_id) == ["ACK", "FILLED", "CANCELLED"]


def test_a_resting_reduce_only_order_is_cut_to_the_position(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 2)
    rows = [harness.sell(harness.alice, 2, price, reduce_only=True) for price in (201, 202)]
    harness.buy(harness.bob, 3, 205)
    assert harness.position(harness.alice) == 0
    assert harness.statuses(harness.alice, rows[0].order_id)[-1] == "FILLED"
    assert harness.statuses(harness.alice, rows[1].order_id) == ["ACK", "CANCELLED"]


def test_reduce_only_orders_are_cancelled_when_their_position_is_closed(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 2)
    resting = harness.sell(harness.alice, 2, 205, reduce_only=True)
    harness.hold(harness.alice, "SELL", 2)
    assert harness.statuses(harness.alice, resting.order_id) == ["ACK", "CANCELLED"]


def test_a_position_below_the_minimum_quantity_can_still_be_closed(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 1)
    harness.hold(harness.alice, "SELL", "0.995")
    harness.buy(harness.bob, 1, 200)
    assert harness.sell(harness.alice, "0.005", 200).status == "QUANTITY_LESS_THAN_MIN_QUANTITY"
    assert (
        harness.sell(harness.alice, "0.004", 200, reduce_only=True).status
        == "QUANTITY_LESS_THAN_MIN_QUANTITY"
    )
    assert harness.exchange.close_position(harness.alice, AAPL).status == "FILLED"


def test_close_position_is_a_pegged_reduce_only_limit_ioc(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 2)
    harness.buy(harness.bob, 1, "199.8")
    harness.buy(harness.bob, 1, "199.7")
    row = harness.exchange.close_position(harness.alice, AAPL, "bye")
    assert (row.order_type, row.time_in_force, row.side, row.reduce_only) == ("LIMIT", "IOC", "SELL", True)
    assert (row.price, row.quantity, row.client_order_id) == (D("199.8"), 2, "bye")
    assert (row.status, harness.position(harness.alice)) == ("IOC_PARTIALLY_FILLED", 1)


def test_a_short_position_is_closed_by_buying_above_the_mark_price(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "SELL", 2)
    harness.sell(harness.bob, 2, "200.2")
    assert harness.exchange.close_position(harness.alice, AAPL).price == D("200.2")
    assert harness.position(harness.alice) == 0


def test_closing_a_position_requires_a_position(harness: EngineHarness) -> None:
    with pytest.raises(Refused, match="InvalidOrder"):
        harness.exchange.close_position(harness.alice, AAPL)


def test_a_change_of_leverage_is_reported(harness: EngineHarness) -> None:
    harness.exchange.set_leverage(harness.alice, AAPL, D(2))
    assert [(event.account_id, event.symbol) for event in harness.of_type(PositionChanged)] == [
        (harness.alice, AAPL)
    ]

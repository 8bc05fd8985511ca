"""Leverage, margin, and reduce-only orders."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import PositionChanged, Refused, Rules

from .helpers import AAPL, NOON, Arena

SATURDAY = NOON + 4 * 86_400


def test_leverage_levels_carry_their_margins_and_caps(arena: Arena) -> None:
    rows = arena.exchange.available_leverage(arena.alice)
    assert [row.leverage for row in rows] == [1, 2, 3, 5, 7, 10]
    top = rows[-1]
    assert (top.initial_margin, top.maintenance_margin, top.max_notional) == (
        D("0.1"),
        D("0.066667"),
        250_000,
    )
    assert arena.exchange.leverage(arena.alice) == [top]
    assert len({row.id for row in rows}) == len(rows)


def test_leverage_decides_the_margin(arena: Arena) -> None:
    arena.exchange.set_leverage(arena.alice, AAPL, D(2))
    arena.buy(arena.alice, 1, 200)
    assert arena.exchange.balance(arena.alice).order_margin == 100
    row = arena.exchange.position(arena.alice, AAPL)
    assert (row.leverage, row.initial_margin, row.maintenance_margin) == (2, D("0.5"), D("0.333333"))


@pytest.mark.parametrize("leverage", [0, 4, 20, -1])
def test_a_level_not_on_offer_is_refused(arena: Arena, leverage: int) -> None:
    with pytest.raises(Refused, match="InvalidParameter"):
        arena.exchange.set_leverage(arena.alice, AAPL, D(leverage))


def test_leverage_of_an_unknown_symbol_is_refused(arena: Arena) -> None:
    with pytest.raises(Refused, match="InvalidParameter"):
        arena.exchange.set_leverage(arena.alice, "ENRON-USD", D(1))


def test_leverage_stays_while_the_symbol_is_in_use(arena: Arena) -> None:
    row = arena.buy(arena.alice, 1, 199)
    with pytest.raises(Refused):
        arena.exchange.set_leverage(arena.alice, AAPL, D(2))
    arena.exchange.cancel_order(arena.alice, AAPL, "order_id", row.order_id)
    arena.hold(arena.alice, "BUY", 1)
    with pytest.raises(Refused):
        arena.exchange.set_leverage(arena.alice, AAPL, D(2))
    arena.hold(arena.alice, "SELL", 1)
    arena.exchange.set_leverage(arena.alice, AAPL, D(2))


def test_an_order_that_closes_needs_no_margin(arena: Arena) -> None:
    poor = arena.exchange.create_account(D(202))
    arena.hold(poor, "BUY", 10)
    assert arena.buy(poor, 1, 199).status == "FAILED_MARGIN_CHECK"
    assert arena.sell(poor, 10, 200).status == "ACK"
    assert arena.exchange.balance(poor).order_margin == 0
    assert arena.sell(poor, 1, 200).status == "FAILED_MARGIN_CHECK"


def test_fills_turn_order_margin_into_position_margin(arena: Arena) -> None:
    arena.buy(arena.alice, 10, 200)
    arena.sell(arena.bob, 4, 200)
    row = arena.exchange.balance(arena.alice)
    assert (row.order_margin, row.position_margin) == (120, 80)


def test_orders_on_both_sides_are_margined(arena: Arena) -> None:
    arena.buy(arena.alice, 1, 190)
    arena.sell(arena.alice, 1, 210)
    assert arena.exchange.balance(arena.alice).order_margin == 40


def test_the_cap_counts_position_and_waiting_orders() -> None:
    arena = Arena(rules=Rules(notional_caps={"EQUITY": D(10_000)}))
    arena.hold(arena.alice, "BUY", 2)
    assert arena.buy(arena.alice, 2, 200).status == "ACK"
    assert arena.buy(arena.alice, 2, 200).status == "REJECTED_WOULD_BREACH_MAX_NOTIONAL"
    assert arena.buy(arena.alice, 1, 200).status == "ACK"
    assert arena.sell(arena.alice, 6, 210).status == "ACK"
    assert arena.sell(arena.alice, 1, 210).status == "REJECTED_WOULD_BREACH_MAX_NOTIONAL"


@pytest.mark.parametrize(("limits", "status"), [(False, "ACK"), (True, "REJECTED_WOULD_BREACH_MAX_NOTIONAL")])
def test_the_cap_is_cut_on_the_weekend_where_the_rules_say_so(limits: bool, status: str) -> None:
    arena = Arena(rules=Rules(session_limits=limits), start=SATURDAY)
    assert arena.exchange.instruments[AAPL].session(SATURDAY) == "weekend"
    assert arena.buy(arena.alice, 126, 200).status == status


def test_reduce_only_never_flips_a_position(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 2)
    arena.buy(arena.bob, 10, 200)
    row = arena.sell(arena.alice, 5, 200, reduce_only=True)
    assert (row.quantity_remaining, arena.position(arena.alice)) == (3, 0)
    assert arena.statuses(arena.alice, row.order_id) == ["ACK", "FILLED", "CANCELLED"]


def test_a_resting_reduce_only_order_is_cut_to_the_position(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 2)
    rows = [arena.sell(arena.alice, 2, price, reduce_only=True) for price in (201, 202)]
    arena.buy(arena.bob, 3, 205)
    assert arena.position(arena.alice) == 0
    assert arena.statuses(arena.alice, rows[0].order_id)[-1] == "FILLED"
    assert arena.statuses(arena.alice, rows[1].order_id) == ["ACK", "CANCELLED"]


def test_reduce_only_orders_go_with_their_position(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 2)
    resting = arena.sell(arena.alice, 2, 205, reduce_only=True)
    arena.hold(arena.alice, "SELL", 2)
    assert arena.statuses(arena.alice, resting.order_id) == ["ACK", "CANCELLED"]


def test_a_position_below_the_minimum_quantity_can_still_be_closed(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 1)
    arena.hold(arena.alice, "SELL", "0.995")
    arena.buy(arena.bob, 1, 200)
    assert arena.sell(arena.alice, "0.005", 200).status == "QUANTITY_LESS_THAN_MIN_QUANTITY"
    assert arena.sell(arena.alice, "0.004", 200, reduce_only=True).status == "QUANTITY_LESS_THAN_MIN_QUANTITY"
    assert arena.exchange.close_position(arena.alice, AAPL).status == "FILLED"


def test_close_position_is_a_pegged_reduce_only_limit_ioc(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 2)
    arena.buy(arena.bob, 1, "199.8")
    arena.buy(arena.bob, 1, "199.7")
    row = arena.exchange.close_position(arena.alice, AAPL, "bye")
    assert (row.order_type, row.time_in_force, row.side, row.reduce_only) == ("LIMIT", "IOC", "SELL", True)
    assert (row.price, row.quantity, row.client_order_id) == (D("199.8"), 2, "bye")
    assert (row.status, arena.position(arena.alice)) == ("IOC_PARTIALLY_FILLED", 1)


def test_a_short_is_closed_from_above(arena: Arena) -> None:
    arena.hold(arena.alice, "SELL", 2)
    arena.sell(arena.bob, 2, "200.2")
    assert arena.exchange.close_position(arena.alice, AAPL).price == D("200.2")
    assert arena.position(arena.alice) == 0


def test_there_must_be_a_position_to_close(arena: Arena) -> None:
    with pytest.raises(Refused, match="InvalidOrder"):
        arena.exchange.close_position(arena.alice, AAPL)


def test_a_change_of_leverage_is_told(arena: Arena) -> None:
    arena.exchange.set_leverage(arena.alice, AAPL, D(2))
    assert [(event.account_id, event.symbol) for event in arena.of_type(PositionChanged)] == [
        (arena.alice, AAPL)
    ]

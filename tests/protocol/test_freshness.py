"""Positions and balance are never older than a fill or an end that was reported."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex import Balance, Channel, Fill, Order, Position, Side
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.account import AccountState
from qfex.protocol.trade.fills import Freshness

from .connections import apply, in_use, order_message, receive
from .in_flight import AAPL, order

GOLD = "GOLD-USD"


def test_a_symbol_is_stale_from_a_report_of_a_trade_until_its_position_is_reported() -> None:
    freshness = Freshness()
    assert freshness.stale_symbols() == set()
    freshness.changed(AAPL)
    freshness.position(GOLD)
    assert freshness.stale_symbols() == {AAPL}
    freshness.position(AAPL)
    assert freshness.stale_symbols() == set()
    freshness.changed(AAPL)
    assert freshness.stale_symbols() == {AAPL}


def test_the_balance_is_stale_from_a_report_of_any_trade_until_it_is_reported() -> None:
    freshness = Freshness()
    assert not freshness.balance_is_stale
    freshness.changed(AAPL)
    freshness.position(AAPL)
    assert freshness.balance_is_stale
    freshness.balance()
    assert not freshness.balance_is_stale


def test_what_was_read_is_as_new_as_the_moment_at_which_it_was_asked_for() -> None:
    freshness = Freshness()
    freshness.changed(AAPL)
    freshness.changed(GOLD)
    mark = freshness.mark()
    freshness.changed(AAPL)  # while it is read
    freshness.refreshed(mark)
    assert freshness.stale_symbols() == {AAPL} and freshness.balance_is_stale


def test_an_older_reading_does_not_make_a_newer_one_stale() -> None:
    freshness = Freshness()
    freshness.changed(AAPL)
    mark = freshness.mark()
    freshness.changed(AAPL)
    freshness.position(AAPL)
    freshness.balance()
    freshness.refreshed(mark)
    assert freshness.stale_symbols() == set() and not freshness.balance_is_stale


# --- snapshots ---------------------------------------------------------------------------------------------------


def account_with(**positions: int) -> AccountState:
    account = AccountState(lambda: 0.0)
    account.positions = {f"{name}-USD": Position(f"{name}-USD", D(size)) for name, size in positions.items()}
    account.positions_known = True
    account.balance = Balance(deposit=D(1))
    return account


def snapshot(**positions: int) -> dict[str, Position]:
    return account_with(**positions).positions


def test_a_snapshot_takes_the_place_of_what_is_stale_and_of_nothing_else() -> None:
    account = account_with(AAPL=1, GOLD=1)
    account.freshness.changed(AAPL)
    mark = account.freshness.mark()
    account.positions[GOLD] = Position(GOLD, D(7))  # reported while the snapshot was read
    account.take_snapshot(mark, snapshot(AAPL=2, GOLD=1), Balance(deposit=D(9)))
    assert {symbol: each.position for symbol, each in account.positions.items()} == {AAPL: 2, GOLD: 7}
    assert account.balance == Balance(deposit=D(9))


def test_a_position_that_the_snapshot_does_not_have_is_flat() -> None:
    account = account_with(AAPL=1, GOLD=1)
    account.freshness.changed(AAPL)
    account.take_snapshot(account.freshness.mark(), {}, Balance())
    assert account.positions == {AAPL: Position(AAPL), GOLD: Position(GOLD, D(1))}


def test_the_first_snapshot_is_older_than_what_was_reported_while_it_was_read() -> None:
    account = AccountState(lambda: 0.0)
    mark = account.freshness.mark()
    account.freshness.changed(AAPL)  # a fill, and the position after it
    account.positions[AAPL] = Position(AAPL, D(2))
    account.freshness.position(AAPL)
    account.take_snapshot(mark, snapshot(GOLD=1), Balance())
    assert account.positions == {AAPL: Position(AAPL, D(2)), GOLD: Position(GOLD, D(1))}


def test_the_first_snapshot_says_what_is_held_and_what_is_not() -> None:
    account = AccountState(lambda: 0.0)
    account.positions[GOLD] = Position(GOLD, D(7))  # from an earlier subscription
    account.forget_positions()
    account.take_snapshot(account.freshness.mark(), snapshot(AAPL=2), Balance(deposit=D(3)))
    assert account.positions == {AAPL: Position(AAPL, D(2))}
    assert account.positions_known and account.balance == Balance(deposit=D(3))


def test_a_balance_that_was_reported_since_is_kept() -> None:
    account = account_with()
    account.freshness.changed(AAPL)
    mark = account.freshness.mark()
    account.balance = Balance(deposit=D(5))
    account.freshness.balance()
    account.take_snapshot(mark, {}, Balance(deposit=D(4)))
    assert account.balance == Balance(deposit=D(5))


# --- messages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message, is_stale",
    [
        (Fill("t1", "o1", AAPL, Side.BUY, D(180), D(1)), True),
        (order("FILLED", quantity_remaining=D("0.4")), True),
        (order("CANCELLED"), True),  # what was reserved for it is free again
        (order("MODIFIED", price=D(181)), False),
        (order("CANCELLED", order_id="o9", client_order_id="c9", symbol=GOLD), False),
    ],
)
def test_fills_and_ends_make_the_position_of_their_symbol_stale(
    message: Order | Fill, is_stale: bool
) -> None:
    connection = in_use(order())
    apply(connection, message)
    assert (AAPL in connection.account.freshness.stale_symbols()) == is_stale


def test_a_repeated_end_makes_nothing_stale_again() -> None:
    connection = in_use(order())
    receive(connection, order_message(order("CANCELLED")))
    apply(connection, Position(AAPL))
    apply(connection, Balance())
    receive(connection, order_message(order("CANCELLED")))
    freshness = connection.account.freshness
    assert freshness.stale_symbols() == set() and not freshness.balance_is_stale


def test_unsubscribing_positions_leaves_them_unknown() -> None:
    connection = in_use()
    account = connection.account
    account.positions_known = True
    connection.send(c.Unsubscribe((Channel.POSITIONS,)))
    connection.receive(b'{"unsubscribed": "positions"}')
    assert not account.positions_known and Channel.POSITIONS not in account.channels


def test_unsubscribing_fills_leaves_it_unknown_what_was_traded_before() -> None:
    connection = in_use()
    connection.account.fills.set_baseline([])
    connection.send(c.Unsubscribe((Channel.FILLS,)))
    connection.receive(b'{"unsubscribed": "fills"}')
    assert not connection.account.fills.has_baseline

"""Positions, profit, fees and balances."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from qfex.sim.engine import BalanceChanged, Exchange, PositionChanged, Refused, load_instruments

from .helpers import AAPL, NOON, Arena


def test_the_average_price_is_that_of_what_was_added(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 1, 200)
    arena.hold(arena.alice, "BUY", 3, 204)
    row = arena.exchange.position(arena.alice, AAPL)
    assert (row.position, row.average_price) == (4, 203)
    assert row.unrealised_pnl == -12


def test_closing_a_part_realises_its_profit_and_keeps_the_average(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 4, 200)
    arena.hold(arena.alice, "SELL", 1, 210)
    row = arena.exchange.position(arena.alice, AAPL)
    assert (row.position, row.average_price, row.realised_pnl) == (3, 200, 10)
    assert arena.fills(arena.alice)[-1].realised_pnl == 10


def test_a_short_profits_from_falling_prices(arena: Arena) -> None:
    arena.hold(arena.alice, "SELL", 2, 200)
    arena.exchange.set_mark_price(AAPL, D(190))
    assert arena.exchange.position(arena.alice, AAPL).unrealised_pnl == 20
    arena.hold(arena.alice, "BUY", 2, 190)
    row = arena.exchange.position(arena.alice, AAPL)
    assert (row.position, row.realised_pnl, row.unrealised_pnl, row.average_price) == (0, 20, 0, 0)


def test_flipping_realises_the_old_side_and_opens_the_new_one(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 1, 200)
    arena.hold(arena.alice, "SELL", 3, 210)
    row = arena.exchange.position(arena.alice, AAPL)
    assert (row.position, row.average_price, row.realised_pnl) == (-2, 210, 10)


def test_thirds_lose_no_digit(arena: Arena) -> None:
    for price in (200, 200, 201):
        arena.hold(arena.alice, "BUY", 1, price)
    for _ in range(3):
        arena.hold(arena.alice, "SELL", 1, 200)
    row = arena.exchange.position(arena.alice, AAPL)
    assert (row.position, row.realised_pnl) == (0, -1)


@pytest.mark.parametrize(
    ("symbol", "category", "price", "maker", "taker"),
    [
        ("AAPL-USD", "EQUITY", 200, "0.1", "0.2"),
        ("US500-USD", "INDEX", 7700, "1.54", "3.85"),
        ("GOLD-USD", "COMMODITY", 4200, "0.84", "2.1"),
        ("AAPL-USD", "FX", 200, "0.02", "0.04"),
    ],
)
def test_fees_by_category(symbol: str, category: str, price: int, maker: str, taker: str) -> None:
    arena = Arena(symbol)
    [instrument] = load_instruments([symbol])
    instrument = replace(instrument, category=category, index_price=D(price))
    arena.exchange = Exchange([instrument], start=NOON, liquidity=False)
    arena.exchange.listen(arena.events.append)
    alice, bob = arena.exchange.create_account(), arena.exchange.create_account()
    arena.sell(alice, 1, price, symbol=symbol)
    arena.buy(bob, 1, price, symbol=symbol)
    assert (arena.fills(alice)[0].fee, arena.fills(bob)[0].fee) == (D(maker), D(taker))
    assert arena.exchange.balance(bob).fees == D(taker)


def test_available_balance_is_equity_less_margin(arena: Arena) -> None:
    arena.hold(arena.alice, "BUY", 10, 200)
    arena.buy(arena.alice, 5, 190)
    arena.exchange.set_mark_price(AAPL, D(210))
    row = arena.exchange.balance(arena.alice)
    assert (row.unrealised_pnl, row.position_margin, row.order_margin, row.fees) == (100, 210, 95, 2)
    assert row.available_balance == 100_000 + 100 - 2 - 210 - 95


def test_other_currencies_are_converted() -> None:
    arena = Arena("SKHYNIX-KRW")
    quote = {"symbol": "SKHYNIX-KRW"}
    arena.sell(arena.bob, 1, 1_650_000, **quote)
    arena.buy(arena.alice, 1, 1_650_000, **quote)
    arena.exchange.set_mark_price("SKHYNIX-KRW", D(1_660_000))
    row = arena.exchange.position(arena.alice, "SKHYNIX-KRW")
    assert (row.average_price, row.unrealised_pnl) == (1_650_000, 7)
    assert arena.fills(arena.alice)[0].fee == D("1.155")


def test_position_rows_cover_every_symbol_and_look_the_same_each_time() -> None:
    arena = Arena(AAPL, "CL-USD")
    rows = arena.exchange.positions(arena.alice)
    assert [row.symbol for row in rows] == [AAPL, "CL-USD"]
    assert rows == arena.exchange.positions(arena.alice)
    assert rows[0].id != rows[1].id != arena.exchange.balance(arena.alice).id


def test_a_command_tells_of_each_change_once(arena: Arena) -> None:
    for price in (200, 201, 202):
        arena.sell(arena.bob, 1, price)
    arena.events.clear()
    arena.buy(arena.alice, 3, 202)
    changed = [(event.account_id, event.symbol) for event in arena.of_type(PositionChanged)]
    assert sorted(changed) == sorted([(arena.alice, AAPL), (arena.bob, AAPL)])
    assert sorted(event.account_id for event in arena.of_type(BalanceChanged)) == sorted(
        [arena.alice, arena.bob]
    )


def test_money_moves_between_an_account_and_its_subaccount(arena: Arena) -> None:
    sub = arena.exchange.create_account(D(0), master=arena.alice)
    arena.exchange.transfer(arena.alice, sub, D(40))
    assert arena.exchange.balance(sub).deposit == 40
    assert arena.exchange.balance(arena.alice).deposit == 99_960
    assert arena.exchange.subaccounts(arena.alice) == [sub]
    arena.exchange.deposit(sub, D(2))
    assert arena.exchange.balance(sub).available_balance == 42


@pytest.mark.parametrize("amount", [0, -1, 100_001])
def test_only_free_money_moves(arena: Arena, amount: int) -> None:
    sub = arena.exchange.create_account(D(0), master=arena.alice)
    with pytest.raises(Refused, match="InvalidParameter"):
        arena.exchange.transfer(arena.alice, sub, D(amount))


def test_strangers_do_not_share_money(arena: Arena) -> None:
    with pytest.raises(Refused, match="belong together"):
        arena.exchange.transfer(arena.alice, arena.bob, D(1))

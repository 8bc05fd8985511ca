"""Positions, profit, fees and balances."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from qfex.sim.engine import BalanceChanged, Exchange, PositionChanged, Refused, load_instruments

from .helpers import AAPL, NOON, EngineHarness


def test_the_average_price_is_that_of_the_entries(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 1, 200)
    harness.hold(harness.alice, "BUY", 3, 204)
    row = harness.exchange.position(harness.alice, AAPL)
    assert (row.position, row.average_price) == (4, 203)
    assert row.unrealised_pnl == -12


def test_a_partial_close_realises_profit_and_keeps_the_average_price(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 4, 200)
    harness.hold(harness.alice, "SELL", 1, 210)
    row = harness.exchange.position(harness.alice, AAPL)
    assert (row.position, row.average_price, row.realised_pnl) == (3, 200, 10)
    assert harness.fills(harness.alice)[-1].realised_pnl == 10


def test_a_short_profits_from_falling_prices(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "SELL", 2, 200)
    harness.exchange.set_mark_price(AAPL, D(190))
    assert harness.exchange.position(harness.alice, AAPL).unrealised_pnl == 20
    harness.hold(harness.alice, "BUY", 2, 190)
    row = harness.exchange.position(harness.alice, AAPL)
    assert (row.position, row.realised_pnl, row.unrealised_pnl, row.average_price) == (0, 20, 0, 0)


def test_flipping_a_position_realises_the_old_side_and_opens_the_new_one(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 1, 200)
    harness.hold(harness.alice, "SELL", 3, 210)
    row = harness.exchange.position(harness.alice, AAPL)
    assert (row.position, row.average_price, row.realised_pnl) == (-2, 210, 10)


def test_rounding_loses_no_digit(harness: EngineHarness) -> None:
    for price in (200, 200, 201):
        harness.hold(harness.alice, "BUY", 1, price)
    for _ in range(3):
        harness.hold(harness.alice, "SELL", 1, 200)
    row = harness.exchange.position(harness.alice, AAPL)
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
    harness = EngineHarness(symbol)
    [instrument] = load_instruments([symbol])
    instrument = replace(instrument, category=category, index_price=D(price))
    harness.exchange = Exchange([instrument], start=NOON, liquidity=False)
    harness.exchange.listen(harness.events.append)
    alice, bob = harness.exchange.create_account(), harness.exchange.create_account()
    harness.sell(alice, 1, price, symbol=symbol)
    harness.buy(bob, 1, price, symbol=symbol)
    assert (harness.fills(alice)[0].fee, harness.fills(bob)[0].fee) == (D(maker), D(taker))
    assert harness.exchange.balance(bob).fees == D(taker)


def test_available_balance_is_equity_less_margin(harness: EngineHarness) -> None:
    harness.hold(harness.alice, "BUY", 10, 200)
    harness.buy(harness.alice, 5, 190)
    harness.exchange.set_mark_price(AAPL, D(210))
    row = harness.exchange.balance(harness.alice)
    assert (row.unrealised_pnl, row.position_margin, row.order_margin, row.fees) == (100, 210, 95, 2)
    assert row.available_balance == 100_000 + 100 - 2 - 210 - 95


def test_one_unit_of_another_quote_currency_is_one_usdc() -> None:
    harness = EngineHarness("SKHYNIX-KRW")
    quote = {"symbol": "SKHYNIX-KRW"}
    harness.sell(harness.bob, "0.01", 1_650_000, **quote)
    harness.buy(harness.alice, "0.01", 1_650_000, **quote)
    harness.exchange.set_mark_price("SKHYNIX-KRW", D(1_660_000))
    row = harness.exchange.position(harness.alice, "SKHYNIX-KRW")
    assert (row.average_price, row.unrealised_pnl) == (1_650_000, 100)
    assert harness.fills(harness.alice)[0].fee == D("16.5")


def test_position_rows_cover_every_symbol_and_repeat_identically() -> None:
    harness = EngineHarness(AAPL, "CL-USD")
    rows = harness.exchange.positions(harness.alice)
    assert [row.symbol for row in rows] == [AAPL, "CL-USD"]
    assert rows == harness.exchange.positions(harness.alice)
    assert rows[0].id != rows[1].id != harness.exchange.balance(harness.alice).id


def test_a_command_reports_each_change_once(harness: EngineHarness) -> None:
    for price in (200, 201, 202):
        harness.sell(harness.bob, 1, price)
    harness.events.clear()
    harness.buy(harness.alice, 3, 202)
    changed = [(event.account_id, event.symbol) for event in harness.of_type(PositionChanged)]
    assert sorted(changed) == sorted([(harness.alice, AAPL), (harness.bob, AAPL)])
    assert sorted(event.account_id for event in harness.of_type(BalanceChanged)) == sorted(
        [harness.alice, harness.bob]
    )


def test_money_moves_between_an_account_and_its_subaccount(harness: EngineHarness) -> None:
    sub = harness.exchange.create_account(D(0), master=harness.alice)
    harness.exchange.transfer(harness.alice, sub, D(40))
    assert harness.exchange.balance(sub).deposit == 40
    assert harness.exchange.balance(harness.alice).deposit == 99_960
    assert harness.exchange.subaccounts(harness.alice) == [sub]
    harness.exchange.deposit(sub, D(2))
    assert harness.exchange.balance(sub).available_balance == 42


@pytest.mark.parametrize("amount", [0, -1, 100_001])
def test_only_available_money_can_be_transferred(harness: EngineHarness, amount: int) -> None:
    sub = harness.exchange.create_account(D(0), master=harness.alice)
    with pytest.raises(Refused, match="InvalidParameter"):
        harness.exchange.transfer(harness.alice, sub, D(amount))


def test_unrelated_accounts_cannot_transfer_money(harness: EngineHarness) -> None:
    with pytest.raises(Refused, match="belong together"):
        harness.exchange.transfer(harness.alice, harness.bob, D(1))

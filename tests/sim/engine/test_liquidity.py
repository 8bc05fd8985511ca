"""The market maker and the price paths."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import Exchange, FundingPaid, MarkChanged, Traded, load_instruments

from .helpers import AAPL, NOON, EngineHarness

PATHS = ["calm", "trending", "gapping"]


@pytest.fixture
def lively() -> EngineHarness:
    """AAPL-USD at 200 with a market maker."""
    return EngineHarness(liquidity=True)


def test_every_active_symbol_is_quoted_on_both_sides_of_its_mark() -> None:
    exchange = Exchange(start=NOON)
    for symbol, instrument in exchange.instruments.items():
        bids, asks = exchange.book(symbol)
        if instrument.status != "ACTIVE":
            assert (bids, asks) == ([], [])
            continue
        mark = exchange.mark_price(symbol)
        assert bids[0][0] < mark < asks[0][0]
        assert len(bids) == len(asks) == 12
        low, high = exchange.price_band(symbol)
        assert low < bids[-1][0] and asks[-1][0] < high


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_small_market_orders_fill_at_once_near_the_mark(side: str) -> None:
    exchange = Exchange(start=NOON)
    harness = EngineHarness()
    harness.exchange = exchange
    account = exchange.create_account(D(1_000_000))
    for symbol, instrument in exchange.instruments.items():
        if instrument.status == "ACTIVE":
            quantity = (
                instrument.min_quantity * 1000 if symbol.endswith("KRW") else instrument.min_quantity * 10
            )
            row = harness.market(account, side, quantity, symbol=symbol)  # type: ignore[arg-type]
            assert (row.status, row.quantity_remaining) == ("FILLED", 0), symbol


def test_the_quotes_follow_the_mark(lively: EngineHarness) -> None:
    lively.exchange.set_mark_price(AAPL, D(210))
    bids, asks = lively.exchange.book(AAPL, 1)
    assert (bids[0][0], asks[0][0]) == (D("209.97"), D("210.03"))


def test_quotes_are_renewed_after_they_trade(lively: EngineHarness) -> None:
    before = lively.exchange.book(AAPL)
    lively.market(lively.alice, "BUY", 150)
    assert lively.exchange.book(AAPL) == before
    assert lively.position(lively.alice) == 150


def test_the_market_moves_through_a_resting_order(lively: EngineHarness) -> None:
    lively.buy(lively.alice, 500, 199)
    lively.exchange.set_mark_price(AAPL, D(198))
    assert lively.position(lively.alice) == 500
    assert {fill.price for fill in lively.fills(lively.alice)} == {D(199)}
    assert all(fill.aggressor_side == "SELL" for fill in lively.fills(lively.alice))


def test_an_order_inside_the_spread_keeps_its_place(lively: EngineHarness) -> None:
    row = lively.buy(lively.alice, 1, 200)
    assert lively.exchange.book(AAPL, 1)[0] == [(D(200), D(1))]
    lively.exchange.set_mark_price(AAPL, D("200.02"))
    assert lively.open_ids(lively.alice) == [row.order_id]


def test_house_accounts_cause_no_events(lively: EngineHarness) -> None:
    lively.market(lively.alice, "BUY", 1)
    accounts = {getattr(event, "account_id", lively.alice) for event in lively.events}
    assert accounts == {lively.alice}
    assert lively.exchange.accounts() == [lively.alice, lively.bob]


def test_a_halted_market_is_not_requoted(lively: EngineHarness) -> None:
    before = lively.exchange.book(AAPL)
    lively.exchange.halt(AAPL)
    lively.exchange.set_mark_price(AAPL, D(210))
    assert lively.exchange.book(AAPL) == before
    lively.exchange.resume(AAPL)
    assert lively.exchange.book(AAPL) != before


@pytest.mark.parametrize("price", [0, -1])
def test_a_price_is_positive(lively: EngineHarness, price: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        lively.exchange.set_mark_price(AAPL, D(price))


def test_a_still_price_path_does_not_move(lively: EngineHarness) -> None:
    lively.exchange.advance(7200)
    assert lively.of_type(MarkChanged) == lively.of_type(Traded) == []


@pytest.mark.parametrize("path", PATHS)
def test_moving_prices_change_every_second_and_cause_trades(path: str) -> None:
    harness = EngineHarness(liquidity=True, price_path=path)
    harness.exchange.advance(60)
    marks = harness.of_type(MarkChanged)
    assert [event.time for event in marks] == [NOON + second for second in range(1, 61)]
    assert all(event.price % D("0.01") == 0 for event in marks)
    assert harness.exchange.index_price(AAPL) != 200
    assert harness.of_type(Traded)


def largest_move(path: str, seconds: int) -> D:
    """Return the largest relative move in one second."""
    harness = EngineHarness(price_path=path)
    harness.exchange.advance(seconds)
    prices = [event.price for event in harness.of_type(MarkChanged)]
    return max(abs(later / earlier - 1) for earlier, later in zip(prices, prices[1:], strict=False))


def test_only_a_gapping_path_gaps() -> None:
    assert largest_move("calm", 2000) < D("0.0002")
    assert largest_move("trending", 2000) < D("0.0002")
    assert largest_move("gapping", 2000) > D("0.002")


def test_a_trending_path_goes_further_than_a_calm_one() -> None:
    def distance(path: str) -> D:
        ends = []
        for seed in range(5):
            harness = EngineHarness(price_path=path, seed=seed)
            harness.exchange.advance(1200)
            ends.append(abs(harness.exchange.index_price(AAPL) - 200))
        return sum(ends, D(0))

    assert distance("trending") > 3 * distance("calm")


def test_moving_markets_pay_funding() -> None:
    exchange = Exchange(load_instruments()[:4], start=NOON, price_path="calm")
    harness = EngineHarness()
    exchange.listen(harness.events.append)
    harness.exchange = exchange
    account = exchange.create_account()
    for symbol in exchange.instruments:
        harness.market(account, "BUY", 1, symbol=symbol)
    exchange.advance(3600)
    assert harness.of_type(FundingPaid)


def test_an_unknown_price_path_is_an_error() -> None:
    with pytest.raises(ValueError, match="still, calm, trending, gapping"):
        EngineHarness(price_path="volatile")

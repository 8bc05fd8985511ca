"""Positions and profit, computed from trades."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import Fill, Position, Side, TradeClient, UserTrade, ValidationError
from qfex.ledger import Ledger, LedgerEntry, LedgerResult
from qfex.rest import RestClient
from qfex.sim import Simulator

NOON = datetime(2026, 10, 10, 12, tzinfo=timezone.utc)


def trade(
    number: int, quantity: str | Decimal, price: str | Decimal, symbol: str = "A", fee: str = "0"
) -> UserTrade:
    """A trade `number` seconds after noon. A negative quantity is a sale."""
    size = Decimal(quantity)
    return UserTrade(
        trade_id=f"t{number}",
        order_id=f"o{number}",
        symbol=symbol,
        side=Side.BUY if size > 0 else Side.SELL,
        quantity=abs(size),
        price=Decimal(price),
        fee=Decimal(fee),
        time=NOON + timedelta(seconds=number),
    )


def effects(entries: Sequence[LedgerEntry]) -> list[tuple[str, str, str]]:
    return [tuple(map(_plain, (e.realised_pnl, e.position, e.average_price))) for e in entries]  # type: ignore[misc]


def _plain(number: Decimal) -> str:
    return format(number.normalize() if number else Decimal(0), "f")


def test_a_position_is_opened_increased_reduced_reversed_and_closed() -> None:
    ledger = Ledger()
    ledger.add([trade(1, "1", "100"), trade(2, "3", "104"), trade(3, "-2", "110"), trade(4, "-3", "90")])
    ledger.add(trade(5, "1", "80"))
    assert effects(ledger.entries) == [
        ("0", "1", "100"),
        ("0", "4", "103"),
        ("14", "2", "103"),
        ("-26", "-1", "90"),
        ("10", "0", "0"),
    ]


def test_results_are_totals_of_each_symbol() -> None:
    ledger = Ledger()
    ledger.add([trade(1, "2", "10", fee="0.1"), trade(2, "-1", "12", fee="0.2"), trade(3, "-1", "5", "B")])
    assert ledger.results() == {
        "A": LedgerResult("A", 2, *map(Decimal, ("2", "0.3", "2", "1", "3", "32", "1", "10"))),
        "B": LedgerResult("B", 1, *map(Decimal, ("0", "0", "0", "1", "1", "5", "-1", "5"))),
    }
    assert ledger.results()["A"].unrealised_pnl(Decimal(15)) == 5
    assert ledger.results()["B"].unrealised_pnl(Decimal(4)) == 1


def test_results_of_a_part_of_the_history() -> None:
    ledger = Ledger()
    ledger.add([trade(0, "2", "10"), trade(60, "-1", "12"), trade(120, "-1", "13")])
    minute = ledger.results(NOON + timedelta(seconds=60), NOON + timedelta(seconds=120))["A"]
    assert (minute.trades, minute.realised_pnl, minute.position) == (1, 2, 1)
    assert ledger.results(start=NOON + timedelta(hours=1)) == {}


def test_opening_positions_are_included() -> None:
    ledger = Ledger([Position("A", Decimal("-3"), Decimal("50")), Position("B", Decimal(1), Decimal(2))])
    ledger.add(trade(1, "1", "40"))
    assert effects(ledger.entries) == [("10", "-2", "50")]
    assert ledger.positions() == {
        "A": Position("A", Decimal(-2), Decimal(50), realised_pnl=Decimal(10)),
        "B": Position("B", Decimal(1), Decimal(2)),
    }
    assert Ledger().positions() == {}


def test_a_trade_counts_once_whether_it_comes_as_a_fill_or_a_row() -> None:
    row = trade(1, "1", "100")
    fill = Fill("t1", "o1", "A", Side.BUY, Decimal(100), Decimal(1), time=row.time)
    ledger = Ledger()
    assert [ledger.add(row), ledger.add([row, fill]), ledger.add(fill)] == [1, 0, 0]
    assert len(ledger.entries) == 1


def test_both_sides_of_a_self_trade_count() -> None:
    bought = trade(1, "1", "100")
    ledger = Ledger()
    ledger.add([bought, attrs.evolve(bought, order_id="other", side=Side.SELL)])
    assert (ledger.results()["A"].trades, ledger.results()["A"].position) == (2, 0)


def test_a_trade_without_a_time_follows_the_one_before() -> None:
    ledger = Ledger()
    ledger.add([trade(1, "1", "100"), attrs.evolve(trade(2, "-2", "110"), time=None), trade(3, "1", "105")])
    assert effects(ledger.entries) == [("0", "1", "100"), ("10", "-1", "110"), ("5", "0", "0")]


def at_noon(*sizes_and_prices: tuple[str, str]) -> list[UserTrade]:
    """Trades of one order at one moment, as it took them from the book."""
    made = [trade(number, size, price) for number, (size, price) in enumerate(sizes_and_prices)]
    return [attrs.evolve(each, time=NOON, order_id="sweep") for each in made]


@pytest.mark.parametrize("singly", [True, False])
@pytest.mark.parametrize("before", [[], [trade(-5, "10", "100")]])
def test_the_direction_of_reading_does_not_change_trades_of_one_moment(
    before: list[UserTrade], singly: bool
) -> None:
    straight, reverse = Ledger(), Ledger()
    history = [*before, *at_noon(("-3", "99"), ("-12", "98"), ("-1", "97"))]
    straight.add(history)
    for part in [[each] for each in history[::-1]] if singly else [history[::-1]]:
        reverse.add(part[0] if singly else part)
    assert reverse.entries == straight.entries
    assert [entry.price for entry in reverse.entries][-3:] == [99, 98, 97]


def test_a_trade_whose_time_becomes_known_moves_to_its_place() -> None:
    late = trade(1, "1", "100")
    ledger = Ledger()
    ledger.add([trade(2, "-1", "110"), attrs.evolve(late, time=None)])
    assert ledger.add(late) == 0
    assert [entry.time for entry in ledger.entries] == [late.time, NOON + timedelta(seconds=2)]


def test_a_range_is_refused_while_the_time_of_a_trade_is_unknown() -> None:
    ledger = Ledger()
    ledger.add([trade(1, "1", "100"), attrs.evolve(trade(2, "1", "100"), time=None)])
    assert ledger.results()["A"].trades == 2
    with pytest.raises(ValidationError, match="A t2"):
        ledger.results(start=NOON)


def test_a_range_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        Ledger().results(start=datetime(2026, 1, 1))


def test_a_trade_without_a_side_is_refused() -> None:
    with pytest.raises(ValidationError, match="side"):
        Ledger().add(attrs.evolve(trade(1, "1", "1"), side=None))


sizes = st.decimals(min_value="-1000", max_value="1000", places=6).filter(bool)
prices = st.decimals(min_value="0.01", max_value="1000000", places=8)
histories = st.lists(st.tuples(sizes, prices), min_size=1, max_size=30)


@given(histories)
def test_profit_is_the_cash_flow_plus_the_value_of_the_remaining_position(
    history: list[tuple[Decimal, Decimal]],
) -> None:
    ledger = Ledger()
    ledger.add(trade(number, size, price) for number, (size, price) in enumerate(history))
    (result,) = ledger.results().values()
    cash = -sum(Fraction(size) * Fraction(price) for size, price in history)
    position = sum(Fraction(size) for size, _ in history)
    assert Fraction(result.position) == position
    worth = cash + position * Fraction(result.average_price)
    assert abs(Fraction(result.realised_pnl) - worth) < Fraction(1, 10**40)
    if not position:
        assert Fraction(result.realised_pnl) == cash


@given(histories, st.randoms(use_true_random=False))
def test_trades_may_be_added_in_any_order(history: list[tuple[Decimal, Decimal]], random: object) -> None:
    trades = [trade(number, size, price) for number, (size, price) in enumerate(history)]
    straight, mixed = Ledger(), Ledger()
    straight.add(trades)
    shuffled = trades + trades[: len(trades) // 2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for each in shuffled:
        mixed.add(each)
    assert mixed.entries == straight.entries


@pytest.mark.parametrize("dialect", ["live"], indirect=True)
def test_positions_and_profit_agree_with_the_exchange(
    market: Simulator, connect: Callable[..., TradeClient]
) -> None:
    client = connect(market)
    for side, quantity in (("BUY", "3"), ("BUY", "2.5"), ("SELL", "1.25"), ("SELL", "6"), ("BUY", "0.5")):
        client.place_market_order("AAPL-USD", side, quantity, wait=True)
        market.advance(1)
    ledger = Ledger()
    with RestClient(market.environment, market.credentials) as rest:
        assert ledger.add(rest.iter_user_trades(page_size=2)) >= 5
        (rebuilt,), (held,) = ledger.positions().values(), rest.positions().values()
    assert rebuilt.position == held.position == Decimal("-1.25")
    assert abs(rebuilt.average_price - held.average_price) < Decimal("1e-6")
    assert abs(rebuilt.realised_pnl - held.realised_pnl) < Decimal("1e-6")

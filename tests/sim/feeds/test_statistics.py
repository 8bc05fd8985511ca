"""Series and windows, compared with naive computations."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex.sim.engine import PublicTrade
from qfex.sim.feeds import statistics
from qfex.sim.feeds.statistics import MINUTE, Series, SymbolStatistics, windows

changes = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3)), max_size=20).map(
    lambda rows: sorted(rows, key=lambda row: row[0])
)
trades = st.lists(
    st.tuples(st.integers(0, 40 * MINUTE), st.sampled_from(["BUY", "SELL"]), st.integers(1, 9)), max_size=60
)


def series_of(rows: list[tuple[int, int]]) -> Series[int]:
    series: Series[int] = Series()
    for moment, value in rows:
        series.add(moment, value)
    return series


@given(changes, st.integers(-5, 60))
def test_the_value_at_a_time_is_the_last_one_added_before_it(
    rows: list[tuple[int, int]], moment: int
) -> None:
    until_then = [value for time, value in rows if time <= moment]
    assert series_of(rows).at(moment) == (until_then[-1] if until_then else None)


@given(changes, st.integers(0, 50), st.integers(1, 20))
def test_a_window_has_every_value_in_it(rows: list[tuple[int, int]], start: int, length: int) -> None:
    series, end = series_of(rows), start + length
    at_start = [value for time, value in rows if time <= start][-1:]
    inside = [value for time, value in rows if start < time < end]
    found = series.within(start, end)
    assert set(found) == {*at_start, *inside}
    assert found[:1] == (at_start + inside)[:1] and found[-1:] == (at_start + inside)[-1:]


def test_the_older_half_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "LIMIT", 10)
    series = series_of([(moment, moment) for moment in range(11)])
    assert (series.start, series.first, series.at(10), series.at(4)) == (5, 5, 10, None)


def test_an_empty_series_has_nothing() -> None:
    series: Series[int] = Series()
    assert (series.start, series.first, series.at(1), series.within(0, 9)) == (None, None, None, [])


@given(st.integers(0, 10_000), st.integers(1, 5_000), st.sampled_from([60, 300, 3600]))
def test_windows_cover_the_range_and_are_aligned(start: int, length: int, step: int) -> None:
    starts = windows(start, start + length, step)
    assert all(each % step == 0 for each in starts)
    assert starts[0] <= start < starts[0] + step
    assert starts[-1] < start + length <= starts[-1] + step
    assert len(starts) == len(set(starts))


@given(trades, st.integers(0, 40), st.integers(1, 40))
def test_taker_volume_is_the_sum_of_the_trades_in_a_window(
    rows: list[tuple[int, str, int]], first: int, length: int
) -> None:
    history = SymbolStatistics()
    for moment, side, quantity in rows:
        trade = PublicTrade("id", "AAPL-USD", Decimal(2), Decimal(quantity), side, moment)  # type: ignore[arg-type]
        history.minutes[moment // MINUTE].add(trade)
    start, end = first * MINUTE, (first + length) * MINUTE
    volume = history.taker_volume(start, end)
    for side, quantity, notional in (
        ("BUY", volume.buy_quantity, volume.buy_notional),
        ("SELL", volume.sell_quantity, volume.sell_notional),
    ):
        expected = sum(size for moment, kind, size in rows if kind == side and start <= moment < end)
        assert (quantity, notional) == (expected, 2 * expected)

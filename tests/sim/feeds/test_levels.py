"""Aggregated levels and ladders."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from qfex.sim.feeds.levels import aggregate, ladder

TICK = Decimal("0.01")


def levels(*rows: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(quantity)) for price, quantity in rows]


def test_bids_round_down_and_asks_up() -> None:
    bids = levels(("336.15", "1"), ("336.12", "2"), ("336.08", "4"))
    asks = levels(("336.18", "1"), ("336.20", "2"), ("336.21", "4"))
    assert aggregate(bids, "BUY", TICK, 1) == levels(("336.1", "3"), ("336.0", "4"))
    assert aggregate(asks, "SELL", TICK, 1) == levels(("336.2", "3"), ("336.3", "4"))


def test_zero_sig_figs_changes_nothing() -> None:
    bids = levels(("336.15", "1"), ("336.14", "2"))
    assert aggregate(bids, "BUY", TICK, 0) == bids


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=40, unique=True), st.sampled_from([1, 2]))
def test_aggregation_loses_no_quantity_and_keeps_the_order(ticks: list[int], sig_figs: int) -> None:
    bids = [(TICK * tick, Decimal(tick)) for tick in sorted(ticks, reverse=True)]
    merged = aggregate(bids, "BUY", TICK, sig_figs)
    assert sum(quantity for _, quantity in merged) == sum(ticks)
    prices = [price for price, _ in merged]
    assert prices == sorted(set(prices), reverse=True)
    assert prices[0] <= bids[0][0]


def test_a_ladder_has_every_tick() -> None:
    bids = levels(("336.14", "5"), ("336.11", "7"))
    expected = levels(("336.14", "5"), ("336.13", "0"), ("336.12", "0"), ("336.11", "7"))
    assert ladder(bids, -TICK, 100) == expected
    assert ladder(bids, -TICK, 2) == expected[:2]
    assert ladder([], TICK, 100) == []

"""TWAPs: rules, progress and completion."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from qfex.sim.engine import Refused, TwapChanged, TwapEntry, TwapRow

from .helpers import AAPL, EngineHarness


@pytest.fixture
def deep(harness: EngineHarness) -> EngineHarness:
    """A deep book: bob offers enough at 200 and above."""
    for price in (200, 201, 202):
        harness.sell(harness.bob, 100, price)
    return harness


def start(harness: EngineHarness, **terms: Any) -> TwapRow:
    """Start one of alice's TWAPs: 9 units in three orders, half a minute apart."""
    wanted = {
        "symbol": AAPL,
        "side": "BUY",
        "total_quantity": D(9),
        "num_orders": 3,
        "order_interval_secs": 30,
    }
    return harness.exchange.add_twap(harness.alice, TwapEntry(**{**wanted, **terms}))


def test_child_orders_are_sent_at_equal_intervals(deep: EngineHarness) -> None:
    row = start(deep, client_twap_id="plan")
    assert (row.status, row.filled_quantity, row.average_fill_price) == ("ACTIVE", 3, 200)
    began = deep.exchange.now
    deep.exchange.advance(29)
    assert deep.position(deep.alice) == 3
    deep.exchange.advance(1)
    assert deep.position(deep.alice) == 6
    deep.exchange.advance(100)
    [over] = deep.exchange.twaps(deep.alice, active=False)
    assert (over.status, over.filled_quantity, over.filled_num_orders) == ("COMPLETED", 9, 3)
    assert [fill.timestamp - began for fill in deep.fills(deep.alice)] == [0, 30, 60]
    assert (over.client_twap_id, over.updated - over.created) == ("plan", 60)
    assert deep.exchange.twaps(deep.alice) == []


def test_progress_is_reported(deep: EngineHarness) -> None:
    start(deep)
    deep.exchange.advance(60)
    events = [(event.twap.status, event.twap.filled_quantity) for event in deep.of_type(TwapChanged)]
    assert events == [("ACTIVE", 0), ("ACTIVE", 3), ("ACTIVE", 6), ("COMPLETED", 9)]


def test_child_orders_are_market_orders(deep: EngineHarness) -> None:
    start(deep)
    assert {(fill.order_type, fill.time_in_force) for fill in deep.fills(deep.alice)} == {("MARKET", "IOC")}


def test_a_remainder_is_spread_over_the_child_orders(deep: EngineHarness) -> None:
    start(deep, total_quantity=D("1.000"))
    deep.exchange.advance(60)
    assert [fill.quantity for fill in deep.fills(deep.alice)] == [D("0.333"), D("0.333"), D("0.334")]


def test_the_average_price_is_weighted_by_quantity(deep: EngineHarness) -> None:
    start(deep, total_quantity=D(180), num_orders=2)
    deep.exchange.advance(30)
    [over] = deep.exchange.twaps(deep.alice, active=False)
    assert over.average_fill_price == D("200.4444444444")


@pytest.mark.parametrize(
    "terms",
    [
        {"symbol": "ENRON-USD"},
        {"symbol": "NOK-USD"},
        {"num_orders": 1},
        {"order_interval_secs": 29},
        {"total_quantity": D("0.029")},
        {"client_twap_id": ""},
        {"client_twap_id": "x" * 65},
    ],
)
def test_the_documented_rules(terms: dict[str, Any]) -> None:
    harness = EngineHarness(AAPL, "NOK-USD")
    with pytest.raises(Refused, match="InvalidParameter"):
        start(harness, **terms)
    assert harness.exchange.twaps(harness.alice) == harness.events == []


@pytest.mark.parametrize("id_type", ["twap_id", "client_twap_id"])
def test_cancelling(deep: EngineHarness, id_type: str) -> None:
    row = start(deep, client_twap_id="plan")
    wanted = row.twap_id if id_type == "twap_id" else "plan"
    [cancelled] = deep.exchange.cancel_order(deep.alice, AAPL, id_type, wanted)
    assert (cancelled.status, cancelled.filled_quantity) == ("CANCELLED", 3)
    deep.exchange.advance(1000)
    assert deep.position(deep.alice) == 3
    assert deep.exchange.cancel_order(deep.alice, AAPL, id_type, wanted)[0].status == "NO_SUCH_ORDER"


def test_the_wrong_kind_of_id_cancels_nothing(deep: EngineHarness) -> None:
    row = start(deep, client_twap_id="plan")
    assert (
        deep.exchange.cancel_order(deep.alice, AAPL, "client_twap_id", row.twap_id)[0].status
        == "NO_SUCH_ORDER"
    )
    assert deep.exchange.cancel_order(deep.alice, AAPL, "order_id", row.twap_id)[0].status == "NO_SUCH_ORDER"
    assert len(deep.exchange.twaps(deep.alice)) == 1


def test_reduce_only_child_orders_stop_at_a_flat_position(deep: EngineHarness) -> None:
    deep.hold(deep.alice, "SELL", 4, 199)
    start(deep, reduce_only=True)
    deep.exchange.advance(60)
    [over] = deep.exchange.twaps(deep.alice, active=False)
    assert (deep.position(deep.alice), over.filled_quantity, over.filled_num_orders) == (0, 4, 2)


def test_a_start_time_delays_the_first_child(deep: EngineHarness) -> None:
    row = start(deep, start_time=deep.exchange.now + 100)
    assert row.filled_quantity == 0
    deep.exchange.advance(99)
    assert deep.position(deep.alice) == 0
    deep.exchange.advance(1)
    assert deep.position(deep.alice) == 3


def test_a_worst_price_limits_every_child_order(deep: EngineHarness) -> None:
    start(deep, total_quantity=D(180), num_orders=2, worst_price=D(200))
    deep.exchange.advance(30)
    [over] = deep.exchange.twaps(deep.alice, active=False)
    assert (over.filled_quantity, over.average_fill_price) == (100, 200)


def test_a_day_of_twaps_is_simulated_quickly(deep: EngineHarness) -> None:
    start(deep, total_quantity=D("28.8"), num_orders=2880)
    deep.exchange.advance(86_400)
    [over] = deep.exchange.twaps(deep.alice, active=False)
    assert (over.status, over.filled_num_orders, deep.position(deep.alice)) == ("COMPLETED", 2880, D("28.8"))

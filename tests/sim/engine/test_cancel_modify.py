"""Cancelling and replacing orders."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import Refused, Rules

from .helpers import AAPL, EngineHarness


def test_cancelling_keeps_the_unfilled_quantity(harness: EngineHarness) -> None:
    harness.sell(harness.bob, 1, 200)
    row = harness.buy(harness.alice, 3, 200)
    [cancelled] = harness.exchange.cancel_order(harness.alice, AAPL, "order_id", row.order_id)
    assert (cancelled.status, cancelled.quantity, cancelled.quantity_remaining) == ("CANCELLED", 3, 2)
    assert harness.exchange.book(AAPL) == ([], [])


def test_a_client_id_cancels_every_order_of_the_symbol_that_shares_it() -> None:
    harness = EngineHarness(AAPL, "CL-USD")
    for price in (198, 199):
        harness.buy(harness.alice, 1, price, client_order_id="grid")
    other = harness.buy(harness.alice, 1, 90, symbol="CL-USD", client_order_id="grid")
    rows = harness.exchange.cancel_order(harness.alice, AAPL, "client_order_id", "grid")
    assert [(row.status, row.price) for row in rows] == [("CANCELLED", 198), ("CANCELLED", 199)]
    assert harness.open_ids(harness.alice) == [other.order_id]


@pytest.mark.parametrize("id_type", ["order_id", "client_order_id", "twap_id", "client_twap_id"])
def test_an_unknown_id_is_no_such_order(harness: EngineHarness, id_type: str) -> None:
    [row] = harness.exchange.cancel_order(harness.alice, AAPL, id_type, "nowhere")
    assert (row.status, row.order_id, row.symbol) == ("NO_SUCH_ORDER", "nowhere", AAPL)
    assert harness.statuses(harness.alice) == ["NO_SUCH_ORDER"]


def test_another_accounts_order_cannot_be_cancelled(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, 1, 199)
    assert (
        harness.exchange.cancel_order(harness.bob, AAPL, "order_id", row.order_id)[0].status
        == "NO_SUCH_ORDER"
    )
    assert harness.open_ids(harness.alice) == [row.order_id]


def test_cancel_all_takes_orders_and_stops_of_all_symbols() -> None:
    harness = EngineHarness(AAPL, "CL-USD")
    harness.hold(harness.alice, "BUY", 1)
    harness.buy(harness.alice, 1, 199)
    harness.buy(harness.alice, 1, 90, symbol="CL-USD")
    harness.sell(harness.alice, 1, 190, order_type="STOP_LOSS")
    rows = harness.exchange.cancel_all_orders(harness.alice)
    assert [row.status for row in rows] == ["CANCELLED"] * 3
    assert harness.open_ids(harness.alice) == []


def test_modifying_gives_a_new_id_and_keeps_the_client_id(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, 1, 199, client_order_id="mine")
    changed = harness.modify(harness.alice, row, price=198, quantity=2)
    assert (changed.status, changed.client_order_id) == ("MODIFIED", "mine")
    assert changed.order_id != row.order_id
    assert harness.exchange.book(AAPL)[0] == [(D(198), D(2))]
    assert harness.open_ids(harness.alice) == [changed.order_id]


def test_the_documented_dialect_keeps_the_id() -> None:
    harness = EngineHarness(rules=Rules(modify_keeps_order_id=True))
    row = harness.buy(harness.alice, 1, 199)
    assert harness.modify(harness.alice, row, price=198).order_id == row.order_id
    assert harness.exchange.book(AAPL)[0] == [(D(198), D(1))]


def test_modifying_loses_the_queue_position(harness: EngineHarness) -> None:
    row = harness.sell(harness.alice, 1, 200)
    harness.sell(harness.bob, 1, 200)
    harness.modify(harness.alice, row)
    taker = harness.exchange.create_account()
    harness.buy(taker, 1, 200)
    assert len(harness.fills(harness.bob)) == 1
    assert harness.fills(harness.alice) == []


def test_a_modified_order_may_trade_at_once(harness: EngineHarness) -> None:
    harness.sell(harness.bob, 1, 200)
    row = harness.buy(harness.alice, 1, 199)
    changed = harness.modify(harness.alice, row, price=200)
    assert harness.statuses(harness.alice, changed.order_id) == ["MODIFIED", "FILLED"]


@pytest.mark.parametrize(
    ("terms", "status"),
    [
        ({"order_id": "nowhere"}, "CANNOT_MODIFY_NO_SUCH_ORDER"),
        ({"side": "SELL"}, "CANNOT_MODIFY_NO_SUCH_ORDER"),
        ({"symbol": "CL-USD"}, "CANNOT_MODIFY_NO_SUCH_ORDER"),
        ({"order_type": "ALO"}, "INVALID_ORDER_TYPE"),
        ({"price": "199.001"}, "INVALID_TICK_SIZE_PRECISION_PRICE"),
        ({"quantity": 100_000}, "REJECTED_WOULD_BREACH_MAX_NOTIONAL"),
    ],
)
def test_an_order_that_cannot_be_modified_stays_as_it_was(terms: dict[str, object], status: str) -> None:
    harness = EngineHarness(AAPL, "CL-USD")
    row = harness.buy(harness.alice, 1, 199)
    before = harness.exchange.balance(harness.alice)
    assert harness.modify(harness.alice, row, **terms).status == status
    assert harness.exchange.open_orders(harness.alice) == [row]
    assert harness.exchange.balance(harness.alice) == before


def test_a_partly_filled_order_cannot_be_modified(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, 2, 199)
    harness.sell(harness.bob, 1, 199)
    assert harness.modify(harness.alice, row, price=198).status == "CANNOT_MODIFY_PARTIAL_FILL"
    assert harness.exchange.book(AAPL)[0] == [(D(199), D(1))]


def test_a_post_only_order_cannot_be_modified_to_take(harness: EngineHarness) -> None:
    harness.sell(harness.bob, 1, 200)
    row = harness.buy(harness.alice, 1, 199, order_type="ALO")
    assert harness.modify(harness.alice, row, price=200).status == "CANNOT_MODIFY_ALO_WOULD_CROSS"
    assert harness.exchange.book(AAPL)[0] == [(D(199), D(1))]


def test_reduce_only_must_be_repeated(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, 1, 199)
    with pytest.raises(Refused, match="InvalidParameter"):
        harness.modify(harness.alice, row, reduce_only=True)
    assert harness.exchange.open_orders(harness.alice) == [row]


def test_modifying_releases_margin_that_is_no_longer_needed(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, 10, 199)
    assert harness.exchange.balance(harness.alice).order_margin == 199
    harness.modify(harness.alice, row, quantity=1)
    assert harness.exchange.balance(harness.alice).order_margin == D("19.9")

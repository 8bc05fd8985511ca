"""Cancelling and replacing orders."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex.sim.engine import Refused, Rules

from .helpers import AAPL, Arena


def test_cancelling_keeps_the_unfilled_quantity(arena: Arena) -> None:
    arena.sell(arena.bob, 1, 200)
    row = arena.buy(arena.alice, 3, 200)
    [cancelled] = arena.exchange.cancel_order(arena.alice, AAPL, "order_id", row.order_id)
    assert (cancelled.status, cancelled.quantity, cancelled.quantity_remaining) == ("CANCELLED", 3, 2)
    assert arena.exchange.book(AAPL) == ([], [])


def test_a_client_id_cancels_every_order_of_the_symbol_that_shares_it() -> None:
    arena = Arena(AAPL, "CL-USD")
    for price in (198, 199):
        arena.buy(arena.alice, 1, price, client_order_id="grid")
    other = arena.buy(arena.alice, 1, 90, symbol="CL-USD", client_order_id="grid")
    rows = arena.exchange.cancel_order(arena.alice, AAPL, "client_order_id", "grid")
    assert [(row.status, row.price) for row in rows] == [("CANCELLED", 198), ("CANCELLED", 199)]
    assert arena.open_ids(arena.alice) == [other.order_id]


@pytest.mark.parametrize("id_type", ["order_id", "client_order_id", "twap_id", "client_twap_id"])
def test_an_unknown_id_is_no_such_order(arena: Arena, id_type: str) -> None:
    [row] = arena.exchange.cancel_order(arena.alice, AAPL, id_type, "nowhere")
    assert (row.status, row.order_id, row.symbol) == ("NO_SUCH_ORDER", "nowhere", AAPL)
    assert arena.statuses(arena.alice) == ["NO_SUCH_ORDER"]


def test_nobody_cancels_the_order_of_another(arena: Arena) -> None:
    row = arena.buy(arena.alice, 1, 199)
    assert arena.exchange.cancel_order(arena.bob, AAPL, "order_id", row.order_id)[0].status == "NO_SUCH_ORDER"
    assert arena.open_ids(arena.alice) == [row.order_id]


def test_cancel_all_takes_orders_and_stops_of_all_symbols() -> None:
    arena = Arena(AAPL, "CL-USD")
    arena.hold(arena.alice, "BUY", 1)
    arena.buy(arena.alice, 1, 199)
    arena.buy(arena.alice, 1, 90, symbol="CL-USD")
    arena.sell(arena.alice, 1, 190, order_type="STOP_LOSS")
    rows = arena.exchange.cancel_all_orders(arena.alice)
    assert [row.status for row in rows] == ["CANCELLED"] * 3
    assert arena.open_ids(arena.alice) == []


def test_modifying_gives_a_new_id_and_keeps_the_client_id(arena: Arena) -> None:
    row = arena.buy(arena.alice, 1, 199, client_order_id="mine")
    changed = arena.modify(arena.alice, row, price=198, quantity=2)
    assert (changed.status, changed.client_order_id) == ("MODIFIED", "mine")
    assert changed.order_id != row.order_id
    assert arena.exchange.book(AAPL)[0] == [(D(198), D(2))]
    assert arena.open_ids(arena.alice) == [changed.order_id]


def test_the_documented_dialect_keeps_the_id() -> None:
    arena = Arena(rules=Rules(modify_keeps_order_id=True))
    row = arena.buy(arena.alice, 1, 199)
    assert arena.modify(arena.alice, row, price=198).order_id == row.order_id
    assert arena.exchange.book(AAPL)[0] == [(D(198), D(1))]


def test_modifying_loses_the_place_in_the_queue(arena: Arena) -> None:
    row = arena.sell(arena.alice, 1, 200)
    arena.sell(arena.bob, 1, 200)
    arena.modify(arena.alice, row)
    taker = arena.exchange.create_account()
    arena.buy(taker, 1, 200)
    assert len(arena.fills(arena.bob)) == 1
    assert arena.fills(arena.alice) == []


def test_a_modified_order_may_trade_at_once(arena: Arena) -> None:
    arena.sell(arena.bob, 1, 200)
    row = arena.buy(arena.alice, 1, 199)
    changed = arena.modify(arena.alice, row, price=200)
    assert arena.statuses(arena.alice, changed.order_id) == ["MODIFIED", "FILLED"]


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
def test_what_cannot_be_modified_stays_as_it_was(terms: dict[str, object], status: str) -> None:
    arena = Arena(AAPL, "CL-USD")
    row = arena.buy(arena.alice, 1, 199)
    before = arena.exchange.balance(arena.alice)
    assert arena.modify(arena.alice, row, **terms).status == status
    assert arena.exchange.open_orders(arena.alice) == [row]
    assert arena.exchange.balance(arena.alice) == before


def test_a_partly_filled_order_cannot_be_modified(arena: Arena) -> None:
    row = arena.buy(arena.alice, 2, 199)
    arena.sell(arena.bob, 1, 199)
    assert arena.modify(arena.alice, row, price=198).status == "CANNOT_MODIFY_PARTIAL_FILL"
    assert arena.exchange.book(AAPL)[0] == [(D(199), D(1))]


def test_a_post_only_order_cannot_be_modified_to_take(arena: Arena) -> None:
    arena.sell(arena.bob, 1, 200)
    row = arena.buy(arena.alice, 1, 199, order_type="ALO")
    assert arena.modify(arena.alice, row, price=200).status == "CANNOT_MODIFY_ALO_WOULD_CROSS"
    assert arena.exchange.book(AAPL)[0] == [(D(199), D(1))]


def test_reduce_only_must_be_repeated(arena: Arena) -> None:
    row = arena.buy(arena.alice, 1, 199)
    with pytest.raises(Refused, match="InvalidParameter"):
        arena.modify(arena.alice, row, reduce_only=True)
    assert arena.exchange.open_orders(arena.alice) == [row]


def test_modifying_frees_the_margin_it_no_longer_needs(arena: Arena) -> None:
    row = arena.buy(arena.alice, 10, 199)
    assert arena.exchange.balance(arena.alice).order_margin == 199
    arena.modify(arena.alice, row, quantity=1)
    assert arena.exchange.balance(arena.alice).order_margin == D("19.9")

"""A cut after every single byte of an order's conversation, in both directions: nobody is told a lie (R23, R24)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from qfex import Order, OutcomeUnknown
from qfex.sim import Simulator
from qfex.sim.gateway.audit import AuditTrail
from tests.soak.every_byte import Case, Customer, every_cut, play_all
from tests.support.helpers import AAPL

RESTING = {"side": "BUY", "quantity": 1, "price": 150}
FILLING = {"side": "BUY", "quantity": 1, "price": 200, "time_in_force": "IOC"}


@pytest.mark.parametrize(
    ("dialect", "terms"),
    [("live", RESTING), ("documented", RESTING), ("live", FILLING)],
    indirect=["dialect"],
    ids=["live-resting", "documented-resting", "live-filling"],
)
def test_r23_whichever_byte_is_the_last_the_caller_learns_the_true_outcome(
    quiet: Simulator, connect: Any, terms: dict[str, Any]
) -> None:
    if terms is FILLING:
        for _ in range(10):  # more than the exchange lets one account sell
            connect(quiet, quiet.create_account(10**9)).place_order(AAPL, "SELL", 400, 200)
    customer = Customer(quiet, terms)
    cases = every_cut({"in": customer.measure("in"), "out": customer.measure("out")})
    customer.close()
    assert len(cases) > 400
    customers = play_all(quiet, terms, cases)
    ledger = quiet.ledger
    for case in cases:
        assert_truth(case, ledger)
    assert {type(case.told) for case in cases} == {Order, OutcomeUnknown}
    for customer in customers:
        assert_each_fill_once(customer, quiet, ledger)


def assert_truth(case: Case, ledger: AuditTrail) -> None:
    """What the caller knows in the end is what the exchange did."""
    assert ledger.count("add_order", case.client_order_id) <= 1, f"sent twice: {case}"
    (row,) = ledger.orders(case.client_order_id).values() or (None,)
    known = case.told if isinstance(case.told, Order) else case.resolved
    if row is None:
        assert known is None and isinstance(case.told, OutcomeUnknown), case
    else:
        assert isinstance(known, Order) and known.order_id == row.order_id, case
    if isinstance(case.told, OutcomeUnknown) and row is not None:
        assert case.resolved.quantity_filled == row.quantity - row.quantity_remaining, case


def assert_each_fill_once(customer: Customer, sim: Simulator, ledger: AuditTrail) -> None:
    told = [(fill.trade_id, fill.order_id) for fill in customer.fills]
    done = [(fill.trade_id, fill.order_id) for fill in ledger.fills_of(sim.account_id(customer.credentials))]
    assert Counter(told) == Counter(done)
    assert told == done

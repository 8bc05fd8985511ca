"""A cut after every byte of an order's messages, in both directions: every reported outcome is true (R23, R24)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from qfex import Order, OutcomeUnknown
from qfex.sim import Simulator
from qfex.sim.gateway.audit import AuditTrail
from tests.soak.every_byte import Case, CutClient, every_cut, play_all
from tests.support.helpers import AAPL

RESTING = {"side": "BUY", "quantity": 1, "price": 150}
FILLING = {"side": "BUY", "quantity": 1, "price": 200, "time_in_force": "IOC"}


@pytest.mark.parametrize(
    ("dialect", "terms", "step"),
    [
        ("live", RESTING, 1),
        ("documented", RESTING, 5),
        ("live", FILLING, 5),
        pytest.param("documented", RESTING, 1, marks=pytest.mark.soak),
        pytest.param("live", FILLING, 1, marks=pytest.mark.soak),
    ],
    indirect=["dialect"],
)
def test_r23_whichever_byte_is_the_last_the_caller_learns_the_true_outcome(
    quiet: Simulator, connect: Any, terms: dict[str, Any], step: int
) -> None:
    """After every byte in ``make soak``; the tests cut after every fifth one, where an order rests after every one."""
    if terms is FILLING:
        for _ in range(10):  # more than the exchange lets one account sell
            connect(quiet, quiet.create_account(10**9)).place_order(AAPL, "SELL", 400, 200)
    client = CutClient(quiet, terms)
    cases = every_cut({"in": client.measure("in"), "out": client.measure("out")})
    client.close()
    assert len(cases) > 400
    cases = cases[::step]
    clients = play_all(quiet, terms, cases)
    ledger = quiet.ledger
    for case in cases:
        assert_true_outcome(case, ledger)
    kinds = {type(case.outcome) for case in cases}  # only some of the last bytes leave the answer intact
    assert kinds == {Order, OutcomeUnknown} or (step > 1 and kinds == {OutcomeUnknown})
    for client in clients:
        assert_each_fill_once(client, quiet, ledger)


def assert_true_outcome(case: Case, ledger: AuditTrail) -> None:
    """Check that the caller's knowledge agrees with the ledger."""
    assert ledger.count("add_order", case.client_order_id) <= 1, f"sent twice: {case}"
    (row,) = ledger.orders(case.client_order_id).values() or (None,)
    known = case.outcome if isinstance(case.outcome, Order) else case.resolved
    if row is None:
        assert known is None and isinstance(case.outcome, OutcomeUnknown), case
    else:
        assert isinstance(known, Order) and known.order_id == row.order_id, case
    if isinstance(case.outcome, OutcomeUnknown) and row is not None:
        assert case.resolved.quantity_filled == row.quantity - row.quantity_remaining, case


def assert_each_fill_once(client: CutClient, sim: Simulator, ledger: AuditTrail) -> None:
    delivered = [(fill.trade_id, fill.order_id) for fill in client.fills]
    done = [(fill.trade_id, fill.order_id) for fill in ledger.fills_of(sim.account_id(client.credentials))]
    assert Counter(delivered) == Counter(done)
    assert delivered == done

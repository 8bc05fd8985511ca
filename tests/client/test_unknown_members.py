"""What the exchange does not say: orders without a price, positions and trades without amounts."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qfex import Fill, Order, OrderType, Side, ValidationError
from qfex.checked_commands import modify_command
from qfex.ledger import Ledger
from qfex.models.account import Position
from qfex.models.instruments import Instrument
from qfex.rebalance.plan import Account, make_plan
from qfex.rebalance.targets import Targets

ORDER = Order("o1", symbol="A", side=Side.BUY, order_type=OrderType.LIMIT, quantity=D(1), price=None)
UNCHANGED = {"quantity": None, "take_profit": None, "stop_loss": None, "reduce_only": None}


def test_an_order_without_a_known_price_is_modified_only_with_one() -> None:
    with pytest.raises(ValidationError, match="price"):
        modify_command(ORDER, price=None, **UNCHANGED)  # type: ignore[arg-type]
    assert modify_command(ORDER, price=5, **UNCHANGED).price == 5  # type: ignore[arg-type]


def test_a_ledger_counts_the_fees_that_it_knows() -> None:
    ledger = Ledger()
    ledger.add(
        Fill(f"t{n}", "o", "A", Side.BUY, D(1), D(1), fee) for n, fee in enumerate([D("0.5"), None, D(1)])
    )
    assert ledger.results()["A"].fees == D("1.5")
    assert [entry.fee for entry in ledger.entries] == [D("0.5"), None, D(1)]


def test_a_ledger_does_not_guess_what_an_opening_position_cost() -> None:
    with pytest.raises(ValidationError, match="average price"):
        Ledger([Position("A", D(1), average_price=None)])
    assert Ledger([Position("A", D(0), average_price=None)]).positions()["A"].average_price == 0


def test_a_symbol_without_a_mark_price_stops_only_its_own_target() -> None:
    instruments = {name: Instrument(name, D("0.01"), D(1), None, None, D(1), D(99)) for name in "AB"}
    account = Account(D(1000), {}, {"A": D(10)}, instruments)
    traded, left_out = make_plan(Targets(quantities={"A": 2, "B": 2}), account).rows
    assert (traded.quantity, traded.falls_short) == (2, False)
    assert (left_out.quantity, left_out.falls_short, left_out.reason) == (0, True, "has no mark price")


def test_an_instrument_without_a_price_band_has_none_to_warn_of(caplog: pytest.LogCaptureFixture) -> None:
    instrument = Instrument("A", D("0.01"), D(1), None, None, D(1), D(99))
    instrument.check(side="BUY", quantity=1, price=1_000_000)
    instrument.check(side="SELL", quantity=1, price="0.01")
    assert not caplog.records

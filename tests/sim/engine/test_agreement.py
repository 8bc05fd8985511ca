"""The engine and a naive implementation give the same fills."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as D
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qfex.sim.engine import Filled, OrderChanged, Rules

from .helpers import AAPL, EngineHarness
from .naive import Fill, NaiveBook

TYPES = [("LIMIT", "GTC"), ("LIMIT", "IOC"), ("LIMIT", "FOK"), ("MARKET", "IOC"), ("ALO", "GTC")]
ACCOUNTS = 4
PRICES = st.integers(19_995, 20_005).map(lambda cents: D(cents) / 100)
QUANTITIES = st.integers(1, 9).map(D)


@dataclass(frozen=True)
class Enter:
    """Send a new order."""

    account: int
    side: str
    kind: tuple[str, str]
    quantity: D
    price: D
    reduce_only: bool


@dataclass(frozen=True)
class Cancel:
    """Cancel the n-th order sent so far."""

    choice: int


@dataclass(frozen=True)
class Replace:
    """Replace the n-th order sent so far."""

    choice: int
    quantity: D
    price: D


ENTERS = st.builds(
    Enter,
    st.integers(0, ACCOUNTS - 1),
    st.sampled_from(["BUY", "SELL"]),
    st.sampled_from(TYPES + 3 * TYPES[:1]),
    QUANTITIES,
    PRICES,
    st.sampled_from([False, False, False, True]),
)
STEPS = st.lists(
    ENTERS
    | ENTERS
    | st.builds(Cancel, st.integers(0, 50))
    | st.builds(Replace, st.integers(0, 50), QUANTITIES, PRICES),
    min_size=25,
    max_size=80,
)


class Pair:
    """Both engines, given the same orders; orders are numbered in order of arrival."""

    def __init__(self) -> None:
        rules = Rules(notional_caps={"EQUITY": D(10**12)}, max_open_interest=D(10**12))
        self.harness = EngineHarness(rules=rules)
        self.naive = NaiveBook(self.harness.exchange.price_band(AAPL))
        self.accounts = [self.harness.exchange.create_account(D(10**9)) for _ in range(ACCOUNTS)]
        self.numbers: dict[str, int] = {}
        self.rows: list[Any] = []

    def do(self, step: Enter | Cancel | Replace) -> None:
        """Apply one step to both engines."""
        if isinstance(step, Enter):
            self._enter(step)
        elif self.rows:
            row = self.rows[step.choice % len(self.rows)]
            if row.order_id in self.harness.open_ids(row.account_id):
                self._cancel(row) if isinstance(step, Cancel) else self._replace(row, step)

    def _number(self, row: Any) -> int:
        return self.numbers.setdefault(row.order_id, len(self.numbers))

    def _enter(self, step: Enter) -> None:
        account, (kind, tif) = self.accounts[step.account], step.kind
        price = D(0) if kind == "MARKET" else step.price
        row = self.harness.order(
            account,
            step.side,
            step.quantity,
            price,
            kind,
            tif,
            reduce_only=step.reduce_only,  # type: ignore[arg-type]
        )
        self.rows.append(row)
        number = self._number(row)
        self.naive.add(number, account, step.side, kind, tif, step.quantity, step.price, step.reduce_only)

    def _cancel(self, row: Any) -> None:
        self.harness.exchange.cancel_order(row.account_id, AAPL, "order_id", row.order_id)
        self.naive.cancel(self._number(row))

    def _replace(self, row: Any, step: Replace) -> None:
        old = self.harness.exchange.order(row.account_id, AAPL, row.order_id)
        if old.quantity_remaining != old.quantity or old.order_type != "LIMIT":  # type: ignore[union-attr]
            return
        new = self.harness.modify(row.account_id, row, quantity=step.quantity, price=step.price)
        self.rows.append(new)
        self.naive.replace(self._number(row), self._number(new), step.quantity, step.price)

    def fills(self) -> list[Fill]:
        """Return the engine's trades, by the numbers of their orders."""
        sides = [event.fill for event in self.harness.of_type(Filled)]
        trades = list(zip(sides[::2], sides[1::2], strict=True))
        assert all(maker.trade_id == taker.trade_id for maker, taker in trades)
        return [
            Fill(self.numbers[maker.order_id], self.numbers[taker.order_id], maker.price, maker.quantity)
            for maker, taker in trades
        ]


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_both_engines_give_the_same_fills(steps: list[Enter | Cancel | Replace]) -> None:
    pair = Pair()
    for step in steps:
        pair.do(step)
        assert pair.harness.exchange.book(AAPL, 100) == (pair.naive.levels("BUY"), pair.naive.levels("SELL"))
    assert pair.fills() == pair.naive.fills
    for account in pair.accounts:
        assert pair.harness.position(account) == pair.naive.positions.get(account, 0)


def test_the_random_flow_covers_the_interesting_cases() -> None:
    """Check the strategy itself: its orders trade, are cancelled, and would trade with themselves."""
    seen: set[str] = set()

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(STEPS)
    def run(steps: list[Enter | Cancel | Replace]) -> None:
        pair = Pair()
        for step in steps:
            pair.do(step)
        seen.update(event.order.status for event in pair.harness.of_type(OrderChanged))

    run()
    assert {"FILLED", "CANCELLED", "CANCELLED_STP", "MODIFIED", "IOC_PARTIALLY_FILLED", "REJECTED"} <= seen

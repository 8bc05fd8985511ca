"""What a run has achieved, and at which prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs

from ..enums import Side
from ..errors import QfexError
from .desk import Desk
from .records import JournalEvent, Run, Step, StepKind, Work

_ZERO = Decimal(0)
_BASIS_POINT = Decimal("0.0001")


class Outcome(str, Enum):
    """How a rebalancing ended."""

    NOTHING_TO_DO = "nothing to do"
    DONE = "done"
    PARTIAL = "partial"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    __str__ = str.__str__


@attrs.frozen
class Execution:
    """What one step traded.

    Attributes
    ----------
    average_price : Decimal or None
        None where nothing was traded, or the exchange does not tell.
    fees : Decimal or None
        As the exchange reports them; None for TWAPs.
    """

    kind: StepKind
    client_id: str
    order_id: str
    quantity: Decimal
    filled: Decimal
    state: str
    note: str = ""
    average_price: Decimal | None = None
    fees: Decimal | None = None


@attrs.frozen
class TradeReport:
    """What became of a planned trade.

    Attributes
    ----------
    before, target, after : Decimal
        Signed positions; `after` is what the account has now.
    benchmark : Decimal
        Mark price when the run was planned.
    average_price : Decimal or None
        Of all executions.
    slippage_bps : Decimal or None
        How much worse than the benchmark, in hundredths of a percent; negative is better.
    state : Outcome
        DONE where nothing is left that the exchange would take.
    """

    symbol: str
    side: Side
    before: Decimal
    target: Decimal
    after: Decimal
    planned: Decimal
    achieved: Decimal
    benchmark: Decimal
    average_price: Decimal | None
    slippage_bps: Decimal | None
    state: Outcome
    executions: list[Execution]


@attrs.frozen
class Report:
    """What a run has done."""

    outcome: Outcome
    period: str
    digest: str
    execution: str
    started: datetime
    finished: datetime | None
    equity: Decimal
    trades: list[TradeReport]
    skipped: dict[str, str]
    story: list[JournalEvent]

    @property
    def turnover(self) -> Decimal:
        """Quantity traded times price, summed; in the quote units."""
        return sum((each.achieved * (each.average_price or each.benchmark) for each in self.trades), _ZERO)


def make_report(
    desk: Desk, run: Run, outcome: Outcome, states: Mapping[str, Outcome], positions: Mapping[str, Decimal]
) -> Report:
    """Put a report together from the journal and the account's trades.

    Parameters
    ----------
    states : mapping of str to Outcome
        By symbol.
    positions : mapping of str to Decimal
        The account's positions now.
    """
    journal = desk.journal
    return Report(
        outcome=outcome,
        period=run.period,
        digest=run.digest,
        execution=run.execution,
        started=_moment(run.created),
        finished=None if run.finished is None else _moment(run.finished),
        equity=run.equity,
        trades=[_trade(desk, work, states, positions) for work in journal.work_of(run)],
        skipped={row.symbol: row.reason for row in journal.plan_of(run).rows if not row.quantity},
        story=journal.events(run),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _trade(
    desk: Desk, work: Work, states: Mapping[str, Outcome], positions: Mapping[str, Decimal]
) -> TradeReport:
    trade = work.trade
    executions = [_execution(desk, step) for step in work.steps]
    average = _average(executions)
    return TradeReport(
        symbol=trade.symbol,
        side=trade.side,
        before=trade.current,
        target=trade.target,
        after=positions.get(trade.symbol, _ZERO),
        planned=trade.quantity,
        achieved=work.filled,
        benchmark=trade.mark,
        average_price=average,
        slippage_bps=None if average is None else slippage(trade.side, average, trade.mark),
        state=states[trade.symbol],
        executions=executions,
    )


def _execution(desk: Desk, step: Step) -> Execution:
    known: dict[str, Any] = {}
    if step.filled:
        try:
            known = _twap_price(desk, step) if step.kind is StepKind.TWAP else _order_price(desk, step)
        except QfexError:
            known = {}  # the prices are not worth a failed report
    members = {
        name: getattr(step, name) for name in ("kind", "client_id", "order_id", "quantity", "filled", "note")
    }
    return Execution(**members, state=str(step.state), **known)


def _twap_price(desk: Desk, step: Step) -> dict[str, Any]:
    twap, _ = desk.find_twap(step)
    return {"average_price": twap.average_fill_price or None} if twap is not None else {}


def _order_price(desk: Desk, step: Step) -> dict[str, Any]:
    trades = list(desk.rest.iter_user_trades(order_id=step.order_id, symbol=step.symbol))
    quantity = sum((trade.quantity for trade in trades), _ZERO)
    if not quantity:
        return {}
    notional = sum((trade.quantity * trade.price for trade in trades), _ZERO)
    return {"average_price": notional / quantity, "fees": sum((trade.fee for trade in trades), _ZERO)}


def _average(executions: list[Execution]) -> Decimal | None:
    priced = [(each.filled, each.average_price) for each in executions if each.average_price is not None]
    quantity = sum((filled for filled, _ in priced), _ZERO)
    return sum((filled * price for filled, price in priced), _ZERO) / quantity if quantity else None


def slippage(side: Side, price: Decimal, benchmark: Decimal) -> Decimal:
    """How much worse than a benchmark a price is, in basis points."""
    worse = price - benchmark if side is Side.BUY else benchmark - price
    return (worse / benchmark / _BASIS_POINT).quantize(Decimal("0.01"))

"""The report of a run: what was traded, and at which prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs

from ..enums import Side
from ..errors import QfexError
from .executor import StepExecutor
from .records import JournalEvent, Run, Step, StepKind, Work

_ZERO = Decimal(0)
_BASIS_POINT = Decimal("0.0001")


class Outcome(str, Enum):
    """The outcome of a run."""

    NOTHING_TO_DO = "nothing to do"
    DONE = "done"
    PARTIAL = "partial"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    __str__ = str.__str__


@attrs.frozen
class Execution:
    """The execution of one step.

    Attributes
    ----------
    average_price : Decimal or None
        None if nothing was traded or the exchange does not say.
    fees : Decimal or None
        Sum of the fees as the exchange reports them. None for TWAPs.
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
    """The result of one row of the plan, which may be one without a trade.

    Attributes
    ----------
    before, target, after : Decimal
        Signed positions when the run was planned, as targeted, and at the time of the report. `after` is None if it could
        not be read.
    planned, achieved : Decimal
        Quantity to trade and quantity traded.
    benchmark : Decimal
        Mark price when the run was planned.
    average_price : Decimal or None
        Average price of all executions.
    slippage_bps : Decimal or None
        Slippage against the benchmark in basis points. Positive is worse, negative is better.
    state : Outcome
        DONE if the rest, if any, is too small for an order.
    reason : str
        Why nothing is traded, or less than the targets require. Otherwise ``""``.
    """

    symbol: str
    side: Side
    before: Decimal
    target: Decimal
    after: Decimal | None
    planned: Decimal
    achieved: Decimal
    benchmark: Decimal
    average_price: Decimal | None
    slippage_bps: Decimal | None
    state: Outcome
    executions: list[Execution]
    reason: str = ""


@attrs.frozen
class Report:
    """The report of a run.

    Attributes
    ----------
    started, finished : datetime or None
        Start and end of the run, in UTC.
    equity : Decimal
        Equity of the account when the run was planned, in USD.
    skipped : dict of str to str
        Symbol -> the reason why it was not traded.
    story : list of JournalEvent
        All events of the run, oldest first.
    unmet : dict of str to str
        Symbol -> the reason why its target cannot be reached now.
    problem : str
        The error that ended the run early, or ``""``.
    """

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
    unmet: dict[str, str] = attrs.field(factory=dict)
    problem: str = ""

    @property
    def turnover(self) -> Decimal:
        """Total notional of all executions, in the quote units."""
        return sum((each.achieved * (each.average_price or each.benchmark) for each in self.trades), _ZERO)


def make_report(
    executor: StepExecutor,
    run: Run,
    outcome: Outcome,
    states: Mapping[str, Outcome],
    problem: str = "",
) -> Report:
    """Build a report from the journal and the account's trades.

    Parameters
    ----------
    states : mapping of str to Outcome
        Symbol -> result of its trade. Rows without a trade may be left out.
    problem : str
        The error that ended the run early.
    """
    journal = executor.journal
    plan = journal.plan_of(run)
    positions: Mapping[str, Decimal] | None
    try:
        positions = executor.positions()
    except QfexError:
        positions = None  # the trades are done, whether or not the report is complete
    return Report(
        outcome=outcome,
        period=run.period,
        digest=run.digest,
        execution=run.execution,
        started=_moment(run.created),
        finished=None if run.finished is None else _moment(run.finished),
        equity=run.equity,
        trades=[_trade(executor, work, states, positions) for work in journal.all_work_of(run)],
        skipped={row.symbol: row.reason for row in plan.rows if not row.quantity},
        story=journal.events(run),
        unmet=plan.unmet,
        problem=problem,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _trade(
    executor: StepExecutor,
    work: Work,
    states: Mapping[str, Outcome],
    positions: Mapping[str, Decimal] | None,
) -> TradeReport:
    trade = work.trade
    executions = [_execution(executor, step) for step in work.steps]
    average = _average(executions)
    return TradeReport(
        symbol=trade.symbol,
        side=trade.side,
        before=trade.current,
        target=trade.target,
        after=None if positions is None else positions.get(trade.symbol, _ZERO),
        planned=trade.quantity,
        achieved=work.filled,
        benchmark=trade.mark,
        average_price=average,
        slippage_bps=None if average is None else slippage(trade.side, average, trade.mark),
        state=states.get(trade.symbol, Outcome.PARTIAL if trade.falls_short else Outcome.DONE),
        executions=executions,
        reason=trade.reason,
    )


def _execution(executor: StepExecutor, step: Step) -> Execution:
    known: dict[str, Any] = {}
    if step.filled:
        try:
            known = (
                _twap_price(executor, step) if step.kind is StepKind.TWAP else _order_price(executor, step)
            )
        except QfexError:
            known = {}  # a report without prices is better than none
    members = {
        name: getattr(step, name) for name in ("kind", "client_id", "order_id", "quantity", "filled", "note")
    }
    return Execution(**members, state=str(step.state), **known)


def _twap_price(executor: StepExecutor, step: Step) -> dict[str, Any]:
    twap, _ = executor.find_twap(step)
    return {"average_price": twap.average_fill_price or None} if twap is not None else {}


def _order_price(executor: StepExecutor, step: Step) -> dict[str, Any]:
    trades = list(executor.rest.iter_user_trades(order_id=step.order_id, symbol=step.symbol))
    quantity = sum((trade.quantity for trade in trades), _ZERO)
    if not quantity:
        return {}
    notional = sum((trade.quantity * trade.price for trade in trades), _ZERO)
    return {
        "average_price": notional / quantity,
        "fees": sum((trade.fee or _ZERO for trade in trades), _ZERO),
    }


def _average(executions: list[Execution]) -> Decimal | None:
    priced = [(each.filled, each.average_price) for each in executions if each.average_price is not None]
    quantity = sum((filled for filled, _ in priced), _ZERO)
    return sum((filled * price for filled, price in priced), _ZERO) / quantity if quantity else None


def slippage(side: Side, price: Decimal, benchmark: Decimal) -> Decimal:
    """Return how much worse a price is than a benchmark, in basis points."""
    worse = price - benchmark if side is Side.BUY else benchmark - price
    return (worse / benchmark / _BASIS_POINT).quantize(Decimal("0.01"))

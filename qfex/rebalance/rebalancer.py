"""The rebalancer: finish earlier runs, plan, execute and report, once in each period."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timezone
from decimal import Decimal, localcontext
from itertools import groupby

from ..client import TradeClient
from ..decimals import own_context
from ..enums import CancelIdType
from ..errors import ApiError, OrderRejected, OutcomeUnknown, QfexError
from ..models.instruments import Instrument
from ..rest import RestClient
from .executor import Pace, StepExecutor
from .identity import period_label
from .journal import Journal
from .plan import Account, Plan, make_plan
from .records import Run, RunState, Step, StepState, Work
from .report import Outcome, Report, make_report
from .tactics import Progress, Tactics
from .targets import Targets

_ARITHMETIC = own_context(28)  # whatever precision the program has set for itself
_READS = 5  # attempts to read the same positions twice in a row
_STATES = {Outcome.DONE: RunState.DONE, Outcome.PARTIAL: RunState.PARTIAL, Outcome.REFUSED: RunState.REFUSED}


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def _ignore(progress: Progress) -> None:
    """Do nothing, by default."""


class Rebalancer:
    """Brings the positions of an account to their targets, once in each period.

    ::

        with TradeClient(UAT, keys) as client, RestClient(UAT, keys) as rest:
            with Journal.of_account("rebalance.sqlite", UAT, keys) as journal:
                report = Rebalancer(client, rest, journal).run(load_targets("targets.toml"))

    A run writes every step to the journal before it sends the step. After a crash the next run asks the exchange what
    became of each step and finishes the plan. A step is never sent again while its outcome is unknown. A second run in
    the same period does nothing.

    Parameters
    ----------
    client : TradeClient
        A connected client.
    rest : RestClient
        A client of the same account.
    journal : Journal
        The journal of the same account.
    pace : Pace
        Waiting times.
    on_progress : callable, optional
        Called with a `Progress` at each change, in the calling thread.
    now : callable
        Returns the current time as an aware datetime, which determines the period.
    """

    def __init__(
        self,
        client: TradeClient,
        rest: RestClient,
        journal: Journal,
        *,
        pace: Pace = Pace(),  # noqa: B008 - frozen
        on_progress: Callable[[Progress], object] = _ignore,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._executor = StepExecutor(client, rest, journal, pace, threading.Event())
        self._journal = journal
        self._on_progress = on_progress
        self._now = now

    def plan(self, targets: Targets) -> Plan:
        """Return the plan of a new run, without trading.

        Raises
        ------
        ValidationError
            If the exchange's instruments do not allow the targets.
        """
        with localcontext(_ARITHMETIC):
            return make_plan(targets, self._account(targets))

    def run(self, targets: Targets, *, again: bool = False) -> Report:
        """Trade to the targets and return a report.

        Parameters
        ----------
        targets : Targets
            The targets.
        again : bool
            Whether to make a new plan even if these targets were reached in this period before.

        Returns
        -------
        Report
            Its `outcome` is UNKNOWN if the exchange does not say what became of a step. In this case run again later.

        Raises
        ------
        AlreadyRunning
            If another run of this account is in progress.
        ValidationError
            If the exchange's instruments do not allow the targets.
        QfexError
            If the exchange cannot be reached. It is always safe to run again.
        """
        with localcontext(_ARITHMETIC), self._journal.lock():
            period = period_label(targets.period, self._now())
            run = self._resume(period, targets.digest)
            if run is not None and run.state is RunState.DONE:
                if not again:
                    return self._report(run, Outcome.NOTHING_TO_DO, targets)
                run = None
            if run is None:
                run = self._journal.begin(period, targets.digest, targets.execution, self.plan(targets))
            if not self._journal.plan_of(run).trades:
                return self._report(self._journal.finish(run, RunState.DONE), Outcome.NOTHING_TO_DO, targets)
            return self._execute(run, targets)

    # --- earlier runs ------------------------------------------------------------------------------------------

    def _resume(self, period: str, digest: str) -> Run | None:
        """Settle the open steps of earlier runs, and return the run to continue with, if there is one.

        Raises
        ------
        OutcomeUnknown
            If the outcome of an earlier step cannot be found out. A new plan could then trade it twice.
        """
        found = self._journal.find(period, digest)
        for run in self._journal.unsettled():
            if found is not None and run.run_id == found.run_id:
                self._settle_intended(run)
            else:
                self._supersede(run)
        self._cancel_orphans()
        return None if found is None or found.state is RunState.SUPERSEDED else found

    def _settle_intended(self, run: Run) -> None:
        for step in self._journal.steps(run):
            if step.state is StepState.INTENDED:
                self._journal.note(run, step.symbol, f"find out what became of {step.client_id}")
                self._executor.settle(step)

    def _supersede(self, run: Run) -> None:
        """Cancel the open steps of a run that another run replaces."""
        for step in _open(self._journal.steps(run)):
            self._executor.end(step)
        if run.state is RunState.OPEN:
            self._journal.finish(run, RunState.SUPERSEDED)

    def _cancel_orphans(self) -> None:
        """Cancel orders of this rebalancer that are not in its journal, as after the loss of an earlier journal."""
        client, ours, known = (
            self._executor.client,
            self._journal.client_id_prefix,
            self._journal.client_ids(),
        )
        page = client.get_user_orders()
        for order in page.orders:
            if order.client_order_id.startswith(ours) and order.client_order_id not in known:
                with suppress(OrderRejected, ApiError):
                    client.cancel_order(
                        order.client_order_id, symbol=order.symbol, id_type=CancelIdType.CLIENT_ORDER_ID
                    )
        for twap in page.twaps:
            if (twap.client_twap_id or "").startswith(ours) and twap.client_twap_id not in known:
                with suppress(OrderRejected, ApiError):
                    client.cancel_twap(twap)

    # --- the account -------------------------------------------------------------------------------------------

    def _account(self, targets: Targets) -> Account:
        rest = self._executor.rest
        metrics = ((row.symbol, row.current_mark_price) for row in rest.symbol_metrics())
        marks = {symbol: mark for symbol, mark in metrics if mark is not None}
        return Account(rest.balance().equity, self._settled_positions(), marks, rest.instruments())

    def _settled_positions(self) -> dict[str, Decimal]:
        """Read the positions until two readings agree, since recent trades may not be included yet."""
        before = self._positions()
        for _ in range(_READS):
            now = self._positions()
            if now == before:
                break
            before = now
            self._executor.stop.wait(self._executor.pace.poll)
        return before

    def _positions(self) -> dict[str, Decimal]:
        return {row.symbol: row.position for row in self._executor.rest.positions().values()}

    # --- execution ---------------------------------------------------------------------------------------------

    def _execute(self, run: Run, targets: Targets) -> Report:
        tactics = self._tactics(run, targets, self._executor.rest.instruments())
        trades = self._journal.plan_of(run).trades
        try:
            for _, wave in groupby(trades, key=lambda trade: trade.reduce_only):
                tactics.execute(wave)
        except OutcomeUnknown as error:
            self._journal.note(run, error.symbol or "", str(error))
            return self._report(run, Outcome.UNKNOWN, targets)
        except KeyboardInterrupt:
            self._end_open_steps(run)
            raise
        outcome = _overall([_state(work, tactics) for work in self._journal.work_of(run)])
        return self._report(self._journal.finish(run, _STATES[outcome]), outcome, targets)

    def _tactics(self, run: Run, targets: Targets, instruments: dict[str, Instrument]) -> Tactics:
        # The settings of `targets` are those with which the run was planned, because the digest contains them.
        return Tactics(self._executor, run, targets, instruments, self._on_progress)

    def _end_open_steps(self, run: Run) -> None:
        with suppress(QfexError):
            for step in _open(self._journal.steps(run)):
                self._executor.end(step)

    def _report(self, run: Run, outcome: Outcome, targets: Targets) -> Report:
        tactics = self._tactics(run, targets, self._executor.rest.instruments())
        states = {work.trade.symbol: _state(work, tactics) for work in self._journal.work_of(run)}
        return make_report(self._executor, run, outcome, states, self._positions())


def _open(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if not step.state.is_final]


def _state(work: Work, tactics: Tactics) -> Outcome:
    if work.open_steps:
        return Outcome.UNKNOWN
    if not tactics.tradable(work):
        return Outcome.DONE
    refused = bool(work.steps) and work.steps[-1].state is StepState.REFUSED
    return Outcome.REFUSED if refused and not work.filled else Outcome.PARTIAL


def _overall(states: list[Outcome]) -> Outcome:
    return states[0] if len(set(states)) == 1 else Outcome.PARTIAL

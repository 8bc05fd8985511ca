"""The rebalancer: finish earlier runs, plan, execute and report, once in each period."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from decimal import Decimal, localcontext
from itertools import groupby
from time import monotonic

from ..client import TradeClient
from ..decimals import own_context
from ..errors import NotConnected, QfexError
from ..rest import RestClient
from .executor import Pace, StepExecutor
from .identity import period_label
from .journal import Journal
from .plan import Account, Plan, make_plan
from .records import Run, RunState, Step, StepState, Work
from .report import Outcome, Report, make_report
from .resuming import EarlierRuns
from .tactics import Progress, Tactics
from .targets import Targets

_ARITHMETIC = own_context(28)  # whatever precision the program has set for itself
_READS = 5  # attempts to read the same positions twice in a row
#: Errors after which a run that has sent something ends with a report.
_REPORTED = (QfexError, sqlite3.Error)
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
    became of each step. If the positions are what the journal expects, it finishes the plan, otherwise it makes a new one.
    A step is never sent again while its outcome is unknown. A second run in the same period does nothing.

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
        Returns the current time as an aware datetime, which determines the period: in the time zone of the targets, or
        else in that of the datetime.
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
            If a symbol never existed.
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
            Whether to forget what was planned or done in this period, and to make a new plan.

        Returns
        -------
        Report
            Its `outcome` is UNKNOWN if the exchange does not say what became of a step. In this case run again later.
            It is PARTIAL if a target was not reached, for example because an instrument cannot be traded now.

        Raises
        ------
        AlreadyRunning
            If another run of this account is in progress.
        ValidationError
            If a symbol never existed.
        QfexError
            If the exchange cannot be reached and this run has sent nothing. It is always safe to run again.
        """
        with localcontext(_ARITHMETIC), self._journal.lock():
            period = period_label(targets.period, self._now(), targets.zone)
            run = EarlierRuns(self._executor).settle(period, targets.digest, again=again)
            if run is not None and run.state is RunState.DONE:
                return self._report(run, Outcome.NOTHING_TO_DO)
            if run is None:
                run = self._journal.begin(period, targets.digest, targets.execution, self.plan(targets))
            plan = self._journal.plan_of(run)
            if plan.trades:
                return self._execute(run, plan, targets)
            outcome = Outcome.PARTIAL if plan.unmet else Outcome.NOTHING_TO_DO
            state = RunState.PARTIAL if plan.unmet else RunState.DONE
            return self._report(self._journal.finish(run, state), outcome)

    # --- the account -------------------------------------------------------------------------------------------

    def _account(self, targets: Targets) -> Account:
        rest = self._executor.rest
        metrics = ((row.symbol, row.current_mark_price) for row in rest.symbol_metrics())
        marks = {symbol: mark for symbol, mark in metrics if mark is not None}
        return Account(rest.balance().equity, self._settled_positions(), marks, rest.instruments())

    def _settled_positions(self) -> dict[str, Decimal]:
        """Read the positions until two readings agree, since recent trades may not be included yet."""
        before = self._executor.positions()
        for _ in range(_READS):
            self._executor.pause(self._executor.pace.poll / 10)
            now = self._executor.positions()
            if now == before:
                break
            before = now
        return before

    # --- execution ---------------------------------------------------------------------------------------------

    def _execute(self, run: Run, plan: Plan, targets: Targets) -> Report:
        tactics = Tactics(self._executor, run, targets, self._executor.rest.instruments(), self._on_progress)
        problem = ""
        try:
            for _, wave in groupby(plan.trades, key=lambda trade: trade.frees_margin):
                tactics.execute(wave)
        except BaseException as error:
            self._end_open_steps(run, error)
            if not isinstance(error, _REPORTED) or not self._has_sent(run):
                raise
            problem = str(error)
        states = {work.trade.symbol: _state(work, tactics) for work in self._journal.work_of(run)}
        outcome = _overall([*states.values(), *(Outcome.PARTIAL for _ in plan.unmet)])
        if problem and outcome is not Outcome.UNKNOWN:
            outcome = Outcome.PARTIAL
        return self._report(self._finish(run, outcome), outcome, states, problem)

    def _finish(self, run: Run, outcome: Outcome) -> Run:
        """Record the end of a run. It stays open while an outcome is unknown or the journal cannot be written."""
        if outcome in _STATES:
            with suppress(sqlite3.Error):
                return self._journal.finish(run, _STATES[outcome])
        return run

    def _has_sent(self, run: Run) -> bool:
        return any(step.state is not StepState.NEVER_SENT for step in self._journal.steps(run))

    def _end_open_steps(self, run: Run, error: BaseException) -> None:
        """Cancel what is live before a run ends early, for as long as an answer may take.

        The journal may be what failed: then orders are cancelled without it.
        """
        with suppress(sqlite3.Error):
            self._journal.note(run, "", f"the run ends early: {type(error).__name__}: {error}")
        end = monotonic() + self._executor.pace.answer
        while steps := _open(self._journal.steps(run)):
            waiting = [step for step in steps if not self._try_to_end(step)]
            if not waiting or monotonic() >= end:
                return
            self._executor.pause(self._executor.pace.poll / 10)

    def _try_to_end(self, step: Step) -> bool:
        """End a step and return whether nothing more can be done about it."""
        try:
            self._executor.end(step)
        except NotConnected:
            return False
        except (QfexError, sqlite3.Error):
            with suppress(QfexError):
                self._executor.cancel(step)
            return True
        return True

    def _report(
        self,
        run: Run,
        outcome: Outcome,
        states: Mapping[str, Outcome] | None = None,
        problem: str = "",
    ) -> Report:
        return make_report(self._executor, run, outcome, states or {}, problem)


def _open(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if not step.state.is_final]


def _state(work: Work, tactics: Tactics) -> Outcome:
    if work.open_steps:
        return Outcome.UNKNOWN
    if not tactics.tradable(work):
        return Outcome.PARTIAL if work.trade.falls_short or tactics.is_gone(work) else Outcome.DONE
    refused = bool(work.steps) and work.steps[-1].state is StepState.REFUSED
    return Outcome.REFUSED if refused and not work.filled else Outcome.PARTIAL


def _overall(states: list[Outcome]) -> Outcome:
    if Outcome.UNKNOWN in states:
        return Outcome.UNKNOWN
    return states[0] if len(set(states)) == 1 else Outcome.PARTIAL

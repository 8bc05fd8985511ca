"""The rebalancer: settle what was left, plan, execute, report; once a period."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timezone
from decimal import Decimal
from itertools import groupby

from ..client import TradeClient
from ..enums import CancelIdType
from ..errors import ApiError, OrderRejected, OutcomeUnknown, QfexError
from ..models.instruments import Instrument
from ..rest import RestClient
from .desk import Desk, Pace
from .identity import period_label
from .journal import Journal
from .plan import Account, Plan, make_plan
from .records import Run, RunState, Step, StepState, Work
from .report import Outcome, Report, make_report
from .tactics import Progress, Tactics
from .targets import Targets

_READS = 5  # of the positions, until two in a row agree
_STATES = {Outcome.DONE: RunState.DONE, Outcome.PARTIAL: RunState.PARTIAL, Outcome.REFUSED: RunState.REFUSED}


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def _ignore(progress: Progress) -> None:
    """Nobody wants to know."""


class Rebalancer:
    """Brings an account's positions to their targets, once a period, whatever happens in between.

    ::

        with TradeClient(UAT, keys) as client, RestClient(UAT, keys) as rest:
            with Journal.of_account("rebalance.sqlite", UAT, keys) as journal:
                report = Rebalancer(client, rest, journal).run(load_targets("targets.toml"))

    A run writes what it means to do before it does it. After a crash the next run learns from the exchange what
    became of every step, never sends a step again whose outcome is unknown, and finishes the plan. A run that is
    repeated in the same period does nothing.

    Parameters
    ----------
    client : TradeClient
        Connected.
    rest : RestClient
        Of the same account.
    journal : Journal
        Of the same account.
    pace : Pace
        How long to wait for what.
    on_progress : callable, optional
        Called with a `Progress` at each change, in the calling thread.
    now : callable
        Gives the moment that decides on the period.
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
        self._desk = Desk(client, rest, journal, pace, threading.Event())
        self._journal = journal
        self._on_progress = on_progress
        self._now = now

    def plan(self, targets: Targets) -> Plan:
        """What a fresh run would trade now. Reads only.

        Raises
        ------
        ValidationError
            If the targets do not fit the exchange's instruments.
        """
        return make_plan(targets, self._account(targets))

    def run(self, targets: Targets, *, again: bool = False) -> Report:
        """Rebalance.

        Parameters
        ----------
        again : bool
            Whether to plan anew although these targets were done in this period.

        Returns
        -------
        Report
            Its `outcome` is UNKNOWN where the exchange could not be asked what became of a step: run again later.

        Raises
        ------
        AlreadyRunning
            If another run of this account is under way.
        ValidationError
            If the targets do not fit the exchange's instruments.
        QfexError
            If the exchange cannot be reached. Running again is safe, always.
        """
        with self._journal.lock():
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

    # --- what was left -----------------------------------------------------------------------------------------

    def _resume(self, period: str, digest: str) -> Run | None:
        """Settle what earlier runs have left, and find the run to go on with.

        Raises
        ------
        OutcomeUnknown
            If the exchange cannot be asked about a step of an earlier run: planning now could trade it twice.
        """
        found = self._journal.find(period, digest)
        for run in self._journal.unsettled():
            if found is not None and run.run_id == found.run_id:
                self._learn(run)
            else:
                self._give_up(run)
        self._cancel_orphans()
        return None if found is None or found.state is RunState.SUPERSEDED else found

    def _learn(self, run: Run) -> None:
        for step in self._journal.steps(run):
            if step.state is StepState.INTENDED:
                self._journal.note(run, step.symbol, f"ask what became of {step.client_id}")
                self._desk.settle(step)

    def _give_up(self, run: Run) -> None:
        """End a run that another one replaces."""
        for step in _open(self._journal.steps(run)):
            self._desk.end(step)
        if run.state is RunState.OPEN:
            self._journal.finish(run, RunState.SUPERSEDED)

    def _cancel_orphans(self) -> None:
        """Cancel orders of this rebalancer that its journal does not know: an older journal was lost."""
        client, ours, known = self._desk.client, self._journal.client_id_prefix, self._journal.client_ids()
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
        rest = self._desk.rest
        marks = {row.symbol: row.current_mark_price for row in rest.symbol_metrics()}
        return Account(rest.balance().equity, self._settled_positions(), marks, rest.instruments())

    def _settled_positions(self) -> dict[str, Decimal]:
        """The positions, read until two readings agree: trades of a moment ago may still be on their way there."""
        before = self._positions()
        for _ in range(_READS):
            now = self._positions()
            if now == before:
                break
            before = now
            self._desk.stop.wait(self._desk.pace.poll)
        return before

    def _positions(self) -> dict[str, Decimal]:
        return {row.symbol: row.position for row in self._desk.rest.positions().values()}

    # --- execution ---------------------------------------------------------------------------------------------

    def _execute(self, run: Run, targets: Targets) -> Report:
        tactics = self._tactics(run, targets, self._desk.rest.instruments())
        trades = self._journal.plan_of(run).trades
        try:
            for _, wave in groupby(trades, key=lambda trade: trade.reduce_only):
                tactics.execute(wave)
        except OutcomeUnknown as error:
            self._journal.note(run, error.symbol or "", str(error))
            return self._report(run, Outcome.UNKNOWN, targets)
        except KeyboardInterrupt:
            self._end_what_is_open(run)
            raise
        outcome = _overall([_state(work, tactics) for work in self._journal.work_of(run)])
        return self._report(self._journal.finish(run, _STATES[outcome]), outcome, targets)

    def _tactics(self, run: Run, targets: Targets, instruments: dict[str, Instrument]) -> Tactics:
        # A run keeps the way of execution that it was planned with; the digest makes sure of it.
        return Tactics(self._desk, run, targets, instruments, self._on_progress)

    def _end_what_is_open(self, run: Run) -> None:
        with suppress(QfexError):
            for step in _open(self._journal.steps(run)):
                self._desk.end(step)

    def _report(self, run: Run, outcome: Outcome, targets: Targets) -> Report:
        tactics = self._tactics(run, targets, self._desk.rest.instruments())
        states = {work.trade.symbol: _state(work, tactics) for work in self._journal.work_of(run)}
        return make_report(self._desk, run, outcome, states, self._positions())


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

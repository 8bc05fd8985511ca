"""Earlier runs: which of them continues, and the end of all others."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import attrs

from ..enums import CancelIdType, Side
from ..errors import ApiError, OrderRejected, OutcomeUnknown
from .executor import StepExecutor
from .journal import Journal
from .records import Run, RunState, Step, StepState

_ZERO = Decimal(0)
_READS = 5  # readings of the positions, since the latest trades may not be included yet
_ROUNDS = 5  # attempts to cancel orders that the journal does not contain


@attrs.frozen
class EarlierRuns:
    """The runs that the journal contains when a new run begins.

    A run continues only while every position is what its journal expects: the position before it, and what its steps have
    traded. Where a position differs, because somebody else traded or because the journal was restored from a backup, the
    differences that the run planned no longer lead to its targets.
    """

    executor: StepExecutor

    @property
    def _journal(self) -> Journal:
        return self.executor.journal

    def settle(self, period: str, digest: str, *, again: bool) -> Run | None:
        """End what earlier runs have left open, and return the run of the period to continue with, or None.

        Parameters
        ----------
        again : bool
            Whether to end the run of this period too.

        Raises
        ------
        OutcomeUnknown
            If the outcome of an earlier step cannot be found out. A new plan could then trade it twice.
        """
        found = None if again else self._candidate(period, digest)
        for run in self._journal.unsettled():
            if found is None or run.run_id != found.run_id:
                self._supersede(run)
        self._cancel_orphans()
        if found is None or found.state is RunState.DONE or self._is_as_expected(found):
            return found
        self._journal.note(found, "", "the positions are not what this run expects: make a new plan")
        self._supersede(found)
        return None

    def _candidate(self, period: str, digest: str) -> Run | None:
        """Return the run of the period if it still counts."""
        run = self._journal.find(period, digest)
        if run is None or run.state is RunState.SUPERSEDED:
            return None
        if run.state is RunState.DONE:
            return None if self._journal.traded_after(run) else run
        # What could not be traded then may be tradable now, which only a new plan can tell.
        if run.state is not RunState.OPEN and self._journal.plan_of(run).unmet:
            return None
        return run

    def _supersede(self, run: Run) -> None:
        """End the open steps of a run that another run replaces."""
        for step in self._journal.steps(run):
            if not step.state.is_final:
                self.executor.end(step)
        if run.state is not RunState.DONE:
            self._journal.finish(run, RunState.SUPERSEDED)
        if any(step.filled for step in self._journal.steps(run)):
            self._is_as_expected(run)  # wait until the positions include its trades

    def _is_as_expected(self, run: Run) -> bool:
        """Compare the positions with those that the journal expects, until they agree or do not change any more."""
        for attempt in range(_READS):
            if attempt:
                self.executor.pause(self.executor.pace.poll)
            for step in self._journal.steps(run):
                self._follow(run, step)
            held = self.executor.positions()
            if all(held.get(symbol, _ZERO) == size for symbol, size in self._expected(run).items()):
                return True
        return False

    def _follow(self, run: Run, step: Step) -> None:
        if step.state is StepState.INTENDED:
            self._journal.note(run, step.symbol, f"find out what became of {step.client_id}")
        if not step.state.is_final:
            self.executor.settle(step)

    def _expected(self, run: Run) -> dict[str, Decimal]:
        expected = {row.symbol: row.current for row in self._journal.plan_of(run).rows}
        for step in self._journal.steps(run):
            expected[step.symbol] += step.filled if step.side is Side.BUY else -step.filled
        return expected

    # --- orders that the journal does not contain --------------------------------------------------------------

    def _cancel_orphans(self) -> None:
        """Cancel orders of this rebalancer that are not in its journal, as after the loss of an earlier journal.

        Raises
        ------
        OutcomeUnknown
            If they cannot be cancelled. They could trade beside the new plan.
        """
        for _ in range(_ROUNDS):
            left = self._cancel_orphans_once()
            if not left:
                return
            self.executor.pause(self.executor.pace.poll / 10)
        raise OutcomeUnknown("cancel_order", "still live", client_order_id=left[0])

    def _cancel_orphans_once(self) -> list[str]:
        """Cancel what is live, and return its client ids."""
        client, ours = self.executor.client, self._journal.client_id_prefix
        known = self._journal.client_ids()
        found = []
        for order in list(client.iter_user_orders()):
            if order.client_order_id.startswith(ours) and order.client_order_id not in known:
                found.append(order.client_order_id)
                with suppress(OrderRejected, ApiError):
                    client.cancel_order(
                        order.client_order_id, symbol=order.symbol, id_type=CancelIdType.CLIENT_ORDER_ID
                    )
        for twap in client.get_user_orders().twaps:
            identifier = twap.client_twap_id or ""
            if identifier.startswith(ours) and identifier not in known:
                found.append(identifier)
                with suppress(OrderRejected, ApiError):
                    client.cancel_twap(twap)
        return found

"""Execution of several trades at once. Each tactic can continue the steps of an earlier run that was killed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from time import monotonic, time

import attrs

from ..enums import Channel, Side
from ..errors import RequestTimeout
from ..models.instruments import Instrument
from ..models.orders import Order
from ..session.streams import Stream
from .executor import StepExecutor
from .plan import PlannedTrade
from .records import Run, Step, StepKind, StepState, Work
from .targets import Targets

_ZERO = Decimal(0)
Resting = dict[str, tuple[PlannedTrade, Step, float]]  # by client id; the last is the end of the waiting time

_MAX_UNFILLED = 3  # market orders in a row that trade nothing, after which the trade is left for the next run


@attrs.frozen
class Progress:
    """The progress of a trade. `what` names the last change of one of its steps."""

    symbol: str
    side: Side
    quantity: Decimal
    filled: Decimal
    what: str


@attrs.frozen
class Tactics:
    """The execution of one run.

    Attributes
    ----------
    on_progress : callable
        Called with a `Progress` at each change.
    """

    executor: StepExecutor
    run: Run
    targets: Targets
    instruments: Mapping[str, Instrument]
    on_progress: Callable[[Progress], object]

    def execute(self, trades: Iterable[PlannedTrade]) -> None:
        """Execute trades at the same time, in the way that the targets specify.

        Raises
        ------
        OutcomeUnknown, NotConnected, RequestTimeout
            As from `StepExecutor`. Open steps stay open.
        """
        wave = list(trades)
        if self.targets.execution == "limit-then-market":
            self._rest_at_the_mark(wave)
        elif self.targets.execution == "twap":
            self._run_twaps(wave)
        for trade in wave:
            self._take(trade)

    def tradable(self, work: Work) -> Decimal:
        """Return the quantity of the next order: whole lots within the exchange's limits.

        Zero if the rest is too small for an order.
        """
        instrument = self.instruments.get(work.trade.symbol)
        if instrument is None:
            return _ZERO
        lots = (work.remaining / instrument.lot_size).to_integral_value(ROUND_DOWN)
        quantity = min(lots * instrument.lot_size, instrument.max_quantity)
        return quantity if quantity >= instrument.min_quantity else _ZERO

    def is_gone(self, work: Work) -> bool:
        """Whether the exchange no longer lists the instrument of a trade."""
        return work.trade.symbol not in self.instruments

    def work(self, trade: PlannedTrade) -> Work:
        """Return a trade with its steps, as they are in the journal."""
        steps = self.executor.journal.steps(self.run)
        return Work(trade, tuple(step for step in steps if step.symbol == trade.symbol))

    # --- market ------------------------------------------------------------------------------------------------

    def _take(self, trade: PlannedTrade) -> None:
        """Trade the rest with market orders, after all earlier steps have ended."""
        for step in self.work(trade).open_steps:
            self._show_progress(trade, self.executor.end(step))
        unfilled = 0
        while unfilled < _MAX_UNFILLED and (quantity := self.tradable(self.work(trade))):
            step = self.executor.place(self.run, trade, StepKind.MARKET, quantity, self._worst_price(trade))
            self._show_progress(trade, step)
            if step.state is StepState.REFUSED:
                return
            unfilled = 0 if step.filled else unfilled + 1
            if unfilled and unfilled < _MAX_UNFILLED:
                self.executor.stop.wait(self.executor.pace.retry)

    def _worst_price(self, trade: PlannedTrade) -> Decimal | None:
        slippage = self.targets.max_slippage
        if slippage is None:
            return None
        mark, instrument = self.executor.fresh_mark(trade), self.instruments[trade.symbol]
        if trade.side is Side.BUY:
            return instrument.round_price(mark * (1 + slippage), ROUND_DOWN)
        return instrument.round_price(mark * (1 - slippage), ROUND_UP)

    # --- limit, then market ------------------------------------------------------------------------------------

    def _rest_at_the_mark(self, wave: list[PlannedTrade]) -> None:
        """Place limit orders at the mark price, and cancel the rest of each after its waiting time."""
        resting: Resting = {}
        with self.executor.client.stream(Channel.ORDERS) as updates:
            for trade in wave:
                step = self._earlier_step(trade, StepKind.LIMIT) or self._place_limit(trade)
                if step is not None and not step.state.is_final:
                    resting[step.client_id] = (trade, step, self._end_of_wait(step))
            while resting:
                for client_id in self._due(resting, updates):
                    self._check(resting, client_id)

    def _due(self, resting: Resting, updates: Stream[Order]) -> set[str]:
        """Wait for an update or the end of a waiting time, and return the client ids of the orders to check."""
        ends = {client_id: end for client_id, (_, _, end) in resting.items()}
        seconds = min(self.executor.pace.poll, max(0.0, min(ends.values()) - monotonic()))
        try:
            changed = {updates.get(seconds).client_order_id}
        except RequestTimeout:
            changed = set(resting)
        return {client_id for client_id, end in ends.items() if client_id in changed or monotonic() >= end}

    def _end_of_wait(self, step: Step) -> float:
        """Return when a limit order has rested long enough, on the monotonic clock.

        The wall clock only says how long an order of an earlier run has rested, and it may have been set meanwhile.
        """
        rested = min(max(0.0, time() - step.created), self.targets.limit_wait)
        return monotonic() + self.targets.limit_wait - rested

    def _place_limit(self, trade: PlannedTrade) -> Step | None:
        quantity = self.tradable(self.work(trade))
        if not quantity:
            return None
        # Round away from the market, so that the order rests instead of trading as taker.
        rounding = ROUND_DOWN if trade.side is Side.BUY else ROUND_UP
        price = self.instruments[trade.symbol].round_price(self.executor.fresh_mark(trade), rounding)
        step = self.executor.place(self.run, trade, StepKind.LIMIT, quantity, price)
        self._show_progress(trade, step)
        return step

    def _check(self, resting: Resting, client_id: str) -> None:
        trade, step, end = resting[client_id]
        newest = self.executor.end(step) if monotonic() >= end else self.executor.settle(step)
        if newest != step:
            self._show_progress(trade, newest)
        resting[client_id] = (trade, newest, end)
        if newest.state.is_final:
            del resting[client_id]

    # --- TWAP --------------------------------------------------------------------------------------------------

    def _run_twaps(self, wave: list[PlannedTrade]) -> None:
        """Start TWAPs and follow them until they end."""
        running = [
            (trade, step)
            for trade in wave
            if (step := self._earlier_step(trade, StepKind.TWAP) or self._start_twap(trade)) is not None
        ]
        while running := [(trade, step) for trade, step in running if not step.state.is_final]:
            self.executor.stop.wait(self.executor.pace.poll)
            running = [(trade, self._follow_twap(trade, step)) for trade, step in running]

    def _start_twap(self, trade: PlannedTrade) -> Step | None:
        """Start a TWAP, with fewer child orders if they would be too small. None if even two would be."""
        quantity = self.tradable(self.work(trade))
        most = int(quantity / self.instruments[trade.symbol].min_quantity)
        orders = min(self.targets.twap_orders, most)
        if orders < 2:
            return None
        step = self.executor.add_twap(self.run, trade, quantity, orders, self.targets.twap_interval)
        self._show_progress(trade, step)
        return step

    def _follow_twap(self, trade: PlannedTrade, step: Step) -> Step:
        newest = self.executor.settle(step)
        if newest != step:
            self._show_progress(trade, newest)
        return newest

    # --- common ------------------------------------------------------------------------------------------------

    def _earlier_step(self, trade: PlannedTrade, kind: StepKind) -> Step | None:
        """Return the last step of this kind that an earlier run has sent or may have sent, or None."""
        tried = [
            step
            for step in self.work(trade).steps
            if step.kind is kind and step.state is not StepState.NEVER_SENT
        ]
        return tried[-1] if tried else None

    def _show_progress(self, trade: PlannedTrade, step: Step) -> None:
        filled = self.work(trade).filled
        self.on_progress(
            Progress(trade.symbol, trade.side, trade.quantity, filled, f"{step.kind} {step.state}")
        )

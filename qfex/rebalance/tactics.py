"""How a wave of trades is executed. Every tactic can take over what an earlier, killed run has left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from time import time

import attrs

from ..enums import Channel, Side
from ..errors import RequestTimeout
from ..models.instruments import Instrument
from ..models.orders import Order
from ..session.streams import Stream
from .desk import Desk
from .plan import PlannedTrade
from .records import Run, Step, StepKind, StepState, Work
from .targets import Targets

_ZERO = Decimal(0)
Resting = dict[str, tuple[PlannedTrade, Step]]

_BARREN = 3  # market orders in a row that trade nothing, before a trade is given up for now


@attrs.frozen
class Progress:
    """How far a trade has come."""

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

    desk: Desk
    run: Run
    targets: Targets
    instruments: Mapping[str, Instrument]
    on_progress: Callable[[Progress], object]

    def execute(self, trades: Iterable[PlannedTrade]) -> None:
        """Execute trades side by side, the way that the targets ask for.

        Raises
        ------
        OutcomeUnknown, NotConnected, RequestTimeout
            As `Desk` does; what is open stays open.
        """
        wave = list(trades)
        if self.targets.execution == "limit-then-market":
            self._rest_at_the_mark(wave)
        elif self.targets.execution == "twap":
            self._run_twaps(wave)
        for trade in wave:
            self._take(trade)

    def tradable(self, work: Work) -> Decimal:
        """What one order can still trade: whole lots, within the exchange's limits; zero when it is too little."""
        instrument = self.instruments[work.trade.symbol]
        lots = (work.remaining / instrument.lot_size).to_integral_value(ROUND_DOWN)
        quantity = min(lots * instrument.lot_size, instrument.max_quantity)
        return quantity if quantity >= instrument.min_quantity else _ZERO

    def work(self, trade: PlannedTrade) -> Work:
        """A trade and its steps as the journal has them."""
        steps = self.desk.journal.steps(self.run)
        return Work(trade, tuple(step for step in steps if step.symbol == trade.symbol))

    # --- market ------------------------------------------------------------------------------------------------

    def _take(self, trade: PlannedTrade) -> None:
        """Trade what is left with market orders. Nothing is sent while an earlier step may still trade."""
        for step in self.work(trade).open_steps:
            self._tell(trade, self.desk.end(step))
        barren = 0
        while barren < _BARREN and (quantity := self.tradable(self.work(trade))):
            step = self.desk.place(self.run, trade, StepKind.MARKET, quantity, self._worst_price(trade))
            self._tell(trade, step)
            if step.state is StepState.REFUSED:
                return
            barren = 0 if step.filled else barren + 1
            if barren and barren < _BARREN:
                self.desk.stop.wait(self.desk.pace.retry)

    def _worst_price(self, trade: PlannedTrade) -> Decimal | None:
        slippage = self.targets.max_slippage
        if slippage is None:
            return None
        mark, instrument = self.desk.fresh_mark(trade), self.instruments[trade.symbol]
        if trade.side is Side.BUY:
            return instrument.round_price(mark * (1 + slippage), ROUND_DOWN)
        return instrument.round_price(mark * (1 - slippage), ROUND_UP)

    # --- limit, then market ------------------------------------------------------------------------------------

    def _rest_at_the_mark(self, wave: list[PlannedTrade]) -> None:
        """Let limit orders rest for their time, then cancel what is left of them."""
        resting: Resting = {}
        with self.desk.client.stream(Channel.ORDERS) as news:
            for trade in wave:
                step = self._taken_over(trade, StepKind.LIMIT) or self._place_limit(trade)
                if step is not None and not step.state.is_final:
                    resting[step.client_id] = (trade, step)
            while resting:
                for client_id in self._due(resting, news):
                    self._look_after(resting, client_id)

    def _due(self, resting: Resting, news: Stream[Order]) -> set[str]:
        """Wait for news, or for the first to be over; which orders are to be looked at."""
        ends = {client_id: step.created + self.targets.limit_wait for client_id, (_, step) in resting.items()}
        seconds = min(self.desk.pace.poll, max(0.0, min(ends.values()) - time()))
        try:
            changed = {news.get(seconds).client_order_id}
        except RequestTimeout:
            changed = set(resting)
        return {client_id for client_id, end in ends.items() if client_id in changed or time() >= end}

    def _place_limit(self, trade: PlannedTrade) -> Step | None:
        quantity = self.tradable(self.work(trade))
        if not quantity:
            return None
        # Rounded away from the market: the order is to rest, not to take.
        rounding = ROUND_DOWN if trade.side is Side.BUY else ROUND_UP
        price = self.instruments[trade.symbol].round_price(self.desk.fresh_mark(trade), rounding)
        step = self.desk.place(self.run, trade, StepKind.LIMIT, quantity, price)
        self._tell(trade, step)
        return step

    def _look_after(self, resting: Resting, client_id: str) -> None:
        trade, step = resting[client_id]
        over = time() >= step.created + self.targets.limit_wait
        newest = self.desk.end(step) if over else self.desk.settle(step)
        if newest != step:
            self._tell(trade, newest)
        resting[client_id] = (trade, newest)
        if newest.state.is_final:
            del resting[client_id]

    # --- TWAP --------------------------------------------------------------------------------------------------

    def _run_twaps(self, wave: list[PlannedTrade]) -> None:
        """Start TWAPs and follow them to their ends."""
        running = [
            (trade, step)
            for trade in wave
            if (step := self._taken_over(trade, StepKind.TWAP) or self._start_twap(trade)) is not None
        ]
        while running := [(trade, step) for trade, step in running if not step.state.is_final]:
            self.desk.stop.wait(self.desk.pace.poll)
            running = [(trade, self._follow_twap(trade, step)) for trade, step in running]

    def _start_twap(self, trade: PlannedTrade) -> Step | None:
        """Start one, with fewer child orders where they would be too small; None where even two would."""
        quantity = self.tradable(self.work(trade))
        most = int(quantity / self.instruments[trade.symbol].min_quantity)
        orders = min(self.targets.twap_orders, most)
        if orders < 2:
            return None
        step = self.desk.add_twap(self.run, trade, quantity, orders, self.targets.twap_interval)
        self._tell(trade, step)
        return step

    def _follow_twap(self, trade: PlannedTrade, step: Step) -> Step:
        newest = self.desk.settle(step)
        if newest != step:
            self._tell(trade, newest)
        return newest

    # --- both --------------------------------------------------------------------------------------------------

    def _taken_over(self, trade: PlannedTrade, kind: StepKind) -> Step | None:
        """The step of an earlier run that already is what is to be done, whatever became of it."""
        tried = [
            step
            for step in self.work(trade).steps
            if step.kind is kind and step.state is not StepState.NEVER_SENT
        ]
        return tried[-1] if tried else None

    def _tell(self, trade: PlannedTrade, step: Step) -> None:
        filled = self.work(trade).filled
        self.on_progress(
            Progress(trade.symbol, trade.side, trade.quantity, filled, f"{step.kind} {step.state}")
        )

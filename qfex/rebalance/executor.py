"""Execution of single steps. A step is sent only after the journal contains its intent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from time import monotonic

import attrs

from ..client import TradeClient
from ..enums import CancelIdType, OrderType, TimeInForce
from ..errors import (
    ApiError,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    QfexError,
    RequestTimeout,
    ServerError,
    ValidationError,
)
from ..models.orders import Order
from ..models.twaps import Twap
from ..rest import RestClient
from ..statuses import OrderStatus
from .journal import Journal
from .plan import PlannedTrade
from .records import Run, Step, StepKind, StepState

_ZERO = Decimal(0)
_CANCELS = 10  # attempts to cancel an order


@attrs.frozen
class Pace:
    """Waiting times of a rebalancer, in seconds.

    Attributes
    ----------
    answer : float
        Timeout of an order, and of finding out what became of a step.
    poll : float
        Interval at which live orders and TWAPs are checked.
    retry : float
        Delay before the next market order after one that traded nothing.
    twap_grace : float
        How long the exchange must report that it has no such TWAP before this is accepted.
    """

    answer: float = 15.0
    poll: float = 2.0
    retry: float = 1.0
    twap_grace: float = 1.0


@attrs.define
class StepExecutor:
    """Sends the steps of a run, finds out what became of them, and records both in the journal.

    Every method returns the step as it is in the journal afterwards. It raises `OutcomeUnknown` if the outcome of a
    step cannot be found out, and `NotConnected` or `RequestTimeout` if there is no connection. The journal is correct
    in every case.
    """

    client: TradeClient
    rest: RestClient
    journal: Journal
    pace: Pace = Pace()
    stop: threading.Event = attrs.field(factory=threading.Event)

    # --- sending -----------------------------------------------------------------------------------------------

    def place(
        self, run: Run, trade: PlannedTrade, kind: StepKind, quantity: Decimal, price: Decimal | None
    ) -> Step:
        """Place an order: a limit order that may rest, or an order that trades immediately or not at all."""
        step = self.journal.intend(run, trade, kind, quantity, price)
        return self._send(step, lambda: self._place(step, trade))

    def _place(self, step: Step, trade: PlannedTrade) -> Step:
        resting = step.kind is StepKind.LIMIT
        # Without wait=True, because NotConnected from a later wait would not mean that nothing was sent.
        order = self.client.place_order(
            step.symbol,
            step.side,
            step.quantity,
            step.price,
            order_type=OrderType.MARKET if step.price is None else OrderType.LIMIT,
            time_in_force=TimeInForce.GTC if resting else TimeInForce.IOC,
            reduce_only=trade.reduce_only,
            client_order_id=step.client_id,
            timeout=self.pace.answer,
        )
        return self._note_order(step, order) if resting else self._until_done(step, order)

    def _until_done(self, step: Step, order: Order) -> Step:
        """Wait for the end of an order that does not rest."""
        try:
            order = self.client.wait_until_done(order, self.pace.answer)
        except QfexError:
            return self.settle(step)
        return self._note_order(step, order) if order.is_done else self.end(step)

    def add_twap(self, run: Run, trade: PlannedTrade, quantity: Decimal, orders: int, interval: int) -> Step:
        """Start a TWAP."""
        step = self.journal.intend(run, trade, StepKind.TWAP, quantity, None)

        def add() -> Step:
            twap = self.client.add_twap(
                step.symbol,
                step.side,
                step.quantity,
                orders,
                interval,
                reduce_only=trade.reduce_only,
                client_twap_id=step.client_id,
                timeout=self.pace.answer,
            )
            return self.journal.settle(
                step, StepState.LIVE, filled=twap.filled_quantity, order_id=twap.twap_id
            )

        return self._send(step, add)

    def _send(self, step: Step, send: Callable[[], Step]) -> Step:
        try:
            return send()
        except (OutcomeUnknown, ServerError):  # a failing exchange may have accepted the order before
            return self.settle(step)
        except (NotConnected, RequestTimeout) as error:
            self.journal.settle(step, StepState.NEVER_SENT, note=str(error))
            raise
        except (OrderRejected, ApiError, ValidationError) as error:
            return self.journal.settle(step, StepState.REFUSED, note=str(error))

    # --- finding out -------------------------------------------------------------------------------------------

    def settle(self, step: Step) -> Step:
        """Find out what became of a step that was or may have been sent. Sends only reads.

        Raises
        ------
        OutcomeUnknown
            If this cannot be found out. The step is unchanged and must not be sent again.
        """
        if step.kind is StepKind.TWAP:
            return self._settle_twap(step)
        order = self.client.resolve(step.client_id, step.symbol, timeout=self.pace.answer)
        return self._never_arrived(step) if order is None else self._note_order(step, order)

    def _settle_twap(self, step: Step) -> Step:
        end = monotonic() + self.pace.answer
        denied_since: float | None = None
        while True:
            twap, is_active = self.find_twap(step)
            if twap is not None:
                return self.note_twap(step, twap, is_active)
            denied_since = denied_since or monotonic()
            if monotonic() - denied_since >= self.pace.twap_grace:
                return self._never_arrived(step)
            if monotonic() >= end:
                raise OutcomeUnknown(
                    "add_twap", "timeout", client_order_id=step.client_id, symbol=step.symbol
                )
            self.stop.wait(self.pace.twap_grace / 4)

    def find_twap(self, step: Step) -> tuple[Twap | None, bool]:
        """Return the TWAP of a step, or None, and whether it is active.

        Raises
        ------
        OutcomeUnknown
            If the exchange does not answer.
        """
        try:
            active = self.client.get_user_orders(symbol=step.symbol, timeout=self.pace.answer).twaps
            ended = self.rest.historic_twaps(symbol=step.symbol, limit=1000)
        except QfexError as error:
            raise OutcomeUnknown(
                "add_twap", str(error), client_order_id=step.client_id, symbol=step.symbol
            ) from error
        for rows, is_active in ((ended, False), (active, True)):
            for row in rows:
                if row.client_twap_id == step.client_id:
                    return row, is_active
        return None, False

    def note_twap(self, step: Step, twap: Twap, is_active: bool) -> Step:
        """Record the progress of a TWAP in the journal, unless it is unchanged."""
        state = StepState.LIVE if is_active else StepState.DONE
        if (step.state, step.filled) == (state, twap.filled_quantity):
            return step
        return self.journal.settle(
            step, state, filled=twap.filled_quantity, order_id=twap.twap_id, note=twap.status
        )

    def _note_order(self, step: Step, order: Order) -> Step:
        if order.status is OrderStatus.FILLED and order.is_done and order.quantity_remaining:
            order = self._finished(step)
        if order.is_done and order.status.is_rejection and not order.quantity_filled:
            state = StepState.REFUSED
        else:
            state = StepState.DONE if order.is_done else StepState.LIVE
        filled = max(_ZERO, order.quantity_filled)
        if (step.state, step.filled) == (state, filled):
            return step
        return self.journal.settle(
            step, state, filled=filled, order_id=order.order_id, note=order.status.value
        )

    def _finished(self, step: Step) -> Order:
        """Return a finished order as it is in the history, where its filled quantity is final.

        An order that does not rest may have several fills, each of which the exchange reports separately.
        """
        end = monotonic() + self.pace.answer
        while monotonic() < end:
            with suppress(QfexError):
                rows = self.rest.historic_orders(symbol=step.symbol, client_order_id=step.client_id)
                if rows:
                    return rows[-1].as_order()
            self.stop.wait(self.pace.poll / 10)
        raise OutcomeUnknown(
            "add_order", "not in the history yet", client_order_id=step.client_id, symbol=step.symbol
        )

    def _never_arrived(self, step: Step) -> Step:
        return self.journal.settle(step, StepState.NEVER_SENT, note="the exchange never had it")

    # --- ending ------------------------------------------------------------------------------------------------

    def end(self, step: Step) -> Step:
        """Cancel the rest of a step and find out what it has traded."""
        for _ in range(_CANCELS):
            step = step if step.state.is_final else self.settle(step)
            if step.state.is_final:
                return step
            self.cancel(step)
        raise OutcomeUnknown("cancel_order", "still live", client_order_id=step.client_id, symbol=step.symbol)

    def cancel(self, step: Step) -> None:
        """Send one cancel. Its outcome does not matter: `end` calls `settle` and cancels again if necessary."""
        try:
            if step.kind is StepKind.TWAP:
                self.client.cancel_twap(step.client_id, symbol=step.symbol, timeout=self.pace.answer)
            else:
                self.client.cancel_order(
                    step.client_id,
                    symbol=step.symbol,
                    id_type=CancelIdType.CLIENT_ORDER_ID,
                    timeout=self.pace.answer,
                )
        except (OrderRejected, ApiError, OutcomeUnknown):
            self.stop.wait(self.pace.poll / 10)

    # --- the account -------------------------------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        """Wait, or return at once if the rebalancer is stopped."""
        self.stop.wait(seconds)

    def positions(self) -> dict[str, Decimal]:
        """Return the signed positions by symbol."""
        return {row.symbol: row.position for row in self.rest.positions().values()}

    def fresh_mark(self, trade: PlannedTrade) -> Decimal:
        """Return the current mark price, or that of the plan if the exchange does not answer."""
        try:
            rows = self.rest.symbol_metrics()
        except QfexError:
            return trade.mark
        mark = next((row.current_mark_price for row in rows if row.symbol == trade.symbol), None)
        return mark or trade.mark

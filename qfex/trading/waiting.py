"""Waiting for what the exchange does on its own: orders that end, TWAPs that run."""

from __future__ import annotations

from ..errors import NotConnected
from ..models.orders import Order
from ..session.deadline import Deadline
from .core import TradeCore

#: Seconds that a partly filled IOC order is given to tell its explicit end; the exchange does not always send one.
IOC_SETTLE_TIME = 0.25


class WaitingMethods(TradeCore):
    """Waits for changes of the account's state."""

    def wait_until_done(self, order: Order | str, timeout: float | None = None) -> Order:
        """Wait until nothing more can happen to an order.

        Follows the order through modifies that give it a new id, and through lost lines: after a reconnect the open
        orders are read again. When the time is up the newest state is returned; `Order.is_done` tells.

        Parameters
        ----------
        order : Order or str
            The order, or the id of one that the client has seen.
        timeout : float or None
            Seconds; None means the request timeout.

        Raises
        ------
        NotConnected
            If the client is closed or its connection is over.
        """
        return self._wait_done(self._known(order), self._deadline(timeout))

    def _await_end(self, placed: Order, deadline: Deadline) -> Order:
        """Wait like `wait_until_done`, but raise nothing: `NotConnected` would say that the order was never sent."""
        try:
            return self._wait_done(placed, deadline)
        except NotConnected:
            return self._known(placed)

    def _wait_done(self, order: Order, deadline: Deadline) -> Order:
        with self._session.state_lock:
            if order.order_id not in self._dialogue.orders:
                self._dialogue.orders.apply(order)

        def newest() -> Order:
            return self._dialogue.orders.get(order.order_id) or order

        done = self._wait_for(newest, lambda state: state.is_done, deadline)
        if done.is_done and not done.status.is_terminal and done.quantity_remaining > 0:
            settle = min(IOC_SETTLE_TIME, deadline.remaining() or 0.0)
            done = self._wait_for(newest, lambda state: state.status.is_terminal, Deadline(settle))
        return done

    def _pause(self, seconds: float) -> None:
        """Let time pass between polls; ends at once when the client is closed."""
        self._session.closing.wait(seconds)
        self._refuse_if_over()

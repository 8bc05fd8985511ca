"""An order that was sent and is not answered yet."""

from __future__ import annotations

from ..models.orders import Order
from ..protocol.numbers import seconds
from ..session.calls import Call, Caller
from ..session.deadline import Deadline


class PendingOrder:
    """A submitted order. Made by `TradeClient.submit_order`.

    Attributes
    ----------
    client_order_id : str
        The id that it was sent with; `TradeClient.resolve` takes it.
    """

    __slots__ = ("_call", "_caller", "client_order_id")

    def __init__(self, call: Call, caller: Caller, client_order_id: str) -> None:
        self._call = call
        self._caller = caller
        self.client_order_id = client_order_id

    def result(self, timeout: float | None = None) -> Order:
        """Wait for the answer. May be called again, also after it said that the outcome is unknown.

        Parameters
        ----------
        timeout : float or None
            Seconds from now; None means what is left of the order's own timeout.

        Raises
        ------
        OrderRejected, ApiError
            If the exchange said no.
        OutcomeUnknown
            If no answer came.
        """
        deadline = self._call.deadline if timeout is None else Deadline(seconds(timeout))
        order: Order = self._caller.result(self._call, deadline)
        return order

    @property
    def done(self) -> bool:
        """Whether the answer is there, so that `result` does not wait."""
        return self._call.answered

    def __repr__(self) -> str:
        return f"<PendingOrder {self.client_order_id}{' answered' if self.done else ''}>"

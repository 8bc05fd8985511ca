"""What became of an order whose answer never came."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from ..errors import ConnectionLost, NotConnected, OrderRejected, OutcomeUnknown, QfexError
from ..models.orders import Order
from ..protocol.numbers import text
from ..session.deadline import Deadline
from ..statuses import OrderStatus
from .twaps import TwapMethods

#: Seconds after which "no such order" is believed: a command may still be on its way to the exchange's engine.
NOT_FOUND_GRACE = 1.0
LAST_LOOK = 1.0  # seconds for the list of live orders, which only confirms


class ResolvingMethods(TwapMethods):
    """Finds the truth about orders. Reads only."""

    def resolve(self, client_order_id: str, symbol: str, timeout: float | None = None) -> Order | None:
        """Find out what became of an order: after `OutcomeUnknown`, or after a crash.

        Asks for the order itself, for the history of finished orders (REST), and for the live orders.

        Parameters
        ----------
        client_order_id : str
            `OutcomeUnknown.client_order_id`.
        symbol : str
            The order's symbol.
        timeout : float or None
            Seconds; None means the request timeout.

        Returns
        -------
        Order or None
            The order as the exchange has it; None only when the order query and the history both said that there is
            no such order, and still said so after a short grace.

        Raises
        ------
        OutcomeUnknown
            If the exchange could not be asked, or not all of it; or if stops of the symbol are live that carry no
            client order id (as documented) and that this client did not see placed: one of them may be the order.
        """
        self._session.check_process()
        client_order_id, symbol = text(client_order_id, "client_order_id"), text(symbol, "symbol")
        deadline = self._deadline(timeout)
        denied_since: float | None = None
        while True:
            order, denied = self._look_for(client_order_id, symbol, deadline)
            if order is not None:
                return order
            if not denied:
                denied_since = None
            elif denied_since is None:
                denied_since = monotonic()
            elif monotonic() - denied_since >= NOT_FOUND_GRACE:
                order, denied = self._look_at_last(client_order_id, symbol, deadline)
                if order is not None or denied:
                    return order
            if deadline.passed:
                raise OutcomeUnknown("add_order", "timeout", client_order_id=client_order_id, symbol=symbol)
            self._pause(min(NOT_FOUND_GRACE / 2, deadline.remaining() or 0.0))

    def _look_for(self, client_order_id: str, symbol: str, deadline: Deadline) -> tuple[Order | None, bool]:
        """Ask once: the order if found, else whether both the order query and the history denied it."""
        denials = 0
        # One that is silent costs a share of the time, not all of it.
        for share, source in ((3, self._ask_order), (2, self._ask_history)):
            order, denied = self._ask(source, client_order_id, symbol, deadline.part(share))
            if order is not None:
                return order, False
            denials += denied
        if denials == 2:
            return None, True
        with suppress(OutcomeUnknown):
            return self._ask(self._ask_live, client_order_id, symbol, deadline)[0], False
        return None, False

    def _ask(
        self,
        source: Callable[[str, str, Deadline], Order | None],
        client_order_id: str,
        symbol: str,
        deadline: Deadline,
    ) -> tuple[Order | None, bool]:
        """Ask one source: the order if found, else whether it denied it."""
        try:
            order = source(client_order_id, symbol, deadline)
        except OutcomeUnknown:
            raise
        except NotConnected as error:
            raise self._still_unknown(client_order_id, symbol, error) from error
        except (QfexError, TimeoutError):
            return None, False
        return order, order is None

    def _look_at_last(
        self, client_order_id: str, symbol: str, deadline: Deadline
    ) -> tuple[Order | None, bool]:
        """Look into the list of live orders before the others' denial is believed; silence does not gainsay it."""
        patience = Deadline(min(LAST_LOOK, deadline.remaining() or 0.0))
        order, denied = self._ask(self._ask_live, client_order_id, symbol, patience)
        silent = patience.passed and not deadline.passed
        return order, denied or silent

    def _still_unknown(self, client_order_id: str, symbol: str, error: NotConnected) -> OutcomeUnknown:
        reason = "closed" if self._session.closing.is_set() else "connection lost"
        return OutcomeUnknown("add_order", reason, client_order_id=client_order_id, symbol=symbol)

    def _ask_live(self, client_order_id: str, symbol: str, deadline: Deadline) -> Order | None:
        nameless = 0
        for order in self.iter_user_orders(symbol=symbol, timeout=deadline.remaining()):
            known = order if order.client_order_id else self._known(order)
            if known.client_order_id == client_order_id:
                return known
            nameless += not known.client_order_id
        if nameless:
            reason = "there are live stops without a client order id"
            raise OutcomeUnknown("add_order", reason, client_order_id=client_order_id, symbol=symbol)
        return None

    def _ask_order(self, client_order_id: str, symbol: str, deadline: Deadline) -> Order | None:
        try:
            return self.get_order(symbol, client_order_id, timeout=deadline.remaining())
        except OrderRejected as error:
            if error.status in (OrderStatus.NO_SUCH_ORDER, OrderStatus.NOT_FOUND):
                return None
            raise

    def _ask_history(self, client_order_id: str, symbol: str, deadline: Deadline) -> Order | None:
        if deadline.passed:
            raise ConnectionLost("no time left to ask the history")
        with self._history(deadline) as history:
            rows = history.historic_orders(symbol=symbol, client_order_id=client_order_id)
        return next((row.as_order() for row in rows if row.client_order_id == client_order_id), None)

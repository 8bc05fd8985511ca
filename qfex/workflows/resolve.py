"""What became of an order whose answer never came."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from ..errors import NotConnected, OrderRejected, OutcomeUnknown, QfexError
from ..models.orders import Order
from ..session.requests import Requests
from ..statuses import OrderStatus
from ..threads import Deadline
from .account import Account
from .history import History
from .orders import iter_orders, query_order

#: Seconds after which "no such order" is believed: a command may still be on its way to the exchange's engine.
NOT_FOUND_GRACE = 1.0
LAST_LOOK = 1.0  # seconds for the list of live orders, which only confirms


class Resolution:
    """The search for one order: by the order query, the history of finished orders (REST), and the live orders.

    Parameters
    ----------
    requests : Requests
    account : Account
    history : History
    client_order_id, symbol : str
    deadline : Deadline
    """

    def __init__(
        self,
        requests: Requests,
        account: Account,
        history: History,
        client_order_id: str,
        symbol: str,
        deadline: Deadline,
    ) -> None:
        self._requests = requests
        self._account = account
        self._history = history
        self._client_order_id = client_order_id
        self._symbol = symbol
        self._deadline = deadline

    def result(self) -> Order | None:
        """The order as the exchange has it; None if order query and history deny it, and still do after a grace.

        Raises
        ------
        OutcomeUnknown
            If that could not be found out.
        """
        denied_since: float | None = None
        while True:
            order, denied = self._look()
            if order is not None:
                return order
            if not denied:
                denied_since = None
            elif denied_since is None:
                denied_since = monotonic()
            elif monotonic() - denied_since >= NOT_FOUND_GRACE:
                order, denied = self._look_at_live_orders()
                if order is not None or denied:
                    return order
            if self._deadline.passed:
                raise self._unknown("timeout")
            self._account.pause(self._deadline.at_most(NOT_FOUND_GRACE / 2).remaining() or 0.0)

    def _look(self) -> tuple[Order | None, bool]:
        """Ask once: the order if found, else whether both the order query and the history denied it."""
        denials = 0
        # A source that is silent costs a share of the time, not all of it.
        for share, source in ((3, self._ask_order), (2, self._ask_history)):
            order, denied = self._ask(source, self._deadline.part(share))
            if order is not None:
                return order, False
            denials += denied
        if denials == 2:
            return None, True
        with suppress(OutcomeUnknown):
            return self._ask(self._ask_live, self._deadline)[0], False
        return None, False

    def _ask(
        self, source: Callable[[Deadline], Order | None], deadline: Deadline
    ) -> tuple[Order | None, bool]:
        """Ask one source: the order if found, else whether the source denied it."""
        try:
            order = source(deadline)
        except OutcomeUnknown:
            raise
        except NotConnected as error:
            raise self._unknown("closed" if self._account.is_closed else "connection lost") from error
        except (QfexError, TimeoutError):
            return None, False
        return order, order is None

    def _look_at_live_orders(self) -> tuple[Order | None, bool]:
        """Search the live orders before the denial is believed. No reply is not a denial, but no objection either."""
        patience = self._deadline.at_most(LAST_LOOK)
        order, denied = self._ask(self._ask_live, patience)
        silent = patience.passed and not self._deadline.passed
        return order, denied or silent

    def _unknown(self, reason: str) -> OutcomeUnknown:
        return OutcomeUnknown("add_order", reason, client_order_id=self._client_order_id, symbol=self._symbol)

    # --- the sources -------------------------------------------------------------------------------------------

    def _ask_order(self, deadline: Deadline) -> Order | None:
        try:
            order = query_order(self._requests, self._account, self._symbol, self._client_order_id, deadline)
        except OrderRejected as error:
            if error.status in (OrderStatus.NO_SUCH_ORDER, OrderStatus.NOT_FOUND):
                return None
            raise
        return order if self._is_meant(order) else None

    def _is_meant(self, order: Order) -> bool:
        """Whether it is the order that was sent, and not an older one with the same client order id."""
        return self._account.may_be(order, self._client_order_id)

    def _ask_history(self, deadline: Deadline) -> Order | None:
        finished = self._history.orders(self._client_order_id, self._symbol, deadline)
        return next((order for order in reversed(finished) if self._is_meant(order)), None)

    def _ask_live(self, deadline: Deadline) -> Order | None:
        nameless = 0
        for order in iter_orders(self._requests, self._symbol, 1000, deadline.remaining()):
            known = order if order.client_order_id else self._account.seen_order(order)
            if known.client_order_id == self._client_order_id and self._is_meant(known):
                return known
            nameless += known.order_type.is_stop and not known.client_order_id
        if nameless:
            raise self._unknown("there are live stops without a client order id")
        return None

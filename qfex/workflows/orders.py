"""Operations on orders that take more than one message: wait for an end, list all pages, cancel all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ..arguments import seconds, whole
from ..enums import Channel
from ..errors import NotConnected, OrderRejected, QfexError
from ..models.orders import OpenOrders, Order, UserTrade
from ..protocol.command import Command
from ..protocol.trade import commands as c
from ..protocol.trade.fills import TradePages
from ..protocol.trade.orders import OrderPages
from ..protocol.trade.reconcile import PAGE
from ..session.requests import Requests, SentRequest
from ..threads import Deadline
from .account import Account

#: Seconds that a partly filled IOC order is given to report its explicit end; the exchange does not always send one.
IOC_SETTLE_TIME = 0.25

QUIET = 0.5  # seconds without a message after which no acknowledgement is expected any more
LIST_PATIENCE = 1.0  # seconds for the list of open orders, which only confirms


class PendingOrder:
    """A submitted order. Made by `TradeClient.submit_order`.

    Attributes
    ----------
    client_order_id : str
        The id that it was sent with; `TradeClient.resolve` takes it.
    """

    __slots__ = ("_request", "_requests", "client_order_id")

    def __init__(self, request: SentRequest, requests: Requests, client_order_id: str) -> None:
        request.detached = True
        self._request = request
        self._requests = requests
        self.client_order_id = client_order_id

    def result(self, timeout: float | None = None) -> Order:
        """Wait for the answer. May be called again, also after it raised `OutcomeUnknown`.

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
        deadline = self._request.deadline if timeout is None else Deadline(seconds(timeout))
        order: Order = self._requests.result(self._request, deadline)
        return order

    @property
    def done(self) -> bool:
        """Whether the answer is there, so that `result` does not wait."""
        return self._request.answered

    def __repr__(self) -> str:
        return f"<PendingOrder {self.client_order_id}{' answered' if self.done else ''}>"


# --- waiting for an end ------------------------------------------------------------------------------------------


def wait_until_done(account: Account, order: Order, deadline: Deadline) -> Order:
    """Wait until nothing more can happen to an order; its newest state when the time is up.

    Raises
    ------
    NotConnected
        If the client is closed or its connection is over.
    """
    account.remember(order)
    done = account.wait_for_order(order, lambda state: state.is_done, deadline)
    if done.is_done and not done.status.is_terminal and done.quantity_remaining > 0:
        settled = deadline.at_most(IOC_SETTLE_TIME)
        done = account.wait_for_order(order, lambda state: state.status.is_terminal, settled)
    return done


def wait_for_placed(account: Account, placed: Order, deadline: Deadline) -> Order:
    """Wait like `wait_until_done`, but do not raise `NotConnected`: the order was sent, and the error says it was not."""
    try:
        return wait_until_done(account, placed, deadline)
    except NotConnected:
        return account.seen_order(placed)


# --- lists -------------------------------------------------------------------------------------------------------


def iter_orders(
    requests: Requests, symbol: str | None, page_size: int, timeout: float | None
) -> Iterator[Order]:
    """Go through all live orders, page by page. `timeout` holds for each page.

    Orders may end or appear between two pages. An order that is live all the time is yielded once.
    """
    size, pages = max(whole(page_size, "page_size", 1), OrderPages.SMALLEST), OrderPages()
    while not pages.is_complete:
        page: OpenOrders = requests.request(c.GetUserOrders(symbol, size, pages.offset), timeout)
        yield from pages.add(page.orders, page.unread)


def query_order(
    requests: Requests, account: Account, symbol: str, order_id: str, deadline: Deadline
) -> Order:
    """Query one order, by order id or client order id.

    Raises
    ------
    OrderRejected
        With ``NO_SUCH_ORDER`` where the exchange knows none.
    """
    command = c.GetOrder(symbol, order_id)
    try:
        order: Order = requests.request(command, deadline.remaining())
    except OrderRejected:
        if not account.has_seen(order_id):
            raise
        # A repeated reply to an earlier request looks just like this refusal, so the question is asked once more.
        order = requests.request(command, deadline.remaining())
    return order


def learn_past_fills(requests: Requests, account: Account, deadline: Deadline) -> None:
    """Read what was traded before fills were subscribed: it is never delivered as new."""
    pages = TradePages()
    while not account.knows_past_fills():
        command = c.GetUserTrades(limit=PAGE, offset=pages.offset)
        page: list[UserTrade] = requests.request(command, deadline.remaining())
        account.add_past_fills(pages, page)


# --- commands that may not be acknowledged -----------------------------------------------------------------------


def submit_fence(requests: Requests, deadline: Deadline) -> SentRequest:
    """Send a subscribe: the exchange works in order, and confirms it when all that was sent before is processed."""
    return requests.submit(c.Subscribe((Channel.ORDERS,)), deadline)


def send_proven(requests: Requests, command: Command, deadline: Deadline) -> None:
    """Send a command that may not be acknowledged, and behind it the subscribe that proves it processed."""
    request = requests.submit(command, deadline)
    fence = None
    try:
        with suppress(QfexError):  # without the proof, the acknowledgement may still come
            fence = submit_fence(requests, deadline)
        requests.result(request, deadline)
    finally:
        if fence is not None:
            fence.connection.give_up(fence)


# --- cancel all --------------------------------------------------------------------------------------------------


def cancel_all_orders(requests: Requests, account: Account, deadline: Deadline) -> list[Order]:
    """Cancel every open order; those that the exchange reported as cancelled."""
    known = set(account.open_orders())
    request = requests.submit(c.CancelAllOrders(), deadline)
    return _CancelAllWait(requests, account, request, known, deadline).result()


class _CancelAllWait:
    """Decides when a cancel of all orders has ended: with the acknowledgement, or without one.

    Parameters
    ----------
    known : set of str
        Ids of the orders that were live when it was sent.
    """

    def __init__(
        self,
        requests: Requests,
        account: Account,
        request: SentRequest,
        known: set[str],
        deadline: Deadline,
    ) -> None:
        self._requests = requests
        self._account = account
        self._request = request
        self._known = known
        self._deadline = deadline
        self._list_is_silent = False

    def result(self) -> list[Order]:
        """The orders that the exchange reported as cancelled."""
        request = self._request
        while not request.answered and not self._deadline.passed:
            before = len(request.collected)
            try:
                live = self._await_news(before)
            except NotConnected:  # `Requests.result` says what that means for a command that was sent
                break
            if request.answered:
                break
            quiet = len(request.collected) == before
            gone = bool(self._known) and self._known.isdisjoint(live)
            if gone or (quiet and self._is_nothing_left()):
                return self._settled()
        cancelled: list[Order] = self._requests.result(request, self._deadline)
        return cancelled

    def _await_news(self, before: int) -> set[str]:
        """Wait for the answer, one more cancelled order, or silence; ids of the orders that are live then."""
        request, quiet = self._request, self._deadline.at_most(QUIET)
        if not self._known:
            request.wait(quiet)
            return set()

        def is_news(live: set[str]) -> bool:
            return request.answered or len(request.collected) > before or self._known.isdisjoint(live)

        return self._account.wait_for_live_ids(is_news, quiet)

    def _is_nothing_left(self) -> bool:
        """Whether there is nothing to wait for, after a silence. Where orders are known, the exchange is asked."""
        if not self._known:
            return True
        if not self._list_is_silent:
            patience = self._deadline.at_most(LIST_PATIENCE).remaining()
            try:
                listed = list(iter_orders(self._requests, None, 1000, patience))
            except QfexError:
                self._list_is_silent = True  # one question is enough: a second would renew the connection
            else:  # whether stops are cancelled too is not documented
                live = (order.order_id for order in listed if not order.order_type.is_stop)
                return bool(self._request.collected) or self._known.isdisjoint(live)
        return bool(self._request.collected)

    def _settled(self) -> list[Order]:
        """End without an acknowledgement; one that still comes must not be taken for another command's."""
        self._request.connection.expect_late_reply(self._request)
        with suppress(QfexError):
            fence = submit_fence(self._requests, Deadline(0.0))
            fence.connection.expect_late_reply(fence)
        return list(self._request.collected.values())

"""Reconciliation: how the state of an account becomes the exchange's again.

After a lost connection, `resync` finds out what was missed: fills first, then orders. At any other time, `reconcile`
answers the open questions about orders. Both ask in the same way:

1. the complete list of live orders: an order in it is live, and needs no question of its own;
2. the order query for each order that is not in the list, while there are few of them;
3. the REST history of finished orders, for many at once, or where the query found no answer.

An order that is in no list, and of which the exchange says that it has no such order, has ended; its trades say how. A
source that does not answer ends nothing: the question stays open and is asked again.

A channel that is wanted and not in force on the connection is subscribed again, after a pause where it was refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import attrs

from ...decimals import EXACT
from ...enums import Channel, ErrorCode
from ...errors import ApiError, NotConnected, OrderRejected, QfexError, RateLimited, RequestTimeout
from ...models.orders import OpenOrders, Order, UserTrade
from ...statuses import OrderStatus
from ..command import Command, Request
from ..connection import Procedure
from ..events import Event
from . import commands as c
from .account import AccountState, Question, ReadHistory, error_event
from .answers import NO_SUCH_ORDER
from .fills import TradePages
from .orders import OrderPages, is_same_order

log = logging.getLogger("qfex")

PAGE = 1000  # rows; the exchange's default limit

_MAX_PAGES = 100
_TRIES = 3  # at reading what the exchange answers with an error
_FEW = 8  # orders that are asked for one by one before the history is read
_HISTORY_TRIES = 4  # rounds in which the history cannot be read, before an order is ended without it
_MANY = 50  # orders that are asked for one by one, in one round, when the history has no answer

_Found = Generator[Sequence[Command], list[Any], list[Order]]


def resync(account: AccountState, clock: Callable[[], float]) -> Procedure:
    """Find out what was missed: fills, and orders that changed or ended."""
    unread = yield from attempt(account, "missed fills", lambda: missed_fills(account))
    for order in account.orders.live.values():
        account.question(order.order_id, "the connection was lost")
    account.questions.want_list()
    yield from reconcile(account, clock)
    if unread is None:
        account.fill_attempts = AccountState.FILL_ATTEMPTS
    elif account.fill_attempts > 0:
        account.fill_attempts -= 1
        yield from _leave_for_another_connection(account, unread)


def attempt(
    account: AccountState, what: str, part: Callable[[], Procedure]
) -> Generator[Sequence[Command], list[Any], QfexError | None]:
    """Run a part, again if the exchange answers with an error, which may pass; the last error."""
    for attempt in range(_TRIES):
        try:
            yield from part()
            return None
        except QfexError as error:
            if isinstance(error, ApiError) and attempt < _TRIES - 1:
                continue
            account.missed.append(error_event("recovery", f"{what}: {error}", error=error))
            return error
    return None


def _leave_for_another_connection(account: AccountState, unread: QfexError) -> Procedure:
    """Give the connection up: live fills that are delivered before older ones are read would be out of order."""
    if account.cancel_on_disconnect:
        # Disarmed, so that the account's orders live on; the confirmed subscription proves that it was processed.
        with suppress(QfexError):
            yield [c.SetCancelOnDisconnect(False), c.Subscribe((Channel.ORDERS,))]
    raise NotConnected(f"what was traded meanwhile could not be read: {unread}")


# --- fills -------------------------------------------------------------------------------------------------------


def missed_fills(account: AccountState) -> Procedure:
    """Read the trade history as far as something may be missing, and deliver the fills that were missed."""
    fills = account.fills
    if Channel.FILLS not in account.channels:
        return
    rows = yield from _trade_history(account)
    missed = fills.missed(rows)
    for fill in missed:
        account.freshness.changed(fill.symbol)
    account.missed += [Event(Channel.FILLS, None, fill) for fill in missed]
    if not fills.has_baseline:
        fills.set_baseline(rows)


def _trade_history(
    account: AccountState,
) -> Generator[Sequence[Command], list[Any], list[UserTrade]]:
    """Pages of the trade history, until what follows is surely known or there is nothing more."""
    pages = TradePages()
    for _ in range(_MAX_PAGES):
        (page,) = yield [c.GetUserTrades(limit=PAGE, offset=pages.offset)]
        if pages.add(page, account.fills):
            break
    return pages.rows


# --- orders ------------------------------------------------------------------------------------------------------


def reconcile(account: AccountState, clock: Callable[[], float]) -> Procedure:
    """Ask the exchange about the orders whose state is in question; what stays unanswered is asked again later."""
    questions = account.questions
    if not len(questions) and not questions.wants_list:
        return
    log.debug("asking about %d orders", len(questions))
    try:
        yield from _compare_with_list(account, clock)
        absent = [question for question in questions.open() if question.is_absent]
        _follow_replaced(account, absent)
        absent = [question for question in absent if question.order.order_id in questions]
        asked = yield from _ask_for_each(account, absent[:_FEW] if len(absent) <= _FEW else [])
        rest = [question for question in absent if question.order.order_id in questions]
        if rest:
            yield from _read_history(account, rest)
            rest = [question for question in rest if question.order.order_id in questions]
            yield from _ask_for_each(account, [each for each in rest if each not in asked][:_MANY])
    except QfexError as error:
        _report_open(account, error)
    finally:
        if len(questions) or questions.wants_list:
            questions.postpone()


def _report_open(account: AccountState, error: QfexError) -> None:
    """Report once that there are orders whose state could not be asked for."""
    questions = account.questions
    log.debug("%d orders could not be asked about: %s", len(questions), str(error))
    if len(questions) and not questions.is_reported:
        questions.is_reported = True
        message = f"the state of {len(questions)} orders could not be asked for yet: {error}"
        account.missed.append(error_event("recovery", message, error=error))


def _compare_with_list(account: AccountState, clock: Callable[[], float]) -> Procedure:
    """Read the complete list of live orders, and note which orders in question it does not have."""
    began = clock()
    listed, unread = yield from _listed_orders()
    account.orders_listed, account.questions.wants_list = True, False
    account.link_modified()
    if clock() - began < AccountState.FIRST_PATIENCE:
        account.patience = AccountState.FIRST_PATIENCE
    for order_id in account.orders.live:
        if order_id in listed:
            account.questions.settle(order_id)
        elif not unread and account.orders.updated_at(order_id) < began:
            account.question(order_id, "it is not in the list of live orders")
            if question := account.questions.get(order_id):
                question.is_absent = True


def note_absent(account: AccountState, request: Request, page: OpenOrders) -> None:
    """Question the orders that a complete list, read by a caller, does not have."""
    command: Any = request.command
    if command.offset or page.unread or len(page.orders) >= (command.limit or PAGE):
        return
    listed = {order.order_id for order in page.orders}
    for order_id, order in account.orders.live.items():
        if order_id in listed or command.symbol not in (None, order.symbol):
            continue
        if account.orders.updated_at(order_id) < request.sent_at:
            account.question(order_id, "it is not in the list of live orders")


def _listed_orders() -> Generator[Sequence[Command], list[Any], tuple[dict[str, Order], int]]:
    """The live orders by order id, and how many more there are in rows that could not be read."""
    listed: dict[str, Order] = {}
    unread = 0
    pages = OrderPages(full=PAGE)
    while not pages.is_complete:
        (page,) = yield [c.GetUserOrders(limit=PAGE, offset=pages.offset)]
        listed.update((order.order_id, order) for order in pages.add(page.orders, page.unread))
        unread += page.unread
    return listed, unread


def _follow_replaced(account: AccountState, absent: list[Question]) -> None:
    """Follow the orders in question to which a modify gave a new id, where it is beyond doubt which."""
    gone = {question.order.order_id for question in absent}
    for question in absent:
        order = question.order
        successor = account.orders.successor(order)
        alike = [each for each in absent if is_same_order(each.order, order)]
        if successor is not None and successor.order_id not in gone and len(alike) == 1:
            account.follow_order(order.order_id, successor)


def _ask_for_each(
    account: AccountState, questions: list[Question]
) -> Generator[Sequence[Command], list[Any], list[Question]]:
    """Query orders one by one; those that were asked for."""
    for question in questions:
        try:
            yield from _ask_for(account, question)
        except QfexError as error:  # which says nothing about the order: it stays as it was
            log.debug("order %s could not be asked for: %s", question.order.order_id, str(error))
            if isinstance(error, RequestTimeout):  # the others would wait as long, one after another
                break
    return questions


def _ask_for(account: AccountState, question: Question) -> Procedure:
    order = question.order
    try:
        yield [c.GetOrder(order.symbol, order.order_id)]
    except OrderRejected as error:
        if error.status in NO_SUCH_ORDER:
            question.is_denied = True
    if question.is_absent and question.is_denied and order.order_id in account.questions:
        yield from _end(account, question)


def _end(account: AccountState, question: Question) -> Procedure:
    """End an order that is in no list and that the exchange does not know: the history, or its trades, say how.

    While the history cannot be read, the question stays open for some rounds.
    """
    order = question.order
    try:
        (rows,) = yield [_history_of(order)]
    except QfexError as error:
        log.debug("the history of order %s could not be read: %s", order.order_id, str(error))
        question.unread += 1
        if question.unread < _HISTORY_TRIES:
            return
        rows = []
    last = _last_state(account, order, rows) or _traded_result(account, order)
    if last is None:
        yield from _end_by_trades(account, order)
    elif last.order_id == order.order_id:
        _take_end(account, last)
    else:
        account.take_order(last, asked_at=account.clock())
        account.follow_order(order.order_id, account.orders.get(last.order_id) or last)


def _history_of(order: Order) -> ReadHistory:
    """The question how an order ended, under its own id or under the one that a modify gave it."""
    if order.client_order_id:
        return ReadHistory(frozenset(), order.symbol, order.client_order_id)
    return ReadHistory(frozenset({order.order_id}), order.symbol)


def _last_state(account: AccountState, order: Order, finished: Sequence[Order]) -> Order | None:
    """How an order ended, among finished orders; None where that does not show.

    It may have been modified by this client, whose answer was lost, or by another session during an outage. The history may
    have the id before a modify too, as cancelled.
    """
    command = account.questions.unanswered_modifies.get(order.order_id)
    own = [row for row in finished if row.order_id == order.order_id and row.is_done]
    others = [
        row
        for row in finished
        if is_same_order(order, row) and account.orders.may_succeed(order, row) and not _is_older(row, order)
    ]
    results = [row for row in others if command and _terms(row) == (command.price, command.quantity)]
    if len(results) == 1:
        return results[0]
    if own:
        return own[-1]
    return others[0] if len(others) == 1 else None


def _terms(order: Order) -> tuple[Any, Any]:
    return order.price, order.quantity


def _is_older(row: Order, order: Order) -> bool:
    """Whether a finished order ended before the last word about another one, and so is not the same."""
    return (
        row.update_time is not None and order.update_time is not None and row.update_time < order.update_time
    )


def _traded_result(account: AccountState, order: Order) -> Order | None:
    """The result of a modify whose answer was lost, where trades under a new id say that it took place."""
    command = account.questions.unanswered_modifies.get(order.order_id)
    new_id, traded = account.fills.traded_under(order.client_order_id, order.order_id)
    if command is None or not new_id:
        return None
    return attrs.evolve(
        order,
        order_id=new_id,
        status=OrderStatus.FILLED if traded >= command.quantity else OrderStatus.NO_SUCH_ORDER,
        price=command.price,
        quantity=command.quantity,
        quantity_remaining=max(EXACT.subtract(command.quantity, traded), command.quantity * 0),
    )


def _end_by_trades(account: AccountState, order: Order) -> Procedure:
    """End an order of which the history has nothing: what it traded says whether it was filled."""
    (rows,) = yield [c.GetUserTrades(order_id=order.order_id, limit=PAGE)]
    known = account.orders.get(order.order_id) or order
    traded = Decimal(0)
    for row in rows:
        if row.order_id == order.order_id:
            traded = EXACT.add(traded, row.quantity)
    remaining = min(EXACT.subtract(known.quantity, traded), known.quantity_remaining)
    status = OrderStatus.FILLED if remaining <= 0 else OrderStatus.NO_SUCH_ORDER
    account.end_order(attrs.evolve(known, status=status, quantity_remaining=remaining))


def _take_end(account: AccountState, ended: Order) -> None:
    """Take what the history says of the end of an order, and deliver the news."""
    if account.take_order(ended, rejects_order=True):
        now = account.orders.get(ended.order_id) or ended
        account.missed.append(Event(Channel.ORDERS, None, now))


def _read_history(account: AccountState, questions: list[Question]) -> Procedure:
    """Read how orders ended from the history of finished orders."""
    wanted = {question.order.order_id: question.order for question in questions}
    try:
        (rows,) = yield [ReadHistory(frozenset(wanted))]
    except QfexError as error:
        log.debug("the history of finished orders could not be read: %s", str(error))
        return
    for row in rows:
        if row.order_id in wanted and row.order_id in account.questions and row.is_done:
            _take_end(account, row)


# --- subscriptions -------------------------------------------------------------------------------------------------

# Channels are wanted, in force on this connection, or refused: three things.

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds between attempts that may succeed later
_REFUSED_PAUSE = 60.0  # seconds after a refusal

#: Errors that may pass; any other is a refusal.
_PASSING = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.SERVER_ERROR})


class Retry:
    """When a channel, or what it missed, is asked for again.

    Attributes
    ----------
    is_needed : bool
        Whether the last attempt failed.
    is_reported : bool
        Whether that was reported.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = 0.0
        self._pause = _FIRST_PAUSE
        self.is_needed = False
        self.is_reported = False

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask."""
        return self._clock() >= self._next

    def later(self, error: QfexError) -> None:
        """Ask again after a pause: as long as the exchange says, or growing, or long after a refusal."""
        pause = self._pause
        if isinstance(error, RateLimited) and error.retry_after is not None:
            pause = min(error.retry_after, _LONGEST_PAUSE)
        elif isinstance(error, ApiError) and error.error_code not in _PASSING:
            pause = _REFUSED_PAUSE
        self.is_needed = True
        self._next = self._clock() + pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def succeeded(self) -> None:
        """Note that nothing needs to be asked for again."""
        self.is_needed, self._pause = False, _FIRST_PAUSE


def restore_channel(account: AccountState, channel: Channel, retry: Retry) -> Procedure:
    """Subscribe a wanted channel that is not in force; what goes wrong is reported once, and tried again later."""
    try:
        yield [c.Subscribe((channel,))]
    except QfexError as error:
        retry.later(error)
        log.log(
            logging.DEBUG if retry.is_reported else logging.WARNING,
            "subscription lost: %s: %s",
            channel,
            error,
        )
        if not retry.is_reported:
            retry.is_reported = True
            message = f"the subscription to {channel} could not be restored: {error}"
            account.missed.append(error_event("recovery", message, error=error))


def catch_up_fills(account: AccountState, retry: Retry) -> Procedure:
    """Deliver what was traded while the channel was not in force, then the fills that were held back meanwhile.

    If the history cannot be read, live fills do not wait for it any longer; it is read later.
    """
    try:
        unread = yield from attempt(account, "missed fills", lambda: missed_fills(account))
        if unread is None:
            retry.succeeded()
        else:
            retry.later(unread)
    finally:
        held = account.fills.release()
        account.missed += [Event(Channel.FILLS, None, fill) for fill in held]

"""Reconciliation: how the state of an account becomes the exchange's again.

After a lost connection, `resync` finds out what was missed: fills first, then orders. At any other time, `reconcile`
answers the open questions about orders. Both ask in the same way:

1. the complete list of live orders: an order in it is live, and needs no question of its own;
2. the order query for each order that is not in the list, while there are few of them;
3. the REST history of finished orders, for many at once, or where the query found no answer.

An order that is in no list, and of which the exchange says that it has no such order, has ended; its trades say how. A
source that does not answer ends nothing: the question stays open and is asked again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Any

import attrs

from ...enums import Channel
from ...errors import ApiError, NotConnected, OrderRejected, QfexError, RequestTimeout
from ...models.orders import Order, UserTrade
from ...statuses import OrderStatus
from ..events import Event
from ..procedure import Procedure
from ..wire.command import Command
from . import commands as c
from .account import AccountState, error_event
from .answers import NO_SUCH_ORDER
from .fills import TradePages
from .orders import OrderPages, is_same_order
from .questions import Question, ReadHistory

log = logging.getLogger("qfex")

PAGE = 1000  # rows; the exchange's default limit

_MAX_PAGES = 100
_TRIES = 3  # at a part of the resync that the exchange answers with an error
_FEW = 8  # orders that are asked for one by one before the history is read
_MANY = 50  # orders that are asked for one by one, in one round, when the history has no answer

_Found = Generator[Sequence[Command], list[Any], list[Order]]


def resync(account: AccountState, clock: Callable[[], float]) -> Procedure:
    """Find out what was missed: fills, and orders that changed or ended."""
    unread = yield from _attempt(account, "missed fills", lambda: missed_fills(account))
    for order in account.orders.live.values():
        account.question(order.order_id, "the connection was lost")
    yield from reconcile(account, clock, always=True)
    if unread is None:
        account.fill_attempts = AccountState.FILL_ATTEMPTS
    elif account.fill_attempts > 0:
        account.fill_attempts -= 1
        yield from _leave_for_another_connection(account, unread)


def _attempt(
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


def reconcile(account: AccountState, clock: Callable[[], float], *, always: bool = False) -> Procedure:
    """Ask the exchange about the orders whose state is in question; what stays unanswered is asked again later.

    Parameters
    ----------
    always : bool
        Whether the list of live orders is read even without a question: it may have orders that nobody knows.
    """
    questions = account.questions
    if not len(questions) and not always:
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
        if len(questions):
            questions.postpone()


def _report_open(account: AccountState, error: QfexError) -> None:
    """Report once that there are orders whose state could not be asked for."""
    questions = account.questions
    log.debug("%d orders could not be asked about: %s", len(questions), error)
    if len(questions) and not questions.is_reported:
        questions.is_reported = True
        message = f"the state of {len(questions)} orders could not be asked for yet: {error}"
        account.missed.append(error_event("recovery", message, error=error))


def _compare_with_list(account: AccountState, clock: Callable[[], float]) -> Procedure:
    """Read the complete list of live orders, and note which orders in question it does not have."""
    began = clock()
    listed = yield from _listed_orders()
    account.orders_listed, account.wants_list = True, False
    for order_id in account.orders.live:
        if order_id in listed:
            account.questions.settle(order_id)
        elif account.orders.updated_at(order_id) < began:
            account.question(order_id, "it is not in the list of live orders")
            if question := account.questions.get(order_id):
                question.is_absent = True


def _listed_orders() -> Generator[Sequence[Command], list[Any], dict[str, Order]]:
    """The live orders by order id."""
    listed: dict[str, Order] = {}
    pages = OrderPages(full=PAGE)
    while not pages.is_complete:
        (page,) = yield [c.GetUserOrders(limit=PAGE, offset=pages.offset)]
        listed.update((order.order_id, order) for order in pages.add(page.orders))
    return listed


def _follow_replaced(account: AccountState, absent: list[Question]) -> None:
    """Find the orders in question to which a modify gave a new id: that of an order that was not seen before."""
    gone = {question.order.order_id for question in absent}
    for question in absent:
        order = question.order
        named = account.orders.named(order.client_order_id) if order.client_order_id else []
        same = [
            other
            for other in named
            if other.order_id not in gone
            and is_same_order(order, other)
            and account.orders.first_seen(other.order_id) >= question.since
        ]
        if len(same) == 1:
            account.follow_order(order.order_id, same[0])
            gone.add(same[0].order_id)


def _is_result(order: Order, command: c.ModifyOrder) -> bool:
    return (order.price, order.quantity) == (command.price, command.quantity)


def _ask_for_each(
    account: AccountState, questions: list[Question]
) -> Generator[Sequence[Command], list[Any], list[Question]]:
    """Query orders one by one; those that were asked for."""
    for question in questions:
        try:
            yield from _ask_for(account, question)
        except QfexError as error:  # which says nothing about the order: it stays as it was
            log.debug("order %s could not be asked for: %s", question.order.order_id, error)
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
        yield from _end(account, order)


def _end(account: AccountState, order: Order) -> Procedure:
    """End an order that is in no list and that the exchange does not know; its successor or its trades say how."""
    last = yield from _last_state(account, order)
    if last is not None and last.order_id == order.order_id:
        _take_end(account, last)
        return
    if last is not None:
        account.take_order(last)
        account.follow_order(order.order_id, last)
        return
    (rows,) = yield [c.GetUserTrades(order_id=order.order_id, limit=PAGE)]
    known = account.orders.get(order.order_id) or order
    traded = sum((row.quantity for row in rows if row.order_id == order.order_id), start=order.quantity * 0)
    remaining = min(known.quantity - traded, known.quantity_remaining)
    status = OrderStatus.FILLED if remaining <= 0 else OrderStatus.NO_SUCH_ORDER
    account.end_order(attrs.evolve(known, status=status, quantity_remaining=remaining))


def _last_state(account: AccountState, order: Order) -> Generator[Sequence[Command], list[Any], Order | None]:
    """How an order ended, under its own id or under the one that a modify gave it; None where that is not known.

    The modify may have been this client's, whose answer was lost, or another session's during an outage.
    """
    command = account.questions.unanswered_modifies.get(order.order_id)
    new_id, traded = account.fills.traded_under(order.client_order_id, order.order_id)
    if command is not None and new_id:
        return attrs.evolve(
            order,
            order_id=new_id,
            status=OrderStatus.FILLED if traded >= command.quantity else OrderStatus.NO_SUCH_ORDER,
            price=command.price,
            quantity=command.quantity,
            quantity_remaining=max(command.quantity - traded, command.quantity * 0),
        )
    if not order.client_order_id:
        return None
    try:
        (rows,) = yield [ReadHistory(frozenset(), order.symbol, order.client_order_id)]
    except QfexError:
        return None
    finished: list[Order] = rows
    own = [row for row in finished if row.order_id == order.order_id and row.is_done]
    others = [row for row in finished if row.order_id not in account.orders and is_same_order(order, row)]
    if command is not None:
        others = [row for row in others if _is_result(row, command)]
    if own:
        return own[-1]
    return others[0] if len(others) == 1 else None


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
        log.debug("the history of finished orders could not be read: %s", error)
        return
    for row in rows:
        if row.order_id in wanted and row.order_id in account.questions and row.is_done:
            _take_end(account, row)

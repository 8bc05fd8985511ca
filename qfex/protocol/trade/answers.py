"""When a message answers a command: one rule for each pair of the two.

A rule sees one request and one message, and gives what the request's caller gets, or says that the message is not its
answer. Which rules belong to which command is in `specs`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ...enums import CancelIdType, ErrorCode
from ...errors import AuthenticationError, ConnectionLost, OrderRejected, QfexError
from ...models.orders import OpenOrders, Order, StopOrder
from ...models.twaps import Twap
from ...statuses import OrderStatus
from ..command import Command, Request
from ..wire.failures import Failure, api_error, echoes
from . import commands as c
from .messages import Ack, Authenticated, Leverages, Message, Subscribed, Trades, Unsubscribed
from .orders import completed, is_blank

#: What a rule gives: the result, an exception instance (the exchange said no), `NOT_MINE`, or `MORE` (to come).
Verdict = Any
NOT_MINE = object()
MORE = object()

# --- new orders --------------------------------------------------------------------------------------------------


def placed(request: Request, order: Order) -> Verdict:
    """Answer a new order: the first message with its client order id and its terms says what became of it.

    Client order ids may have been used before, so a message about an order that was known, or with other terms, is about
    another order.
    """
    command: Any = request.command
    if order.client_order_id != command.client_order_id and not _is_blank_stop(order, command):
        return NOT_MINE
    known = None if is_blank(order.order_id) else request.known_order(order.order_id)
    if known and getattr(known, "client_order_id", order.client_order_id) == order.client_order_id:
        return NOT_MINE
    if not has_terms_of(order, command):
        return NOT_MINE
    # Documented replies have no `reduce_only`, and replies to stops no client order id.
    order = completed(order, command)
    return OrderRejected(order.status, order) if order.status.is_rejection else order


def has_terms_of(order: Order, command: Any) -> bool:
    """Whether an order has the symbol, side, type and quantity of the command.

    A refusal may leave some of them out, unless it says that there is no such order, which is rather said of an order that
    another session asked about. Words that this version does not know say nothing.
    """
    refused = order.status.is_rejection and not _is_about_known_order(order.status)
    if order.symbol != command.symbol:
        return refused and not order.symbol
    if not isinstance(command, c.AddOrder):  # a close says no more than the symbol
        return True
    return (
        (order.side is command.side or not order.side.is_known)
        and (order.order_type is command.order_type or not order.order_type.is_known)
        and (order.quantity == command.quantity or (refused and not order.quantity))
    )


def _is_about_known_order(status: OrderStatus) -> bool:
    return status in NO_SUCH_ORDER or status.value.startswith("CANNOT_")


def _is_blank_stop(order: Order, command: Any) -> bool:
    """Whether an order message without a client order id describes the stop that was sent."""
    if order.client_order_id or not isinstance(command, c.AddOrder):
        return False
    return bool(command.order_type.is_stop and terms_of(order) == command.terms)


def placed_stop(request: Request, stop: StopOrder) -> Verdict:
    """Answer a new stop with a message of the stop channel, as the exchange's specification has it."""
    command: Any = request.command
    return placed(request, stop.as_order()) if command.order_type.is_stop else NOT_MINE


def terms_of(order: Order) -> Hashable:
    """What identifies an order whose client order id is blank."""
    return ("terms", order.symbol, order.side, order.order_type, order.price, order.quantity)


def modified(request: Request, order: Order) -> Verdict:
    """Answer a modify: with the new terms, or with a refusal of this very order.

    "No such order" may be the reply to another request about the order, but it is true for the modify too.
    """
    command: Any = request.command
    same_id = order.order_id == command.order_id
    if order.status is OrderStatus.MODIFIED:
        wanted = (order.price, order.quantity) == (command.price, command.quantity)
        mine = wanted and (same_id or _is_replacement(request, order))
        return completed(order, command) if mine else NOT_MINE
    if order.status.is_rejection and (
        same_id or (is_blank(order.order_id) and _same_client_id(command, order))
    ):
        return OrderRejected(order.status, order)
    return NOT_MINE


def _is_replacement(request: Request, order: Order) -> bool:
    command: Any = request.command
    known = request.known_order(order.order_id)
    if known and not _seen_before_modified(known, order):
        return False
    if order.client_order_id and command.client_order_id:
        return _same_client_id(command, order)
    return bool(terms_of(order) == command.terms)


def _seen_before_modified(known: object, modified: Order) -> bool:
    """Whether fills of the replacement, or a list with it, arrived before the message that says so.

    A filled order cannot be modified, and a modify to the terms that an order has changes nothing.
    """
    if not isinstance(known, Order) or known.status not in (OrderStatus.FILLED, OrderStatus.ACK):
        return False
    return (known.price, known.quantity) == (modified.price, modified.quantity)


def _same_client_id(command: Any, order: Order) -> bool:
    return bool(order.client_order_id) and order.client_order_id == command.client_order_id


#: Refusals that a cancel can meet; the others are about prices and sizes and answer a modify.
_CANCEL_REFUSALS = (
    "NO_SUCH",
    "NOT_FOUND",
    "REJECTED",
    "RATE_",
    "PERMISSION_",
    "USER_IN_",
    "BAD_SYMBOL",
    "ERROR",
)
_TERMS_REFUSED = (
    "REJECTED_LESS",
    "REJECTED_GREATER",
    "REJECTED_WOULD_BREACH",
    "REJECTED_TOO_MANY",
    "REJECTED_OPEN_INTEREST",
    "REJECTED_TOTAL_OPEN_INTEREST",
)


def cancelled(request: Request, order: Order) -> Verdict:
    """Answer a cancel. A fill or an acknowledgement of the same order does not."""
    if not _is_cancelled_one(request, order):
        return NOT_MINE
    if order.status.is_cancellation:
        return order
    refusal = order.status.value
    if refusal.startswith(_CANCEL_REFUSALS) and not refusal.startswith(_TERMS_REFUSED):
        return OrderRejected(order.status, order)
    return NOT_MINE


def _is_cancelled_one(request: Request, order: Order) -> bool:
    """Whether a message is about the order that a cancel names; a refusal may have only the order's other id."""
    command: Any = request.command
    if command.order_id == order.order_id:
        return True
    if command.id_type is not CancelIdType.ORDER_ID:
        return bool(command.order_id == order.client_order_id)
    known = request.known_order(command.order_id)
    return bool(is_blank(order.order_id) and known and known.client_order_id == order.client_order_id != "")


def cancelled_stop(request: Request, order: Order) -> Verdict:
    command: Any = request.command
    if order.order_id != command.order_id or not order.status.is_terminal:
        return NOT_MINE
    if (
        request.collected and order.status in NO_SUCH_ORDER
    ):  # it was answered before, so the stop is gone by this cancel
        return None
    return OrderRejected(order.status, order) if order.status.is_rejection else order


def emptied_stop(request: Request, stop: StopOrder) -> Verdict:
    # The message of the stop channel has no status; a stop with no quantity left is a cancelled one.
    command: Any = request.command
    return None if stop.stop_order_id == command.order_id and stop.quantity == 0 else NOT_MINE


def moved_stop(request: Request, stop: StopOrder) -> Verdict:
    command: Any = request.command
    wanted = (command.order_id, command.price, command.quantity)
    return None if (stop.stop_order_id, stop.price, stop.quantity) == wanted else NOT_MINE


def modified_stop(request: Request, order: Order) -> Verdict:
    command: Any = request.command
    if order.status is OrderStatus.MODIFIED:
        wanted = (order.price, order.quantity) == (command.price, command.quantity)
        other = request.known_order(order.order_id) and order.order_id != command.order_id
        return order if wanted and order.symbol == command.symbol and not other else NOT_MINE
    if order.order_id == command.order_id and order.status.is_rejection:
        return OrderRejected(order.status, order)
    return NOT_MINE


def cancelled_by_cancel_all(request: Request, order: Order) -> Verdict:
    if order.status.is_cancellation:
        request.collected[order.order_id] = order
        return MORE
    return NOT_MINE


def acknowledged_cancel_all(request: Request, ack: Ack) -> Verdict:
    return list(request.collected.values()) if acknowledges(request, ack) else NOT_MINE


def acknowledges(request: Request, ack: Ack) -> bool:
    """Whether an acknowledgement's echo names this request; without an echo the exclusive key decides."""
    return ack.echo is None or echoes(request.command, ack.echo)


def acknowledged(request: Request, ack: Ack) -> Verdict:
    return None if acknowledges(request, ack) else NOT_MINE


def twap_added(request: Request, twap: Twap) -> Verdict:
    command: Any = request.command
    if twap.client_twap_id != command.client_twap_id:
        return NOT_MINE
    return _twap_or_refusal(twap)


def twap_cancelled(request: Request, twap: Twap) -> Verdict:
    command: Any = request.command
    by_client_id = command.id_type is CancelIdType.CLIENT_TWAP_ID
    return twap if command.order_id == (twap.client_twap_id if by_client_id else twap.twap_id) else NOT_MINE


def twap_acknowledged(request: Request, ack: Ack) -> Verdict:
    command: Any = request.command
    of_twap = command.id_type in (CancelIdType.TWAP_ID, CancelIdType.CLIENT_TWAP_ID)
    return None if of_twap and ack.echo is not None and echoes(command, ack.echo) else NOT_MINE


def _twap_or_refusal(twap: Twap) -> Verdict:
    status = OrderStatus(twap.status)
    return OrderRejected(status) if status.is_rejection else twap


def found(request: Request, order: Order) -> Verdict:
    command: Any = request.command
    if command.order_id not in (order.order_id, order.client_order_id):
        return NOT_MINE
    if order.status in NO_SUCH_ORDER:
        return OrderRejected(order.status, order)
    return NOT_MINE if order.status.value.startswith("CANNOT_") else order


def found_in_list(request: Request, page: OpenOrders) -> Verdict:
    command: Any = request.command
    for order in page.orders:
        if command.order_id in (order.order_id, order.client_order_id):
            return order
    if page.unread:  # one of those rows may be the order
        return unreadable(command, f"{page.unread} rows of the list of orders could not be read")
    return OrderRejected(OrderStatus.NO_SUCH_ORDER)


def unreadable(command: Command, reason: str) -> QfexError:
    """What the sender of a query gets whose reply came and could not be read."""
    return QfexError(f"the reply to {command.type} could not be read: {reason}")


def listed(request: Request, page: OpenOrders) -> Verdict:
    return page


def traded(request: Request, page: Trades) -> Verdict:
    return page.rows


def leverages(request: Request, page: Leverages) -> Verdict:
    return page.rows if page.available == isinstance(request.command, c.GetAvailableLeverage) else NOT_MINE


def confirmed(request: Request, message: Subscribed | Unsubscribed) -> Verdict:
    """Answer a subscription: there is one confirmation for each channel."""
    command: Any = request.command
    if message.channel not in {channel.value for channel in command.channels}:
        return NOT_MINE
    request.collected[message.channel] = message
    return None if {channel.value for channel in command.channels} <= set(request.collected) else MORE


def proven(request: Request, message: Subscribed) -> Verdict:
    """Answer with the confirmation of a later subscribe: the exchange works in order, so this command was processed."""
    return None


def placed_in_list(request: Request, page: OpenOrders) -> Verdict:
    """Answer a new order with the list of live orders: an order in it was placed, even if its acknowledgement is lost.

    Client order ids need not be unique, so an order that was known before is another one.
    """
    command: Any = request.command
    placed = (
        order
        for order in page.orders
        if order.client_order_id == command.client_order_id and has_terms_of(order, command)
    )
    return next((order for order in placed if not request.known_order(order.order_id)), NOT_MINE)


def settled_cancel_all(request: Request, message: Subscribed) -> Verdict:
    """End the wait for a late acknowledgement: the confirmation of a later subscribe says that none will come."""
    return None if request.awaits_late_reply else NOT_MINE


def authenticated(request: Request, message: Authenticated) -> Verdict:
    return (
        None if message.ok else AuthenticationError(f"the exchange refused the credentials: {message.reason}")
    )


def acknowledges_login(request: Request, ack: Ack) -> Verdict:
    # The credentials in the echo are blanked, so they cannot be compared; but nothing else is in flight yet.
    return None


# --- errors ------------------------------------------------------------------------------------------------------

#: Errors that say nothing about the credentials, even while these are being checked.
_PASSING = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.SERVER_ERROR})


def error_of(failure: Failure, command: Command) -> QfexError:
    """The exception that the sender of `command` gets for an error message."""
    if not isinstance(command, c.Authenticate):
        return api_error(failure)
    if failure.code in _PASSING:
        return ConnectionLost(f"authentication was put off: {api_error(failure)}")
    return AuthenticationError(f"the exchange refused the credentials: {api_error(failure)}")


# --- messages that may answer several requests -------------------------------------------------------------------


def is_any(message: Message) -> bool:
    """Share every message."""
    return True


#: Refusals that say that an order does not exist, which is true for all who ask.
NO_SUCH_ORDER = frozenset({OrderStatus.NO_SUCH_ORDER, OrderStatus.NOT_FOUND})


def is_state(message: Message) -> bool:
    """Share what an order message says of the order's state, or that there is no such order."""
    return isinstance(message, Order) and (not message.status.is_rejection or message.status in NO_SUCH_ORDER)


def is_no_such_order(message: Message) -> bool:
    """Share that there is no such order."""
    return isinstance(message, Order) and message.status in NO_SUCH_ORDER


def is_end(message: Message) -> bool:
    """Share the news that an order has ended."""
    return isinstance(message, Order) and (message.status.is_cancellation or message.status in NO_SUCH_ORDER)


def is_list(message: Message) -> bool:
    """Share a list of orders."""
    return isinstance(message, OpenOrders)

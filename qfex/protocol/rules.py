"""The rules of matching: which messages may answer which command, and when one does.

The table `RULES` names for each command the messages that may answer it; the functions above it judge. A rule sees
one request and one message and says what the request's caller gets, or that the message is not its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import msgspec

from ..enums import CancelIdType
from ..errors import AuthenticationError, OrderRejected
from ..models.orders import OpenOrders, Order, StopOrder
from ..models.twaps import Twap
from ..statuses import OrderStatus
from . import commands as c
from .echo import echoes
from .messages import Ack, Authenticated, Leverages, Subscribed, Trades, Unsubscribed
from .order_state import completed

#: What a rule says: the result, an exception instance (the exchange said no), or `NOT_MINE`, or `MORE` to come.
Verdict = Any
NOT_MINE = object()
MORE = object()


def nothing_known(order_id: str) -> object:
    """Tell nothing of an order: for `Request.known_before`, where nobody keeps account of orders."""
    return None


class Request(msgspec.Struct, eq=False):
    """A command in flight, as far as matching is concerned. A struct, since one is made for each call.

    Attributes
    ----------
    keys : tuple
        Where it is filed: the ids and lanes of its command.
    given_up : bool
        Nobody waits for the answer; the request stays to swallow it.
    lingering : bool
        It is answered, but a second answer may yet come; the request stays to swallow that.
    known_before : callable
        What the client knew of an order, by order id, before the message that is judged.
    """

    command: c.Command
    known_before: Callable[[str], object] = nothing_known
    keys: c.Keys = ()
    filed: bool = False
    serial: int = 0
    given_up: bool = False
    lingering: bool = False
    collected: dict[str, Any] = {}


# --- when a message answers a command ---------------------------------------------------------------------------

Rule = Callable[[Request, Any], Verdict]


def _placed(request: Request, order: Order) -> Verdict:
    """Judge an order message for a new order: whatever comes first under its client order id says what became of it."""
    command: Any = request.command
    if order.client_order_id != command.client_order_id and not _is_blank_stop(order, command):
        return NOT_MINE
    if request.known_before(order.order_id):
        return NOT_MINE
    # Documented replies have no `reduce_only`, and those to stops no client id.
    order = completed(order, command)
    return OrderRejected(order.status, order) if order.status.is_rejection else order


def _is_blank_stop(order: Order, command: Any) -> bool:
    """Whether an order message without a client order id describes the stop that was sent."""
    if order.client_order_id or not isinstance(command, c.AddOrder):
        return False
    return bool(command.order_type.is_stop and terms_of(order) == command.terms)


def _placed_stop(request: Request, stop: StopOrder) -> Verdict:
    """Judge a message of the stop channel, which the exchange's specification gives as the answer to a new stop."""
    command: Any = request.command
    return _placed(request, stop.as_order()) if command.order_type.is_stop else NOT_MINE


def terms_of(order: Order) -> Hashable:
    """What identifies an order whose client order id is blank."""
    return ("terms", order.symbol, order.side, order.order_type, order.price, order.quantity)


def _modified(request: Request, order: Order) -> Verdict:
    """Judge an order message for a modify: only the new terms, or a refusal of this very order, answer it."""
    command: Any = request.command
    same_id = order.order_id == command.order_id
    if order.status is OrderStatus.MODIFIED:
        wanted = (order.price, order.quantity) == (command.price, command.quantity)
        mine = wanted and (same_id or _is_replacement(request, order))
        return completed(order, command) if mine else NOT_MINE
    if order.status.is_rejection and (same_id or (not order.order_id and _same_client_id(command, order))):
        return OrderRejected(order.status, order)
    return NOT_MINE


def _is_replacement(request: Request, order: Order) -> bool:
    command: Any = request.command
    known = request.known_before(order.order_id)
    if known and not _was_told_too_early(known, order):
        return False
    if order.client_order_id and command.client_order_id:
        return _same_client_id(command, order)
    return bool(terms_of(order) == command.terms)


def _was_told_too_early(known: object, modified: Order) -> bool:
    """Whether fills of a replacement came before the word that it is one: after a fill there is no modify."""
    if not isinstance(known, Order) or known.status is not OrderStatus.FILLED:
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


def _cancelled(request: Request, order: Order) -> Verdict:
    """Judge an order message for a cancel: a fill or an acknowledgement of the same order does not answer it."""
    command: Any = request.command
    by_order_id = command.id_type is CancelIdType.ORDER_ID
    if command.order_id not in (
        (order.order_id,) if by_order_id else (order.client_order_id, order.order_id)
    ):
        return NOT_MINE
    if order.status.is_cancellation:
        return order
    refusal = order.status.value
    if refusal.startswith(_CANCEL_REFUSALS) and not refusal.startswith(_TERMS_REFUSED):
        return OrderRejected(order.status, order)
    return NOT_MINE


def _cancelled_stop(request: Request, order: Order) -> Verdict:
    command: Any = request.command
    if order.order_id != command.order_id or not order.status.is_terminal:
        return NOT_MINE
    return OrderRejected(order.status, order) if order.status.is_rejection else order


def _gone_stop(request: Request, stop: StopOrder) -> Verdict:
    # The stop channel's message has no status; only an emptied stop is a cancelled one.
    command: Any = request.command
    return None if stop.stop_order_id == command.order_id and stop.quantity == 0 else NOT_MINE


def _moved_stop(request: Request, stop: StopOrder) -> Verdict:
    command: Any = request.command
    wanted = (command.order_id, command.price, command.quantity)
    return None if (stop.stop_order_id, stop.price, stop.quantity) == wanted else NOT_MINE


def _modified_stop(request: Request, order: Order) -> Verdict:
    command: Any = request.command
    if order.status is OrderStatus.MODIFIED:
        wanted = (order.price, order.quantity) == (command.price, command.quantity)
        other = request.known_before(order.order_id) and order.order_id != command.order_id
        return order if wanted and order.symbol == command.symbol and not other else NOT_MINE
    if order.order_id == command.order_id and order.status.is_rejection:
        return OrderRejected(order.status, order)
    return NOT_MINE


def _cancelled_all(request: Request, order: Order) -> Verdict:
    if order.status.is_cancellation:
        request.collected[order.order_id] = order
        return MORE
    return NOT_MINE


def _acknowledged_all(request: Request, ack: Ack) -> Verdict:
    return list(request.collected.values()) if acknowledges(request, ack) else NOT_MINE


def acknowledges(request: Request, ack: Ack) -> bool:
    """Whether an acknowledgement's echo names this request; without an echo the lane decides (`RequestBook`)."""
    return ack.echo is None or echoes(request.command, ack.echo)


def _acknowledged(request: Request, ack: Ack) -> Verdict:
    return None if acknowledges(request, ack) else NOT_MINE


def _twap_added(request: Request, twap: Twap) -> Verdict:
    command: Any = request.command
    if twap.client_twap_id != command.client_twap_id:
        return NOT_MINE
    return _twap_or_refusal(twap)


def _twap_cancelled(request: Request, twap: Twap) -> Verdict:
    command: Any = request.command
    by_client_id = command.id_type is CancelIdType.CLIENT_TWAP_ID
    return twap if command.order_id == (twap.client_twap_id if by_client_id else twap.twap_id) else NOT_MINE


def _twap_acknowledged(request: Request, ack: Ack) -> Verdict:
    command: Any = request.command
    of_twap = command.id_type in (CancelIdType.TWAP_ID, CancelIdType.CLIENT_TWAP_ID)
    return None if of_twap and ack.echo is not None and echoes(command, ack.echo) else NOT_MINE


def _twap_or_refusal(twap: Twap) -> Verdict:
    status = OrderStatus(twap.status)
    return OrderRejected(status) if status.is_rejection else twap


def _found(request: Request, order: Order) -> Verdict:
    command: Any = request.command
    if command.order_id not in (order.order_id, order.client_order_id):
        return NOT_MINE
    if order.status in (OrderStatus.NO_SUCH_ORDER, OrderStatus.NOT_FOUND):
        return OrderRejected(order.status, order)
    return NOT_MINE if order.status.value.startswith("CANNOT_") else order


def _found_in_list(request: Request, page: OpenOrders) -> Verdict:
    command: Any = request.command
    for order in page.orders:
        if command.order_id in (order.order_id, order.client_order_id):
            return order
    return OrderRejected(OrderStatus.NO_SUCH_ORDER)


def _listed(request: Request, page: OpenOrders) -> Verdict:
    return page


def _traded(request: Request, page: Trades) -> Verdict:
    return page.rows


def _leverages(request: Request, page: Leverages) -> Verdict:
    return page.rows if page.available == isinstance(request.command, c.GetAvailableLeverage) else NOT_MINE


def _confirmed(request: Request, message: Subscribed | Unsubscribed) -> Verdict:
    """Judge a confirmation: there is one for each channel."""
    command: Any = request.command
    if message.channel not in {channel.value for channel in command.channels}:
        return NOT_MINE
    request.collected[message.channel] = message
    return None if {channel.value for channel in command.channels} <= set(request.collected) else MORE


def _proven(request: Request, message: Subscribed) -> Verdict:
    """Judge the confirmation of a later subscribe: the exchange works in order, so this command was processed."""
    return None


def _placed_in_list(request: Request, page: OpenOrders) -> Verdict:
    """Judge a list of live orders: an order that is in it was placed, whatever became of its acknowledgement.

    Client order ids need not be unique, so one that was known before is another order.
    """
    command: Any = request.command
    placed = (order for order in page.orders if order.client_order_id == command.client_order_id)
    return next((order for order in placed if not request.known_before(order.order_id)), NOT_MINE)


def _settled(request: Request, message: Subscribed) -> Verdict:
    """Judge the confirmation of a subscribe that followed a cancel of all orders: no acknowledgement will come."""
    return None if request.lingering else NOT_MINE


def _authenticated(request: Request, message: Authenticated) -> Verdict:
    return (
        None if message.ok else AuthenticationError(f"the exchange refused the credentials: {message.reason}")
    )


def _acknowledged_auth(request: Request, ack: Ack) -> Verdict:
    # The echo's credentials are blanked, so they cannot be compared; and nothing else is in flight yet.
    return None


#: Which messages may answer which command.
RULES: dict[type[c.Command], dict[type, Rule]] = {
    c.Authenticate: {Authenticated: _authenticated, Ack: _acknowledged_auth},
    c.Subscribe: {Subscribed: _confirmed},
    c.Unsubscribe: {Unsubscribed: _confirmed},
    c.AddOrder: {Order: _placed, StopOrder: _placed_stop, OpenOrders: _placed_in_list},
    c.ClosePosition: {Order: _placed, OpenOrders: _placed_in_list},
    c.ModifyOrder: {Order: _modified},
    c.CancelOrder: {Order: _cancelled, Twap: _twap_cancelled, Ack: _twap_acknowledged},
    c.CancelAllOrders: {Order: _cancelled_all, Ack: _acknowledged_all, Subscribed: _settled},
    c.CancelStopOrder: {Order: _cancelled_stop, StopOrder: _gone_stop, Ack: _acknowledged},
    c.ModifyStopOrder: {Order: _modified_stop, StopOrder: _moved_stop, Ack: _acknowledged},
    c.AddTwap: {Twap: _twap_added},
    c.SetLeverage: {Ack: _acknowledged},
    c.SetCancelOnDisconnect: {Ack: _acknowledged, Subscribed: _proven},
    c.GetOrder: {Order: _found, OpenOrders: _found_in_list},
    c.GetUserOrders: {OpenOrders: _listed},
    c.GetUserTrades: {Trades: _traded},
    c.GetLeverage: {Leverages: _leverages},
    c.GetAvailableLeverage: {Leverages: _leverages},
}

"""Which message answers which request, and which it must not.

The exchange has no request ids. A request is recognised by an identifier that it and the reply carry (client order
id, order id, client TWAP id, stop order id), by its terms where the reply leaves the identifier blank (stops,
modifies), or, where the reply carries nothing, by its lane, which one request uses at a time. Errors and
acknowledgements name theirs in the echo of the message.

The table `RULES` says for each command which messages may answer it; the functions below it say when one does.
A request whose caller has given up stays in the book and swallows its late reply, so that nobody else gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import count
from typing import Any

from ..enums import CancelIdType
from ..errors import AuthenticationError, OrderRejected
from ..models.orders import OpenOrders, Order, StopOrder
from ..models.twaps import Twap
from ..statuses import OrderStatus
from . import commands as c
from .echo import echo_keys, echoes, error_from
from .messages import Ack, Authenticated, Failure, Leverages, Message, Subscribed, Trades, Unsubscribed

#: What a rule says: the result, an exception instance (the exchange said no), or `NOT_MINE`, or `MORE` to come.
Verdict = Any
NOT_MINE = object()
MORE = object()


class Request:
    """A command in flight, as far as matching is concerned."""

    __slots__ = ("collected", "command", "filed", "given_up", "keys", "known_before", "lanes", "serial")

    def __init__(self, command: c.Command) -> None:
        self.command = command
        self.lanes = command.lanes
        self.keys = (*command.ids, *self.lanes)
        self.filed = False
        self.serial = 0
        self.given_up = False
        self.known_before: Callable[[str], bool] = _nothing_known
        self.collected: list[Any] = []


def _nothing_known(order_id: str) -> bool:
    return False


# --- when a message answers a command ---------------------------------------------------------------------------

Rule = Callable[[Request, Any], Verdict]


def _placed(request: Request, order: Order) -> Verdict:
    """Judge an order message for a new order: whatever comes first under its client order id says what became of it."""
    command: Any = request.command
    if not _names(command, order) or request.known_before(order.order_id):
        return NOT_MINE
    return OrderRejected(order.status, order) if order.status.is_rejection else order


def _names(command: Any, order: Order) -> bool:
    if order.client_order_id:
        return bool(order.client_order_id == command.client_order_id)
    if not isinstance(command, c.AddOrder):
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
        return order if wanted and (same_id or _is_replacement(request, order)) else NOT_MINE
    if order.status.is_rejection and (same_id or (not order.order_id and _same_client_id(command, order))):
        return OrderRejected(order.status, order)
    return NOT_MINE


def _is_replacement(request: Request, order: Order) -> bool:
    command: Any = request.command
    if request.known_before(order.order_id):
        return False
    if order.client_order_id and command.client_order_id:
        return _same_client_id(command, order)
    return bool(terms_of(order) == command.terms)


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
        known = request.known_before(order.order_id) and order.order_id != command.order_id
        return order if wanted and order.symbol == command.symbol and not known else NOT_MINE
    if order.order_id == command.order_id and order.status.is_rejection:
        return OrderRejected(order.status, order)
    return NOT_MINE


def _cancelled_all(request: Request, order: Order) -> Verdict:
    if order.status.is_cancellation:
        request.collected.append(order)
        return MORE
    return NOT_MINE


def _acknowledged_all(request: Request, ack: Ack) -> Verdict:
    return list(request.collected) if acknowledges(request, ack) else NOT_MINE


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
    request.collected.append(message.channel)
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


def _authenticated(request: Request, message: Authenticated) -> Verdict:
    return (
        None if message.ok else AuthenticationError(f"the exchange refused the credentials: {message.reason}")
    )


#: Which messages may answer which command.
RULES: dict[type[c.Command], dict[type, Rule]] = {
    c.Authenticate: {Authenticated: _authenticated},
    c.Subscribe: {Subscribed: _confirmed},
    c.Unsubscribe: {Unsubscribed: _confirmed},
    c.AddOrder: {Order: _placed, StopOrder: _placed_stop, OpenOrders: _placed_in_list},
    c.ClosePosition: {Order: _placed, OpenOrders: _placed_in_list},
    c.ModifyOrder: {Order: _modified},
    c.CancelOrder: {Order: _cancelled, Twap: _twap_cancelled, Ack: _twap_acknowledged},
    c.CancelAllOrders: {Order: _cancelled_all, Ack: _acknowledged_all},
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


# --- where a message looks for the requests that it may answer; they are filed by `ids` and `lanes` --------------


def _order_keys(order: Order) -> Iterable[Hashable]:
    modified = order.status is OrderStatus.MODIFIED
    if not modified and not order.order_type.is_stop:
        return (order.client_order_id, order.order_id, "cancel_all_orders")
    return (order.client_order_id, order.order_id, terms_of(order), "modify_stop_order", "cancel_all_orders")


def _list_keys(page: OpenOrders) -> Iterable[Hashable]:
    return ("orders", *(order.client_order_id for order in page.orders))


_KEYS: dict[type, Callable[[Any], Iterable[Hashable]]] = {
    Order: _order_keys,
    OpenOrders: _list_keys,
    Twap: lambda twap: (twap.client_twap_id, twap.twap_id),
    StopOrder: lambda stop: (stop.stop_order_id, stop.client_order_id, terms_of(stop.as_order())),
    Trades: lambda _: ("get_user_trades",),
    Leverages: lambda _: ("get_user_leverage", "get_available_leverage_levels"),
    Authenticated: lambda _: ("auth",),
    Subscribed: lambda message: (("subscription", message.channel),),
    Unsubscribed: lambda message: (("subscription", message.channel),),
    Ack: lambda ack: echo_keys(ack.echo),
}


#: Commands that an acknowledgement without an echo may answer.
_BARE_ACK = (
    "set_user_leverage",
    "cancel_all_orders",
    "cancel_stop_order",
    "modify_stop_order",
    "cancel_on_disconnect",
)


class RequestBook:
    """The requests in flight on one line. Not thread-safe: its owner guards it."""

    #: Given-up requests that are remembered; the oldest are dropped on a line that never answers.
    MAX_GIVEN_UP = 10_000

    def __init__(self) -> None:
        self._by_key: dict[Hashable, list[Request]] = {}
        self._given_up: dict[Request, None] = {}
        self._count = 0
        self._serials = count()

    def __len__(self) -> int:
        return self._count - len(self._given_up)

    def __iter__(self) -> Iterator[Request]:
        seen: dict[Request, None] = {}
        for requests in self._by_key.values():
            seen.update(dict.fromkeys(requests))
        return iter(seen)

    def add(self, request: Request) -> None:
        """File a request, before its bytes leave."""
        request.serial = next(self._serials)
        request.filed = True
        for key in request.keys:
            filed = self._by_key.get(key)
            if filed is None:
                self._by_key[key] = [request]
            elif request not in filed:
                filed.append(request)
        self._count += 1

    def remove(self, request: Request) -> None:
        """Take a request out, answered or never sent."""
        if not request.filed:
            return
        for key in request.keys:
            filed = self._by_key.get(key)
            if filed is None:
                continue
            if request in filed:
                filed.remove(request)
            if not filed:
                del self._by_key[key]
        request.filed = False
        self._count -= 1
        if request.given_up:
            self._given_up.pop(request, None)

    def give_up(self, request: Request) -> None:
        """Note that nobody waits any more; the request stays to swallow its late reply."""
        if not request.filed:
            return
        request.given_up = True
        self._given_up[request] = None
        if len(self._given_up) > self.MAX_GIVEN_UP:
            self.remove(next(iter(self._given_up)))

    def occupant(self, lanes: Iterable[Hashable]) -> Request | None:
        """The request that uses one of the lanes, if any."""
        for lane in lanes:
            for request in self._by_key.get(lane, ()):
                return request
        return None

    def answer(self, message: Message) -> list[tuple[Request, Verdict]]:
        """The requests that `message` answers, taken out of the book, each with its result or exception."""
        if not self._count:
            return []
        if isinstance(message, Failure):
            return self._fail(message)
        answers = self._judge(message)
        for request, _ in answers:
            self.remove(request)
        return answers

    def _judge(self, message: Message) -> list[tuple[Request, Verdict]]:
        """Ask the rules, oldest request first. One request takes the message, except where it may be shared."""
        answers: list[tuple[Request, Verdict]] = []
        kind, taken = type(message), False
        for request in self._candidates(message):
            rule = RULES[type(request.command)].get(kind)
            if rule is None or (taken and not _is_shared(request, message)):
                continue
            verdict = rule(request, message)
            if verdict is NOT_MINE:
                continue
            taken = taken or not _is_shared(request, message)
            if verdict is not MORE:
                answers.append((request, verdict))
        return answers

    def _candidates(self, message: Message) -> Iterable[Request]:
        """Requests that might be answered, oldest first."""
        if isinstance(message, Ack) and message.echo is None:
            return self._only_bare_ack()
        keys = _KEYS.get(type(message))
        found: dict[Request, None] = {}
        for key in keys(message) if keys is not None else ():
            filed = self._by_key.get(key)
            if filed:
                found.update(dict.fromkeys(filed))
        if isinstance(message, Subscribed):
            found.update(self._proven_by(found))
        return found

    def _proven_by(self, subscribes: Iterable[Request]) -> dict[Request, None]:
        """Requests that need no acknowledgement and were sent before the subscribe that is confirmed."""
        confirmed = min((request.serial for request in subscribes), default=-1)
        armed = self._by_key.get("cancel_on_disconnect", ())
        return {request: None for request in armed if request.serial < confirmed}

    def _only_bare_ack(self) -> list[Request]:
        # Without an echo an acknowledgement counts only where no second request could be meant.
        waiting = [request for kind in _BARE_ACK for request in self._by_key.get(kind, ())]
        return waiting if len(waiting) == 1 else []

    def _fail(self, failure: Failure) -> list[tuple[Request, Verdict]]:
        """Find the request whose echo an error carries. Without an echo it fails nobody but an outstanding ``auth``."""
        request = next(iter(self._by_key.get("auth", ())), None) or self._echoed(failure.echo)
        if request is None:
            return []
        self.remove(request)
        return [(request, error_from(failure, during=request.command))]

    def _echoed(self, echo: dict[str, Any] | str | None) -> Request | None:
        if isinstance(echo, dict):
            keys = echo_keys(echo)
            found = (request for key in keys for request in self._by_key.get(key, ()))
            return next((request for request in found if echoes(request.command, echo)), None)
        if isinstance(echo, str):
            named = [request for request in self if _is_named_in(request, echo)]
            return named[0] if len(named) == 1 else None
        return None


def _is_shared(request: Request, message: Message) -> bool:
    """Whether the message may answer others too: what it says of a cancelled order is true for all who ask."""
    if isinstance(request.command, (c.CancelAllOrders, c.SetCancelOnDisconnect)):
        return True
    if isinstance(message, OpenOrders):
        return isinstance(request.command, (c.AddOrder, c.ClosePosition))
    return (
        isinstance(request.command, (c.CancelOrder, c.CancelStopOrder))
        and isinstance(message, Order)
        and (message.status.is_cancellation or message.status is OrderStatus.NO_SUCH_ORDER)
    )


def _is_named_in(request: Request, text: str) -> bool:
    command = request.command
    identifier: str | None = getattr(command, "client_order_id", None) or getattr(command, "order_id", None)
    return identifier is not None and identifier in text and command.type in text

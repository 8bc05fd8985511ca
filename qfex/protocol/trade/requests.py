"""The requests in flight on one connection, and which of them a message answers.

The exchange has no request ids. A request is recognised by an identifier that it and the reply carry (client order id,
order id, client TWAP id, stop order id), by its terms where the reply leaves the identifier blank (stops, modifies), or,
where the reply carries nothing, by an exclusive key, which one request uses at a time. Errors and acknowledgements name
theirs in the echo of the message.

A request whose caller has given up stays in the table and takes its late reply, so that nobody else gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import chain, count
from typing import Any

import attrs

from ...enums import CancelIdType
from ...models.orders import OpenOrders, Order, StopOrder
from ...models.twaps import Twap
from ...statuses import OrderStatus
from ..command import Command, Request, outcome_unknown
from ..wire.failures import Failure, Undecodable, echo_keys, echoes
from . import commands as c
from .answers import MORE, NO_SUCH_ORDER, NOT_MINE, Verdict, error_of, terms_of, unreadable
from .messages import Ack, Authenticated, Leverages, Message, Subscribed, Trades, Unsubscribed
from .specs import SPECS

Answers = list[tuple[Any, Verdict]]


# --- where a message looks for the requests that it may answer ------------------------------------------------


def _order_keys(order: Order) -> Iterable[Hashable]:
    modified = order.status is OrderStatus.MODIFIED
    if not modified and not order.order_type.is_stop:
        return (order.client_order_id, order.order_id, "cancel_all_orders")
    return (order.client_order_id, order.order_id, terms_of(order), "modify_stop_order", "cancel_all_orders")


def _list_keys(page: OpenOrders) -> Iterable[Hashable]:
    return (*c.ORDER_LIST, *(order.client_order_id for order in page.orders))


def _no_keys(message: Message) -> Iterable[Hashable]:
    return ()


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

#: What a reply that cannot be read would have been, by its key.
_REPLIES: dict[str, type] = {
    "order_response": Order,
    "stop_order_response": StopOrder,
    "twap_response": Twap,
    "all_orders_response": OpenOrders,
    "user_orders": OpenOrders,
    "user_trades_response": Trades,
    "user_trades": Trades,
    "user_leverage_response": Leverages,
    "available_leverage_levels_response": Leverages,
}

#: The replies that are lists: the ids in them are those of their rows.
_LIST_KEYS: dict[type, tuple[Hashable, ...]] = {
    OpenOrders: c.ORDER_LIST,
    Trades: ("get_user_trades",),
    Leverages: ("get_user_leverage", "get_available_leverage_levels"),
}


@attrs.define
class ExchangeQuirks:
    """How this exchange was seen to answer, where its documentation and its servers differ.

    Attributes
    ----------
    order_query : type or None
        What answers a query for one order: an `Order`, which looks like an update of it, or a list. None until seen.
    """

    order_query: type | None = None


class RequestTable:
    """The requests in flight on one connection.

    Parameters
    ----------
    quirks : ExchangeQuirks
        What earlier connections have shown; what this one shows is added.
    known_order : callable
        What is known of an order, by order id.
    clock : callable
        Monotonic time in seconds.

    Attributes
    ----------
    filed : dict
        Requests by the keys that a message may name them by. Those given up are there too, to take their late replies.
    """

    #: Kinds of messages that may answer something.
    answering = frozenset({*_KEYS, Failure, Undecodable})

    #: Given-up requests that are remembered; the oldest are dropped on a connection that never answers.
    MAX_GIVEN_UP = 10_000

    def __init__(
        self, quirks: ExchangeQuirks, known_order: Callable[[str], Any], clock: Callable[[], float]
    ) -> None:
        self._quirks = quirks
        self._known_order = known_order
        self._clock = clock
        self.filed: dict[Hashable, list[Request]] = {}
        self._given_up: dict[Request, None] = {}
        self._count = 0
        self._serials = count()

    def __len__(self) -> int:
        return self._count - len(self._given_up)

    def __iter__(self) -> Iterator[Request]:
        seen: dict[Request, None] = {}
        for requests in self.filed.values():
            seen.update(dict.fromkeys(requests))
        return iter(seen)

    def add(self, request: Request) -> None:
        """File a request, before its bytes leave."""
        command = request.command
        spec = SPECS[type(command)]
        request.serial = next(self._serials)
        request.sent_at = self._clock()
        request.known_order = self._known_order
        request.keys = keys = (*spec.named_by(command), *spec.exclusive(command), *self._other_id(command))
        request.filed, self._count = True, self._count + 1  # in one line: Ctrl-C can fall between two
        for key in keys:
            filed = self.filed.setdefault(key, [])
            if request not in filed:
                filed.append(request)

    def _other_id(self, command: Command) -> Iterable[Hashable]:
        """The client order id of the order that a cancel names by its order id: a refusal may have nothing else."""
        if type(command) is not c.CancelOrder or command.id_type is not CancelIdType.ORDER_ID:
            return ()
        known = self._known_order(command.order_id)
        return (known.client_order_id,) if known and known.client_order_id else ()

    def remove(self, request: Request) -> None:
        """Take a request out, answered or never sent."""
        if not request.filed:
            return
        for key in request.keys:
            filed = self.filed.get(key)
            if filed == [request]:
                del self.filed[key]
            elif filed is not None and request in filed:
                filed.remove(request)
        request.filed, self._count = False, self._count - 1
        if request.given_up:
            self._given_up.pop(request, None)

    def give_up(self, request: Request) -> None:
        """Note that nobody waits any more; the request stays to take its late reply."""
        if not request.filed:
            return
        request.given_up, request.given_up_at = True, self._clock()
        self._given_up[request] = None
        if len(self._given_up) > self.MAX_GIVEN_UP:
            self.remove(next(iter(self._given_up)))

    def holder(self, command: Command) -> Request | None:
        """The request that holds an exclusive key of the command, if any."""
        for key in SPECS[type(command)].exclusive(command):
            for request in self.filed.get(key, ()):
                return request
        return None

    def answer(self, message: Message) -> Answers:
        """The requests that `message` answers, taken out of the table, each with its result or exception."""
        if type(message) is Failure:
            return self._fail(message)
        if type(message) is Undecodable:
            return self._end_unread(message)
        answers = self._judge(message)
        if not answers:
            return answers
        first_replies: Answers = []
        for answer in answers:
            request = answer[0]
            if not request.awaits_late_reply:
                first_replies.append(answer)
            if type(request.command) is c.GetOrder and not self._is_surely_found(request, message, answers):
                request.awaits_late_reply = True
                self.give_up(request)
            else:
                self.remove(request)
        return first_replies

    def _is_surely_found(self, request: Request, message: Any, answers: Answers) -> bool:
        """Whether the answer to a query for one order was its reply, and not just an update of the order.

        Both are true. But if the exchange replies with lists, the reply is still to come, and would be taken for the
        reply to the next query for a list.
        """
        if isinstance(message, OpenOrders):
            if message.orders:
                self._quirks.order_query = OpenOrders
            return True
        if any(_may_have_asked_for(other, message) for other, _ in answers if other is not request):
            return False
        if self._quirks.order_query is None:
            if message.status not in NO_SUCH_ORDER and _is_news(request, message):
                return False
            self._quirks.order_query = Order
        return True

    def _judge(self, message: Message) -> Answers:
        """Apply the rules, oldest request first. One request takes the message, except where it may be shared."""
        kind = type(message)
        candidates = self._candidates(message, kind)
        answers: Answers = []
        takers: list[Request] = []
        for request in candidates:
            rule = SPECS[type(request.command)].answers.get(kind)
            if rule is None or (takers and not _may_take_too(request, takers, message)):
                continue
            verdict = rule(request, message)
            if verdict is NOT_MINE:
                continue
            takers.append(request)
            if verdict is not MORE:
                answers.append((request, verdict))
        return answers if len(answers) < 2 else _without_queries_of_a_refused_order(answers, message)

    def _candidates(self, message: Any, kind: type) -> Iterable[Request]:
        """Requests that might be answered, oldest first."""
        if kind is Ack and message.echo is None:
            return self._only_bare_ack()
        look_up, filed = self.filed.get, []
        for key in _KEYS.get(kind, _no_keys)(message):
            if requests := look_up(key):
                filed.append(requests)
        if kind is Order and "orders" in self.filed:
            return self._with_queries(dict.fromkeys(chain.from_iterable(filed)), message)
        if kind is Subscribed:
            filed.append(self._proven_by(chain.from_iterable(filed)))
        return filed[0] if len(filed) == 1 else dict.fromkeys(chain.from_iterable(filed))

    def _with_queries(self, candidates: Iterable[Request], order: Any) -> Iterable[Request]:
        """Put queries first, but for a refusal last; leave them out where a list answers them."""
        others = [request for request in candidates if type(request.command) is not c.GetOrder]
        if self._quirks.order_query is OpenOrders:
            return others
        queries = [request for request in candidates if type(request.command) is c.GetOrder]
        return others + queries if order.status.is_rejection else queries + others

    def _proven_by(self, subscribes: Iterable[Request]) -> list[Request]:
        """Requests that need no acknowledgement and were sent before the subscribe that is confirmed."""
        confirmed = min((request.serial for request in subscribes), default=-1)
        filed = (self.filed.get(kind, ()) for kind in ("cancel_on_disconnect", "cancel_all_orders"))
        return [request for request in chain.from_iterable(filed) if request.serial < confirmed]

    def _only_bare_ack(self) -> list[Request]:
        # Without an echo an acknowledgement counts only where no second request could be meant.
        waiting = [request for kind in _BARE_ACK for request in self.filed.get(kind, ())]
        return waiting if len(waiting) == 1 else []

    def _fail(self, failure: Failure) -> Answers:
        """Find the request whose echo an error carries. Without an echo it fails nobody but an ``auth`` in flight."""
        request = next(iter(self.filed.get("auth", ())), None) or self._echoed(failure.echo)
        if request is None:
            return []
        self.remove(request)
        return [(request, error_of(failure, request.command))]

    def _end_unread(self, message: Undecodable) -> Answers:
        """End the request to which a message that cannot be read is the reply, where it can be only one."""
        kind = _REPLIES.get(message.kind)
        if kind is None or message.is_row:
            return []
        filed = (self.filed.get(key, ()) for key in _LIST_KEYS.get(kind) or message.ids)
        found = {
            request: None
            for request in chain.from_iterable(filed)
            if not request.given_up and kind in SPECS[type(request.command)].answers
        }
        if len(found) != 1:
            return []
        (request,) = found
        # It may also have been an update, with the reply still to come, which must not answer another request.
        request.awaits_late_reply = True
        self.give_up(request)
        if SPECS[type(request.command)].trading:
            return [(request, outcome_unknown(request.command, "unreadable reply"))]
        return [(request, unreadable(request.command, message.reason))]

    def _echoed(self, echo: dict[str, Any] | str | None) -> Request | None:
        if isinstance(echo, dict):
            keys = echo_keys(echo)
            found = (request for key in keys for request in self.filed.get(key, ()))
            return next((request for request in found if echoes(request.command, echo)), None)
        if isinstance(echo, str):
            named = [request for request in self if _is_named_in(request, echo)]
            return named[0] if len(named) == 1 else None
        return None


#: Types of the commands that an acknowledgement without an echo may answer.
_BARE_ACK = tuple(kind.type for kind, spec in SPECS.items() if spec.answered_by_bare_ack)


def _may_have_asked_for(other: Request, message: Order) -> bool:
    """Whether an order message may be the reply to another request than the query that it answers too."""
    return not (message.status in NO_SUCH_ORDER and type(other.command) is c.ModifyOrder)


def _without_queries_of_a_refused_order(answers: Answers, message: Any) -> Answers:
    """Leave a refusal to the request that it refuses: the reply to a query for the same order is still to come.

    "No such order" is the exception: it is true for all who ask.
    """
    if not isinstance(message, Order) or not message.status.is_rejection or message.status in NO_SUCH_ORDER:
        return answers
    return [answer for answer in answers if type(answer[0].command) is not c.GetOrder]


def _is_news(request: Request, order: Order) -> bool:
    """Whether the message changes what is known of an order."""
    known = request.known_order(order.order_id)
    return isinstance(known, Order) and _state(known) != _state(order)


def _state(order: Order) -> Hashable:
    return order.status, order.quantity, order.quantity_remaining, order.price


def _may_take_too(request: Request, takers: list[Request], message: Message) -> bool:
    """Whether one more request may take a message: at most one of them may be a request that does not share it."""
    return _is_shared(request, message) or all(_is_shared(taker, message) for taker in takers)


def _is_shared(request: Request, message: Message) -> bool:
    return SPECS[type(request.command)].shares(message)


def _is_named_in(request: Request, text: str) -> bool:
    command = request.command
    identifier: str | None = getattr(command, "client_order_id", None) or getattr(command, "order_id", None)
    return identifier is not None and identifier in text and command.type in text

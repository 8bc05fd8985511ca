"""The trade gateway's side of a conversation: what is said on a line, and what its messages change.

Pure: the session lends it a thread, a lock and a clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import attrs

from ..credentials import Credentials, HmacCredentials
from ..enums import Channel, OpenEnum
from ..errors import ApiError, AuthenticationError, NotConnected, OrderRejected, QfexError, RateLimited
from ..models.account import Balance, Position
from ..models.connection import ErrorEvent
from ..models.orders import Fill, OpenOrders, Order, StopOrder, UserTrade
from ..models.twaps import Twap
from ..statuses import OrderStatus
from . import commands as c
from .echo import api_error
from .events import Event, Policy
from .fills import FillLog
from .matching import Habits, RequestBook
from .messages import Ack, Failure, Message, Subscribed, Trades, Undecodable, decode
from .order_state import OrderTracker

Conversation = Generator[Sequence[c.Command], list[Any], None]

PAGE = 1000  # rows; the exchange's default limit

#: Asked once fills are subscribed: the answer is the past, which is never told as new.
WHAT_WAS_TRADED = c.GetUserTrades(limit=PAGE)

# Members by names of their own: looking one up in its class takes longer than what is done with it.
_ORDERS, _MODIFIED = Channel.ORDERS, OrderStatus.MODIFIED

_MAX_TRADE_PAGES = 10
_TRIES = 3  # at a part of the recovery that the exchange answers with an error
_INSISTENCE = 2  # further lines on which missed fills are asked for, before they are done without
_MAX_ORDERS_ASKED = 200  # orders that vanished during an outage; more are left to the user's own queries
_NOTABLE_SKEW = 5.0  # seconds
_TWAPS_KEPT = 10_000  # by whose TWAP id a TWAP can be cancelled


class TradeDialogue:
    """State of one account's trading, and the conversations that keep it true.

    Parameters
    ----------
    url : str
        The trade gateway.
    credentials : HmacCredentials or JwtCredentials
        Who the caller is.
    account_id : str or None
        Subaccount to act for.
    now : callable
        The wall clock, in unix seconds.

    Attributes
    ----------
    on_rate_limit : callable
        Told, on the reader thread, which bucket the exchange found empty, None where it did not say, and for how many
        seconds, None likewise. It must not wait.
    """

    errors = Channel.ERRORS
    connection = Channel.CONNECTION
    decode = staticmethod(decode)

    def __init__(
        self, url: str, credentials: Credentials, account_id: str | None, now: Callable[[], float]
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._account_id = account_id
        self._now = now
        self._clock_offset = 0.0
        self._habits = Habits()
        self._opened = False
        self._recovered: list[Event] = []
        self._recovering = False
        self._insistence = _INSISTENCE
        self.cancel_on_disconnect = False
        self.channels: dict[Channel, None] = {Channel.ORDERS: None}
        self.orders = OrderTracker()
        self.fills = FillLog()
        self.positions: dict[str, Position] = {}
        self.balance: Balance | None = None
        self.twaps: dict[str, Twap] = {}
        self.on_rate_limit: Callable[[str | None, float | None], object] = _obey_nothing

    # --- what the session asks ---------------------------------------------------------------------------------

    def endpoint(self) -> tuple[str, dict[str, str]]:
        """URL and headers of the next connection: the key in the query, as documented; a token never in a URL."""
        if not isinstance(self._credentials, HmacCredentials):
            return self._url, self._credentials.headers(self._now)
        parts = urlsplit(self._url)
        query = f"{parts.query}&" if parts.query else ""
        query += f"api_key={quote(self._credentials.public_key, safe='')}"
        return urlunsplit(parts._replace(path=parts.path or "/", query=query)), {}

    def new_book(self) -> RequestBook:
        """The book for the requests of a new line."""
        return RequestBook(self._habits)

    def policy_of(self, channel: OpenEnum) -> Policy:
        """Conflate the pulses, keep everything else."""
        return Policy.CONFLATE if channel in (Channel.POSITIONS, Channel.BALANCES) else Policy.KEEP

    # --- conversations -----------------------------------------------------------------------------------------

    def opening(self, clock_skew: Callable[[], float | None]) -> Conversation:
        """Authenticate, arm cancel-on-disconnect, subscribe: in this order, before anything else may be sent."""
        if self._opened:
            self.fills.hold()
        yield from self._authenticate(clock_skew)
        commands: list[c.Command] = [c.Subscribe(tuple(self.channels))]
        if self.cancel_on_disconnect:
            commands.insert(0, c.SetCancelOnDisconnect(True))
        yield commands
        self._opened = True

    def _authenticate(self, clock_skew: Callable[[], float | None]) -> Conversation:
        try:
            yield [self._proof()]
        except AuthenticationError as error:
            skew = clock_skew() or 0.0
            if abs(skew - self._clock_offset) >= _NOTABLE_SKEW:  # the proof was made by a wrong time
                self._clock_offset = skew
                yield from self._authenticate(clock_skew)
            elif abs(skew) < _NOTABLE_SKEW:
                raise
            else:
                raise AuthenticationError(f"{error}; this machine's clock differs by {skew:.0f} s") from None

    def _proof(self) -> c.Authenticate:
        return c.Authenticate(
            self._credentials.auth_params(lambda: self._now() + self._clock_offset), self._account_id
        )

    def farewell(self) -> Sequence[c.Command]:
        """Disarm cancel-on-disconnect, where it is armed: the account's orders live on."""
        return (c.SetCancelOnDisconnect(False),) if self.cancel_on_disconnect else ()

    def recovery(self) -> Conversation:
        """Learn what was missed while the line was down: fills, and orders that ended.

        Fills come first: each order that ended takes a question of its own, for which the time may not suffice.
        """
        self._recovering = True
        unread = yield from self._attempt("missed fills", self._missed_fills)
        yield from self._attempt("missed order ends", self._missed_order_ends)
        if unread is None:
            self._insistence = _INSISTENCE
        elif self._insistence > 0:
            self._insistence -= 1
            yield from self._leave_for_another_line(unread)

    def _attempt(
        self, what: str, part: Callable[[], Conversation]
    ) -> Generator[Sequence[c.Command], list[Any], QfexError | None]:
        """Read a part of what was missed; why that failed. An error of the exchange may pass at once."""
        for attempt in range(_TRIES):
            try:
                yield from part()
                return None
            except QfexError as error:
                if isinstance(error, ApiError) and attempt < _TRIES - 1:
                    continue
                self._recovered.append(_error("recovery", f"{what}: {error}", error=error))
                return error
        return None

    def _leave_for_another_line(self, unread: QfexError) -> Conversation:
        """Try again on a new line: fills that are told before older ones could be read would be out of order."""
        if (
            self.cancel_on_disconnect
        ):  # the account's orders live on; the subscription proves that it was heard
            with suppress(QfexError):
                yield [c.SetCancelOnDisconnect(False), c.Subscribe(tuple(self.channels))]
        raise NotConnected(f"what was traded meanwhile could not be read: {unread}")

    def _missed_order_ends(self) -> Conversation:
        before = {order.order_id: order for order in self.orders.live.values()}
        listed = yield from self._listed_orders()
        gone = [order for order_id, order in before.items() if order_id not in listed and order.symbol]
        self._follow_modified(gone, [order for order_id, order in listed.items() if order_id not in before])
        try:
            for order in gone[:_MAX_ORDERS_ASKED]:
                yield from self._ask_for(order)
        finally:
            for order_id, order in before.items():
                self._tell_if_changed(order_id, order)

    def _listed_orders(self) -> Generator[Sequence[c.Command], list[Any], dict[str, Order]]:
        listed: dict[str, Order] = {}
        for offset in itertools.count(step=PAGE):
            (page,) = yield [c.GetUserOrders(limit=PAGE, offset=offset)]
            listed.update((order.order_id, order) for order in page.orders)
            if len(page.orders) < PAGE:
                break
        return listed

    def _follow_modified(self, gone: list[Order], newcomers: list[Order]) -> None:
        """Find orders that a modify gave a new id while nobody listened, and take them out of those that are gone."""
        for order in list(gone):
            same = [newcomer for newcomer in newcomers if order.client_order_id and _alike(order, newcomer)]
            if len(same) == 1:
                self.orders.replace(order.order_id, same[0])
                newcomers.remove(same[0])
                gone.remove(order)

    def _ask_for(self, order: Order) -> Conversation:
        try:
            yield [c.GetOrder(order.symbol, order.order_id)]
        except ApiError as error:  # no word about the order: it stays as it was
            self._recovered.append(_error("recovery", f"order {order.order_id}: {error}", error=error))
        except OrderRejected as error:
            if error.status not in (OrderStatus.NO_SUCH_ORDER, OrderStatus.NOT_FOUND):
                return
            # Not in the open orders, and not known by its id: it ended. Its trades say how.
            (rows,) = yield [c.GetUserTrades(order_id=order.order_id, limit=PAGE)]
            self._end_by_trades(order, rows)

    def _end_by_trades(self, order: Order, rows: Sequence[UserTrade]) -> None:
        traded = sum(
            (row.quantity for row in rows if row.order_id == order.order_id), start=order.quantity * 0
        )
        remaining = order.quantity - traded
        ended = self.orders.end_unknown(order.order_id)
        if ended is not None:
            status = OrderStatus.FILLED if remaining <= 0 else OrderStatus.NO_SUCH_ORDER
            self.orders.apply(
                attrs.evolve(ended, status=status, quantity_remaining=remaining), rejects_order=True
            )

    def _tell_if_changed(self, order_id: str, before: Order) -> None:
        now = self.orders.get(order_id)
        if now is not None and _terms(now) != _terms(before):
            self._recovered.append(Event(Channel.ORDERS, None, now))

    def _missed_fills(self) -> Conversation:
        if Channel.FILLS not in self.channels:
            return
        rows: list[UserTrade] = []
        for page_number in range(_MAX_TRADE_PAGES):
            (page,) = yield [c.GetUserTrades(limit=PAGE, offset=page_number * PAGE)]
            rows += page
            if len(page) < PAGE or any(self.fills.knows(row) for row in page):
                break
        self._recovered += [Event(Channel.FILLS, None, fill) for fill in self.fills.missed(rows)]
        if not self.fills.has_baseline:
            self.fills.set_baseline(rows)

    def released(self) -> Iterable[Event]:
        """What the recovery found, then the fills that came meanwhile."""
        told, self._recovered, self._recovering = self._recovered, [], False
        return told + [Event(Channel.FILLS, None, fill) for fill in self.fills.release()]

    # --- messages ----------------------------------------------------------------------------------------------

    def receive(self, message: Message, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        """Take a message into the state; what the user shall hear of it."""
        handler = _HANDLERS.get(type(message))
        return handler(self, message, answered) if handler is not None else ()

    def _order(self, order: Order, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        if order.status is _MODIFIED:
            self._note_replacement(order, answered)
        if answered:
            return self._order_as_answer(order, answered)
        self.orders.apply(order)
        return (Event(_ORDERS, None, order),)

    def _order_as_answer(self, order: Order, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        asked = False
        for request, outcome in answered:
            asked = asked or type(request.command) is c.GetOrder
            if isinstance(outcome, Order):  # the same, completed by what was sent
                order = outcome
        known = self.orders.get(order.order_id) if asked else None
        rejects = None
        if order.status.is_rejection:
            rejects = any(type(request.command) in _NEW_ORDERS for request, _ in answered)
            if order.status is OrderStatus.RATE_LIMITED:
                self.on_rate_limit(answered[0][0].command.bucket, None)
        self.orders.apply(order, rejects)
        if asked and (self._recovering or self.orders.get(order.order_id) == known):
            # During a recovery it is told with all else that was missed. Without news it is not told at all: whoever
            # asks upon each event would ask for ever.
            return ()
        return (Event(_ORDERS, None, order),)

    def _note_replacement(self, order: Order, answered: Sequence[tuple[Any, Any]]) -> None:
        modified = (request.command for request, _ in answered)
        old = next((m.order_id for m in modified if isinstance(m, (c.ModifyOrder, c.ModifyStopOrder))), None)
        old = old or self.orders.replaced_by(order)
        if old is not None:
            self.orders.replace(old, order)

    def _fill(self, fill: Fill, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        return [Event(Channel.FILLS, None, new) for new in self.fills.live(fill)]

    def _position(self, position: Position, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        self.positions[position.symbol] = position
        return (Event(Channel.POSITIONS, position.symbol, position),)

    def _balance(self, balance: Balance, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        self.balance = balance
        return (Event(Channel.BALANCES, None, balance),)

    def _stop_order(self, stop: StopOrder, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        for _, outcome in answered:
            if isinstance(outcome, Order):  # a new stop, of which nothing else may tell
                self.orders.apply(outcome)
        return (*self._changed_stops(answered), Event(Channel.STOP_ORDERS, None, stop))

    def _ack(self, ack: Ack, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        return tuple(self._changed_stops(answered))

    def _changed_stops(self, answered: Sequence[tuple[Any, Any]]) -> Iterator[Event]:
        """Stops that were cancelled or moved, where the exchange says so without describing the order."""
        for request, outcome in answered:
            change = _STOP_CHANGES.get(type(request.command)) if outcome is None else None
            known = self.orders.get(request.command.order_id) if change is not None else None
            if change is not None and known is not None and known.is_live:
                changed = change(known, request.command)
                self.orders.apply(changed)
                yield Event(Channel.ORDERS, None, changed)

    def _twap(self, twap: Twap, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        self._note_twaps([twap])
        return (Event(Channel.TWAPS, None, twap),)

    def _trades(self, page: Trades, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        learning = any(request.command == WHAT_WAS_TRADED for request, _ in answered)
        if learning and Channel.FILLS in self.channels and not self.fills.has_baseline:
            self.fills.set_baseline(page.rows)
        return ()

    def _subscribed(self, message: Subscribed, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        # Noted here and not by the caller, who may be slower than the loss of the line.
        for request, _ in answered:
            if isinstance(request.command, c.Subscribe):
                self.channels.update(dict.fromkeys(request.command.channels))
        return ()

    def _open_orders(self, page: OpenOrders, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        for order in page.orders:
            self.orders.apply(order)
        self._note_twaps(page.twaps)
        return ()

    def _note_twaps(self, twaps: Iterable[Twap]) -> None:
        self.twaps.update((twap.twap_id, twap) for twap in twaps)
        while len(self.twaps) > _TWAPS_KEPT:
            del self.twaps[next(iter(self.twaps))]

    def _failure(self, failure: Failure, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        error = api_error(failure)
        if isinstance(error, RateLimited):
            self.on_rate_limit(answered[0][0].command.bucket if answered else None, error.retry_after)
        if any(not request.given_up for request, _ in answered):
            return ()
        return (_error("exchange", str(error), str(failure.echo or ""), error),)

    def _undecodable(self, message: Undecodable, answered: Sequence[tuple[Any, Any]]) -> Iterable[Event]:
        return (_error("undecodable", message.reason, message.text),)


def _obey_nothing(bucket: str | None, retry_after: float | None) -> None:
    pass


#: Commands whose rejection is the end of an order.
_NEW_ORDERS = (c.AddOrder, c.ClosePosition)


def _cancelled_stop(known: Order, command: c.CancelStopOrder) -> Order:
    return attrs.evolve(known, status=OrderStatus.CANCELLED)


def _moved_stop(known: Order, command: c.ModifyStopOrder) -> Order:
    return attrs.evolve(
        known,
        status=OrderStatus.MODIFIED,
        price=command.price,
        quantity=command.quantity,
        quantity_remaining=command.quantity,
    )


_STOP_CHANGES: dict[type, Callable[[Order, Any], Order]] = {
    c.CancelStopOrder: _cancelled_stop,
    c.ModifyStopOrder: _moved_stop,
}


def _alike(order: Order, other: Order) -> bool:
    """Whether two orders may be one that a modify gave a new id."""
    return (order.client_order_id, order.symbol, order.side) == (
        other.client_order_id,
        other.symbol,
        other.side,
    )


def _terms(order: Order) -> tuple[Any, ...]:
    return order.order_id, order.status, order.quantity, order.quantity_remaining, order.price


def _error(kind: str, message: str, text: str = "", error: BaseException | None = None) -> Event:
    return Event(Channel.ERRORS, None, ErrorEvent(kind, message, text, error))


_HANDLERS: dict[type, Callable[[TradeDialogue, Any, Sequence[tuple[Any, Any]]], Iterable[Event]]] = {
    Order: TradeDialogue._order,
    Fill: TradeDialogue._fill,
    Position: TradeDialogue._position,
    Balance: TradeDialogue._balance,
    StopOrder: TradeDialogue._stop_order,
    Ack: TradeDialogue._ack,
    Twap: TradeDialogue._twap,
    OpenOrders: TradeDialogue._open_orders,
    Trades: TradeDialogue._trades,
    Failure: TradeDialogue._failure,
    Subscribed: TradeDialogue._subscribed,
    Undecodable: TradeDialogue._undecodable,
}

"""The pure side of one connection to the trade gateway: its requests, its procedures, and what its messages change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from ...credentials import Credentials, HmacCredentials
from ...enums import Channel, OpenEnum
from ...errors import AuthenticationError, RateLimited
from ...models.account import Balance, Position
from ...models.orders import Fill, OpenOrders, Order, StopOrder
from ...models.twaps import Twap
from ...statuses import OrderStatus
from ..connection import Answer, Endpoint, ProtocolConnection
from ..events import Event, Policy
from ..procedure import Procedure
from ..wire.command import Command
from ..wire.failures import Failure, Undecodable, api_error
from . import commands as c
from .account import AccountState, error_event
from .messages import Ack, Message, Subscribed, Trades, decode
from .reconcile import PAGE, resync
from .requests import RequestTable
from .specs import SPECS

#: Asked once fills are subscribed: the answer is the past, which is never delivered as new.
WHAT_WAS_TRADED = c.GetUserTrades(limit=PAGE)

_NOTABLE_SKEW = 5.0  # seconds


class TradeEndpoint(Endpoint):
    """The trade gateway, who the caller is, and the account's state.

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
    """

    errors = Channel.ERRORS
    connection = Channel.CONNECTION
    specs = SPECS

    def __init__(
        self, url: str, credentials: Credentials, account_id: str | None, now: Callable[[], float]
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._account_id = account_id
        self._now = now
        self.clock_offset = 0.0
        self.connected_before = False
        self.account = AccountState()

    def address(self) -> tuple[str, dict[str, str]]:
        """URL and headers of the next connection: the key in the query, as documented; a token never in a URL."""
        if not isinstance(self._credentials, HmacCredentials):
            return self._url, self._credentials.headers(self._now)
        parts = urlsplit(self._url)
        query = f"{parts.query}&" if parts.query else ""
        query += f"api_key={quote(self._credentials.public_key, safe='')}"
        return urlunsplit(parts._replace(path=parts.path or "/", query=query)), {}

    def new_connection(
        self, clock: Callable[[], float], may_send: Callable[[Command], bool] = lambda command: True
    ) -> TradeConnection:
        """The pure side of a new connection."""
        return TradeConnection(self, clock, may_send)

    def policy_of(self, channel: OpenEnum) -> Policy:
        """Conflate the pulses, keep everything else."""
        return Policy.CONFLATE if channel in (Channel.POSITIONS, Channel.BALANCES) else Policy.KEEP

    def proof(self) -> c.Authenticate:
        """A proof of who the caller is, good for one connection."""
        return c.Authenticate(
            self._credentials.auth_params(lambda: self._now() + self.clock_offset), self._account_id
        )


class TradeConnection(ProtocolConnection):
    """One connection to the trade gateway: requests in flight, login, resync, teardown, and the account's state."""

    errors = Channel.ERRORS
    table: RequestTable

    def __init__(
        self, endpoint: TradeEndpoint, clock: Callable[[], float], may_send: Callable[[Command], bool]
    ) -> None:
        super().__init__(clock, may_send)
        self._endpoint = endpoint
        self.account = account = endpoint.account
        self.table = RequestTable(account.quirks, account.orders.get, clock)
        self._resyncing = False

    # --- procedures --------------------------------------------------------------------------------------------

    def login(self, clock_skew: Callable[[], float | None]) -> Procedure:
        """Authenticate, arm cancel-on-disconnect, subscribe: in this order, before anything else may be sent."""
        if self._endpoint.connected_before:
            self.account.fills.hold()
        yield from self._authenticate(clock_skew)
        commands: list[Command] = [c.Subscribe(tuple(self.account.channels))]
        if self.account.cancel_on_disconnect:
            commands.insert(0, c.SetCancelOnDisconnect(True))
        yield commands
        self._endpoint.connected_before = True

    def _authenticate(self, clock_skew: Callable[[], float | None]) -> Procedure:
        try:
            yield [self._endpoint.proof()]
        except AuthenticationError as error:
            skew = clock_skew() or 0.0
            if abs(skew - self._endpoint.clock_offset) >= _NOTABLE_SKEW:  # the proof carried a wrong time
                self._endpoint.clock_offset = skew
                yield from self._authenticate(clock_skew)
            elif abs(skew) < _NOTABLE_SKEW:
                raise
            else:
                raise AuthenticationError(f"{error}; this machine's clock differs by {skew:.0f} s") from None

    def resync(self) -> Procedure:
        """Find out what was missed while there was no connection: fills, and orders that ended."""
        self._resyncing = True
        return resync(self.account)

    def release(self) -> Sequence[Event]:
        """What the resync found, then the fills that arrived meanwhile."""
        account = self.account
        missed = list(account.missed)
        account.missed.clear()
        self._resyncing = False
        return missed + [Event(Channel.FILLS, None, fill) for fill in account.fills.release()]

    def teardown(self) -> Sequence[Command]:
        """Disarm cancel-on-disconnect, where it is armed: the account's orders live on."""
        return (c.SetCancelOnDisconnect(False),) if self.account.cancel_on_disconnect else ()

    # --- messages ----------------------------------------------------------------------------------------------

    _decode = staticmethod(decode)

    def _apply(self, message: Message, answered: Sequence[Answer]) -> Iterable[Event]:
        handler = _HANDLERS.get(type(message))
        return handler(self, message, answered) if handler is not None else ()

    def _order(self, order: Order, answered: Sequence[Answer]) -> Iterable[Event]:
        if order.status is OrderStatus.MODIFIED:
            self._note_replacement(order, answered)
        if answered:
            return self._order_as_answer(order, answered)
        self.account.orders.apply(order)
        return (Event(Channel.ORDERS, None, order),)

    def _order_as_answer(self, order: Order, answered: Sequence[Answer]) -> Iterable[Event]:
        orders = self.account.orders
        queried = False
        for request, outcome in answered:
            queried = queried or type(request.command) is c.GetOrder
            if isinstance(outcome, Order):  # the same order, completed by what was sent
                order = outcome
        known = orders.get(order.order_id) if queried else None
        rejects = None
        if order.status.is_rejection:
            specs = [SPECS[type(request.command)] for request, _ in answered]
            rejects = any(spec.places_order for spec in specs)
            if order.status is OrderStatus.RATE_LIMITED:
                self.throttled.append((specs[0].bucket, None))
        orders.apply(order, rejects)
        if queried and (self._resyncing or orders.get(order.order_id) == known):
            # A resync delivers it with everything else that was missed. And an answer that is no news is not delivered:
            # a callback that queries an order upon each event would otherwise never come to an end.
            return ()
        return (Event(Channel.ORDERS, None, order),)

    def _note_replacement(self, order: Order, answered: Sequence[Answer]) -> None:
        modified = (request.command for request, _ in answered)
        old = next((m.order_id for m in modified if isinstance(m, (c.ModifyOrder, c.ModifyStopOrder))), None)
        old = old or self.account.orders.replaced_by(order)
        if old is not None:
            self.account.orders.replace(old, order)

    def _fill(self, fill: Fill, answered: Sequence[Answer]) -> Iterable[Event]:
        return [Event(Channel.FILLS, None, new) for new in self.account.fills.live(fill)]

    def _position(self, position: Position, answered: Sequence[Answer]) -> Iterable[Event]:
        self.account.positions[position.symbol] = position
        return (Event(Channel.POSITIONS, position.symbol, position),)

    def _balance(self, balance: Balance, answered: Sequence[Answer]) -> Iterable[Event]:
        self.account.balance = balance
        return (Event(Channel.BALANCES, None, balance),)

    def _stop_order(self, stop: StopOrder, answered: Sequence[Answer]) -> Iterable[Event]:
        for _, outcome in answered:
            if isinstance(outcome, Order):  # a new stop, for which there may be no other message
                self.account.orders.apply(outcome)
        return (*self.account.change_stops(answered), Event(Channel.STOP_ORDERS, None, stop))

    def _ack(self, ack: Ack, answered: Sequence[Answer]) -> Iterable[Event]:
        return tuple(self.account.change_stops(answered))

    def _twap(self, twap: Twap, answered: Sequence[Answer]) -> Iterable[Event]:
        self.account.note_twaps([twap])
        return (Event(Channel.TWAPS, None, twap),)

    def _trades(self, page: Trades, answered: Sequence[Answer]) -> Iterable[Event]:
        fills = self.account.fills
        learning = any(request.command == WHAT_WAS_TRADED for request, _ in answered)
        if learning and Channel.FILLS in self.account.channels and not fills.has_baseline:
            fills.set_baseline(page.rows)
        return ()

    def _subscribed(self, message: Subscribed, answered: Sequence[Answer]) -> Iterable[Event]:
        # Noted here and not by the caller, whose thread may run only after the connection was lost and restored.
        for request, _ in answered:
            if isinstance(request.command, c.Subscribe):
                self.account.channels.update(dict.fromkeys(request.command.channels))
        return ()

    def _open_orders(self, page: OpenOrders, answered: Sequence[Answer]) -> Iterable[Event]:
        for order in page.orders:
            self.account.orders.apply(order)
        self.account.note_twaps(page.twaps)
        return ()

    def _failure(self, failure: Failure, answered: Sequence[Answer]) -> Iterable[Event]:
        error = api_error(failure)
        if isinstance(error, RateLimited):
            bucket = SPECS[type(answered[0][0].command)].bucket if answered else None
            self.throttled.append((bucket, error.retry_after))
        if any(not request.given_up for request, _ in answered):
            return ()
        return (error_event("exchange", str(error), str(failure.echo or ""), error),)

    def _undecodable(self, message: Undecodable, answered: Sequence[Answer]) -> Iterable[Event]:
        return (error_event("undecodable", message.reason, message.text),)


_HANDLERS: dict[type, Callable[[TradeConnection, Any, Sequence[Answer]], Iterable[Event]]] = {
    Order: TradeConnection._order,
    Fill: TradeConnection._fill,
    Position: TradeConnection._position,
    Balance: TradeConnection._balance,
    StopOrder: TradeConnection._stop_order,
    Ack: TradeConnection._ack,
    Twap: TradeConnection._twap,
    OpenOrders: TradeConnection._open_orders,
    Trades: TradeConnection._trades,
    Failure: TradeConnection._failure,
    Subscribed: TradeConnection._subscribed,
    Undecodable: TradeConnection._undecodable,
}

"""The pure side of one connection to the trade gateway: its requests, its procedures, and what its messages change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from ...credentials import Credentials, HmacCredentials
from ...enums import Channel, OpenEnum
from ...errors import AuthenticationError, RateLimited, RequestTimeout
from ...models.account import Balance, Position
from ...models.orders import Fill, OpenOrders, Order, StopOrder
from ...models.twaps import Twap
from ...statuses import OrderStatus
from ..command import Command, Request
from ..connection import Answer, Endpoint, Procedure, ProcedureRun, ProtocolConnection, Step
from ..events import Event, Policy
from ..wire.failures import Failure, Undecodable, api_error
from . import commands as c
from .account import AccountState, error_event
from .answers import NO_SUCH_ORDER
from .messages import Ack, Message, Subscribed, Unsubscribed, decode
from .reconcile import PAGE, Retry, attempt, missed_fills, reconcile, restore_channel, resync
from .requests import RequestTable
from .specs import SPECS

_NOTABLE_SKEW = 5.0  # seconds
_ACK_GRACE = 0.3  # seconds for an acknowledgement that may follow a message that does not say what happened

#: Commands that change an order that they name.
_ABOUT_AN_ORDER = (c.ModifyOrder, c.CancelOrder, c.CancelStopOrder, c.ModifyStopOrder)


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
    clock : callable
        Monotonic time in seconds.
    """

    errors = Channel.ERRORS
    connection = Channel.CONNECTION
    specs = SPECS

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        account_id: str | None,
        now: Callable[[], float],
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._account_id = account_id
        self._now = now
        self.clock_offset = 0.0
        self.connected_before = False
        self.account = AccountState(clock)

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

    def time_at(self, moment: float, now: float) -> datetime:
        """The time, by the wall clock, at a moment of the monotonic clock, which shows `now`."""
        return datetime.fromtimestamp(self._now() - (now - moment), timezone.utc)

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
        self._in_use = False
        self._reconciling: ProcedureRun | None = None
        self._retries: dict[Channel, Retry] = {}
        self._restoring: dict[Channel, ProcedureRun] = {}
        self._first_halves: dict[str, Order] = {}
        self._catching_up: ProcedureRun | None = None
        self._fills_retry: Retry | None = None
        account.in_force.clear()

    # --- procedures --------------------------------------------------------------------------------------------

    def login(self, clock_skew: Callable[[], float | None]) -> Procedure:
        """Authenticate, arm cancel-on-disconnect, subscribe to order responses: before anything else may be sent.

        The other channels are asked for behind them, before any request of a caller, but nothing waits for their
        confirmations: a channel that is refused, or of which the exchange says nothing, must not keep the client from
        trading.
        """
        if self._endpoint.connected_before:
            self.account.fills.hold()
        yield from self._authenticate(clock_skew)
        commands: list[Command] = [c.Subscribe((Channel.ORDERS,))]
        if self.account.cancel_on_disconnect:
            commands.insert(0, c.SetCancelOnDisconnect(True))
        try:
            yield commands
        except RequestTimeout:  # a lost confirmation costs less than another connection
            yield commands
        self._endpoint.connected_before = True
        self._restore_subscriptions()

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
        """Find out what was missed while there was no connection: fills, and orders that changed or ended."""
        return resync(self.account, self.clock)

    def release(self) -> Sequence[Event]:
        """What the resync found and the order messages meanwhile, then the fills that arrived meanwhile."""
        self._in_use = True
        return self._found() + [Event(Channel.FILLS, None, fill) for fill in self.account.fills.release()]

    def _found(self) -> list[Event]:
        """What was found out and not delivered yet."""
        missed, self.account.missed = self.account.missed, []
        for event in missed:
            if event.channel is Channel.ORDERS and event.value.is_done:
                self._answer_cancels(event.value)
        return missed

    def _answer_cancels(self, ended: Order) -> None:
        """Answer the cancel of a stop that has ended, where the exchange answered without saying what happened."""
        for request in list(self.table.filed.get(ended.order_id, ())):
            if type(request.command) is c.CancelStopOrder and not request.given_up:
                self.table.remove(request)
                self._late_answers.append((request, None))

    @property
    def has_work(self) -> bool:
        """Whether `work` may have something to do."""
        account = self.account
        is_due = account.questions.by_order_id and account.questions.are_due
        return bool(self._runs or account.missed or is_due)

    def _abandon(self, step: Step) -> None:
        """Stop waiting for the answer to a command of a procedure; a subscription may be sent again at once."""
        if type(step.command) in (c.Subscribe, c.SetCancelOnDisconnect):
            self.table.remove(step)
        else:
            self.table.give_up(step)

    def _begin_work(self) -> None:
        """Restore subscriptions that are not in force, and ask about orders in question."""
        if not self._in_use:
            return
        self._restore_subscriptions()
        if self._fills_retry is not None and self._fills_retry.is_due and self._is_over(self._catching_up):
            self._catching_up = self.start(self._catch_up_fills(), patience=self.account.patience)
        is_due = self.account.questions.are_due or self.account.wants_list
        if is_due and self._is_over(self._reconciling):
            procedure = reconcile(self.account, self.clock, always=self.account.wants_list)
            self._reconciling = self.start(procedure, patience=self.account.patience)

    @staticmethod
    def _is_over(run: ProcedureRun | None) -> bool:
        return run is None or run.done

    def _restore_subscriptions(self) -> None:
        """Ask for the wanted channels that are not in force, each on its own."""
        if len(self.account.in_force) >= len(self.account.channels):
            return
        for channel in self.account.channels:
            run, retry = self._restoring.get(channel), self._retries.setdefault(channel, Retry(self.clock))
            if channel in self.account.in_force or not self._is_over(run) or not retry.is_due:
                continue
            procedure = restore_channel(self.account, channel, retry)
            self._restoring[channel] = self.start(procedure, patience=self.account.patience, urgent=True)

    def _note_overdue(self) -> None:
        """Note that a reply does not come. An exchange that is only slow is given more time on the next connection."""
        if not self.is_overdue:
            self.account.patience = min(2 * self.account.patience, AccountState.LONGEST_PATIENCE)
        super()._note_overdue()

    # --- outcomes that stay unknown ----------------------------------------------------------------------------

    def give_up(self, request: Request) -> None:
        """Note that nobody waits for a request any more. What it changed has to be asked for."""
        super().give_up(request)
        self._question_outcome(request)

    def ended(self) -> None:
        """Note that the connection is over: the outcome of what is in flight is unknown."""
        for request in self.table:
            if (
                not request.given_up
            ):  # otherwise it was noted then; since then its late reply may have made it known
                self._question_outcome(request)
            if type(request.command) is c.SetCancelOnDisconnect and not isinstance(request, Step):
                # It was sent, and what became of it is unknown. The next connection begins with it.
                self.account.cancel_on_disconnect = request.command.enabled
        self.account.in_force.clear()

    def _question_outcome(self, request: Request) -> None:
        command = request.command
        if isinstance(command, c.ModifyOrder):
            self.account.questions.note_modify(command)
            self._first_halves.pop(command.order_id, None)
        elif isinstance(command, (c.AddOrder, c.ClosePosition)):
            known = self.account.orders.named(command.client_order_id)
            sent = self._endpoint.time_at(request.sent_at, self.clock())
            self.account.questions.note_order(command, frozenset(order.order_id for order in known), sent)
        if isinstance(command, _ABOUT_AN_ORDER):
            self.account.question(command.order_id, f"the outcome of a {command.type} is unknown")

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
        if self._is_first_half(order):
            self._first_halves[order.order_id] = order
            return ()
        if order.status.is_rejection:
            self.account.question(order.order_id, f"a refusal ({order.status}) answers no request")
        changed = self.account.take_order(order)
        if not order.client_order_id and self.account.orders.is_unlinked(order.order_id):
            self.account.question(order.order_id, "nothing tells which order was modified")
        return self._order_event(order, changed)

    def _order_as_answer(self, order: Order, answered: Sequence[Answer]) -> Iterable[Event]:
        asked_at = None
        for request, outcome in answered:
            if type(request.command) is c.GetOrder:
                asked_at = request.sent_at
            if type(request.command) is c.ModifyOrder:
                refused = isinstance(outcome, Exception)
                self._settle_first_half(request.command.order_id, applies=refused)
            if isinstance(outcome, Order):  # the same order, completed by what was sent
                order = outcome
        rejects = self._note_refusal(order, answered) if order.status.is_rejection else None
        changed = self.account.take_order(order, rejects, asked_at)
        if asked_at is not None and not changed:
            # An answer that is no news is not delivered: a callback that queries an order upon each event would otherwise
            # never come to an end.
            return ()
        return self._order_event(order, changed)

    def _order_event(self, order: Order, changed: bool) -> Iterable[Event]:
        """The event for an order message; none for one that was overtaken by a newer state of the order.

        Until the connection is in use, it waits behind what the resync finds: delivered at once, it would come before an
        older state.
        """
        if not changed and not order.status.is_rejection and not self.account.is_newest(order):
            return ()
        event = Event(Channel.ORDERS, None, order)
        if self._in_use:
            return (event,)
        self.account.missed.append(event)
        return ()

    def _note_refusal(self, order: Order, answered: Sequence[Answer]) -> bool:
        """Note what a refusal says; whether it refused a new order, which has ended with it."""
        specs = [SPECS[type(request.command)] for request, _ in answered]
        if order.status is OrderStatus.RATE_LIMITED:
            self.throttled.append((specs[0].bucket, None))
        if order.status in NO_SUCH_ORDER or order.status is OrderStatus.CANNOT_MODIFY_NO_SUCH_ORDER:
            for request, _ in answered:
                self._note_denial(getattr(request.command, "order_id", ""))
        return any(spec.places_order for spec in specs)

    def _note_denial(self, order_id: str) -> None:
        """Note that the exchange says that it has no such order, which was believed to be live."""
        self.account.question(order_id, "the exchange says that there is no such order")
        if question := self.account.questions.get(order_id):
            question.is_denied = True

    # The exchange may carry out a modify as cancel and replace, and report the cancel of the old id before the new id.
    # Taken for the end of the order, it would wake those who wait for the order, which lives on. So the cancel of an order
    # with a modify in flight waits for the answer to the modify.

    def _is_first_half(self, order: Order) -> bool:
        if not order.status.is_cancellation or self.table.filed.get("cancel_all_orders"):
            return False
        requests = self.table.filed.get(order.order_id, ())
        return any(type(each.command) is c.ModifyOrder and not each.given_up for each in requests)

    def _settle_first_half(self, order_id: str, *, applies: bool) -> None:
        order = self._first_halves.pop(order_id, None)
        if order is not None and applies:
            self.account.take_order(order)
            self.account.missed.append(Event(Channel.ORDERS, None, order))

    def _note_replacement(self, order: Order, answered: Sequence[Answer]) -> None:
        modified = (request.command for request, _ in answered)
        old = next((m.order_id for m in modified if isinstance(m, (c.ModifyOrder, c.ModifyStopOrder))), None)
        old = old or self.account.orders.replaced_by(order)
        if old is not None:
            self.account.note_replaced(old, order)
        elif self.account.orders.has_new_id(order):
            self.account.note_unlinked(order)

    def _fill(self, fill: Fill, answered: Sequence[Answer]) -> Iterable[Event]:
        self.account.freshness.changed(fill.symbol)
        return [Event(Channel.FILLS, None, new) for new in self.account.fills.live(fill)]

    def _position(self, position: Position, answered: Sequence[Answer]) -> Iterable[Event]:
        self.account.positions[position.symbol] = position
        self.account.freshness.position(position.symbol)
        return (Event(Channel.POSITIONS, position.symbol, position),)

    def _balance(self, balance: Balance, answered: Sequence[Answer]) -> Iterable[Event]:
        self.account.balance = balance
        self.account.freshness.balance()
        return (Event(Channel.BALANCES, None, balance),)

    def _stop_order(self, stop: StopOrder, answered: Sequence[Answer]) -> Iterable[Event]:
        for _, outcome in answered:
            if isinstance(outcome, Order):  # a new stop, for which there may be no other message
                self.account.take_order(outcome)
        changing = [
            request
            for request in self.table.filed.get(stop.stop_order_id, ())
            if isinstance(request.command, (c.CancelStopOrder, c.ModifyStopOrder))
        ]
        if not answered and changing:
            for request in changing:
                request.collected[stop.stop_order_id] = stop
            reason = "a message names the stop, and not what happened to it"
            self.account.question(stop.stop_order_id, reason, _ACK_GRACE)
        return (*self.account.change_stops(answered), Event(Channel.STOP_ORDERS, None, stop))

    def _ack(self, ack: Ack, answered: Sequence[Answer]) -> Iterable[Event]:
        self._note_arming(answered)
        return tuple(self.account.change_stops(answered))

    def _twap(self, twap: Twap, answered: Sequence[Answer]) -> Iterable[Event]:
        self.account.note_twaps([twap])
        return (Event(Channel.TWAPS, None, twap),)

    def _subscribed(self, message: Subscribed, answered: Sequence[Answer]) -> Iterable[Event]:
        # Noted here and not by the caller, whose thread may run only after the connection was lost and restored.
        channel = Channel(message.channel)
        for request, _ in answered:
            if isinstance(request.command, c.Subscribe):
                self.account.channels.update(dict.fromkeys(request.command.channels))
        self._note_arming(answered)
        if channel in self.account.in_force:
            return ()
        self.account.in_force.add(channel)
        self._retries.pop(channel, None)
        if channel is Channel.FILLS and self._in_use and self.account.fills.has_baseline:
            self.account.fills.hold()
            self._catching_up = self.start(self._catch_up_fills(), patience=self.account.patience)
        return ()

    def _catch_up_fills(self) -> Procedure:
        """Deliver what was traded while the channel was not in force, then the fills that were held back meanwhile.

        If the history cannot be read, live fills do not wait for it any longer; it is read later.
        """
        try:
            unread = yield from attempt(self.account, "missed fills", lambda: missed_fills(self.account))
            if unread is None:
                self._fills_retry = None
            else:
                self._fills_retry = self._fills_retry or Retry(self.clock)
                self._fills_retry.later(unread)
        finally:
            held = self.account.fills.release()
            self.account.missed += [Event(Channel.FILLS, None, fill) for fill in held]

    def _unsubscribed(self, message: Unsubscribed, answered: Sequence[Answer]) -> Iterable[Event]:
        channel = Channel(message.channel)
        self.account.in_force.discard(channel)
        for request, _ in answered:
            for each in request.command.channels:
                self.account.channels.pop(each, None)
                if each is Channel.FILLS:
                    self.account.fills.drop_baseline()
                elif each is Channel.POSITIONS:
                    self.account.forget_positions()
        return ()

    def _open_orders(self, page: OpenOrders, answered: Sequence[Answer]) -> Iterable[Event]:
        asked_at = min((request.sent_at for request, _ in answered), default=0.0)
        events: list[Event] = []
        for order in page.orders:
            is_known = order.order_id in self.account.orders
            if self.account.take_order(order, asked_at=asked_at) and is_known:
                events += self._order_event(order, True)
        self.account.note_twaps(page.twaps)
        for request, _ in answered:
            if type(request.command) is c.GetUserOrders:
                self._note_absent(request, page)
        return events

    def _note_absent(self, request: Request, page: OpenOrders) -> None:
        """Question the orders that a complete list, read by a caller, does not have."""
        command: Any = request.command
        if command.offset or page.unread or len(page.orders) >= (command.limit or PAGE):
            return
        listed = {order.order_id for order in page.orders}
        for order_id, order in self.account.orders.live.items():
            if order_id in listed or command.symbol not in (None, order.symbol):
                continue
            if self.account.orders.updated_at(order_id) < request.sent_at:
                self.account.question(order_id, "it is not in the list of live orders")

    def _note_arming(self, answered: Sequence[Answer]) -> None:
        for request, _ in answered:
            if type(request.command) is c.SetCancelOnDisconnect and not isinstance(request, Step):
                self.account.cancel_on_disconnect = request.command.enabled

    def _failure(self, failure: Failure, answered: Sequence[Answer]) -> Iterable[Event]:
        error = api_error(failure)
        if isinstance(error, RateLimited):
            bucket = SPECS[type(answered[0][0].command)].bucket if answered else None
            self.throttled.append((bucket, error.retry_after))
        for request, _ in answered:
            if isinstance(request.command, _ABOUT_AN_ORDER):
                self.account.question(
                    request.command.order_id, f"a {request.command.type} was refused: {error}"
                )
            if type(request.command) is c.ModifyOrder:
                self._settle_first_half(request.command.order_id, applies=True)
        if any(not request.given_up for request, _ in answered):
            return ()
        return (error_event("exchange", str(error), str(failure.echo or ""), error),)

    def _undecodable(self, message: Undecodable, answered: Sequence[Answer]) -> Iterable[Event]:
        for request, _ in answered:
            self._question_outcome(request)
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
    Failure: TradeConnection._failure,
    Subscribed: TradeConnection._subscribed,
    Unsubscribed: TradeConnection._unsubscribed,
    Undecodable: TradeConnection._undecodable,
}

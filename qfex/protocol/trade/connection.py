"""The pure side of one connection to the trade gateway: its requests, its procedures, and what its messages change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from itertools import chain
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from ...credentials import Credentials, HmacCredentials, Proof
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
from .orders import completed
from .reconcile import Retry, catch_up_fills, note_absent, reconcile, restore_channel, resync
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
        self.proof: Proof = Proof(credentials)
        self._account_id = account_id
        self._now = now
        self.clock_offset = 0.0
        self.connected_before = False
        self.account = AccountState(clock)

    def address(self) -> tuple[str, dict[str, str]]:
        """URL and headers of the next connection: the key in the query, as documented; a token never in a URL."""
        credentials = self.proof.renew()
        if not isinstance(credentials, HmacCredentials):
            return self._url, credentials.headers(self._now)
        parts = urlsplit(self._url)
        query = f"{parts.query}&" if parts.query else ""
        query += f"api_key={quote(credentials.public_key, safe='')}"
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

    def authentication(self) -> c.Authenticate:
        """A proof of who the caller is, good for one connection."""
        return c.Authenticate(
            self.proof.current.auth_params(lambda: self._now() + self.clock_offset), self._account_id
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
        self._fills_retry = Retry(clock)
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
            yield [self._endpoint.authentication()]
            self._endpoint.proof.accepted()
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
        for request in self._in_flight(ended.order_id, c.CancelStopOrder):
            self.table.remove(request)
            self._late_answers.append((request, None))

    def _in_flight(self, order_id: str, *kinds: type[Command]) -> list[Request]:
        """The requests of some kinds about an order that somebody waits for."""
        filed = self.table.filed.get(order_id, ())
        return [each for each in filed if isinstance(each.command, kinds) and not each.given_up]

    @property
    def has_work(self) -> bool:
        """Whether `work` may have something to do."""
        account, questions = self.account, self.account.questions
        is_due = (questions.by_order_id or questions.wants_list) and questions.are_due
        return bool(self._runs or account.missed or self._first_halves or is_due)

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
        self._settle_first_halves()
        self._restore_subscriptions()
        if self._fills_retry.is_needed and self._fills_retry.is_due and self._is_over(self._catching_up):
            self._catch_up_fills()
        if self.account.questions.are_due and self._is_over(self._reconciling):
            procedure = reconcile(self.account, self.clock)
            self._reconciling = self.start(procedure, patience=self.account.patience)

    @staticmethod
    def _is_over(run: ProcedureRun | None) -> bool:
        return run is None or run.done

    def _restore_subscriptions(self) -> None:
        """Ask for the wanted channels that are not in force, each on its own."""
        if len(self.account.in_force) >= len(self.account.channels):
            return
        # Behind an unsubscribe that is in flight, a channel would be restored that nobody wants any more.
        leaving = [each.command.channels for each in self.table if type(each.command) is c.Unsubscribe]
        for channel in (each for each in self.account.channels if each not in chain(*leaving)):
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
            ):  # its outcome was noted then, and a late reply may have made it known since
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
            self.account.identify_order(order)
            return ()
        if order.status.is_rejection:
            self.account.question(order.order_id, f"a refusal ({order.status}) answers no request")
        changed = self.account.take_order(order)
        self.account.question_unlinked(order)
        return self._order_event(order, changed)

    def _order_as_answer(self, order: Order, answered: Sequence[Answer]) -> Iterable[Event]:
        asked_at = None
        if all(type(request.command) is c.GetOrder for request, _ in answered) and self._is_first_half(order):
            self._first_halves[order.order_id] = order
            return ()
        for request, outcome in answered:
            asked_at = request.sent_at if type(request.command) is c.GetOrder else asked_at
            order = outcome if isinstance(outcome, Order) else order  # completed by what was sent
            if isinstance(outcome, Order) and isinstance(request.command, (c.ModifyOrder, c.ModifyStopOrder)):
                self.account.question_overtaken(order, request.sent_at)
            if type(request.command) is c.ModifyOrder:
                refused = isinstance(outcome, Exception)
                half = self._settle_first_half(request.command.order_id, applies=refused)
                order = order if half is None or refused else completed(order, half)
        rejects = self._note_refusal(order, answered) if order.status.is_rejection else None
        changed = self.account.take_order(order, rejects, asked_at)
        self.account.question_unlinked(order)
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
    # with a modify in flight waits for the answer to the modify, and one that another session may have modified waits until
    # it is known which order that was.

    def _is_first_half(self, order: Order) -> bool:
        if not order.status.is_cancellation or self.table.filed.get("cancel_all_orders"):
            return False
        return bool(self._in_flight(order.order_id, c.ModifyOrder)) or self.account.orders.may_be_replaced(
            order
        )

    def _settle_first_half(self, order_id: str, *, applies: bool) -> Order | None:
        order = self._first_halves.pop(order_id, None)
        if order is not None and applies and self.account.orders.current_id(order_id) == order_id:
            self.account.take_order(order)
            self.account.missed.append(Event(Channel.ORDERS, None, order))
        return order

    def _settle_first_halves(self) -> None:
        for order in list(self._first_halves.values()):
            if not self._is_first_half(order):
                self._settle_first_half(order.order_id, applies=True)

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
        changing = self._in_flight(stop.stop_order_id, c.CancelStopOrder, c.ModifyStopOrder)
        for request in [] if answered else changing:
            request.collected[stop.stop_order_id] = stop
            self.account.question(stop.stop_order_id, "a message only names the stop", _ACK_GRACE)
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
            self._catch_up_fills()
        return ()

    def _catch_up_fills(self) -> None:
        procedure = catch_up_fills(self.account, self._fills_retry)
        self._catching_up = self.start(procedure, patience=self.account.patience)

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
                note_absent(self.account, request, page)
        return events

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

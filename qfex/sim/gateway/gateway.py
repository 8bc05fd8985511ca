"""The trade gateway: every connection's commands to the engine, each event to whom it concerns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..engine import Filled, OrderChanged, StopChanged, TwapChanged
from . import intake, payloads
from .ledger import Ledger, Received
from .session import CloseRequest, Frame, TradeSession
from .subscriptions import Subscriptions
from .wire import encode

if TYPE_CHECKING:
    from ..engine import Event, Exchange
    from .accounts import Accounts
    from .clock import Clock
    from .commands import Params
    from .dialect import Dialect, Message
    from .rate_limit import RateLimiter

PULSE = 1.0
AUTHENTICATION_DEADLINE = 60.0
_POLICY_VIOLATION = 1008
_STOPS = ("TAKE_PROFIT", "STOP_LOSS")


class TradeGateway:
    """Everything between the engine and the frames of the trade sockets.

    Parameters
    ----------
    exchange : Exchange
        The engine.
    clock : Clock
        Pulses and the authentication deadline run on it.
    accounts : Accounts
        Checks who connects.
    dialect : Dialect
        How things are said.
    limiter : RateLimiter
        The message budgets.
    ledger : Ledger
        Where what happens is written down.

    Attributes
    ----------
    sessions : dict of TradeSession
        The open connections, oldest first.
    waiting : set of TradeSession
        Those with something to send.
    next_number : int
        What the next connection will be called.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        accounts: Accounts,
        dialect: Dialect,
        limiter: RateLimiter,
        ledger: Ledger,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.accounts = accounts
        self.dialect = dialect
        self.limiter = limiter
        self.ledger = ledger
        self.subscriptions = Subscriptions()
        self.sessions: dict[TradeSession, None] = {}
        self.waiting: set[TradeSession] = set()
        self.next_number = 1
        self._command = ""
        self._awaits_twap: TradeSession | None = None
        self._reactions: dict[type, Callable[[Any], None]] = {
            OrderChanged: self._order_changed,
            Filled: self._filled,
            StopChanged: self._stop_changed,
            TwapChanged: self._twap_changed,
        }
        exchange.listen(self._react)
        clock.every(PULSE, self.pulse)

    def connect(self) -> TradeSession:
        """Open a connection; it has a minute to authenticate."""
        session = TradeSession(self, self.next_number)
        self.next_number += 1
        self.sessions[session] = None
        session.deadline = self.clock.after(AUTHENTICATION_DEADLINE, lambda: self._show_the_door(session))
        return session

    def disconnect(self, session: TradeSession) -> None:
        """Forget a connection; one with cancel-on-disconnect takes the account's open orders with it."""
        if session not in self.sessions:
            return
        del self.sessions[session]
        session.take()
        if session.identity is None:
            session.deadline.cancel()
            return
        for channel in session.channels:
            self.subscriptions.remove(session.account_id, channel, session)
        if session.cancel_on_disconnect:
            self.exchange.cancel_all_orders(session.account_id)

    def receive(self, session: TradeSession, text: str) -> None:
        """Handle one message of a connection. Its frames wait in `drain`."""
        self.ledger.frames_in += 1
        try:
            intake.receive(self, session, text)
        finally:
            self._command, session.command, self._awaits_twap = "", None, None

    def note(self, session: TradeSession, request: intake.Request) -> None:
        """Write an understood command down before it is judged, and know it as the cause of what follows."""
        name = request.name or ""
        self._command = session.command = name
        params = {} if name == "auth" else request.message["params"]
        self.ledger.received.append(Received(self.clock.now, session.id, session.acting_for, name, params))

    def drain(self) -> list[tuple[TradeSession, list[Frame]]]:
        """Return what each connection is to be sent."""
        return [(session, session.take()) for session in list(self.waiting)]

    def publish(self, account_id: str, channel: str, message: Message) -> None:
        """Tell the account's connections that listen to the channel."""
        kind, data = next(iter(message)), encode(message)
        for session in self.subscriptions.of(account_id, channel):
            session.put(kind, data)

    def acknowledge(self, session: TradeSession, params: Params) -> None:
        """Confirm the command being handled, where the dialect does."""
        message = self.dialect.acknowledgement(self._command, params)
        if message is not None:
            session.tell(message)

    def expect_twap(self, session: TradeSession) -> None:
        """Answer this connection with the next TWAP as soon as it exists, before its first child is sent."""
        self._awaits_twap = session

    def pulse(self) -> None:
        """Tell positions and balances to whom they concern."""
        for account_id in self.subscriptions.accounts("positions"):
            for message in self.positions(account_id):
                self.publish(account_id, "positions", message)
        for account_id in self.subscriptions.accounts("balances"):
            self.publish(account_id, "balances", self.balance(account_id))

    def positions(self, account_id: str) -> list[Message]:
        """Return the account's positions, one message for each symbol."""
        return [{"position_response": payloads.position(row)} for row in self.exchange.positions(account_id)]

    def balance(self, account_id: str) -> Message:
        """Return the account's balance as a message."""
        return {"balance_response": payloads.balance(self.exchange.balance(account_id))}

    def _react(self, event: Event) -> None:
        reaction = self._reactions.get(type(event))
        if reaction is not None:
            reaction(event)

    def _order_changed(self, event: OrderChanged) -> None:
        row = event.order
        self.ledger.changes.append(row)
        if not self.dialect.announces(row):
            return
        accepted = row.status in ("CANCELLED", "MODIFIED")
        if row.order_type in _STOPS and accepted and not self.dialect.reports_stop(self._command):
            return
        if self.subscriptions.of(event.account_id, "order_responses"):
            self.publish(event.account_id, "order_responses", {"order_response": self.dialect.order(row)})

    def _filled(self, event: Filled) -> None:
        self.ledger.fills.append(event.fill)
        if self.subscriptions.of(event.account_id, "fills"):
            self.publish(event.account_id, "fills", {"fill_response": payloads.fill(event.fill)})

    def _stop_changed(self, event: StopChanged) -> None:
        self.publish(event.account_id, "stop_orders", {"stop_order_response": payloads.stop(event.stop)})

    def _twap_changed(self, event: TwapChanged) -> None:
        session, self._awaits_twap = self._awaits_twap, None
        if session is not None:
            session.tell({"twap_response": payloads.twap(event.twap)})

    def _show_the_door(self, session: TradeSession) -> None:
        session.closing = CloseRequest(_POLICY_VIOLATION, "not authenticated within a minute")
        self.waiting.add(session)

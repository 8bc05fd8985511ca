"""The trade gateway: passes the commands of all connections to the engine and publishes the engine's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..engine import Filled, OrderChanged, StopChanged, TwapChanged
from . import payloads
from .context import CommandContext
from .message_handler import MessageHandler
from .session import CloseRequest, OutboundMessage, Subscriptions, TradeSession
from .wire import encode

if TYPE_CHECKING:
    from ..engine import Event, Exchange
    from .accounts import Accounts
    from .audit import AuditTrail
    from .clock import Clock
    from .dialects import Dialect
    from .payloads import Message
    from .rate_limit import RateLimiter

PUBLISH_PERIOD = 1.0
AUTHENTICATION_DEADLINE = 60.0
_POLICY_VIOLATION = 1008
_STOPS = ("TAKE_PROFIT", "STOP_LOSS")


class TradeGateway:
    """Everything between the engine and the messages of the trade sockets.

    Parameters
    ----------
    exchange : Exchange
        The engine.
    clock : Clock
        Runs the periodic publications and the authentication deadlines.
    accounts : Accounts
        Checks credentials.
    dialect : Dialect
        Writes the messages in which documentation and observed behaviour differ.
    limiter : RateLimiter
        The message budgets.
    audit : AuditTrail
        Records what happens.

    Attributes
    ----------
    sessions : dict of TradeSession to CommandContext
        The open connections, oldest first.
    subscriptions : Subscriptions
        The subscribers of every channel.
    next_number : int
        The number of the next connection.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        accounts: Accounts,
        dialect: Dialect,
        limiter: RateLimiter,
        audit: AuditTrail,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.accounts = accounts
        self.dialect = dialect
        self.audit = audit
        self.subscriptions = Subscriptions()
        self.sessions: dict[TradeSession, CommandContext] = {}
        self.next_number = 1
        self._handler = MessageHandler(limiter)
        self._waiting: set[TradeSession] = set()
        self._active: TradeSession | None = None
        self._reactions: dict[type, Callable[[Any], None]] = {
            OrderChanged: self._order_changed,
            Filled: self._filled,
            StopChanged: self._stop_changed,
            TwapChanged: self._twap_changed,
        }
        exchange.listen(self._react)
        clock.every(PUBLISH_PERIOD, self._publish_accounts)

    def connect(self) -> TradeSession:
        """Open a connection; it has a minute to authenticate."""
        session = TradeSession(self.next_number, self._waiting.add)
        self.next_number += 1
        self.sessions[session] = CommandContext(
            session, self.exchange, self.accounts, self.subscriptions, self.dialect, self.audit
        )
        session.deadline = self.clock.after(
            AUTHENTICATION_DEADLINE, lambda: self._close_unauthenticated(session)
        )
        return session

    def disconnect(self, session: TradeSession) -> None:
        """Forget a connection and apply its cancel-on-disconnect flag; a second time changes nothing."""
        if self.sessions.pop(session, None) is None:
            return
        self.take(session)
        if session.identity is None:
            session.deadline.cancel()
            return
        for channel in session.channels:
            self.subscriptions.remove(session.account_id, channel, session)
        if session.cancel_on_disconnect:
            self.exchange.cancel_all_orders(session.account_id)

    def receive(self, session: TradeSession, text: str) -> list[OutboundMessage]:
        """Handle one message of an open connection and return what that connection is to be sent.

        Messages for other connections wait for `drain`.
        """
        self.audit.frames_in += 1
        self._active = session
        try:
            self._handler.handle(self.sessions[session], text)
        finally:
            self._active, session.command, session.awaits_twap = None, None, False
        return self.take(session)

    def take(self, session: TradeSession) -> list[OutboundMessage]:
        """Return what one connection is to be sent."""
        self._waiting.discard(session)
        return session.take()

    def drain(self) -> list[tuple[TradeSession, list[OutboundMessage]]]:
        """Return what each connection is to be sent."""
        return [(session, self.take(session)) for session in list(self._waiting)]

    def _publish(self, account_id: str, channel: str, message: Message) -> None:
        """Send a message to the account's subscribers of a channel."""
        encoded = OutboundMessage(next(iter(message)), encode(message))
        for session in self.subscriptions.of(account_id, channel):
            session.queue_encoded(encoded)

    def _publish_accounts(self) -> None:
        """Send positions and balances to their subscribers."""
        for account_id in self.subscriptions.accounts("positions"):
            for message in payloads.position_messages(self.exchange, account_id):
                self._publish(account_id, "positions", message)
        for account_id in self.subscriptions.accounts("balances"):
            self._publish(account_id, "balances", payloads.balance_message(self.exchange, account_id))

    def _react(self, event: Event) -> None:
        reaction = self._reactions.get(type(event))
        if reaction is not None:
            reaction(event)

    def _order_changed(self, event: OrderChanged) -> None:
        row = event.order
        self.audit.changes.append(row)
        if not self.dialect.announces(row):
            return
        command = None if self._active is None else self._active.command
        accepted = row.status in ("CANCELLED", "MODIFIED")
        if row.order_type in _STOPS and accepted and not self.dialect.reports_stop(command):
            return
        if self.subscriptions.of(event.account_id, "order_responses"):
            self._publish(event.account_id, "order_responses", {"order_response": self.dialect.order(row)})

    def _filled(self, event: Filled) -> None:
        self.audit.fills.append(event.fill)
        if self.subscriptions.of(event.account_id, "fills"):
            self._publish(event.account_id, "fills", {"fill_response": payloads.fill(event.fill)})

    def _stop_changed(self, event: StopChanged) -> None:
        self._publish(event.account_id, "stop_orders", {"stop_order_response": payloads.stop(event.stop)})

    def _twap_changed(self, event: TwapChanged) -> None:
        session = self._active
        if session is not None and session.awaits_twap:
            session.awaits_twap = False
            session.queue({"twap_response": payloads.twap(event.twap)})

    def _close_unauthenticated(self, session: TradeSession) -> None:
        session.closing = CloseRequest(_POLICY_VIOLATION, "not authenticated within a minute")
        self._waiting.add(session)

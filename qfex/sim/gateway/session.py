"""The state of the connections to the trade gateway: who they are, what they subscribed to, what they will be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from .wire import encode

if TYPE_CHECKING:
    from .accounts import Identity
    from .clock import ScheduledAction
    from .payloads import Message


class OutboundMessage(NamedTuple):
    """An encoded message that waits to be sent.

    Attributes
    ----------
    kind : str
        Its top-level key, such as ``"order_response"``.
    data : bytes
        Its JSON.
    """

    kind: str
    data: bytes


class CloseRequest(NamedTuple):
    """The code and reason with which the gateway wants a connection closed."""

    code: int
    reason: str


class TradeSession:
    """The state of one connection.

    Parameters
    ----------
    number : int
        The connection's number, counted from 1.
    on_output : callable
        Called with the session whenever a message has been queued.

    Attributes
    ----------
    id : int
        The connection's number.
    identity : Identity or None
        Who authenticated on it; None before that.
    channels : set of str
        The channels it subscribed to.
    cancel_on_disconnect : bool
        Whether the end of this connection cancels the account's open orders.
    command : str or None
        The command that is being handled, if any.
    awaits_twap : bool
        Whether the command that is being handled is to be answered by the next TWAP event.
    deadline : ScheduledAction
        Closes the connection if it does not authenticate in time.
    closing : CloseRequest or None
        Set when the connection is to be closed once its queued messages have been sent.
    """

    def __init__(self, number: int, on_output: Callable[[TradeSession], object]) -> None:
        self.id = number
        self.identity: Identity | None = None
        self.channels: set[str] = set()
        self.cancel_on_disconnect = False
        self.command: str | None = None
        self.awaits_twap = False
        self.closing: CloseRequest | None = None
        self.deadline: ScheduledAction
        self._on_output = on_output
        self._outbox: list[OutboundMessage] = []

    @property
    def acting_for(self) -> str | None:
        """The account that the connection acts for; None before authentication."""
        return None if self.identity is None else self.identity.account_id

    @property
    def account_id(self) -> str:
        """The account that an authenticated connection acts for."""
        assert self.identity is not None
        return self.identity.account_id

    def take(self) -> list[OutboundMessage]:
        """Return the queued messages and empty the queue."""
        messages, self._outbox = self._outbox, []
        return messages

    def queue(self, message: Message) -> None:
        """Queue a message for this connection."""
        self.queue_encoded(OutboundMessage(next(iter(message)), encode(message)))

    def queue_encoded(self, message: OutboundMessage) -> None:
        """Queue an encoded message for this connection."""
        self._outbox.append(message)
        self._on_output(self)


class Subscriptions:
    """The subscribed connections by account and channel."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], dict[TradeSession, None]] = {}

    def add(self, account_id: str, channel: str, session: TradeSession) -> None:
        """Subscribe a connection; a second time changes nothing."""
        self._sessions.setdefault((account_id, channel), {})[session] = None

    def remove(self, account_id: str, channel: str, session: TradeSession) -> None:
        """Unsubscribe a connection; a second time changes nothing."""
        subscribers = self._sessions.get((account_id, channel), {})
        subscribers.pop(session, None)
        if not subscribers:
            self._sessions.pop((account_id, channel), None)

    def of(self, account_id: str, channel: str) -> Iterable[TradeSession]:
        """Return the subscribed connections in the order in which they subscribed."""
        return self._sessions.get((account_id, channel), ())

    def accounts(self, channel: str) -> list[str]:
        """Return the accounts that have a connection subscribed to the channel."""
        return [account_id for account_id, name in self._sessions if name == channel]

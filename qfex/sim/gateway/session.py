"""One connection to the trade gateway: its state, and what is to be sent on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .wire import encode

if TYPE_CHECKING:
    from .accounts import Identity
    from .clock import Timer
    from .dialect import Message
    from .gateway import TradeGateway


class Frame(NamedTuple):
    """A message on its way out.

    Attributes
    ----------
    kind : str
        The top-level key that tells what it is.
    data : bytes
        Its JSON.
    command : str or None
        On the connection that sent a command: that command, while its effects are told.
    """

    kind: str
    data: bytes
    command: str | None = None


class CloseRequest(NamedTuple):
    """The gateway's wish that the connection ends."""

    code: int
    reason: str


class TradeSession:
    """The state machine of one connection. `feed` is its way in, `take` its way out.

    Attributes
    ----------
    id : int
        Its number, counted from 1.
    identity : Identity or None
        Who it authenticated as.
    channels : set of str
        What it subscribed to.
    cancel_on_disconnect : bool
        Whether the end of this connection cancels the account's open orders.
    command : str or None
        The command being handled.
    deadline : Timer
        Closes the connection unless it authenticates before.
    closing : CloseRequest or None
        Set when the connection is to be closed after what is in the outbox.
    """

    def __init__(self, gateway: TradeGateway, number: int) -> None:
        self.id = number
        self.identity: Identity | None = None
        self.channels: set[str] = set()
        self.cancel_on_disconnect = False
        self.command: str | None = None
        self.closing: CloseRequest | None = None
        self.deadline: Timer
        self._gateway = gateway
        self._outbox: list[Frame] = []

    @property
    def acting_for(self) -> str | None:
        """The account that the connection acts for, None before authentication."""
        return None if self.identity is None else self.identity.account_id

    @property
    def account_id(self) -> str:
        """The account that an authenticated connection acts for."""
        assert self.identity is not None
        return self.identity.account_id

    def feed(self, text: str) -> list[Frame]:
        """Handle one message and return what this connection is to be sent because of it.

        Other connections' frames wait in the gateway: see `TradeGateway.drain`.
        """
        self._gateway.receive(self, text)
        return self.take()

    def take(self) -> list[Frame]:
        """Return and forget what is to be sent."""
        frames, self._outbox = self._outbox, []
        self._gateway.waiting.discard(self)
        return frames

    def tell(self, message: Message) -> None:
        """Queue a message for this connection."""
        self.put(next(iter(message)), encode(message))

    def put(self, kind: str, data: bytes) -> None:
        """Queue an encoded message for this connection."""
        self._outbox.append(Frame(kind, data, self.command))
        self._gateway.waiting.add(self)

    def end(self) -> None:
        """Tell the gateway that the connection is gone, however it went; the second time nothing happens."""
        self._gateway.disconnect(self)

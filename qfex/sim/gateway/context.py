"""The context of a command handler: one connection, and the parts of the exchange that commands use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine import Exchange
    from .accounts import Accounts
    from .audit import AuditTrail
    from .commands import Params
    from .dialects import Dialect
    from .payloads import Message
    from .session import Subscriptions, TradeSession


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One connection's access to the exchange; every connection has one from its start to its end.

    Attributes
    ----------
    session : TradeSession
        The connection.
    exchange : Exchange
        The engine, whose ``now`` is the simulated time.
    accounts : Accounts
        Checks credentials.
    subscriptions : Subscriptions
        The subscribers of every channel.
    dialect : Dialect
        Writes the messages in which documentation and observed behaviour differ.
    audit : AuditTrail
        Records what happens.
    """

    session: TradeSession
    exchange: Exchange
    accounts: Accounts
    subscriptions: Subscriptions
    dialect: Dialect
    audit: AuditTrail

    @property
    def account_id(self) -> str:
        """The account that the authenticated connection acts for."""
        return self.session.account_id

    def reply(self, message: Message) -> None:
        """Send a message on this connection."""
        self.session.queue(message)

    def acknowledge(self, params: Params) -> None:
        """Confirm the current command, if the dialect confirms it at all."""
        message = self.dialect.acknowledgement(self.session.command or "", params)
        if message is not None:
            self.reply(message)

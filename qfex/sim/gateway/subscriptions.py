"""Which connections of which account listen to which channel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import TradeSession


class Subscriptions:
    """Connections by account and channel."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], dict[TradeSession, None]] = {}

    def add(self, account_id: str, channel: str, session: TradeSession) -> None:
        """Let the connection listen; doing it twice changes nothing."""
        self._sessions.setdefault((account_id, channel), {})[session] = None

    def remove(self, account_id: str, channel: str, session: TradeSession) -> None:
        """Stop listening; doing it twice changes nothing."""
        listeners = self._sessions.get((account_id, channel), {})
        listeners.pop(session, None)
        if not listeners:
            self._sessions.pop((account_id, channel), None)

    def of(self, account_id: str, channel: str) -> Iterable[TradeSession]:
        """Return the listening connections, in the order in which they subscribed."""
        return self._sessions.get((account_id, channel), ())

    def accounts(self, channel: str) -> list[str]:
        """Return the accounts with a connection that listens to the channel."""
        return [account_id for account_id, name in self._sessions if name == channel]

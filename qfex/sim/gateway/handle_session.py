"""Commands about the connection itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine import Refused
from .accounts import AuthenticationRefused, Identity

if TYPE_CHECKING:
    from .commands import Auth, CancelOnDisconnect, Channels
    from .gateway import TradeGateway
    from .session import TradeSession


def auth(gateway: TradeGateway, session: TradeSession, params: Auth) -> None:
    """Check who is there. A refusal leaves the connection open, its deadline running."""
    if session.identity is not None:
        raise Refused("AlreadyAuthenticated", "this connection is authenticated already")
    try:
        session.identity = _identify(gateway, params)
    except AuthenticationRefused as refusal:
        gateway.ledger.authentication_failures.append(str(refusal))
        session.tell(gateway.dialect.authenticated(False))
    else:
        session.deadline.cancel()
        session.tell(gateway.dialect.authenticated(True))


def _identify(gateway: TradeGateway, params: Auth) -> Identity:
    if params.jwt is not None:
        return gateway.accounts.authenticate_token(params.jwt, params.account_id)
    proof = params.hmac
    assert proof is not None  # the schema wants exactly one of the two
    return gateway.accounts.authenticate_hmac(
        proof.public_key, proof.nonce, proof.unix_ts, proof.signature, params.account_id
    )


def subscribe(gateway: TradeGateway, session: TradeSession, params: Channels) -> None:
    """Confirm each channel by a frame of its own, then send what it starts with."""
    for channel in params.channels:
        if channel == "leaderboard" and channel in session.channels:
            raise Refused("AlreadySubscribedToLeaderboard", "already subscribed to leaderboard")
        session.channels.add(channel)
        gateway.subscriptions.add(session.account_id, channel, session)
        session.tell({"subscribed": channel})
        for message in _snapshot(gateway, session.account_id, channel):
            session.tell(message)


def _snapshot(gateway: TradeGateway, account_id: str, channel: str) -> list[dict[str, object]]:
    """Return the first values of a pulsed channel; the event-driven ones send none."""
    if channel == "positions":
        return gateway.positions(account_id)
    return [gateway.balance(account_id)] if channel == "balances" else []


def unsubscribe(gateway: TradeGateway, session: TradeSession, params: Channels) -> None:
    """Confirm each channel by a frame of its own, whether it was subscribed or not."""
    for channel in params.channels:
        session.channels.discard(channel)
        gateway.subscriptions.remove(session.account_id, channel, session)
        session.tell({"unsubscribed": channel})


def cancel_on_disconnect(gateway: TradeGateway, session: TradeSession, params: CancelOnDisconnect) -> None:
    """Set the flag of this connection."""
    session.cancel_on_disconnect = params.cancel_on_disconnect
    gateway.acknowledge(session, params)

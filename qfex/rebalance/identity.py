"""Names that must come out the same after a crash: of accounts, periods, runs and orders."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timezone

from ..credentials import Credentials, HmacCredentials
from ..environment import Environment

_PREFIX_LENGTH, _ID_LENGTH = 8, 32  # hex digits; 32 is the length that the exchange's own clients use


def account_scope(environment: Environment, credentials: Credentials, account_id: str | None) -> str:
    """A name for one account of one exchange. It gives nothing away about the credentials."""
    owner = (
        credentials.public_key if isinstance(credentials, HmacCredentials) else _subject(credentials.token)
    )
    return _digest(environment.trade_url, owner, account_id or "")[:16]


def _subject(token: str) -> str:
    """The user of a JSON Web Token: tokens change, their user does not."""
    try:
        claims = token.split(".")[1]
        decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return str(decoded["sub"])
    except (IndexError, KeyError, TypeError, ValueError):
        return token


def period_label(period: str, now: datetime) -> str:
    """Name the period that a moment falls in, by UTC."""
    moment = now.astimezone(timezone.utc)
    if period == "week":
        year, week, _ = moment.isocalendar()
        return f"{year}-W{week:02}"
    formats = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m", "once": "once"}
    return moment.strftime(formats[period])


def client_id_prefix(scope: str) -> str:
    """What all client ids of an account's rebalancer begin with."""
    return _digest("rebalance", scope)[:_PREFIX_LENGTH]


def client_id(scope: str, run_key: str, step: str) -> str:
    """The client id of one step of one run."""
    return client_id_prefix(scope) + _digest(scope, run_key, step)[: _ID_LENGTH - _PREFIX_LENGTH]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

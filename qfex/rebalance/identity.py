"""Names of accounts, periods and orders, which must be the same after a crash."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timezone, tzinfo

from ..credentials import Credentials, HmacCredentials
from ..environment import Environment
from ..errors import ValidationError

_PREFIX_LENGTH, _ID_LENGTH = 8, 32  # hex digits; the exchange's own clients use 32


def account_scope(environment: Environment, credentials: Credentials, account_id: str | None) -> str:
    """Return a name for one account of one exchange, which does not reveal the credentials."""
    owner = (
        credentials.public_key
        if isinstance(credentials, HmacCredentials)
        else _subject(credentials.current_token())
    )
    return _digest(environment.trade_url, owner, account_id or "")[:16]


def _subject(token: str) -> str:
    """Return the user of a JSON Web Token, since the token itself changes over time."""
    try:
        claims = token.split(".")[1]
        decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return str(decoded["sub"])
    except (IndexError, KeyError, TypeError, ValueError):
        return token


def period_label(period: str, now: datetime, zone: tzinfo | None = timezone.utc) -> str:
    """Return the name of the period that contains a moment, in a time zone, or in that of the moment if it is None.

    Raises
    ------
    ValidationError
        If the moment has no time zone.
    """
    if now.tzinfo is None or now.utcoffset() is None:
        raise ValidationError("now", now, "must be a datetime with a time zone")
    moment = now if zone is None else now.astimezone(zone)
    if period == "week":
        year, week, _ = moment.isocalendar()
        return f"{year}-W{week:02}"
    # The offset tells the two hours apart that have the same name when the clocks go back.
    hour = "%Y-%m-%dT%H" if not moment.utcoffset() else "%Y-%m-%dT%H%z"
    formats = {"hour": hour, "day": "%Y-%m-%d", "month": "%Y-%m", "once": "once"}
    return moment.strftime(formats[period])


def client_id_prefix(scope: str) -> str:
    """Return the prefix of all client ids of an account's rebalancer."""
    return _digest("rebalance", scope)[:_PREFIX_LENGTH]


def client_id(scope: str, run_key: str, step: str) -> str:
    """Return the client id of one step of one run."""
    return client_id_prefix(scope) + _digest(scope, run_key, step)[: _ID_LENGTH - _PREFIX_LENGTH]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

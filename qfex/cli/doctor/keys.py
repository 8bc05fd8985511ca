"""Are there credentials, does the exchange take them, and what may they do?"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from uuid import uuid4

from ...credentials import JwtCredentials
from ...errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    KycRequired,
    OrderRejected,
    PermissionDenied,
    QfexError,
    RestError,
    TncRequired,
)
from ..context import App
from .finding import Finding, broken, fine, skipped, warning

_NEW_KEYS = "make a key pair on the exchange's web page, for this environment, and set it again"


def check_keys(app: App) -> Iterator[Finding]:
    """Look at the credentials and at what they may do."""
    try:
        found = app.found
    except ConfigurationError as error:
        yield broken("credentials", error, "see the places in `qfex-sync --help`")
        yield skipped("authentication", "no credentials")
        return
    yield fine("credentials", f"from {found.source}")
    if isinstance(found.credentials, JwtCredentials):
        yield _token(found.credentials.token)
    yield from _authentication(app)


def _token(token: str) -> Finding:
    try:
        claims = token.split(".")[1]
        left = (
            float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
            - time.time()
        )
    except (IndexError, KeyError, TypeError, ValueError):
        return warning("token", "does not say when it expires", "prefer a key pair, which does not")
    if left <= 0:
        return broken(
            "token", f"expired {-left / 60:.0f} minutes ago", "log in again with the exchange's own tool"
        )
    return fine("token", f"expires in {left / 60:.0f} minutes")


def _authentication(app: App) -> Iterator[Finding]:
    try:
        client = app.trade
    except AuthenticationError as error:
        yield broken("authentication", error, _NEW_KEYS)
        return
    except QfexError as error:
        yield broken("authentication", error, "the keys could not be tried: mend the trade gateway first")
        return
    yield fine("authentication", f"account ready, {client.state.lower()}")
    yield _may_view(app)
    yield _may_trade(app)


def _may_view(app: App) -> Finding:
    try:
        equity = app.rest.balance().equity
    except RestError as error:
        return broken("permission to view", error, "give the key the permission to view the account")
    except QfexError as error:
        return broken("permission to view", error, "REST does not answer for the account")
    if equity <= 0:
        return warning("permission to view", f"equity is {equity:f}", "fund the account before trading")
    return fine("permission to view", f"equity {equity:f}")


def _may_trade(app: App) -> Finding:
    """Cancel an order that cannot exist: the exchange checks the permission first, and nothing changes."""
    symbol = next(iter(app.public_rest.instruments()), "AAPL-USD")
    check = "permission to trade"
    try:
        app.trade.cancel_order(str(uuid4()), symbol=symbol)
    except PermissionDenied as error:
        return broken(check, error, "give the key the permission to execute orders")
    except (KycRequired, TncRequired) as error:
        return broken(check, error, "finish it on the exchange's web page")
    except (OrderRejected, ApiError):
        return fine(check, "the key may execute orders")
    except QfexError as error:
        return warning(check, str(error), "not known; try again")
    return fine(check, "the key may execute orders")

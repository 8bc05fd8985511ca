"""Checks of this machine and account: what may prevent trading, and what to do about it."""

from __future__ import annotations

import base64
import json
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from enum import Enum
from importlib import metadata
from time import monotonic
from urllib.parse import urlsplit
from uuid import uuid4

import attrs
import requests
import websocket

from .._version import __version__
from ..credentials import JwtCredentials
from ..environment import Environment, require_safe_for_secrets
from ..errors import (
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
from ..http.requester import USER_AGENT
from .context import App


class Verdict(str, Enum):
    """The severity of a finding."""

    FINE = "fine"
    WARNING = "warning"
    BROKEN = "broken"
    SKIPPED = "skipped"

    __str__ = str.__str__


@attrs.frozen
class Finding:
    """The result of one check.

    Attributes
    ----------
    check : str
        What was checked.
    found : str
        What the check found.
    advice : str
        What to do about it, or ``""`` if nothing.
    """

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


def check_all(app: App) -> Iterator[Finding]:
    """Run all checks, each after those on which it depends."""
    yield from check_versions()
    try:
        environment = app.environment
        require_safe_for_secrets(environment.trade_url)
        require_safe_for_secrets(environment.rest_url)
    except ConfigurationError as error:
        yield _broken("environment", error, "correct QFEX_ENV and the QFEX_..._URL variables")
        return
    yield _fine("environment", app.env_name)
    yield from check_network(environment, app.settings.timeout)
    yield from check_credentials(app)


def _fine(check: str, found: str) -> Finding:
    return Finding(check, Verdict.FINE, found)


def _warning(check: str, found: str, advice: str) -> Finding:
    return Finding(check, Verdict.WARNING, found, advice)


def _broken(check: str, found: object, advice: str) -> Finding:
    return Finding(check, Verdict.BROKEN, str(found), advice)


# --- versions ------------------------------------------------------------------------------------------------

_OLDEST_PYTHON = (3, 10)
#: Distribution -> oldest supported version.
REQUIRED = {
    "websocket-client": "1.8",
    "attrs": "23.2",
    "cattrs": "23.2",
    "msgspec": "0.19",
    "requests": "2.31",
}
#: Distribution -> what needs it.
OPTIONAL = {"aiohttp": "the simulator (extra sim)", "matplotlib": "charts of rebalancings (extra charts)"}


def check_versions() -> Iterator[Finding]:
    """Check the versions of Python and of the libraries."""
    python = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        yield _broken("python", python, "install Python 3.10 or newer")
    else:
        yield _fine("python", f"{python}, qfex-sync {__version__}")
    for name, oldest in REQUIRED.items():
        yield _required(name, oldest)
    for name, purpose in OPTIONAL.items():
        if _version(name) is None:
            yield _warning(name, "not installed", f"needed for {purpose} only: pip install {name}")


def _required(name: str, oldest: str) -> Finding:
    version = _version(name)
    if version is None:
        return _broken(name, "not installed", f"pip install '{name}>={oldest}'")
    if _numbers(version) < _numbers(oldest):
        return _broken(name, f"{version} is older than {oldest}", f"pip install --upgrade '{name}>={oldest}'")
    return _fine(name, version)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


# --- network and clock ---------------------------------------------------------------------------------------

_SKEW_WARNING, _SKEW_BROKEN = 5.0, 60.0  # seconds
_NETWORK = "check network, proxy (HTTPS_PROXY, NO_PROXY) and firewall; is the exchange up? status.qfex.com"
_COMPARE = "compare the local clock by other means"


def check_network(environment: Environment, timeout: float) -> Iterator[Finding]:
    """Check that the REST API and both gateways can be reached, and that the clocks agree."""
    yield from _rest(environment.rest_url, timeout)
    yield _gateway("trade gateway", environment.trade_url, timeout)
    yield _gateway("market data gateway", environment.market_data_url, timeout)


def _rest(url: str, timeout: float) -> Iterator[Finding]:
    began = monotonic()
    try:
        answer = requests.get(f"{url}/refdata", headers={"User-Agent": USER_AGENT}, timeout=timeout)
    except requests.RequestException as error:
        yield _broken("REST", f"{_host(url)}: {type(error).__name__}", _NETWORK)
        return
    took = monotonic() - began
    if answer.status_code != requests.codes.ok:
        yield _broken("REST", f"{_host(url)} answers {answer.status_code}", _NETWORK)
    else:
        yield _fine("REST", f"{_host(url)} in {took * 1e3:.0f} ms")
    yield _clock(answer.headers.get("Date"), took)


def _clock(date: str | None, took: float) -> Finding:
    """Compare the local clock with a ``Date`` header that was received `took` seconds after its request."""
    if date is None:
        return _warning("clock", "the exchange sent no time", _COMPARE)
    try:
        theirs = (
            parsedate_to_datetime(date).timestamp() + 0.5
        )  # whole seconds: half a second later on average
    except ValueError:
        return _warning("clock", "the exchange's time is unreadable", _COMPARE)
    return judged_skew(time.time() - took / 2 - theirs)


def judged_skew(skew: float) -> Finding:
    """Return the finding for a local clock that is `skew` seconds ahead of the exchange's."""
    difference = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the exchange's"
    advice = "set the clock, whose time is part of every signature; turn on NTP (timedatectl set-ntp true)"
    if abs(skew) >= _SKEW_BROKEN:
        return _broken("clock", difference, advice)
    if abs(skew) >= _SKEW_WARNING:
        return _warning("clock", difference, advice)
    return _fine("clock", f"within {max(1.0, abs(skew)):.0f} s of the exchange's")


def _gateway(check: str, url: str, timeout: float) -> Finding:
    def connect() -> None:
        websocket.create_connection(url, timeout=timeout, header=[f"User-Agent: {USER_AGENT}"]).close()

    return _timed(check, url, connect)


def _timed(check: str, url: str, attempt: Callable[[], None]) -> Finding:
    began = monotonic()
    try:
        attempt()
    except (OSError, websocket.WebSocketException) as error:
        return _broken(check, f"{_host(url)}: {type(error).__name__}: {error}", _NETWORK)
    return _fine(check, f"{_host(url)} in {(monotonic() - began) * 1e3:.0f} ms")


def _host(url: str) -> str:
    return urlsplit(url).netloc


# --- credentials and permissions -----------------------------------------------------------------------------

_NEW_KEYS = "make a key pair for this environment on the exchange's web page, and configure it"


def check_credentials(app: App) -> Iterator[Finding]:
    """Check that there are credentials, that the exchange accepts them, and what they permit."""
    try:
        found = app.found
    except ConfigurationError as error:
        yield _broken("credentials", error, "see the places in `qfex-sync --help`")
        yield Finding("authentication", Verdict.SKIPPED, "no credentials")
        return
    yield _fine("credentials", f"from {found.source}")
    if isinstance(found.credentials, JwtCredentials):
        yield _token(found.credentials.current_token())
    yield from _authentication(app)


def _token(token: str) -> Finding:
    try:
        claims = token.split(".")[1]
        decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        left = float(decoded["exp"]) - time.time()
    except (IndexError, KeyError, TypeError, ValueError):
        return _warning("token", "has no expiry time", "use a key pair, which does not expire")
    if left <= 0:
        expired = f"expired {-left / 60:.0f} minutes ago"
        return _broken("token", expired, "log in again with the exchange's own tool")
    return _fine("token", f"expires in {left / 60:.0f} minutes")


def _authentication(app: App) -> Iterator[Finding]:
    try:
        client = app.trade
    except AuthenticationError as error:
        yield _broken("authentication", error, _NEW_KEYS)
        return
    except QfexError as error:
        yield _broken("authentication", error, "the keys were not tried: fix the trade gateway first")
        return
    yield _fine("authentication", f"account ready, {client.state.lower()}")
    yield _permission_to_view(app)
    yield _permission_to_trade(app)


def _permission_to_view(app: App) -> Finding:
    try:
        equity = app.rest.balance().equity
    except RestError as error:
        return _broken("permission to view", error, "give the key the permission to view the account")
    except QfexError as error:
        return _broken("permission to view", error, "REST does not answer for the account")
    if equity <= 0:
        return _warning("permission to view", f"equity is {equity:f}", "fund the account before trading")
    return _fine("permission to view", f"equity {equity:f}")


def _permission_to_trade(app: App) -> Finding:
    """Cancel an order that does not exist. The exchange checks the permission first, and nothing changes."""
    symbol = next(iter(app.public_rest.instruments()), "AAPL-USD")
    check = "permission to trade"
    try:
        app.trade.cancel_order(str(uuid4()), symbol=symbol)
    except PermissionDenied as error:
        return _broken(check, error, "give the key the permission to execute orders")
    except (KycRequired, TncRequired) as error:
        return _broken(check, error, "finish this on the exchange's web page")
    except (OrderRejected, ApiError):
        return _fine(check, "the key may execute orders")
    except QfexError as error:
        return _warning(check, str(error), "unknown; try again")
    return _fine(check, "the key may execute orders")

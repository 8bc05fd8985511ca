"""Can the three endpoints be reached, and do both clocks agree?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from time import monotonic
from urllib.parse import urlsplit

import requests
import websocket

from ...environment import Environment
from ...http.requester import USER_AGENT
from .finding import Finding, broken, fine, warning

_SKEW_WARNING, _SKEW_BROKEN = 5.0, 60.0  # seconds; a signature carries the local time
_NETWORK = "check network, proxy (HTTPS_PROXY, NO_PROXY) and firewall; is the exchange up? status.qfex.com"


def check_reach(environment: Environment, timeout: float) -> Iterator[Finding]:
    """Look at REST, clock, trade gateway and market data gateway."""
    yield from _rest(environment.rest_url, timeout)
    yield _socket("trade gateway", environment.trade_url, timeout)
    yield _socket("market data gateway", environment.market_data_url, timeout)


def _rest(url: str, timeout: float) -> Iterator[Finding]:
    began = monotonic()
    try:
        answer = requests.get(f"{url}/refdata", headers={"User-Agent": USER_AGENT}, timeout=timeout)
    except requests.RequestException as error:
        yield broken("REST", f"{_host(url)}: {type(error).__name__}", _NETWORK)
        return
    took = monotonic() - began
    if answer.status_code != requests.codes.ok:
        yield broken("REST", f"{_host(url)} answers {answer.status_code}", _NETWORK)
    else:
        yield fine("REST", f"{_host(url)} in {took * 1e3:.0f} ms")
    yield _clock(answer.headers.get("Date"), took)


def _clock(date: str | None, took: float) -> Finding:
    """Compare clocks; the header has whole seconds, and travelled for half of the way."""
    if date is None:
        return warning(
            "clock", "the exchange did not tell its time", "compare the local clock by other means"
        )
    try:
        theirs = parsedate_to_datetime(date).timestamp() + 0.5
    except ValueError:
        return warning("clock", "the exchange's time is unreadable", "compare the local clock by other means")
    return judged_skew(time.time() - took / 2 - theirs)


def judged_skew(skew: float) -> Finding:
    """Judge by how many seconds the local clock is ahead."""
    words = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the exchange's"
    mend = "set the clock: signatures carry its time; turn on NTP (timedatectl set-ntp true)"
    if abs(skew) >= _SKEW_BROKEN:
        return broken("clock", words, mend)
    if abs(skew) >= _SKEW_WARNING:
        return warning("clock", words, mend)
    return fine("clock", f"within {max(1.0, abs(skew)):.0f} s of the exchange's")


def _socket(check: str, url: str, timeout: float) -> Finding:
    def shake_hands() -> None:
        websocket.create_connection(url, timeout=timeout, header=[f"User-Agent: {USER_AGENT}"]).close()

    return _timed(check, url, shake_hands)


def _timed(check: str, url: str, attempt: Callable[[], None]) -> Finding:
    began = monotonic()
    try:
        attempt()
    except (OSError, websocket.WebSocketException) as error:
        return broken(check, f"{_host(url)}: {type(error).__name__}: {error}", _NETWORK)
    return fine(check, f"{_host(url)} in {(monotonic() - began) * 1e3:.0f} ms")


def _host(url: str) -> str:
    return urlsplit(url).netloc

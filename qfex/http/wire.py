"""One `requests.Session`: the only module that imports requests, so it is imported only when REST is used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import attrs
import requests
import urllib3
from requests.adapters import HTTPAdapter

from ..environment import is_loopback, require_authorities
from ..errors import ConfigurationError, QfexConnectionError, RequestTimeout
from .messages import Answer, Request
from .retries import CertificateRefused

_POOL_SIZE = 16  # lines kept open; more threads than that still work
_PIECE = 64 * 1024
_TLS_ADVICE = "to trust another certificate authority, pass ca_file= or set REQUESTS_CA_BUNDLE"


class Wire:
    """Sends requests and reads answers, from any number of threads at once.

    The session is shared, yet nothing in it changes after it was made: everything that differs goes with the
    request, cookies are refused, redirects are not followed, and the connection pools lock themselves.
    """

    def __init__(self, timeout: float, proxy: str | None, ca_file: str | None, user_agent: str) -> None:
        require_authorities(ca_file)
        self._timeout = timeout
        self._proxy = proxy
        self._ca_file = ca_file
        self._session = requests.Session()
        self._session.headers["User-Agent"] = user_agent
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Adapter(pool_connections=2, pool_maxsize=_POOL_SIZE))

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def exchange(self, request: Request) -> Answer:
        """Send a request and read the whole answer within the timeout.

        Raises
        ------
        QfexConnectionError
            If the connection fails.
        RequestTimeout
            If the answer is not complete in time.
        """
        deadline = time.monotonic() + self._timeout
        pieces: list[bytes] = []
        answer = self._receive(request, pieces.append, deadline)
        return attrs.evolve(answer, body=answer.body or b"".join(pieces))

    def download(self, request: Request, write: Callable[[bytes], None]) -> Answer:
        """Send a request and hand its answer on in pieces; the timeout counts from each piece to the next.

        The body of an answer that says no is returned, not written. Raises like `exchange`, and like `write`.
        """
        return self._receive(request, write, None)

    def _receive(self, request: Request, write: Callable[[bytes], None], deadline: float | None) -> Answer:
        try:
            return self._attempt(request, write, deadline)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            failure = _translated(error, request)
        raise failure  # here, and not as a successor of the error, which carries the request's headers

    def _attempt(self, request: Request, write: Callable[[bytes], None], deadline: float | None) -> Answer:
        with self._send(request) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            answer = Answer(response.status_code, headers)
            refusal = bytearray()
            for piece in _pieces(response):
                (write if answer.is_success else refusal.extend)(piece)
                if deadline is not None and time.monotonic() > deadline:
                    raise RequestTimeout(f"{request}: the answer took too long", sent=True)
            return attrs.evolve(answer, body=bytes(refusal))

    def _send(self, request: Request) -> requests.Response:
        try:
            return self._request(request)
        except requests.RequestException:
            raise
        except OSError as error:  # a file of certificate authorities that is not there
            raise ConfigurationError(f"{request}: {error}") from None

    def _request(self, request: Request) -> requests.Response:
        return self._session.request(
            request.method,
            request.url,
            params=dict(request.query),
            data=request.body,
            headers=dict(request.headers),
            timeout=self._timeout,
            allow_redirects=False,  # the signature must not follow to another host
            proxies=self._proxies(request.url),
            verify=self._ca_file,
            auth=_as_it_is,
            stream=True,
        )

    def _proxies(self, url: str) -> dict[str, Any] | None:
        """Name the proxies of a request; None leaves them to ``HTTPS_PROXY`` and ``NO_PROXY``."""
        if self._proxy is not None:
            return {"http": self._proxy, "https": self._proxy}
        if is_loopback(urlsplit(url).hostname or ""):
            return {"http": None, "https": None, "all": None}  # like the sockets: this machine needs no proxy
        return None


class _Adapter(HTTPAdapter):
    """An adapter whose `close` closes the connections now, not when the garbage collector finds them."""

    def close(self) -> None:
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in list(manager.pools.keys()):
                pool = manager.pools.get(key)
                if pool is not None:
                    pool.close()
        super().close()


def _as_it_is(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand in for an auth scheme, so that a netrc file does not replace the Authorization header."""
    return prepared


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Give what arrives as it arrives, so that a slow body cannot hide from the deadline."""
    read = getattr(response.raw, "read1", response.raw.read)  # urllib3 before 2.1 has no read1
    while piece := read(_PIECE, decode_content=True):
        yield piece


def _translated(error: Exception, request: Request) -> QfexConnectionError | RequestTimeout:
    if isinstance(error, requests.ConnectTimeout):
        return RequestTimeout(f"{request}: no connection in time", sent=False)
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return RequestTimeout(f"{request}: no answer in time", sent=True)
    reason = str(_root(error))
    if "certificate" in reason.lower():
        return CertificateRefused(f"{request}: {reason}; {_TLS_ADVICE}")
    return QfexConnectionError(f"{request}: {reason}")


def _root(error: BaseException) -> BaseException:
    """Find the reason under the layers that requests and urllib3 wrap around it."""
    seen = {id(error)}
    while True:
        inner = _wrapped(error)
        if inner is None or id(inner) in seen:
            return error
        seen.add(id(inner))
        error = inner


def _wrapped(error: BaseException) -> BaseException | None:
    nested = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
    return next((item for item in nested if isinstance(item, BaseException)), None)

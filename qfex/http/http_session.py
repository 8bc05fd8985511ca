"""The HTTP session. Only this module imports requests, so that programs without REST need not load it."""

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
from .messages import HttpRequest, HttpResponse
from .retries import CertificateRefused

_POOL_SIZE = 16  # connections kept open; more threads than that may share the session
_PIECE = 64 * 1024
_TLS_ADVICE = "to trust another certificate authority, pass ca_file= or set REQUESTS_CA_BUNDLE"


class HttpSession:
    """Sends requests and reads responses, for any number of threads at once.

    The threads can share one `requests.Session` because nothing in it changes after it is created: all options are
    passed with each request, cookies are refused, redirects are not followed, and connection pools are thread-safe.
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

    def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request and read the complete response within the timeout.

        Raises
        ------
        QfexConnectionError
            If the connection fails.
        RequestTimeout
            If the response is not complete in time.
        """
        deadline = time.monotonic() + self._timeout
        pieces: list[bytes] = []
        response = self._receive(request, pieces.append, deadline)
        return attrs.evolve(response, body=response.body or b"".join(pieces))

    def download(self, request: HttpRequest, write: Callable[[bytes], None]) -> HttpResponse:
        """Send a request and pass the body of the response to `write` in pieces. The timeout applies to each piece.

        The body of a response that is an error or no CSV is returned instead. Raises the errors of `exchange` and of
        `write`.
        """
        return self._receive(request, write, None, lambda response: response.is_csv)

    def _receive(
        self,
        request: HttpRequest,
        write: Callable[[bytes], None],
        deadline: float | None,
        is_wanted: Callable[[HttpResponse], bool] = lambda response: response.is_success,
    ) -> HttpResponse:
        try:
            return self._attempt(request, write, deadline, is_wanted)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            failure = _translated(error, request)
        raise failure  # outside the except block: the original error holds the headers, and so the credentials

    def _attempt(
        self,
        request: HttpRequest,
        write: Callable[[bytes], None],
        deadline: float | None,
        is_wanted: Callable[[HttpResponse], bool],
    ) -> HttpResponse:
        with self._send(request) as received:
            headers = {name.lower(): value for name, value in received.headers.items()}
            response = HttpResponse(received.status_code, headers)
            error_body = bytearray()
            for piece in _pieces(received):
                (write if is_wanted(response) else error_body.extend)(piece)
                if deadline is not None and time.monotonic() > deadline:
                    raise RequestTimeout(f"{request}: the answer took too long", sent=True)
            return attrs.evolve(response, body=bytes(error_body))

    def _send(self, request: HttpRequest) -> requests.Response:
        try:
            return self._request(request)
        except requests.RequestException:
            raise
        except OSError as error:  # a missing file of certificate authorities
            raise ConfigurationError(f"{request}: {error}") from None

    def _request(self, request: HttpRequest) -> requests.Response:
        return self._session.request(
            request.method,
            request.url,
            params=dict(request.query),
            data=request.body,
            headers=dict(request.headers),
            timeout=self._timeout,
            allow_redirects=False,  # a signature must not be sent to another host
            proxies=self._proxies(request.url),
            verify=self._ca_file,
            auth=_unchanged,
            stream=True,
        )

    def _proxies(self, url: str) -> dict[str, Any] | None:
        """Return the proxies of a request, or None if ``HTTPS_PROXY`` and ``NO_PROXY`` apply."""
        if self._proxy is not None:
            return {"http": self._proxy, "https": self._proxy}
        if is_loopback(urlsplit(url).hostname or ""):
            return {"http": None, "https": None, "all": None}  # as for WebSockets: no proxy for this machine
        return None


class _Adapter(HTTPAdapter):
    """An adapter whose `close` closes the connections at once instead of leaving them to garbage collection."""

    def close(self) -> None:
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in list(manager.pools.keys()):
                pool = manager.pools.get(key)
                if pool is not None:
                    pool.close()
        super().close()


def _unchanged(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """An authentication scheme that changes nothing, so that a netrc file cannot replace the Authorization header."""
    return prepared


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Yield data as it arrives, so that the deadline is checked even if the body arrives slowly."""
    read = getattr(response.raw, "read1", response.raw.read)  # urllib3 before 2.1 has no read1
    while piece := read(_PIECE, decode_content=True):
        yield piece


def _translated(error: Exception, request: HttpRequest) -> QfexConnectionError | RequestTimeout:
    if isinstance(error, requests.ConnectTimeout):
        return RequestTimeout(f"{request}: no connection in time", sent=False)
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return RequestTimeout(f"{request}: no answer in time", sent=True)
    reason = str(_root(error))
    if "certificate" in reason.lower():
        return CertificateRefused(f"{request}: {reason}; {_TLS_ADVICE}")
    return QfexConnectionError(f"{request}: {reason}")


def _root(error: BaseException) -> BaseException:
    """Return the original error, which requests and urllib3 wrap in several layers."""
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

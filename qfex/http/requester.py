"""Sending of API calls: signatures, retries and the correction of the clock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import attrs

from .._version import __version__
from ..credentials import Credentials, HmacCredentials
from ..environment import require_safe_for_secrets
from ..errors import (
    ConfigurationError,
    ForkedClientError,
    NotConnected,
    QfexConnectionError,
    RestError,
)
from .clock import ServerClock
from .messages import ApiCall, HttpRequest, HttpResponse, read_json
from .retries import RetryPolicy

if TYPE_CHECKING:
    from .http_session import HttpSession

_T = TypeVar("_T")

# The exchange answers 403 to the default user agent of the requests library.
USER_AGENT = f"qfex-sync/{__version__}"
_ACCOUNT_HEADER = "x-qfex-requested-account-id"
_SECRET_HEADERS = ("x-qfex-public-key", "x-qfex-hmac-signature", "x-qfex-nonce", "Authorization")
_UNAUTHORIZED = 401


@attrs.frozen
class Route:
    """How to reach the REST API.

    Attributes
    ----------
    timeout : float
        Timeout of one attempt, in seconds.
    proxy : str or None
        URL of a proxy. With None, ``HTTPS_PROXY`` and ``NO_PROXY`` apply.
    ca_file : str or None
        Certificate authorities to trust. With None, those of certifi, or of ``REQUESTS_CA_BUNDLE``.
    """

    base_url: str
    timeout: float = 10.0
    proxy: str | None = attrs.field(default=None, repr=False)
    ca_file: str | None = None


class Requester:
    """Signs calls, sends them, and repeats them where that is safe.

    The lock only ensures that one session is created. It is not held while the session is used.
    """

    def __init__(
        self,
        route: Route,
        credentials: Credentials | None,
        account_id: str | None,
        policy: RetryPolicy,
        clock: ServerClock,
    ) -> None:
        if credentials is not None:
            require_safe_for_secrets(route.base_url)
        self._route = route
        self._credentials = credentials
        self._account_id = account_id
        self._policy = policy
        self._clock = clock
        self._lock = threading.RLock()  # reentrant, so that a signal handler may use the client at any moment
        self._session: HttpSession | None = None
        self._closed = threading.Event()
        self._pid = os.getpid()

    @property
    def base_url(self) -> str:
        """Base URL of the REST API."""
        return self._route.base_url

    def close(self) -> None:
        """Stop waiting for retries and close the connections. Later calls raise `NotConnected`."""
        self._closed.set()
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def read(self, call: ApiCall) -> Any:
        """Send a read, with retries, and return the JSON of its answer.

        Raises
        ------
        RestError, QfexConnectionError, RequestTimeout
            The error of the last attempt.
        """
        return self._until_answered(lambda: self._answer(call))

    def write(self, call: ApiCall) -> Any:
        """Send a write once and return the JSON of its answer. Raises the errors of `read`.

        There are no retries, because an attempt that failed may have been executed. A refused token proves that it was not,
        so a function that gives tokens is asked for another one.
        """
        try:
            return self._answer(call)
        except RestError as error:
            self._correct_clock(error)  # for the next call
            if not self._renews_token(error):
                raise
        return self._answer(call)

    def download(self, call: ApiCall, file: BinaryIO, progress: Callable[[int], object] | None) -> int:
        """Write an answer to a file and return its size. Retries only while nothing is written yet."""
        sink = _Sink(file, progress)
        self._until_answered(lambda: self._stream(call, sink), lambda: not sink.written)
        return sink.written

    def _until_answered(self, attempt: Callable[[], _T], may_repeat: Callable[[], bool] = lambda: True) -> _T:
        number = 0
        while True:
            try:
                return self._with_right_time(attempt)
            except (QfexConnectionError, RestError) as error:
                delay = self._policy.delay(number, error) if may_repeat() else None
                if delay is None or self._closed.wait(delay):
                    raise
            number += 1

    def _with_right_time(self, attempt: Callable[[], _T]) -> _T:
        """Make an attempt; another one if the clock made the signature invalid, or with another token."""
        try:
            return attempt()
        except RestError as error:
            if not self._correct_clock(error) and not self._renews_token(error):
                raise
        return attempt()

    def _renews_token(self, error: RestError) -> bool:
        return error.status_code == _UNAUTHORIZED and bool(
            self._credentials and self._credentials.is_renewable
        )

    def _correct_clock(self, error: RestError) -> bool:
        signed = isinstance(self._credentials, HmacCredentials)
        return error.status_code == _UNAUTHORIZED and signed and self._clock.correct()

    def _answer(self, call: ApiCall) -> Any:
        session, request = self._open_session(), self._signed(call)
        return self._read_response(session.exchange(request), request)

    def _stream(self, call: ApiCall, sink: _Sink) -> None:
        session, request = self._open_session(), self._signed(call)
        response = session.download(request, sink.write)
        if not response.is_success:
            self._read_response(response, request)
        elif not response.is_csv:
            media_type = response.headers.get("content-type", "no content type")
            raise RestError(response.status, "the answer is not a CSV file", media_type)

    def _read_response(self, response: HttpResponse, request: HttpRequest) -> Any:
        self._clock.measure(response.headers.get("date"))
        try:
            secrets = [request.headers[name] for name in _SECRET_HEADERS if name in request.headers]
            return read_json(response, secrets)
        except RestError as error:
            raise self._explained(error) from None

    def _explained(self, error: RestError) -> RestError:
        if error.status_code != _UNAUTHORIZED or not self._clock.is_wrong:
            return error
        skew = f"this computer's clock differs by {abs(self._clock.skew):.0f} s from the exchange's"
        return RestError(error.status_code, error.title, f"{error.detail or 'refused'}; {skew}", error.errors)

    def _signed(self, call: ApiCall) -> HttpRequest:
        headers = {"Accept": call.accept}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if call.private:
            headers.update(self._authentication(call))
        url = self._route.base_url.rstrip("/") + call.path
        return HttpRequest(call.method, url, call.query, headers, call.body)

    def _authentication(self, call: ApiCall) -> dict[str, str]:
        if self._credentials is None:
            raise ConfigurationError(f"{call.path} needs credentials")
        headers = self._credentials.headers(self._clock.now)
        if self._account_id is not None and not call.of_user:
            headers[_ACCOUNT_HEADER] = self._account_id
        return headers

    def _open_session(self) -> HttpSession:
        if os.getpid() != self._pid:
            raise ForkedClientError("this client was made in the parent process: make a new one")
        from .http_session import HttpSession

        with self._lock:
            if self._closed.is_set():
                raise NotConnected("the client is closed")
            if self._session is None:
                made = HttpSession(self._route.timeout, self._route.proxy, self._route.ca_file, USER_AGENT)
                self._session = self._session or made  # a signal handler may have made one meanwhile
            return self._session


class _Sink:
    """A file that counts the bytes written to it and reports progress."""

    def __init__(self, file: BinaryIO, progress: Callable[[int], object] | None) -> None:
        self._file = file
        self._progress = progress
        self.written = 0

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self.written += len(piece)
        if self._progress is not None:
            self._progress(self.written)

"""From an operation to its answer: who asks, how often, and how it is proved."""

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
from .messages import Answer, Call, Request
from .problems import parse
from .retries import RetryPolicy

if TYPE_CHECKING:
    from .wire import Wire

_T = TypeVar("_T")

USER_AGENT = f"qfex-sync/{__version__}"  # without an own name the exchange's front answers 403
_ACCOUNT_HEADER = "x-qfex-requested-account-id"
_SECRET_HEADERS = ("x-qfex-public-key", "x-qfex-hmac-signature", "x-qfex-nonce", "Authorization")
_UNAUTHORIZED = 401


@attrs.frozen
class Route:
    """How to reach the interface.

    Attributes
    ----------
    timeout : float
        Seconds for one attempt.
    proxy : str or None
        URL of a proxy; None leaves it to ``HTTPS_PROXY`` and ``NO_PROXY``.
    ca_file : str or None
        Certificate authorities to trust; None means certifi's, or ``REQUESTS_CA_BUNDLE``.
    """

    base_url: str
    timeout: float = 10.0
    proxy: str | None = attrs.field(default=None, repr=False)
    ca_file: str | None = None


class Transport:
    """Signs calls, sends them, and asks again where that is safe.

    Its lock guards only that one session is made, and is not held while that is used.
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
        self._lock = threading.Lock()
        self._wire: Wire | None = None
        self._closed = threading.Event()
        self._pid = os.getpid()

    @property
    def base_url(self) -> str:
        """Where the interface is."""
        return self._route.base_url

    def close(self) -> None:
        """End waits between attempts and close the connections. Later calls raise `NotConnected`."""
        self._closed.set()
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def read(self, call: Call) -> Any:
        """Ask, again if need be, and give the answer's JSON.

        Raises
        ------
        RestError, QfexConnectionError, RequestTimeout
            What the last attempt ended in.
        """
        return self._until_answered(lambda: self._answer(call))

    def write(self, call: Call) -> Any:
        """Ask once, for whether a lost write was done is not known. Raises like `read`."""
        try:
            return self._answer(call)
        except RestError as error:
            self._corrects_clock(error)  # for the next call
            raise

    def download(self, call: Call, file: BinaryIO, progress: Callable[[int], object] | None) -> int:
        """Stream an answer into a file and return its size. Asks again only while nothing was written."""
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
        """Attempt, and once more if the local clock had spoiled the signature and can be corrected."""
        try:
            return attempt()
        except RestError as error:
            if not self._corrects_clock(error):
                raise
        return attempt()

    def _corrects_clock(self, error: RestError) -> bool:
        signed = isinstance(self._credentials, HmacCredentials)
        return error.status_code == _UNAUTHORIZED and signed and self._clock.correct()

    def _answer(self, call: Call) -> Any:
        wire, request = self._open_wire(), self._signed(call)
        return self._judge(wire.exchange(request), request)

    def _stream(self, call: Call, sink: _Sink) -> None:
        wire, request = self._open_wire(), self._signed(call)
        answer = wire.download(request, sink.write)
        if not answer.is_success:
            self._judge(answer, request)

    def _judge(self, answer: Answer, request: Request) -> Any:
        self._clock.measure(answer.headers.get("date"))
        try:
            secrets = [request.headers[name] for name in _SECRET_HEADERS if name in request.headers]
            return parse(answer, secrets)
        except RestError as error:
            raise self._explained(error) from None

    def _explained(self, error: RestError) -> RestError:
        if error.status_code != _UNAUTHORIZED or not self._clock.is_wrong:
            return error
        skew = f"this computer's clock differs by {abs(self._clock.skew):.0f} s from the exchange's"
        return RestError(error.status_code, error.title, f"{error.detail or 'refused'}; {skew}", error.errors)

    def _signed(self, call: Call) -> Request:
        headers = {"Accept": call.accept}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if call.private:
            headers.update(self._proof(call))
        url = self._route.base_url.rstrip("/") + call.path
        return Request(call.method, url, call.query, headers, call.body)

    def _proof(self, call: Call) -> dict[str, str]:
        if self._credentials is None:
            raise ConfigurationError(f"{call.path} needs credentials")
        headers = self._credentials.headers(self._clock.now)
        if self._account_id is not None and not call.of_user:
            headers[_ACCOUNT_HEADER] = self._account_id
        return headers

    def _open_wire(self) -> Wire:
        if os.getpid() != self._pid:
            raise ForkedClientError("this client was made in a parent process: make a new one")
        from .wire import Wire

        with self._lock:
            if self._closed.is_set():
                raise NotConnected("the client is closed")
            if self._wire is None:
                self._wire = Wire(self._route.timeout, self._route.proxy, self._route.ca_file, USER_AGENT)
            return self._wire


class _Sink:
    """A file that counts what it got."""

    def __init__(self, file: BinaryIO, progress: Callable[[int], object] | None) -> None:
        self._file = file
        self._progress = progress
        self.written = 0

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self.written += len(piece)
        if self._progress is not None:
            self._progress(self.written)
